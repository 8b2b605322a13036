"""Builds of Verilog, and runs of cocotb benches, in any of the simulators."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from amaranth.lib.wiring import Component

from rtl.flow.verilog import verilog_text
from rtl.stream.vectors import ports
from sw_model.support.files import locked
from sw_model.support.processes import run
from sw_model.support.temporary import disposable, keep, temporary_folder

from . import ARGUMENTS_VARIABLE
from .environment import bench_environment
from .errors import BenchFailure
from .runners import LOG, RUNNERS, SIMULATORS, WAVES, BuildFailure, check_available, command_lines

__all__ = ["SIMULATORS", "BenchRun", "build", "component_verilog", "run_bench"]

BUILD_ROOT = Path("build/simulators")
"""Cache of builds, below the working directory."""

_COMPLETE = ".complete"


@dataclass(frozen=True)
class BenchRun:
    """A bench that passed.

    Attributes
    ----------
    tests
        Names of the cocotb tests, which all passed.
    seconds
        Wall-clock time of the tests, without building and start-up.
    log
        The simulator's output; None if the working folder was deleted.
    """

    tests: tuple[str, ...]
    seconds: float
    log: Path | None


def component_verilog(component: Component, name: str) -> dict[str, str]:
    """Sources of one Amaranth component for `run_bench`, with ``name`` as top module."""
    return {f"{name}.v": verilog_text(component, name, ports(component))}


def run_bench(
    simulator: str,
    sources: Mapping[str, str],
    *,
    toplevel: str,
    module: str,
    testcase: str | None = None,
    parameters: Mapping[str, int | str] | None = None,
    arguments: Mapping[str, Any] | None = None,
    seed: int = 1,
    waves: Path | None = None,
    work_dir: Path | None = None,
    build_root: Path = BUILD_ROOT,
) -> BenchRun:
    """Build Verilog, unless the build is cached, and run a cocotb bench on it.

    Parameters
    ----------
    sources
        Verilog text by file name.
    toplevel
        Name of the top module.
    module
        Dotted name of the Python module with the cocotb tests.
    testcase
        Run only this test of the module.
    parameters
        Verilog parameters of the top module.
    arguments
        JSON values, which the bench gets from `sim.simulators.streams.arguments`.
    seed
        Seed of the random numbers in the bench (`cocotb.RANDOM_SEED`).
    waves
        Write waveforms to this file: VCD from Verilator, FST from Icarus.
    work_dir
        Existing folder to run in; the log stays there. By default a temporary folder, which is
        deleted if the bench passes.

    Raises
    ------
    UsageError
        The simulator is missing.
    BenchFailure
        The Verilog does not build, no test ran, or a test failed.
    """
    folder = build(
        simulator,
        sources,
        toplevel=toplevel,
        parameters=parameters,
        waves=waves is not None,
        build_root=build_root,
    )
    keep_log = work_dir is not None
    with ExitStack() as stack:
        if work_dir is None:
            case = (testcase or "all").replace("/", "-")  # parametrised names contain values
            prefix = f"{module.rpartition('.')[2]}-{case}-{simulator}-"
            runs = build_root / "runs"
            runs.mkdir(parents=True, exist_ok=True)
            work_dir = stack.enter_context(temporary_folder(runs, prefix))
        log, results = work_dir.absolute() / "bench.log", work_dir.absolute() / "results.xml"
        results.unlink(missing_ok=True)
        # The exit code is not needed: failures are in the results, or in the log without them.
        with log.open("w", encoding="utf-8") as output:
            run(
                RUNNERS[simulator].command(folder, toplevel, waves is not None),
                cwd=work_dir,
                env=bench_environment(module, toplevel, testcase, seed, results)
                | RUNNERS[simulator].variables
                | {ARGUMENTS_VARIABLE: json.dumps(dict(arguments or {}))},
                stdout=output,
                stderr=output,
            )
        if waves is not None and (work_dir / WAVES).exists():
            shutil.move(work_dir / WAVES, waves)
        tests, seconds, failures = _read_results(results)
        if failures or not tests:
            keep(work_dir)
            reason = "; ".join(failures) or f"no test ran ({last_lines(log)})"
            raise BenchFailure(f"{module} on {simulator}: {reason}; log: {log}")
    return BenchRun(tests=tests, seconds=seconds, log=log if keep_log else None)


def build(
    simulator: str,
    sources: Mapping[str, str],
    *,
    toplevel: str,
    parameters: Mapping[str, int | str] | None = None,
    waves: bool = False,
    build_root: Path = BUILD_ROOT,
) -> Path:
    """Build ``sources`` for a simulator and return the folder of the result.

    The folder's name is a hash of all inputs, so that builds are cached and do not collide.
    Processes that need the same build wait for the first one. Parameters and errors are those of
    `run_bench`.
    """
    check_available(simulator)
    recipe = {
        "sources": dict(sources),
        "toplevel": toplevel,
        "parameters": dict(parameters or {}),
        "waves": waves,
        "command lines": command_lines(),
        "tools": RUNNERS[simulator].versions(),
    }
    key = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:16]
    folder = (build_root / simulator / f"{toplevel}-{key}").absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_name(f"{folder.name}.lock")):
        if (folder / _COMPLETE).exists():
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        source_folder = folder / "sources"
        with disposable(folder):
            source_folder.mkdir(parents=True)
            for name, text in sources.items():
                (source_folder / name).write_text(text, encoding="utf-8")
            try:
                RUNNERS[simulator].build(folder, sources, toplevel, parameters or {}, waves)
            except BuildFailure as failure:
                keep(folder)
                log = folder / LOG
                raise BenchFailure(
                    f"{toplevel} {failure} on {simulator}: {last_lines(log)}; log: {log}"
                ) from None
            (folder / _COMPLETE).touch()
            keep(folder)
    return folder


_NOT_RUN = "RegressionTerminated"
"""Failure type that cocotb gives to tests after the first failed one."""


def _read_results(path: Path) -> tuple[tuple[str, ...], float, list[str]]:
    """Names of all tests, their total seconds, and a message for each failed test.

    Empty if the file is missing or incomplete: the simulation stopped early.
    """
    try:
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    except (FileNotFoundError, ElementTree.ParseError):
        return (), 0.0, []
    tests, seconds, failures = [], 0.0, []
    for case in cases:
        tests.append(case.get("name", "?"))
        seconds += float(case.get("time", 0))
        for kind in ("failure", "error"):
            for failure in case.findall(kind):
                if failure.get("type") == _NOT_RUN:
                    continue
                text = failure.get("message") or failure.get("error_msg") or (failure.text or kind)
                failures.append(f"{tests[-1]}: {text.strip()}")
    return tuple(tests), seconds, failures


def last_lines(log: Path, count: int = 5) -> str:
    """The last lines of a log, joined to one line."""
    lines = log.read_text(errors="replace", encoding="utf-8").split("\n") if log.is_file() else []
    return " | ".join([line.strip() for line in lines if line.strip()][-count:]) or "no output"
