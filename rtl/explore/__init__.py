"""Area, cycles and energy of many hardware configurations, and the best of them.

It imports the hardware and `rtl.flow`.
"""
