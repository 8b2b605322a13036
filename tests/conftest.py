"""Loaded before every test."""

import os

# As in sw_model.__main__: tests run side by side, and numpy's threads would wait for each other.
# numpy reads it when it is loaded, so it stands before all other imports.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
