"""Connection to an existing Dask cluster, for all commands that can use one."""

from __future__ import annotations

from typing import Any

from .errors import UsageError

PATIENCE = 20
"""Seconds to wait for the scheduler, and for its first worker."""


def connect(address: str) -> Any:
    """Return a client of the cluster at an address such as ``tcp://host:8786``.

    Raises
    ------
    UsageError
        No scheduler answers, or the cluster has no worker.
    ImportError
        Dask is not installed.
    """
    from distributed import Client
    from distributed.comm.addressing import resolve_address

    try:
        # A client takes long to give up on an invalid address.
        resolve_address(address)
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
