"""Reading files that may be damaged: errors of a parser become one sentence."""

from __future__ import annotations

import json
import math
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from .errors import UsageError
from .text import one_line

NAME_MAX = 150
"""Characters of a file's name that are shown, so that the rest of the sentence fits."""
REASON_MAX = 150
"""Characters of a parser's message that are shown."""
DEPTH_MAX = 50
"""Deepest nesting of lists and objects in JSON; the project's own files have a few levels."""
_INTEGER_MAX = 1 << 63
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""Escape of a UTF-16 surrogate, which may be without its other half."""


@contextmanager
def reading(path: Path, what: str, accepted: str) -> Iterator[BinaryIO]:
    """Open an ordinary file for reading; everything that goes wrong becomes one sentence.

    Parameters
    ----------
    what, accepted
        As in `parse_errors`.

    Raises
    ------
    UsageError
        As in `parse_errors`; or the file cannot be opened, is a folder, a pipe or a device.
    """
    with parse_errors(path, what, accepted), open_ordinary(path, what, accepted) as file:
        yield file


def open_ordinary(path: Path, what: str, accepted: str) -> BinaryIO:
    """Open an ordinary file for reading; parameters as in `parse_errors`.

    Raises
    ------
    UsageError, OSError, ValueError
        It is a folder, a pipe or a device, or cannot be opened.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        # Opening a pipe would wait for its other end, perhaps for ever.
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
        name = one_line(str(path), NAME_MAX)
        raise UsageError(f"{name} is {kind}, not {what} in an ordinary file; {accepted}")
    return path.open("rb")


@contextmanager
def parse_errors(path: Path | str, what: str, accepted: str) -> Iterator[None]:
    """Turn everything that goes wrong while a file is read into one sentence.

    Parameters
    ----------
    path
        Path of the file, or a name for what is read.
    what
        What the file is read as, with its article.
    accepted
        What is accepted, as the end of a sentence.

    Raises
    ------
    UsageError
        The block raised any exception. A UsageError, which names the file itself, and missing
        memory or packages pass unchanged.
    """
    name = one_line(str(path), NAME_MAX)
    try:
        yield
    except (UsageError, MemoryError, ModuleNotFoundError):
        raise
    except FileNotFoundError:
        raise UsageError(f"{name} does not exist; {accepted}") from None
    except Exception as error:  # parsers raise almost anything on a damaged file
        why = _reason(error)
        raise UsageError(f"{name} cannot be read as {what} ({why}); {accepted}") from None


def _reason(error: Exception) -> str:
    """Return an exception's message in one line of bounded length."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, KeyError):
        return one_line(f"{error} is missing", REASON_MAX)
    text = " ".join(str(error).split())
    return one_line(text or type(error).__name__, REASON_MAX)


def parse_json(content: bytes | str) -> Any:
    """Parse JSON of plain values: 64-bit integers, finite numbers, valid text, few levels.

    Raises
    ------
    ValueError
        It is something else; the message says what.
    """
    text = content if isinstance(content, str) else content.decode()
    try:
        value = json.loads(
            text, parse_int=_integer, parse_float=_number, parse_constant=_no_constant
        )
    except RecursionError:
        raise _too_deep() from None
    _check_depth(value)
    if _SURROGATE.search(text):
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _integer(text: str) -> int:
    value = int(text)
    if not -_INTEGER_MAX <= value < _INTEGER_MAX:
        raise ValueError(f"the integer {one_line(text, 40)} is beyond 64 bits")
    return value


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"the number {one_line(text, 40)} is infinite")
    return value


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _check_depth(value: object) -> None:
    level = [value]
    for _ in range(DEPTH_MAX):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> ValueError:
    return ValueError(f"its lists and objects are more than {DEPTH_MAX} deep")
