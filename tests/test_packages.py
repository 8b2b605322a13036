"""Missing third-party packages: one sentence, or no effect on commands that do not need them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sw_model.denoising.outcome import failure
from sw_model.denoising.plan import Task
from sw_model.spec import configuration
from sw_model.support.packages import EXTRAS, missing_package
from tests import ROOT

from .random_deployment import random_deployment
from .test_console import COMMANDS, RTL, SIM

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
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IMPORTED_AS = {
    "cocotb": {"cocotb", "cocotb_tools", "find_libpython"},
    "distributed": {"distributed", "dask"},
    "numba": {"numba", "llvmlite"},
    "pillow": {"PIL"},
    "pyserial": {"serial"},
    "scikit-image": {"skimage", "scipy"},
}
"""Import names that differ from the name of the distribution."""


def distributions(requirements: list[str]) -> set[str]:
    """Distributions in requirements, with our own extras expanded."""
    found: set[str] = set()
    for requirement in requirements:
        if own := re.fullmatch(r"spiking-dncnn\[(.+)\]", requirement):
            for extra in own[1].split(","):
                found |= distributions(PROJECT["optional-dependencies"][extra])
        else:
            found.add(re.match(r"[\w-]+", requirement)[0])
    return found


def imported(names: set[str]) -> set[str]:
    """Import names of distributions."""
    return set().union(*(IMPORTED_AS.get(name, {name.replace("-", "_")}) for name in names))


BASE = imported(distributions(PROJECT["dependencies"]))
OPTIONAL = imported(distributions(PROJECT["optional-dependencies"]["all"]))
DENOISING = BASE - {"tifffile"}
"""Packages that denoising needs, except for TIFF."""
SENTENCE = re.compile(
    r"spiking-dncnn( \w+)?: the Python package [\w-]+ is missing; run `pip install "
    r"([\w-]+|'spiking-dncnn\[(?P<extra>\w+)\]')`, "
    r"or in a checkout `make setup` and `source \.venv/bin/activate`\n"
)
NEEDS = {
    # Commands whose `--help` needs an extra, and the extra that they name if it is missing.
    **dict.fromkeys(["coding", "compare", "evaluate", "figures", "spikes"], "measure"),
    **dict.fromkeys(["train", "train-few-spikes", "freeze", "baseline", "bench"], "train"),
    **{f"rtl {name}": "rtl" for name in RTL.keys() - {"registers"}},
    **{f"sim {name}": "sim" for name in SIM},
}


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
def test_without_packages_there_is_one_sentence(command):
    done = run(BASE | OPTIONAL, *command.split(), "--help")
    assert (done.returncode, done.stdout) == (2, "")
    assert SENTENCE.fullmatch(done.stderr), done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_without_extras_the_sentence_names_one(command):
    done = run(OPTIONAL, *command.split(), "--help")
    sentence = SENTENCE.fullmatch(done.stderr)
    assert (sentence and sentence["extra"]) == NEEDS.get(command), done.stderr
    assert done.returncode == (2 if sentence else 0)


@pytest.mark.parametrize(
    ("extras", "arguments"),
    [
        ("measure", "evaluate --data none"),
        ("train", "train --steps none"),
        ("rtl", "rtl explore --spikes none.json -o out"),
        ("sim", "sim run --image none.png"),
        ("hls", "hls build --size none -o out"),
        ("sim,hls", "sim twin --image none.png -o out"),
    ],
)
def test_an_extra_is_all_that_its_commands_need(extras, arguments):
    # Each command reports its invalid argument, after importing everything that it needs.
    had = imported(distributions([f"spiking-dncnn[{extras}]"]))
    done = run(OPTIONAL - had, *arguments.split())
    assert done.returncode == 2
    assert "none" in done.stderr
    assert "package" not in done.stderr


def test_the_extras_are_those_of_the_distribution():
    extras = {name: set(packages) for name, packages in EXTRAS.items()}
    declared = PROJECT["optional-dependencies"]
    assert extras == {
        name: distributions(declared[name]) for name in declared.keys() - {"all", "dev", "bench"}
    }
    assert set().union(*extras.values()) == distributions(declared["all"])
    assert distributions(declared["all"]) <= distributions(declared["dev"])


def test_the_lock_has_every_package():
    locked = set(re.findall(r"^([\w-]+)==", (ROOT / "requirements.lock").read_text(), re.M))
    everything = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]
    assert distributions(everything) <= locked


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
def test_modules_report_missing_packages_too(program, command):
    start = f"import runpy; runpy.run_module({program!r}, run_name='__main__', alter_sys=True)"
    done = run(BASE | OPTIONAL, *command, program=BLOCKING + start)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"python -m {program}: the Python package ")
    assert done.stderr.count("\n") == 1


def test_the_list_of_commands_needs_no_package():
    done = run(BASE | OPTIONAL, "--help")
    assert (done.returncode, done.stderr) == (0, "")


def test_denoising_needs_few_packages(folder):
    blocked = (BASE | OPTIONAL) - DENOISING
    tiny = ["--deployment", "tiny.safetensors"]
    done = run(blocked, "denoise", "a.png", "-o", "b.png", *tiny)
    assert (done.returncode, done.stderr) == (0, "")
    assert Path("b.png").is_file()


def test_packages_needed_at_the_end_are_checked_at_the_start(folder):
    # SSIM is measured only after the picture is denoised and written.
    done = run({"skimage"}, "denoise", "a.png", "-o", "b.png", "--noise", "25")
    assert done.returncode == 2
    assert "the Python package scikit-image is missing" in done.stderr
    assert SENTENCE.fullmatch(done.stderr)["extra"] == "measure"
    assert not Path("b.png").exists()


def test_a_missing_package_fails_only_the_file_that_needs_it():
    task = Task(Path("in/b.tif"), Path("out/b.tif"))
    missing = failure(task, ModuleNotFoundError("No module named 'tifffile'", name="tifffile"))
    assert missing.reason.startswith("in/b.tif: the Python package tifffile is missing; run ")


def test_a_board_needs_a_serial_line(folder):
    done = run({"serial"}, "host", "--port", "/dev/none", "a.png", "b.png")
    assert done.returncode == 2
    assert "the Python package pyserial is missing" in done.stderr
    assert SENTENCE.fullmatch(done.stderr)["extra"] == "rtl"


def test_a_photograph_that_comes_with_a_package_needs_it(folder):
    done = run({"skimage"}, "sim", "run", "--deployment", "tiny.safetensors", "-o", "out")
    assert done.returncode == 2
    assert SENTENCE.fullmatch(done.stderr)["extra"] == "sim"
    assert not Path("out").exists()


def test_the_program_chooses_between_extras():
    missing = ModuleNotFoundError("No module named 'torch'", name="torch")
    for program, extra in (
        ("", "train"),
        ("python -m sw_model", "train"),
        ("python -m hls", "hls"),
    ):
        assert f"'spiking-dncnn[{extra}]'" in missing_package(missing, program)


def test_broken_packages_are_reported_with_the_reason():
    broken = ImportError("libGL.so.1: cannot open\nshared object", name="skimage.io")
    sentence = missing_package(broken)
    assert sentence is not None
    assert sentence.startswith(
        "the Python package scikit-image cannot be loaded (libGL.so.1: cannot open shared object); "
    )


def test_our_own_mistakes_are_not_hidden():
    assert (
        missing_package(ModuleNotFoundError("No module named 'rtl.nothing'", name="rtl.nothing"))
        is None
    )
    assert missing_package(ImportError("cannot import")) is None
