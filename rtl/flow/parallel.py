"""Parallel runs of Yosys and nextpnr."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from sw_model.spec import UsageError
from sw_model.support.machine import processors
from sw_model.support.processes import ending_children

JOBS_MAX = 256

Tell = Callable[[str, int], None]
"""Called with the labels in progress and the number of finished tasks."""
Result = TypeVar("Result")


def parse_jobs(jobs: int | None) -> int:
    """Number of processes from ``--jobs``, by default one per core; raises `UsageError`."""
    if jobs is None:
        return len(processors())
    if not 1 <= jobs <= JOBS_MAX:
        raise UsageError(f"--jobs {jobs} is not 1 to {JOBS_MAX}")
    return jobs


def run_side_by_side(
    work: Iterable[tuple[str, Callable[[], Result]]], *, jobs: int, tell: Tell
) -> dict[str, Result]:
    """Run tasks in threads, which mostly wait for processes.

    An exception or Ctrl-C ends the processes; results finished by then stay in the cache.

    Parameters
    ----------
    work
        Labels and functions to call.

    Returns
    -------
    dict
        Results by label.
    """
    pool = ThreadPoolExecutor(jobs)
    pending: dict[Future[Result], str] = {}
    results: dict[str, Result] = {}

    def collect(most: int) -> None:
        while len(pending) > most:
            tell(", ".join(list(pending.values())[:jobs]), len(results))
            finished, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in finished:
                results[pending.pop(future)] = future.result()

    try:
        for label, call in work:
            pending[pool.submit(call)] = label
            # The next task is prepared while these run.
            collect(jobs)
        collect(0)
    finally:
        with ending_children():
            pool.shutdown(cancel_futures=True)
    return results
