"""The datapath: from event words of one layer to event words of the next.

What belongs here: what computes, and the memories of weights and constants beside it. Where words
come from and go to is the affair of `rtl.onchip` and `rtl.axi`. It imports `rtl.stream`.
"""
