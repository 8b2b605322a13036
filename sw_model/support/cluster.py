"""A Dask cluster that exists already, for every command that can have its work done there."""

from __future__ import annotations

from typing import Any

from .errors import UsageError

PATIENCE = 20
"""Seconds to wait for the scheduler, and for its first worker."""


def connect(address: str) -> Any:
    """A client of the cluster at an address, ``tcp://host:8786`` say.

    Raises
    ------
    UsageError
        There is no cluster or no worker.
    ImportError
        Dask is not installed.
    """
    from distributed import Client
    from distributed.comm.addressing import resolve_address

    try:
        # A client that has begun with an address it does not understand takes long to give up.
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
