"""What a user of the hardware gets: Verilog, memory contents, a manifest, headers, documentation.

It imports the hardware and `rtl.flow`.
"""
