"""Programs that tests start and end by signals, and what there is of them afterwards."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path

from tests import ROOT

PATIENCE = 90
"""Seconds until a test gives up waiting for what should begin or end."""
SOON = 10
"""Seconds in which a command ends after a signal."""
TOLD = {
    signal.SIGINT: (130, "interrupted"),
    signal.SIGTERM: (143, "terminated"),
    signal.SIGHUP: (129, "hung up"),
}
"""Exit code of a command that a signal ended, and what it says."""


@contextmanager
def started(*arguments, folder, ignored=(), terminal=None, **environment):
    """A Python program in a session of its own; at the block's end no process is left of it.

    Its attribute ``mark`` is what all its processes have in their environment. It has pipes, or
    the terminal whose descriptor is given, as from a shell in it.
    """
    mark = f"/nowhere/{uuid.uuid4().hex}"
    path = os.pathsep.join(filter(None, (environment.pop("PYTHONPATH", ""), str(ROOT), mark)))

    def set_signals():
        # Whatever the test's own caller ignores.
        for number in TOLD:
            signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)
        if terminal is not None:
            fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": path} | environment,
        stdin=subprocess.DEVNULL if terminal is None else terminal,
        stdout=subprocess.PIPE if terminal is None else terminal,
        stderr=subprocess.PIPE if terminal is None else terminal,
        text=True,
        start_new_session=True,
        preexec_fn=set_signals,
    )
    process.mark = mark
    try:
        with process:
            try:
                yield process
            finally:
                process.kill()
    finally:
        for pid in processes(mark):
            os.kill(pid, signal.SIGKILL)


def processes(mark):
    """Numbers of the processes with a mark that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def runs(pid):
    """Whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition, process=None, patience=PATIENCE):
    """Return once the condition holds; fail if it never does or the process ends before."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it took too long"
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.02)


def stop(process, number, *, group=False):
    """Send a signal, as a terminal sends it if to the group, and give what the process said."""
    (os.killpg if group else os.kill)(process.pid, number)
    output, errors = process.communicate(timeout=SOON)
    wait_for(lambda: not processes(process.mark), patience=SOON)
    return process.returncode, output, errors


class Terminal:
    """A terminal and what is shown on it."""

    def __init__(self):
        self.leader, self.follower = pty.openpty()
        os.set_blocking(self.leader, False)
        self.shown = b""

    def read(self):
        with suppress(OSError):  # nothing more for now, or for ever
            while part := os.read(self.leader, 4096):
                self.shown += part


def entries(folder):
    """Everything below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
