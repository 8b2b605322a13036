"""How this package's benches are run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.simulators.bench import build, run_bench
from sim.simulators.errors import BenchFailure

SEED = 20230519
"""Of all benches; a failure's text repeats it."""

Parameters = Mapping[str, Any]


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
        module=f"{__package__}.{bench}",
        testcase=testcase,
        arguments=arguments,
        seed=SEED,
    )
