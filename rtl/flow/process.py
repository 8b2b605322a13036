"""Yosys and nextpnr as processes, and what is told of their failures."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

from sw_model.support.processes import run

from .errors import SynthesisFailure


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
    program = f"import sys, {module}; sys.exit({module}.{function}(sys.argv[1:]))"
    done = run([sys.executable, "-c", program, *arguments], cwd=folder)
    if done.returncode:
        path = folder if log is None else folder / log
        logged = path.read_text(errors="replace", encoding="utf-8") if path.is_file() else ""
        reason = failure_reason(done.returncode, done.stdout + done.stderr, logged)
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
