"""From Amaranth to Verilog, gates, and a placed and routed design, with the locked tools.

What belongs here: runs of Yosys and nextpnr, parsers of their output, and rules that depend on a
device. It imports the hardware that it synthesises.
"""
