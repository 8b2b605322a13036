"""The accelerator whose activation maps stay on the chip.

It imports `rtl.core` and what that imports.
"""
