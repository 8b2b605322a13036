"""Many configurations of the hardware, over area, cycles and energy, and the best of them.

It imports the hardware and `rtl.flow`.
"""
