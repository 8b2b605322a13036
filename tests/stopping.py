"""Start programs, stop them by signals, and find their remaining processes and files."""

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

TIMEOUT = 90
"""Seconds that a test waits for a condition before it fails."""
STOP_SECONDS = 10
"""Seconds within which a command must end after a signal."""
SIGNAL_EXITS = {
    signal.SIGINT: (130, "interrupted"),
    signal.SIGTERM: (143, "terminated"),
    signal.SIGHUP: (129, "hung up"),
}
"""Exit code and message of a command that was ended by a signal."""


@contextmanager
def started(*arguments, folder, ignored=(), terminal=None, **environment):
    """Run a Python program in its own session; kill all its processes at the end of the block.

    All its processes have the string ``mark``, an attribute of the result, in their environment.
    Its streams are pipes, or the terminal with the given descriptor, as if a shell had started it.
    """
    mark = f"/nowhere/{uuid.uuid4().hex}"
    path = os.pathsep.join(filter(None, (environment.pop("PYTHONPATH", ""), str(ROOT), mark)))

    def set_signals():
        # The caller of the test may ignore some signals.
        for number in SIGNAL_EXITS:
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
    """IDs of the running processes with a mark."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def runs(pid):
    """Whether a process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition, process=None, timeout=TIMEOUT):
    """Wait until the condition holds; fail at the timeout or if the process ends before."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it took too long"
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.02)


def stop(process, number, *, group=False):
    """Send a signal, to the process group if ``group``; return exit code, stdout and stderr."""
    (os.killpg if group else os.kill)(process.pid, number)
    output, errors = process.communicate(timeout=STOP_SECONDS)
    wait_for(lambda: not processes(process.mark), timeout=STOP_SECONDS)
    return process.returncode, output, errors


class Terminal:
    """A pseudo-terminal and its output."""

    def __init__(self):
        self.leader, self.follower = pty.openpty()
        os.set_blocking(self.leader, False)
        self.shown = b""

    def read(self):
        with suppress(OSError):  # no data, or the other end is closed
            while part := os.read(self.leader, 4096):
                self.shown += part


def entries(folder):
    """Relative paths of everything below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
