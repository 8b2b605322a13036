"""Compiled code on disk, for processes that compile at the same time.

numba's own cache numbers its files and lists them in an index, without a lock: of two processes
that save at once one may get the other's code, under its own name, for good.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile


def compiled(function: Callable[..., Any]) -> Any:
    """``function`` compiled by numba, without the interpreter's lock, and kept on disk.

    Where there is no folder to keep it in, each process compiles anew.
    """
    kernel: Any = numba.njit(nogil=True)(function)
    with suppress(RuntimeError):
        kernel._cache = _KernelCache(function)
    return kernel


class _KernelFiles(IndexDataCacheFile):
    """A file for each combination of argument types, named by all that its code depends on."""

    def save(self, key: Any, data: Any) -> None:
        self._save_data(self._name(key), (repr(key), data))

    def load(self, key: Any) -> Any:
        with suppress(OSError):
            known, data = self._load_data(self._name(key))
            return data if known == repr(key) else None
        return None

    def _name(self, key: Any) -> str:
        told = repr((numba.__version__, self._source_stamp, key))
        return f"{self._index_name.removesuffix('.nbi')}.{sha256(told.encode()).hexdigest()}.nbc"


class _KernelCache(FunctionCache):
    """numba's cache of a function, in `_KernelFiles`; RuntimeError where no folder can be had."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = _KernelFiles(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=sha256(Path(function.__code__.co_filename).read_bytes()).hexdigest(),
        )
