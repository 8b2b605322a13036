"""How this package's benches are run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim.simulators.bench import build, run_bench
from sim.simulators.errors import BenchFailure

FOLDER = Path(__file__).parent
SEED = 20230519
"""Of all benches; a failure's text repeats it."""

Parameters = Mapping[str, Any]


def bench_module(name: str) -> str:
    """Dotted name of a bench; it stands in the folder of what it tries."""
    (path,) = FOLDER.rglob(f"{name}.py")
    return ".".join([__package__, *path.relative_to(FOLDER).with_suffix("").parts])


def run_sources(
    simulator: str,
    sources: Mapping[str, str],
    top: str,
    bench: str,
    arguments: Parameters,
    testcase: str | None = None,
) -> None:
    """Build Verilog and run one of this package's benches on it, or one test of the bench.

    Raises
    ------
    BenchFailure
        The bench failed.
    RuntimeError
        The Verilog does not build, which says nothing about what it would do.
    """
    try:
        build(simulator, sources, toplevel=top)
    except BenchFailure as error:
        raise RuntimeError(str(error)) from None
    run_bench(
        simulator,
        sources,
        toplevel=top,
        module=bench_module(bench),
        testcase=testcase,
        arguments=arguments,
        seed=SEED,
    )
