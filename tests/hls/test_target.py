"""The target ``hls`` of ``python -m sim run``."""

import json

import pytest

from sim.__main__ import main
from sim.targets import hls as hls_target
from tests.programs import fake_program
from tests.rtl.networks import NETWORKS


@pytest.fixture(scope="module")
def tiny_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("deployment") / "tiny.safetensors"
    NETWORKS["tiny"].deployment.save(path)
    return str(path)


def arguments(tiny_file, folder, *more):
    options = ["--deployment", tiny_file, "--crop", "130,232,3,4", "--timesteps", "2"]
    return ["run", *options, "--target", "hls", "-o", str(folder), *more]


def test_run(tiny_file, tmp_path, capsys):
    assert main(arguments(tiny_file, tmp_path / "sim")) == 0
    text = capsys.readouterr().out
    assert "mismatches: 0" in text
    assert "72 event words of 3 layers, 12 pixels" in text
    # C simulation knows of no cycles, and says so by saying nothing.
    assert "cycles" not in text
    figures = json.loads((tmp_path / "sim/report.json").read_text())["targets"]["hls"]
    assert figures["passed"]
    assert "cycles" not in figures
    assert (tmp_path / "sim/hls/hls.png").is_file()


def test_a_difference_fails_the_run(tiny_file, tmp_path, capsys, monkeypatch):
    original = hls_target.simulate_frames

    def one_bit_wrong(*args, **kwargs):
        (frame,) = original(*args, **kwargs)
        # The last digit of the first word: channels 0 to 3.
        flipped = f"{int(frame.trace[2:3], 16) ^ 1:x}".encode()
        object.__setattr__(frame, "trace", frame.trace[:2] + flipped + frame.trace[3:])
        return [frame]

    monkeypatch.setattr(hls_target, "simulate_frames", one_bit_wrong)
    assert main(arguments(tiny_file, tmp_path / "sim")) == 1
    text = capsys.readouterr().out
    assert "mismatches: 1" in text
    assert "layer 0, y 0, x 0, t 0, channel 0" in text


def test_waveforms_are_refused(tiny_file, tmp_path, capsys):
    assert main(arguments(tiny_file, tmp_path / "sim", "--waves")) == 2
    assert "target hls has no waveforms" in capsys.readouterr().err


def test_missing_compiler_is_told_in_a_sentence(tiny_file, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(arguments(tiny_file, tmp_path / "sim")) == 2
    assert "target hls needs g++, which is not on the PATH" in capsys.readouterr().err


def test_a_compiler_that_does_not_start_is_told_in_a_sentence(
    tiny_file, tmp_path, capsys, monkeypatch
):
    fake_program(tmp_path / "bin", "g++", "echo no such library >&2; exit 127", monkeypatch)
    assert main(arguments(tiny_file, tmp_path / "sim")) == 2
    assert f"{tmp_path}/bin/g++ does not start (exit code 127, 'no such library')" in (
        capsys.readouterr().err
    )
    assert not (tmp_path / "sim").exists()
