"""The examples work, on small pictures and networks."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from examples import follow_a_spike
from sim.targets.rtl import Hardware, make_hardware
from sw_model import denoise, load_deployment, trace
from sw_model.pictures.crops import default_picture
from sw_model.pictures.eight_bit import read_picture
from sw_model.pictures.noise import add_noise
from sw_model.spec import configuration
from sw_model.support.errors import Failure
from tests import ROOT

from .random_deployment import random_deployment

TINY = ["--deployment", "tiny.safetensors"]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    random_deployment(configuration("tiny"), seed=1).save(Path("tiny.safetensors"))
    picture = np.random.default_rng(0).integers(0, 256, (24, 20), np.uint8)
    Image.fromarray(picture).save("photo.png")
    return tmp_path


def example(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "examples" / f"{name}.py"), *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def lines(name: str, *arguments: str) -> dict[str, str]:
    """Lines that an example prints, by their label."""
    done = example(name, *arguments)
    assert done.returncode == 0, done.stderr
    return {line[:11].strip(): line[12:] for line in done.stdout.splitlines()}


# ------------------------------------------------------------------------------ denoise_a_picture


def test_a_picture_is_denoised(folder):
    printed = lines("denoise_a_picture", "photo.png", "-o", "clean.png", *TINY)
    assert printed["written"] == "clean.png"
    expected = denoise(read_picture(Path("photo.png")), "tiny.safetensors")
    assert (read_picture(Path("clean.png")) == expected).all()


def test_the_photograph_is_denoised(folder):
    printed = lines("denoise_a_picture", "-o", "clean.png", *TINY)
    assert printed["noisy"].startswith("PSNR 20.")
    noisy = add_noise(read_picture(default_picture()), 25, 0)
    expected = denoise(noisy, "tiny.safetensors", level=25)
    assert (read_picture(Path("clean.png")) == expected).all()


# --------------------------------------------------------------------------- train_a_tiny_network


def test_a_few_steps_make_a_frozen_network(folder):
    few = ["--steps", "3", "--batch", "2"]
    printed = lines("train_a_tiny_network", *few, "-o", "custom.safetensors")
    assert {"step     1", "step     2", "step     3", "noisy", "denoised"} <= printed.keys()
    network = load_deployment("custom.safetensors")
    assert network.spec.name == "my-tiny"
    (run,) = network.provenance["runs"]
    assert "--config tiny --steps 3" in run["command"]


# ------------------------------------------------------------------------------ follow_a_spike

FRAME = ["--image", "photo.png", "--crop", "3,5,3,4", "--max-size", "4,4"]


def test_a_spike_is_the_same_in_trace_and_waveform(folder):
    printed = lines("follow_a_spike", *TINY, *FRAME, "--layer", "2", "--number", "7", "-o", "spike")
    pixels = add_noise(read_picture(Path("photo.png"))[3:6, 5:9], 25, 0)
    layer = trace(pixels, "tiny.safetensors").layers[2]
    y, x, t, channel = np.argwhere(layer.spikes.transpose(2, 3, 0, 1))[7]
    assert printed["spike"] == f"layer 2, pixel y {y}, x {x}, step {t}, channel {channel}"
    word = f"{layer.words[y, x, t, 0]:x}"
    assert int(word, 16) >> channel & 1
    assert printed["golden word"].startswith(f"{word}  layers[2].words[{y}, {x}, {t}]")
    assert printed["RTL word"].startswith(f"{word}  trace_word at the clock's edge at time ")
    time = printed["RTL word"].split(" time ")[1].split()[0]
    assert f"\n#{time}\n" in Path("spike/trace.vcd").read_text()


def test_waveforms_are_sampled_before_the_clock_edge():
    header = "".join(
        f"$var wire 2 {code} {name} [1:0] $end\n"
        for code, name in zip("!#%&(", follow_a_spike.SIGNALS, strict=True)
    )
    changes = "#0 0! 0# #5 1! 1# b1_% b10_& b111_( #10 0! #15 1! b11_& 0# #20 0! #25 1!"
    lines = changes.replace(" ", "\n").replace("_", " ")
    (beat,) = follow_a_spike.parse_waveform(header + lines)
    assert (beat.time, beat.layer, beat.word, beat.cycle) == (15, 1, 2, 7)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (["--layer", "3"], "--layer 3 is not in 0..2"),
        (["--number", "99999"], "--number 99999: layer 1 has "),
    ],
)
def test_spikes_that_do_not_exist_are_refused(folder, wrong, sentence):
    done = example("follow_a_spike", *TINY, *FRAME, *wrong, "-o", "spike")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"examples/follow_a_spike.py: {sentence}")
    assert done.stderr.count("\n") == 1
    assert not Path("spike").exists()


def test_other_hardware_is_reported(folder, monkeypatch):
    def other(deployment, *size) -> Hardware:
        return make_hardware(random_deployment(deployment.spec, seed=2), *size)

    monkeypatch.setattr(follow_a_spike, "make_hardware", other)
    parser = ArgumentParser()
    follow_a_spike.add_arguments(parser)
    with pytest.raises(Failure, match="vvp: FAIL: layer 0, "):
        follow_a_spike.main(parser.parse_args([*TINY, *FRAME, "-o", "spike"]))
    assert not Path("spike").exists()
