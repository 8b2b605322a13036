"""Test library and runner: every target against the golden model."""

ARGUMENTS_VARIABLE = "BENCH_ARGUMENTS"
"""Environment variable that carries a bench's arguments into the simulator, as JSON.

It stands here because a bench, which starts with every simulation, imports little.
"""
