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
from .spec import UsageError

PATIENCE = 20
"""Seconds to wait for the scheduler, and for its first worker."""
AHEAD = 2
"""Pictures under way for each of the cluster's threads, so that none waits for a file."""


def connect(address: str) -> Any:
    """A client of the cluster at an address, ``tcp://host:8786`` say.

    Raises
    ------
    UsageError
        Dask is not installed, or there is no cluster or no worker.
    """
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise UsageError(
            f"--dask needs Dask, of which {error.name!r} is not installed; "
            f"run pip install 'spiking-dncnn[dask]', or leave --dask out"
        ) from None
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise UsageError(
            f"no Dask scheduler answers at {address!r} ({error}); give its address, such as "
            f"tcp://host:8786"
        ) from None
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        client.close()
        raise UsageError(
            f"the Dask cluster at {address} has no worker; start one with `dask worker {address}`"
        ) from None
    return client


def run_cluster(
    tasks: Sequence[Task], settings: Settings, staging: Path, progress: Progress, client: Any
) -> Generator[Outcome, None, None]:
    """Several files side by side on a cluster.

    Parameters
    ----------
    client
        Of `connect`; closed at the end. Others as of `sw_model.denoise_workers.run_here`.
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
