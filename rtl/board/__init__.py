"""The accelerator on a board: serial link, SDRAM, pins.

It imports `rtl.axi` and what that imports.
"""
