"""Many inputs, in several processes; what breaks the promise is kept, and can be replayed."""

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

from .oracle import SECONDS, Enough, judge

MEMORY = 4 << 30
"""Bytes that an input may take beyond what the programs take themselves."""
PIXELS_MAX = 400
"""Of frames that are denoised; with larger ones it is enough that the work begins."""


@dataclass(frozen=True)
class Finding:
    """An input that broke the promise."""

    index: int
    kind: str
    complaint: str


@contextmanager
def no_long_work() -> Iterator[None]:
    """Where programs begin with what takes long, `Enough` is raised."""
    from amaranth.back import rtlil, verilog

    import hls.build
    import sw_model.evaluation.card
    import sw_model.training.command
    from sw_model import golden
    from sw_model.network.baseline import Baseline

    def enough(*args: Any, **options: Any) -> Any:
        raise Enough

    def small(work: Callable[..., Any], place: int) -> Callable[..., Any]:
        def guarded(*args: Any, **options: Any) -> Any:
            pixels: Any = args[place]
            if pixels.size > PIXELS_MAX:
                raise Enough
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
            # The card of a shipped network goes beside it: nothing of the project is written.
            (sw_model.evaluation.card, "SHIPPED", Path("shipped")),
            (golden, "denoise", small(golden.denoise, 1)),
            (Baseline, "denoise", small(Baseline.denoise, 1)),
        ):
            stack.enter_context(patch.object(owner, name, instead))
        yield


def worker(seed: int, indices: range, place: Any, done: Any, findings: Any) -> None:
    """Judge inputs; ``place`` gets the one at hand, ``done`` how many there were."""
    prepare()
    from .inputs import case, whole_cases

    taken = Path("/proc/self/statm")
    if taken.exists():
        used = int(taken.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY,) * 2)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, no_long_work():
        for mine in whole_cases():
            judge(mine, Path(folder), seconds=600)
        for index in indices:
            place.value = index
            # What never comes back from a library's own code ends the process.
            faulthandler.dump_traceback_later(3 * SECONDS, exit=True)
            mine = case(seed, index)
            if (complaint := judge(mine, Path(folder))) is not None:
                findings.put(Finding(index, mine.kind, complaint))
            done.value += 1
    faulthandler.cancel_dump_traceback_later()
    place.value = -1


def prepare() -> None:
    """An environment in which inputs mean the same everywhere."""
    os.environ.pop("SPIKING_DNCNN_DATA", None)
    os.environ |= {"COLUMNS": "100", "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}


def replay(seed: int, index: int) -> str | None:
    """Judge one input in this process."""
    prepare()
    from .inputs import case

    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, no_long_work():
        return judge(case(seed, index), Path(folder))


@dataclass
class _Team:
    """A process, the inputs that it still has to judge, and what it tells of itself."""

    indices: range
    place: Any
    done: Any
    process: Any = None

    def start(self, context: Any, seed: int, findings: Any) -> None:
        self.place.value = self.indices.start
        arguments = (seed, self.indices, self.place, self.done, findings)
        self.process = context.Process(target=worker, args=arguments, daemon=True)
        self.process.start()


def run(
    seed: int,
    number: int,
    jobs: int,
    tell: Callable[[int], None],
    report: Callable[[Finding], None],
    most: int = 100,
) -> int:
    """Judge ``number`` inputs in ``jobs`` processes; how many broke the promise, up to ``most``.

    Parameters
    ----------
    tell
        Gets how many are done, now and then.
    report
        Gets each finding.
    """
    context = multiprocessing.get_context("spawn")
    findings: Any = context.Queue()
    teams = [
        _Team(range(job, number, jobs), context.Value("q"), context.Value("q"))
        for job in range(min(jobs, number))
    ]
    found = 0
    try:
        for team in teams:
            team.start(context, seed, findings)
        while found < most:
            for team in [team for team in teams if not team.process.is_alive()]:
                if (killer := team.place.value) < 0:
                    teams.remove(team)
                    continue
                # It goes on behind the input that ended it.
                findings.put(Finding(killer, "?", "the process died, or never came back"))
                team.indices = range(killer + jobs, number, jobs)
                if team.indices:
                    team.start(context, seed, findings)
                else:
                    teams.remove(team)
            with contextlib.suppress(queue.Empty):
                report(findings.get(timeout=0.2))
                found += 1
                continue
            tell(sum(team.done.value for team in teams))
            if not teams:
                break
    finally:
        for team in teams:
            team.process.terminate()
    return found
