"""The environment of a simulator that a cocotb bench runs in."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import find_libpython
from cocotb_tools import config

from sw_model.spec import UsageError
from sw_model.support.environment import tool_environment


def bench_environment(
    module: str, toplevel: str, testcase: str | None, seed: int, results: Path
) -> dict[str, str]:
    """Environment variables with which cocotb finds Python, the bench and the design.

    Parameters
    ----------
    results
        Absolute path of the results file.

    Raises
    ------
    UsageError
        cocotb cannot start here.
    """
    python = find_libpython.find_libpython()
    if python is None:
        raise UsageError(
            "cocotb needs Python as a shared library: run `make setup`, or install the system's "
            "package of it, such as libpython3.11"
        )
    # Two libraries separated by ";", the second one with its function after ",".
    users = [python, config.pygpi_entry_point()]
    for path in (python, users[1].rpartition(",")[0]):
        if set(path) & set(",;"):
            raise UsageError(
                f"cocotb cannot load {path}: move the project to a folder without a comma or "
                f"semicolon in its path"
            )
    environment = tool_environment()
    libraries = [str(config.libs_dir), environment.get("LD_LIBRARY_PATH", "")]
    chosen = {} if testcase is None else {"COCOTB_TEST_FILTER": rf"\.{re.escape(testcase)}$"}
    return (
        environment
        | chosen
        | {
            "LD_LIBRARY_PATH": os.pathsep.join(filter(None, libraries)),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PYGPI_PYTHON_BIN": sys.executable,
            "GPI_USERS": ";".join(users),
            "COCOTB_TOPLEVEL": toplevel,
            "TOPLEVEL_LANG": "verilog",
            "COCOTB_TEST_MODULES": module,
            "COCOTB_RANDOM_SEED": str(seed),
            # Stop at the first failure: later ones take time and add little information.
            "COCOTB_MAX_FAILURES": "1",
            "COCOTB_RESULTS_FILE": str(results),
        }
    )
