"""Locks that no thread may hold while the process forks.

The child has a copy of every lock, but only the thread that forked: a lock that another thread held
at that moment is never released there.
"""

from __future__ import annotations

import os
from typing import Protocol


class Lockable(Protocol):
    """A lock of any kind."""

    def acquire(self) -> object:
        """Wait for the lock and take it."""

    def release(self) -> object:
        """Release the lock."""


_locks: list[Lockable] = []
_held: list[Lockable] = []


def hold_while_forking(lock: Lockable) -> None:
    """Acquire ``lock`` before every fork, and release it afterwards in both processes.

    Locks are acquired in the order in which they were registered here: a thread that holds one must
    not wait for one that was registered earlier.
    """
    _locks.append(lock)


def _acquire() -> None:
    # The list may grow meanwhile: another thread may be importing a module.
    for lock in _locks:
        lock.acquire()
        _held.append(lock)


def _release() -> None:
    while _held:
        _held.pop().release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_acquire, after_in_parent=_release, after_in_child=_release)
