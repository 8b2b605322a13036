"""Denoising of several files in parallel, on the processors of this machine.

Workers are separate processes. They receive no signals of the terminal; these end the command, and
the command ends them. Workers write into a folder that the command removes, and rename each file
when it is complete.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from pathlib import Path
from typing import Any

from sw_model.support.machine import processors

from .job import Progress, Settings, attempt
from .outcome import Failure, Outcome, failure
from .plan import Task

POLL = 0.2
"""Seconds between updates of the progress."""

_worker: dict[str, Any] = {}
"""Values that a worker process got at its start."""


def run_here(
    tasks: Sequence[Task], settings: Settings, staging: Path, progress: Progress
) -> Generator[Outcome, None, None]:
    """Denoise one file after the other in this process, each with all processors.

    Parameters
    ----------
    staging
        See `sw_model.denoising.job.work`.
    progress
        Called with the number of files done, fractions included, and the total.
    """
    for number, task in enumerate(tasks):

        def report(done: float, total: float, number: int = number) -> None:
            progress(number + done / total, len(tasks))

        yield attempt(task, settings, report, staging)
        progress(number + 1, len(tasks))


def run_processes(
    tasks: Sequence[Task], settings: Settings, staging: Path, progress: Progress, jobs: int
) -> Generator[Outcome, None, None]:
    """Denoise several files in parallel, a process each; the processes share the processors.

    If a process dies, for example out of memory, the files in progress are done once more, one at a
    time, so that only the file that kills its process is lost.

    Parameters
    ----------
    jobs
        Number of processes; others as in `run_here`.
    """
    waiting = list(reversed(tasks))
    while waiting:
        suspects: list[Task] = []
        with _Pool(jobs, settings, staging) as pool:
            yield from pool.run(waiting, suspects, progress, len(tasks))
        for task in suspects:
            with _Pool(1, settings, staging) as pool:
                lost: list[Task] = []
                yield from pool.run([task], lost, progress, len(tasks))
            if lost:
                reason = f"{task.source}: its process was killed; is there enough memory?"
                yield Failure(task=task, reason=reason, mistake=False)


class _Pool:
    """Worker processes that end when the block does, whatever they are doing."""

    def __init__(self, jobs: int, settings: Settings, staging: Path) -> None:
        # A fresh interpreter: a fork would copy locks that other threads hold.
        context = multiprocessing.get_context("spawn")
        self._jobs = jobs
        self._shares = context.SimpleQueue()
        own = processors()
        for index in range(jobs):
            first, end = (len(own) * i // jobs for i in (index, index + 1))
            # More processes than processors share all of them.
            self._shares.put(own[first:end] or own)
        self._progress = context.Value("d", 0.0)
        self._others = set(multiprocessing.active_children())
        self._executor = ProcessPoolExecutor(
            jobs, context, _start, (self._shares, settings, staging, self._progress)
        )

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, *_: object) -> None:
        # A process in the middle of a computation only reacts to a signal.
        for process in set(multiprocessing.active_children()) - self._others:
            process.terminate()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._shares.close()

    def run(
        self, waiting: list[Task], suspects: list[Task], progress: Progress, total: int
    ) -> Generator[Outcome, None, None]:
        """Take tasks from the end of ``waiting`` until it is empty or a process dies.

        If one dies, the tasks in progress are put into ``suspects``.
        """
        pending: dict[Future[Outcome], Task] = {}
        before = total - len(waiting)
        while pending or (waiting and not suspects):
            while waiting and not suspects and len(pending) < self._jobs:
                task = waiting.pop()
                try:
                    pending[self._submit(task)] = task
                except BrokenExecutor:
                    suspects.append(task)
            finished, _ = wait(pending, POLL, FIRST_COMPLETED)
            progress(min(before + self._progress.value, total), total)
            for future in finished:
                task = pending.pop(future)
                error = future.exception()
                if isinstance(error, BrokenExecutor):
                    suspects.append(task)
                else:
                    yield future.result() if error is None else failure(task, error)

    def _submit(self, task: Task) -> Future[Outcome]:
        with _without_interrupt():
            return self._executor.submit(_work, task)


@contextlib.contextmanager
def _without_interrupt() -> Iterator[None]:
    """Block Ctrl-C in processes that are started here; this one gets it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(shares: Any, settings: Settings, staging: Path, progress: Any) -> None:
    """Initialise a worker process."""
    if hasattr(os, "setsid"):
        os.setsid()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    share = shares.get()
    if hasattr(os, "sched_setaffinity"):
        # The golden model starts a thread for each processor that its process may use.
        os.sched_setaffinity(0, share)
    _worker.update(settings=settings, staging=staging, progress=progress)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "a worker has a parent"
    parent.join()
    os._exit(1)


def _work(task: Task) -> Outcome:
    """Denoise one file, in a worker process."""
    counter, seen = _worker["progress"], 0.0

    def report(done: float, total: float) -> None:
        nonlocal seen
        with counter.get_lock():
            counter.value += done / total - seen
        seen = done / total

    outcome = attempt(task, _worker["settings"], report, _worker["staging"])
    report(1, 1)
    return outcome
