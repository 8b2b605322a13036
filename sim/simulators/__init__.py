"""Simulators, and benches that run on them.

What belongs here: command lines, environments and builds of simulators, and the library of stream
drivers and monitors for benches. It imports `rtl.flow` for Verilog, and nothing else from `sim`.
"""

ARGUMENTS_VARIABLE = "BENCH_ARGUMENTS"
"""Environment variable that passes a bench's arguments to the simulator, as JSON.

It is defined here because every simulation imports its bench, which must import little.
"""
