"""Run many inputs in several processes, or replay one of them."""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import queue
import resource
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from unittest.mock import patch

from .oracle import SECONDS, LongWorkStarted, judge

MEMORY = 4 << 30
"""Bytes that an input may allocate in addition to the loaded programs."""
PIXELS_MAX = 400
"""Largest frame that is denoised; with a larger one the test ends when the work begins."""


@dataclass(frozen=True)
class Finding:
    """An input that failed, and why."""

    index: int
    kind: str
    complaint: str


@contextmanager
def no_long_work() -> Iterator[None]:
    """Raise `LongWorkStarted` where programs begin work that takes long."""
    from amaranth.back import rtlil, verilog

    import hls.build
    import sw_model.evaluation.card
    import sw_model.training.command
    from sw_model import golden
    from sw_model.network.baseline import Baseline

    def enough(*args: Any, **options: Any) -> Any:
        raise LongWorkStarted

    def small(work: Callable[..., Any], position: int) -> Callable[..., Any]:
        def guarded(*args: Any, **options: Any) -> Any:
            pixels: Any = args[position]
            if pixels.size > PIXELS_MAX:
                raise LongWorkStarted
            return work(*args, **options)

        return guarded

    with ExitStack() as stack:
        for owner, name, instead in (
            (subprocess.Popen, "__init__", enough),
            (BaseProcess, "start", enough),
            (rtlil, "convert", enough),
            (verilog, "convert", enough),
            (hls.build, "convert", enough),
            (sw_model.training.command, "train_run", enough),
            # `card` writes beside a shipped network by default; no file of the project may change.
            (sw_model.evaluation.card, "SHIPPED", Path("shipped")),
            (golden, "denoise", small(golden.denoise, 1)),
            (Baseline, "denoise", small(Baseline.denoise, 1)),
        ):
            stack.enter_context(patch.object(owner, name, instead))
        yield


def work(seed: int, indices: range, current_index: Any, done: Any, findings: Any) -> None:
    """Judge inputs; ``current_index`` is set to the current one, ``done`` counts finished ones."""
    prepare()
    from .inputs import case, intact_cases

    statm = Path("/proc/self/statm")
    if statm.exists():
        used = int(statm.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY,) * 2)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, no_long_work():
        for current in intact_cases():
            judge(current, Path(folder), seconds=600)
        for index in indices:
            current_index.value = index
            # An alarm cannot interrupt a library's native code, so this ends the process.
            faulthandler.dump_traceback_later(3 * SECONDS, exit=True)
            current = case(seed, index)
            if (complaint := judge(current, Path(folder))) is not None:
                findings.put(Finding(index, current.kind, complaint))
            done.value += 1
    faulthandler.cancel_dump_traceback_later()
    current_index.value = -1


def prepare() -> None:
    """Set environment variables so that inputs give the same results on all machines."""
    os.environ.pop("SPIKING_DNCNN_DATA", None)
    os.environ |= {"COLUMNS": "100", "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}


def replay(seed: int, index: int) -> str | None:
    """Judge worker input in this process."""
    prepare()
    from .inputs import case

    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, no_long_work():
        return judge(case(seed, index), Path(folder))


@dataclass
class _Worker:
    """A process, its remaining inputs, and its shared counters."""

    indices: range
    current_index: Any
    done: Any
    process: Any = None

    def start(self, context: Any, seed: int, findings: Any) -> None:
        self.current_index.value = self.indices.start
        arguments = (seed, self.indices, self.current_index, self.done, findings)
        self.process = context.Process(target=work, args=arguments, daemon=True)
        self.process.start()


def run(
    seed: int,
    number: int,
    jobs: int,
    show_progress: Callable[[int], None],
    report: Callable[[Finding], None],
    most: int = 100,
) -> int:
    """Judge ``number`` inputs in ``jobs`` processes.

    Parameters
    ----------
    show_progress
        Called repeatedly with the number of finished inputs.
    report
        Called with each finding.
    most
        Stop after this many findings.

    Returns
    -------
    int
        Number of findings.
    """
    context = multiprocessing.get_context("spawn")
    findings: Any = context.Queue()
    workers = [
        _Worker(range(job, number, jobs), context.Value("q"), context.Value("q"))
        for job in range(min(jobs, number))
    ]
    found = 0
    try:
        for worker in workers:
            worker.start(context, seed, findings)
        while found < most:
            for worker in [worker for worker in workers if not worker.process.is_alive()]:
                if (failed := worker.current_index.value) < 0:
                    workers.remove(worker)
                    continue
                # Restart with the input after the one that ended the process.
                findings.put(Finding(failed, "?", "the process died or hung"))
                worker.indices = range(failed + jobs, number, jobs)
                if worker.indices:
                    worker.start(context, seed, findings)
                else:
                    workers.remove(worker)
            with contextlib.suppress(queue.Empty):
                report(findings.get(timeout=0.2))
                found += 1
                continue
            show_progress(sum(worker.done.value for worker in workers))
            if not workers:
                break
    finally:
        for worker in workers:
            worker.process.terminate()
    return found
