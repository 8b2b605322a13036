"""Processes of Yosys and nextpnr: what is told of one that fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from rtl.flow.errors import SynthesisFailure
from rtl.flow.process import run_tool
from rtl.flow.yosys import run_yosys

FAILING = """\
import os, pathlib, sys

def run(arguments):
    log = pathlib.Path("x.log")
    {body}
"""


def fake(folder, monkeypatch, text):
    """A tool of this name in place of the real one, for processes that start from now on."""
    (folder / "fake_tool.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return "fake_tool"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("print('ERROR: no such thing'); print('more'); return 1", "ERROR: no such thing"),
        (
            "log.write_text('1. Pass\\nERROR: Assert `x` failed.\\n\\n'); os.abort()",
            "ERROR: Assert `x` failed.",
        ),
        (
            "log.write_text('1. Pass\\n2. Other pass.\\n\\n'); os.kill(os.getpid(), 9)",
            "killed by SIGKILL, last line: 2. Other pass.",
        ),
        (
            "log.write_text('1. Pass\\n'); print('Assertion failed: y', file=sys.stderr); return 3",
            "exit code 3, last line: Assertion failed: y",
        ),
        ("return 4", "exit code 4, no output"),
    ],
)
def test_the_reason_of_a_failure_is_told(body, told, tmp_path, monkeypatch):
    tool = fake(tmp_path, monkeypatch, FAILING.format(body=body))
    with pytest.raises(SynthesisFailure) as failure:
        run_tool(tool, "run", [], tmp_path, log="x.log")
    assert str(failure.value) == f"{tool}: {told}; see {tmp_path / 'x.log'}"


def test_the_log_of_an_earlier_run_is_not_told(tmp_path, monkeypatch):
    tool = fake(tmp_path, monkeypatch, FAILING.format(body="return 4"))
    (tmp_path / "x.log").write_text("ERROR: long ago\n")
    with pytest.raises(SynthesisFailure, match="exit code 4, no output"):
        run_tool(tool, "run", [], tmp_path, log="x.log")


# The real one, whose log is where the sentence says.
def test_yosys_tells_its_error_and_its_log(tmp_path):
    with pytest.raises(SynthesisFailure) as failure:
        run_yosys("nonsense\n", "read_rtlil design.il", tmp_path, kind="x")
    sentence, _, log = str(failure.value).partition("; see ")
    assert sentence.startswith("yosys: ERROR: ")
    assert sentence.removeprefix("yosys: ") in Path(log).read_text()
