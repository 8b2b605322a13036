"""The wheel has all files that the programs open, and denoises without the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from configparser import ConfigParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import ROOT

PACKAGES = ("sw_model", "rtl", "hls", "sim")
METADATA = "spiking_dncnn-*.dist-info"
START = """
import sys

wheel, packages, module, function = sys.argv[1:5]
del sys.argv[1:5]
# -S left out the installed packages; add them, but not the link to the checkout.
sys.path = [wheel, *sys.path, packages]
from importlib import import_module

code = getattr(import_module(module), function)()
ours = {name: m.__file__ for name, m in sys.modules.items() if name.split(".")[0] in PACKAGES}
strays = {name: file for name, file in ours.items() if file and not file.startswith(wheel)}
assert ours and not strays, strays
sys.exit(code)
""".replace("PACKAGES", repr(PACKAGES))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The unpacked wheel, built from a copy, because setuptools writes into the source folder."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        unwanted = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=unwanted)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "-w", target]
    command = [sys.executable, "-m", "pip", "--isolated", "wheel", *options, source]
    subprocess.run(command, check=True, cwd=target)
    (packed,) = target.glob("*.whl")
    with zipfile.ZipFile(packed) as file:
        file.extractall(target / "unpacked")
    return target / "unpacked"


def files(folder: Path) -> set[str]:
    """Names of all files below the packages of a folder."""
    return {
        str(path.relative_to(folder))
        for name in PACKAGES
        for path in (folder / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_has_every_file_of_the_packages(wheel):
    # Networks, baselines, Verilog, C++ and headers.
    assert files(wheel) == files(ROOT)
    assert {Path(name).suffix for name in files(wheel)} >= {".safetensors", ".v", ".cpp", ".h"}


def test_the_wheel_has_nothing_else(wheel):
    (metadata,) = wheel.glob(METADATA)
    assert {path.name for path in wheel.iterdir()} == {*PACKAGES, metadata.name}
    assert (metadata / "licenses" / "LICENSE").is_file()


def call(wheel: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the console command of the wheel in a folder, without access to the checkout."""
    (entries,) = wheel.glob(f"{METADATA}/entry_points.txt")
    parser = ConfigParser()
    parser.read(entries)
    entry = parser["console_scripts"]["spiking-dncnn"].split(":")
    packages = sysconfig.get_path("purelib")
    command = [sys.executable, "-I", "-S", "-c", START, wheel, packages, *entry, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_the_wheel_denoises_without_the_checkout(wheel, tmp_path):
    Image.fromarray(np.full((6, 6), 90, np.uint8)).save(tmp_path / "photo.png")
    done = call(wheel, tmp_path, "denoise", "photo.png", "-o", "clean.png")
    assert (done.returncode, done.stderr) == (0, "")
    with Image.open(tmp_path / "clean.png") as clean:
        assert clean.size == (6, 6)


def test_the_wheel_knows_its_networks_and_its_version(wheel, tmp_path):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert call(wheel, tmp_path, "--version").stdout == f"spiking-dncnn {version}\n"
    done = call(wheel, tmp_path, "denoise", "photo.png", "-o", "a.png", "--deployment", "none")
    assert done.returncode == 2
    assert all(path.stem in done.stderr for path in ROOT.glob("sw_model/deployments/*.safetensors"))
