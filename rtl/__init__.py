"""The accelerator in Amaranth, one component a file, and what makes Verilog of it."""
