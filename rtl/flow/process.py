"""Yosys and nextpnr as processes, and the messages for their failures."""

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
    """Run one of the WebAssembly tools in a separate process.

    Parameters
    ----------
    module, function
        Of the tool's Python package; the function takes the arguments.
    folder
        Working directory.
    log
        Name of the log file that the tool writes there, if any.

    Raises
    ------
    SynthesisFailure
        The tool failed; the message has the reason and the path of the log.
    """
    if log is not None:
        # The reason of a failure must not come from the log of an earlier run.
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
        Exit code; negative for the number of the signal that killed the tool.
    output, logged
        Text that it printed, and text of its log.

    Returns
    -------
    str
        The last error message. Without one, if the tool was killed or crashed: how it ended, and
        its last line.
    """
    # The log comes last: the output may end with a traceback of the Python wrapper.
    lines = [line.strip() for line in (output + "\n" + logged).splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(\S+: )?ERROR: ", line)]
    if errors:
        return errors[-1]
    ended = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    messages = [line for line in lines if "assertion failed" in line.lower()] or lines
    return f"{ended}, {f'last line: {messages[-1]}' if messages else 'no output'}"
