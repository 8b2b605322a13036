"""Progress: all of it on a terminal, a line a phase in a pipe."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sw_model.support.progress import phases, progress
from tests import ROOT

PHASES = """\
from sw_model.support.progress import phases, progress
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


BARS = """\
from sw_model.support.progress import progress
with progress("a [first]", unit="layers", total=4) as bar:
    bar(3)
    other = bar.add_bar("the second", 7)
    other(5)
    bar.print("a [line]")
    bar.item(1, 2, "the third")(1, 2)
print("done")
"""


def test_long_work_prints_lines_in_a_pipe(capsys, monkeypatch):
    now = [100.0]
    monkeypatch.setattr("sw_model.support.progress.time.monotonic", lambda: now[0])
    with progress("a [first]", total=4) as bar:
        for seconds, done in ((9.9, 1), (10.1, 1), (70.0, 2), (70.2, 3)):
            now[0] = 100 + seconds
            bar(done)
        bar.describe("the last")
        now[0] = 300
        bar(4)
    assert capsys.readouterr().err == "a [first] 25% ...\na [first] 75% ...\nthe last 100% ...\n"
    with progress("unknown") as bar, progress("hidden", shown=False) as hidden:
        now[0] = 400
        bar(1)
        hidden(1)
    assert capsys.readouterr().err == "unknown ...\n"


def test_short_work_is_silent_in_a_pipe(capsys):
    with progress("label", unit="kB", scale=1e-3) as bar:
        bar(1, 2)
        bar.describe("another")
        bar.print("a [line]")
    assert capsys.readouterr() == ("", "a [line]\n")


def on_terminal(program):
    """What a program shows on a terminal, after which it prints that it is done."""
    pty = pytest.importorskip("pty", reason="no pseudo-terminals on this system")
    leader, follower = pty.openpty()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        stderr=follower,
        stdout=subprocess.PIPE,
        check=True,
    )
    os.close(follower)
    shown = os.read(leader, 65536)
    os.close(leader)
    # The lines are taken back, and the cursor is visible again.
    assert shown.rindex(b"\x1b[2K") > shown.rindex(b"second")
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")
    assert done.stdout == b"done\n"
    return shown


def test_phases_leave_nothing_on_a_terminal():
    shown = on_terminal(PHASES)
    assert b"the second" in shown
    assert b"..." not in shown


def test_bars_leave_nothing_but_lines_on_a_terminal():
    shown = on_terminal(BARS)
    for text in (b"2/2 the third", b"the second", b"5/7", b"layers", b"a [line]"):
        assert text in shown
