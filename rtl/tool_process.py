"""Yosys and nextpnr as processes, which end when this one does."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from .errors import SynthesisFailure

_PROGRAM = """\
import os, sys, threading

def end_with_parent():
    os.read(0, 1)
    os._exit(1)

threading.Thread(target=end_with_parent, daemon=True).start()
import {module}
sys.exit({module}.{function}(sys.argv[1:]))
"""
"""Of a tool's process. Nothing is ever written to its standard input, which ends when whoever
started it does, in whatever way."""

_running: set[subprocess.Popen[str]] = set()
"""Tools under way, of all threads."""


def stop_tools() -> None:
    """End the tools that run in this process's threads; what they were making is not kept."""
    for process in list(_running):
        process.kill()


def run_tool(
    module: str, function: str, arguments: list[str], folder: Path, *, log: str | None = None
) -> None:
    """Run one of the WebAssembly tools in a process of its own.

    Parameters
    ----------
    module, function
        Of its Python package; the function takes the arguments.
    folder
        To run in.
    log
        Name of the file there that the tool writes its messages to, if there is one.

    Raises
    ------
    SynthesisFailure
        The tool failed; the text has its reason and the place of its log.
    """
    if log is not None:
        # A failure is told from it, and not from that of an earlier run.
        (folder / log).unlink(missing_ok=True)
    program = _PROGRAM.format(module=module, function=function)
    alive, held = os.pipe()
    try:
        with subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            cwd=folder,
            stdin=alive,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as process:
            try:
                _running.add(process)
                output, errors = process.communicate()
            except BaseException:
                process.kill()
                raise
            finally:
                _running.discard(process)
    finally:
        os.close(alive)
        os.close(held)
    if process.returncode:
        path = folder if log is None else folder / log
        logged = path.read_text(errors="replace") if path.is_file() else ""
        reason = failure_reason(process.returncode, output + errors, logged)
        raise SynthesisFailure(f"{module.removeprefix('yowasp_')}: {reason}; see {path}")


def failure_reason(code: int, output: str, logged: str) -> str:
    """Why a tool failed, in one line.

    Parameters
    ----------
    code
        Of its exit; negative for the number of the signal that killed it.
    output, logged
        What it printed, and what stands in its log.

    Returns
    -------
    str
        The last error that it tells of. One that was killed or broke down tells of none: then how
        it ended, and its last line.
    """
    # A log ends where the tool was; what it prints may end with a traceback of what runs it.
    lines = [line.strip() for line in (output + "\n" + logged).splitlines() if line.strip()]
    told = [line for line in lines if re.match(r"(\S+: )?ERROR: ", line)]
    if told:
        return told[-1]
    ended = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    told = [line for line in lines if "assertion failed" in line.lower()] or lines
    return f"{ended}, {f'last line: {told[-1]}' if told else 'without a word'}"
