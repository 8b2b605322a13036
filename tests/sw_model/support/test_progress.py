"""Progress: all of it on a terminal, a line a phase in a pipe."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sw_model.support.progress import phases
from tests import ROOT

PHASES = """\
from sw_model.support.progress import phases
with phases() as phase:
    phase("the [first]")
    phase("the second")
print("done")
"""


def test_phases_are_lines_in_a_pipe(capsys):
    with phases() as phase:
        assert capsys.readouterr() == ("", "")
        phase("the [first]")
        assert capsys.readouterr() == ("", "the [first] ...\n")
        phase("the second")
    assert capsys.readouterr() == ("", "the second ...\n")


def test_phases_leave_nothing_on_a_terminal():
    pty = pytest.importorskip("pty", reason="no pseudo-terminals on this system")
    leader, follower = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-c", PHASES],
        env=environment,
        stderr=follower,
        stdout=subprocess.PIPE,
        check=True,
    )
    os.close(follower)
    shown = os.read(leader, 65536)
    os.close(leader)
    assert b"the second" in shown
    assert b"..." not in shown
    # The line is taken back, and the cursor is visible again.
    assert shown.rindex(b"\x1b[2K") > shown.rindex(b"the second")
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")
    assert done.stdout == b"done\n"
