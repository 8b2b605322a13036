"""A small instance of `make fuzz`, and tests that its checks can fail."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sw_model.__main__ import main
from sw_model.evaluation import card
from sw_model.support.errors import UsageError
from tests import ROOT

from . import inputs, oracle
from .oracle import Case, LongWorkStarted, judge
from .run import no_long_work


def test_damaged_inputs_end_in_one_sentence():
    command = [sys.executable, "-m", "tests.fuzz", "--number", "1000", "--seed", "0", "--jobs", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seed 0, 1000 inputs" in done.stdout
    assert "0 of 1000 failed" in done.stdout


def test_nothing_is_written_beside_a_shipped_network(tmp_path, monkeypatch):
    monkeypatch.setattr(card, "write_atomically", lambda path, content: pytest.fail(str(path)))
    with no_long_work():
        assert judge(Case(kind="planted", main=main, arguments=["card"]), tmp_path) is None


def test_an_input_is_always_the_same():
    kinds = set()
    for index in range(150):
        one, other = inputs.case(7, index), inputs.case(7, index)
        assert (one.kind, one.arguments, one.files) == (other.kind, other.arguments, other.files)
        kinds.add(one.kind.partition(":")[0])
    assert kinds == {"picture", "deployment", "document", "network", "command", "host"}


def say(text, code):
    def main(arguments):
        os.write(2, text.encode())
        return code

    return main


def raises(error):
    def main(arguments):
        raise error

    return main


def leave(name, code):
    def main(arguments):
        Path(name).write_bytes(b"half")
        return code

    return main


def spin(arguments):
    while True:
        pass


def wait(arguments):
    time.sleep(60)


@pytest.mark.parametrize(
    ("main", "complaint"),
    [
        (say("one sentence\n", 2), None),
        (say("", 0), None),
        (raises(LongWorkStarted()), None),
        (raises(RecursionError("planted")), r"RecursionError at .*: planted"),
        (raises(UsageError("planted")), r"UsageError at .*: planted"),
        (say("Traceback (most recent call last):\n", 1), "a traceback or a bare exception"),
        (say("a.png: ZeroDivisionError: division by zero\n", 1), "a bare exception"),
        (say("x" * 451 + "\n", 2), "a line of 451 characters"),
        (say("one\ntwo\n", 2), "2 lines on stderr"),
        (say("", 2), "0 lines on stderr"),
        (say("odd\n", 3), "exit code 3"),
        (leave("out.png", 1), r"0 lines on stderr"),
        (leave(".new-1.png", 0), r"left behind: \['.new-1.png'\]"),
        (leave("in.png", 0), None),
        (spin, "no end within 1 s"),
        (wait, "no end within 1 s"),
    ],
)
def test_failures_are_detected(tmp_path, main, complaint):
    case = Case(kind="planted", main=main, arguments=[], files={"in.png": b"whole"})
    found = judge(case, tmp_path, seconds=1)
    assert found is None if complaint is None else re.search(complaint, found or "")
    assert list(tmp_path.iterdir()) == []


def test_half_written_files_are_detected(tmp_path):
    def main(arguments):
        Path("in.png").write_bytes(b"half")
        return say("one sentence\n", 2)(arguments)

    case = Case(kind="planted", main=main, arguments=[], files={"in.png": b"whole"})
    assert judge(case, tmp_path) == "exit code 2, but files changed: ['in.png']"


def test_waiting_is_distinguished_from_working(tmp_path, monkeypatch):
    monkeypatch.setattr(oracle, "WORK_SECONDS", 0.3)
    working = Case(kind="planted", main=spin, arguments=[], works=True)
    assert judge(working, tmp_path, seconds=2) is None
    waiting = Case(kind="planted", main=wait, arguments=[], works=True)
    assert "no end within 2 s" in judge(waiting, tmp_path, seconds=2)
