"""The accelerator whose activation maps lie in external memory, behind an AXI4 manager.

What belongs here: buses and their widths (`signature.py`), bursts, strips and bands of a frame,
registers and counters. It imports `rtl.core` and what that imports.
"""
