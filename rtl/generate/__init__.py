"""Files for users of the hardware: Verilog, memory contents, manifest, headers, documentation.

It imports the hardware and `rtl.flow`.
"""
