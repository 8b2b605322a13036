"""Damaged files, odd command lines and spoilt answers: each must end in one sentence, and soon.

`python -m tests.fuzz --help` runs them; `tests.fuzz.oracle` says what is promised.
"""
