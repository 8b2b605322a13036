"""The console command: its names, and folders with modules of the same names as ours."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hls.__main__ import COMMANDS as HLS
from rtl.__main__ import COMMANDS as RTL
from rtl.__main__ import main as rtl_main
from sim.__main__ import COMMANDS as SIM
from sw_model.__main__ import COMMANDS as SOFTWARE
from sw_model.console import main
from sw_model.spec import configuration
from tests import ROOT

from .random_deployment import random_deployment

SCRIPT = Path(sys.executable).with_name("spiking-dncnn")
COMMANDS = [
    *SOFTWARE,
    *(f"rtl {name}" for name in RTL),
    *(f"hls {name}" for name in HLS),
    *(f"sim {name}" for name in SIM),
    "host",
]


def help_of(capsys, *arguments: str) -> str:
    with pytest.raises(SystemExit) as exit_:
        main([*arguments, "--help"])
    assert exit_.value.code == 0
    return capsys.readouterr().out


def test_help_lists_every_command_with_a_summary(capsys):
    lines = help_of(capsys).splitlines()
    for command in COMMANDS:
        index = next(i for i, line in enumerate(lines) if line.startswith(f"    {command}"))
        summary = lines[index].removeprefix(f"    {command}") or lines[index + 1]
        assert summary.startswith("  ")
        assert summary.strip()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_the_name_that_was_called(capsys, command):
    text = help_of(capsys, *command.split())
    assert text.startswith(f"usage: spiking-dncnn {command} ")
    assert f"spiking-dncnn {command} " in text.split("example", 1)[1].replace("\n", " ")
    assert "python -m" not in text
    assert "-m -- " not in text


@pytest.mark.parametrize(
    ("arguments", "start", "end"),
    [
        ([], "spiking-dncnn: ", "see spiking-dncnn --help"),
        (["paint"], "spiking-dncnn: ", "see spiking-dncnn --help"),
        (["denoise"], "spiking-dncnn: ", "see spiking-dncnn denoise --help"),
        (["rtl"], "spiking-dncnn rtl: ", "see spiking-dncnn rtl --help"),
        (["rtl", "generate"], "spiking-dncnn rtl: ", "see spiking-dncnn rtl generate --help"),
        (["host"], "spiking-dncnn: ", "see spiking-dncnn host --help"),
        (
            ["rtl", "explore", "--spikes", "none.json", "-o", "out"],
            "spiking-dncnn rtl: ",
            "give a file that `spiking-dncnn spikes` wrote",
        ),
    ],
)
def test_errors_begin_with_the_name_that_was_called(capsys, arguments, start, end):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(start)
    assert err.endswith(f"{end}\n")


def test_modules_keep_their_name_afterwards(capsys):
    assert main(["rtl"]) == rtl_main([]) == 2
    assert capsys.readouterr().err.splitlines()[1].startswith("python -m rtl: ")


def test_help_has_the_command_for_torchrun(capsys):
    line = "torchrun --nproc-per-node 2 --no-python -- spiking-dncnn train --config paper"
    assert line in help_of(capsys, "train")


def test_version(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["--version"])
    assert exit_.value.code == 0
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert capsys.readouterr().out == f"spiking-dncnn {project['version']}\n"


# -------------------------------------------------- folders with modules of the same names

PACKAGES = ("rtl", "hls", "sim")
OTHERS = ("sw_model", "numpy", "json", "random", "selectors", "cocotb")


@pytest.fixture
def shadowed(tmp_path, monkeypatch) -> Path:
    """A working folder with modules that must not be imported instead of the real ones."""
    monkeypatch.chdir(tmp_path)
    for name in (*PACKAGES, *OTHERS):
        Path(name).mkdir()
        Path(name, "__init__.py").write_text(f"raise SystemExit('{name} of the working folder')")
    random_deployment(configuration("tiny"), seed=1).save(Path("tiny.safetensors"))
    Path("in").mkdir()
    for name in ("a", "b"):
        Image.fromarray(np.full((6, 6), 90, np.uint8)).save(f"in/{name}.png")
    return tmp_path


def call(*arguments: str, **environment: str) -> None:
    command = [SCRIPT, *arguments, "--deployment", "tiny.safetensors"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | environment
    )
    assert done.returncode == 0, done.stderr


def test_denoise_in_a_shadowed_folder(shadowed):
    call("denoise", "in", "-o", "out", "--jobs", "2")
    assert {path.name for path in Path("out").glob("*.png")} == {"a.png", "b.png"}


def test_simulation_in_a_shadowed_folder(shadowed):
    crop = ["--image", "in/a.png", "--crop", "0,0,4,4"]
    call("sim", "run", "--target", "icarus", *crop, "-o", "out")
    assert Path("out/icarus/rtl.png").is_file()


def test_tools_in_a_shadowed_folder(shadowed):
    call("rtl", "generate", "--max-size", "4,4", "-o", "out")
    assert Path("out/spiking_dncnn.v").is_file()


def test_own_modules_come_before_the_python_path(shadowed, tmp_path):
    for name in OTHERS:
        Path(name, "__init__.py").unlink()
        Path(name).rmdir()
    call("denoise", "in", "-o", "out", "--jobs", "2", PYTHONPATH=str(tmp_path))
    call("sim", "vectors", "--image", "in/a.png", "--crop", "0,0,4,4", "-o", "v")
