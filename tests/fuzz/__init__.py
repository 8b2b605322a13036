"""Fuzz tests: corrupted files, random command lines, corrupted answers of a board.

Each input must end quickly, and with one sentence if it fails; `tests.fuzz.oracle` has the checks.
Run them with `python -m tests.fuzz`.
"""
