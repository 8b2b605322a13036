"""Many files at once, on a Dask cluster that exists already.

Pictures are read and written here; only pixels travel, so that the cluster needs this package but
none of the files.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from .denoise_inputs import Task
from .denoise_job import Loaded, Outcome, Progress, Settings, compute, failure, load, store

AHEAD = 2
"""Pictures under way for each of the cluster's threads, so that none waits for a file."""


def run_cluster(
    tasks: Sequence[Task], settings: Settings, staging: Path, progress: Progress, client: Any
) -> Generator[Outcome, None, None]:
    """Several files side by side on a cluster.

    Parameters
    ----------
    client
        Of `sw_model.cluster.connect`; closed at the end. Others as of
        `sw_model.denoise_workers.run_here`.
    """
    from distributed import wait

    pending: dict[Any, tuple[Task, Loaded, float]] = {}
    waiting, finished = list(reversed(tasks)), 0
    try:
        network = client.scatter(settings.deployment, broadcast=True, hash=False)
        while waiting or pending:
            most = AHEAD * max(1, sum(client.nthreads().values()))
            outcomes: list[Outcome] = []
            while waiting and len(pending) < most:
                task, started = waiting.pop(), time.monotonic()
                try:
                    loaded = load(task, settings)
                    future = client.submit(
                        compute, network, loaded.pixels, settings.timesteps, pure=False
                    )
                except Exception as error:
                    outcomes.append(failure(task, error))
                else:
                    pending[future] = task, loaded, started
            if pending and not outcomes:
                with client.as_current():
                    wait(list(pending), return_when="FIRST_COMPLETED")
            for future in [future for future in pending if future.done()]:
                task, loaded, started = pending.pop(future)
                try:
                    denoised = future.result()
                    done = store(task, settings, loaded, denoised, started, staging)
                    outcomes.append(done)
                except Exception as error:
                    outcomes.append(failure(task, error))
            for outcome in outcomes:
                finished += 1
                progress(finished, len(tasks))
                yield outcome
    finally:
        client.cancel(list(pending))
        client.close()
