"""Program names as the user called them.

Texts of the project name its programs as modules, ``python -m sw_model denoise``, which works
wherever the packages are found. The console command replaces them with its own name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

CONSOLE = "spiking-dncnn"
"""Name of the console command, and of the distribution that brings it."""
_WORDS = (
    (r"\bpython -m (rtl|hls|sim)\b", rf"{CONSOLE} \1"),
    (r"\bpython -m sw_model\b", CONSOLE),
    (r"-m -- sw_model\b", f"--no-python -- {CONSOLE}"),  # of torchrun
)
_through_console = False


@contextmanager
def through_console() -> Iterator[None]:
    """Treat the program as called by the console command until the block ends."""
    global _through_console
    before, _through_console = _through_console, True
    try:
        yield
    finally:
        _through_console = before


def as_called(text: str) -> str:
    """Return ``text`` with programs named as the user called this one."""
    if _through_console:
        for pattern, words in _WORDS:
            text = re.sub(pattern, words, text)
    return text
