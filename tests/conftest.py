"""Data folder and markers for all tests.

`make check` runs tests marked neither ``tools`` nor ``long``, `make test` those not marked
``long``, `make test-all` all.
"""

import os
from pathlib import Path

import pytest

from sw_model.pictures.sets import DATA_VARIABLE
from tests import ROOT

TOOLS = (
    # Simulators, synthesis, C++ compilers, or programs that are started and stopped.
    *("cross", "hls", "rtl", "sim", "test_makefile.py", "test_stopped_commands.py"),
    *("sw_model/training/test_recipes.py", "sw_model/golden/test_kernel_cache.py"),
    *("sw_model/support/test_signals.py", "sw_model/training/test_optimizer.py"),
    *("sw_model/studies", "fuzz", "test_examples.py", "test_wheel.py"),
)
"""Folders and files of `tests` whose tests need more than Python, or much time."""

# The tests run side by side, a process for each core: threads of PyTorch that wait for each other
# made some of them twenty times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")

if folder := os.environ.get(DATA_VARIABLE):
    # Make it absolute, because many tests run commands in other folders.
    os.environ[DATA_VARIABLE] = str(Path(folder).absolute())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests in `TOOLS`."""
    for item in items:
        path = item.path.relative_to(ROOT / "tests").as_posix()
        if any(path == tool or path.startswith(f"{tool}/") for tool in TOOLS):
            item.add_marker(pytest.mark.tools)
