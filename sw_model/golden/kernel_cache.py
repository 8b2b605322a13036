"""A disk cache of compiled code, safe for processes that compile at the same time.

numba's own cache numbers its files and lists them in an index, without a lock: if two processes
save at once, one may get the other's code under its own name, permanently.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import numba
import numpy.ma  # noqa: F401 - numba looks at it before it takes its lock, and imports can hang
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.compiler_lock import global_compiler_lock

from sw_model.support.forking import hold_while_forking

# A thread holds it while it loads or compiles a function.
hold_while_forking(global_compiler_lock)


def compiled(function: Callable[..., Any]) -> Any:
    """Compile ``function`` with numba, without the GIL, and cache the code on disk.

    Without a folder for the cache, each process compiles again.
    """
    kernel: Any = numba.njit(nogil=True)(function)
    with suppress(RuntimeError):
        kernel._cache = _KernelCache(function)
    return kernel


def compiles() -> bool:
    """Whether numba compiles: not under ``NUMBA_DISABLE_JIT``, where vector code cannot run."""
    return not numba.config.DISABLE_JIT  # type: ignore[attr-defined] # numba sets them in a loop


class _KernelFiles(IndexDataCacheFile):
    """A file for each combination of argument types, named by source and types.

    If a file cannot be read or written, each process compiles again.
    """

    def save(self, key: Any, data: Any) -> None:
        with suppress(OSError):
            self._save_data(self._name(key), (repr(key), data))
            for path in Path(self._cache_path).glob(f"{self._base}.*.nbc"):
                if not path.name.startswith(f"{self._base}.{self._stamp}."):
                    path.unlink(missing_ok=True)

    def load(self, key: Any) -> Any:
        # Unpickling a damaged file may raise anything; the file is written again.
        with suppress(Exception):
            known, data = self._load_data(self._name(key))
            return data if known == repr(key) else None
        return None

    @property
    def _base(self) -> str:
        return self._index_name.removesuffix(".nbi")

    @property
    def _stamp(self) -> str:
        return sha256(f"{numba.__version__} {self._source_stamp}".encode()).hexdigest()[:16]

    def _name(self, key: Any) -> str:
        return f"{self._base}.{self._stamp}.{sha256(repr(key).encode()).hexdigest()[:32]}.nbc"


class _KernelCache(FunctionCache):
    """numba's cache of a function, in `_KernelFiles`; RuntimeError without a folder."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = _KernelFiles(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=sha256(Path(function.__code__.co_filename).read_bytes()).hexdigest(),
        )
