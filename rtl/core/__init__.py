"""The datapath: from event words of one layer to event words of the next.

What belongs here: the arithmetic, and the memories of weights and constants beside it. `rtl.onchip`
and `rtl.axi` decide where words come from and go to. It imports `rtl.stream`.
"""
