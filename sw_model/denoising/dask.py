"""Denoising of several files in parallel, on an existing Dask cluster.

Pictures are read and written here, and only pixels are sent: the cluster needs this package but
none of the files.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from .job import Progress, Settings, Work, compute, work
from .outcome import Done, Outcome, failure
from .picture import Denoised
from .plan import Task

AHEAD = 2
"""Pictures in flight per thread of the cluster, so that no thread waits for a file."""


def run_cluster(
    tasks: Sequence[Task], settings: Settings, staging: Path, progress: Progress, client: Any
) -> Generator[Outcome, None, None]:
    """Denoise several files in parallel on a cluster.

    Parameters
    ----------
    client
        Client of `sw_model.support.cluster.connect`; closed at the end. Others as in
        `sw_model.denoising.workers.run_here`.
    """
    from distributed import wait

    pending: dict[Any, tuple[Task, Work]] = {}
    waiting, finished = list(reversed(tasks)), 0

    def advance(task: Task, working: Work, denoised: Denoised | None) -> Outcome | None:
        """Submit the next page of a file, or return how the file ended."""
        try:
            step = next(working) if denoised is None else working.send(denoised)
            arguments = step.values, settings.timesteps, settings.noise_model
            future = client.submit(compute, network, *arguments, pure=False)
        except StopIteration as end:
            done: Done = end.value
            return done
        except Exception as error:
            working.close()
            return failure(task, error)
        pending[future] = task, working
        return None

    try:
        network = client.scatter(settings.deployment, broadcast=True, hash=False)
        while waiting or pending:
            most = AHEAD * max(1, sum(client.nthreads().values()))
            outcomes: list[Outcome | None] = []
            while waiting and len(pending) < most:
                task = waiting.pop()
                outcomes.append(advance(task, work(task, settings, staging), None))
            if pending and not any(outcomes):
                with client.as_current():
                    wait(list(pending), return_when="FIRST_COMPLETED")
            for future in [future for future in pending if future.done()]:
                task, working = pending.pop(future)
                try:
                    denoised = future.result()
                except Exception as error:
                    working.close()
                    outcomes.append(failure(task, error))
                else:
                    outcomes.append(advance(task, working, denoised))
            for outcome in outcomes:
                if outcome is None:
                    continue
                finished += 1
                progress(finished, len(tasks))
                yield outcome
    finally:
        for _, working in pending.values():
            working.close()
        client.cancel(list(pending))
        client.close()
