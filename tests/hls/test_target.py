"""The target ``hls`` of ``python -m sim run``."""

import json

import pytest

from sim.__main__ import main
from sim.targets import hls as hls_target
from sw_model.spec import uniform_network
from tests.programs import fake_program
from tests.random_deployment import random_deployment
from tests.rtl.networks import NETWORKS

from .networks import FEW_FAULTS


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


@pytest.fixture(scope="module")
def few_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("deployment") / "few.safetensors"
    FEW_FAULTS.save(path)
    return str(path)


def few_arguments(few_file, folder, *more):
    options = ["--deployment", few_file, "--crop", "130,232,5,3", "--target", "hls"]
    return ["run", *options, "-o", str(folder), *more]


@pytest.mark.parametrize(
    ("options", "level"), [(["--level", "25"], 25), (["--noise", "7.5"], 7.5)], ids=str
)
def test_run_with_a_noise_level(few_file, tmp_path, capsys, monkeypatch, options, level):
    original, told = hls_target.simulate_frames, []

    def spied(*args, **kwargs):
        told.append(kwargs["levels"])
        return original(*args, **kwargs)

    monkeypatch.setattr(hls_target, "simulate_frames", spied)
    assert main(few_arguments(few_file, tmp_path / "sim", *options)) == 0
    text = capsys.readouterr().out
    assert told == [[level * 16]]
    assert f"level       {level}\n" in text
    assert "mismatches: 0" in text
    # Three by two positions of four pixels each, and four steps.
    assert "72 event words of 3 layers, 15 pixels" in text
    figures = json.loads((tmp_path / "sim/report.json").read_text())
    assert figures["level"] == level
    assert figures["targets"]["hls"]["passed"]


def test_another_level_than_the_golden_model_has_fails_the_run(
    few_file, tmp_path, capsys, monkeypatch
):
    original = hls_target.simulate_frames

    def wrong(*args, levels, **kwargs):
        return original(*args, levels=[level + 160 for level in levels], **kwargs)

    monkeypatch.setattr(hls_target, "simulate_frames", wrong)
    assert main(few_arguments(few_file, tmp_path / "sim", "--level", "25")) == 1
    assert "mismatches: 0" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--level", "56"], "noise level 56.0 is not one of 0 to 55 grey levels"),
        (["--noise", "70"], "noise level 70.0 is not one of 0 to 55 grey levels"),
        (["--level", "nan"], "noise level nan is not one of 0 to 55 grey levels"),
    ],
    ids=str,
)
def test_levels_that_do_not_fit_are_refused(few_file, tmp_path, capsys, options, sentence):
    assert main(few_arguments(few_file, tmp_path / "sim", *options)) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert not (tmp_path / "sim").exists()


# The golden model, C++, RTL and the netlist's cells each add up on their own.
def test_all_targets_take_the_few_spike_code(few_file, tmp_path, capsys):
    targets = ["--target", "hls,icarus,gates", "--level", "12.5"]
    assert main(few_arguments(few_file, tmp_path / "sim", *targets)) == 0
    assert capsys.readouterr().out.count("mismatches: 0") == 3
    figures = json.loads((tmp_path / "sim/report.json").read_text())["targets"]
    assert [figures[name]["passed"] for name in ("hls", "icarus", "gates")] == [True] * 3


def test_a_level_for_a_network_of_one_is_refused(tiny_file, tmp_path, capsys):
    assert main(arguments(tiny_file, tmp_path / "sim", "--level", "25")) == 2
    assert "level 25.0 is given to a network that takes no noise level" in capsys.readouterr().err


def test_networks_of_colours_are_refused(tmp_path, capsys):
    spec = uniform_network("red", depth=3, channels=2, timesteps=(2,), code="binary", inputs=3)
    random_deployment(spec, 1).save(tmp_path / "red.safetensors")
    assert main(few_arguments(str(tmp_path / "red.safetensors"), tmp_path / "sim")) == 2
    error = capsys.readouterr().err
    assert "network 'red' is for pictures of 3 colours; simulations denoise grey ones" in error


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
