"""From Amaranth to Verilog, gates, and a placed and routed design, with the locked tools.

What belongs here: what starts Yosys or nextpnr, reads what they say, or follows from a device. It
imports the hardware that it synthesises.
"""
