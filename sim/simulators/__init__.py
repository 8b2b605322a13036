"""Simulators, and benches that run on them.

What belongs here: command lines, environments and builds of simulators, and the library of streams
and stalls that benches are written with. It imports `rtl.flow` for Verilog, and nothing of `sim`.
"""

ARGUMENTS_VARIABLE = "BENCH_ARGUMENTS"
"""Environment variable that carries a bench's arguments into the simulator, as JSON.

It stands here because a bench, which starts with every simulation, imports little.
"""
