"""The accelerator in Amaranth, one component per file, and the commands that generate Verilog."""
