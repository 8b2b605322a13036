"""`python -m sw_model spikes`: the counts are those of the golden model's spikes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sw_model import golden
from sw_model.pictures.noise import add_noise
from sw_model.spec import load_deployment
from sw_model.spec.spike_counts import load_spike_counts
from tests.sw_model.pictures.picture_files import write_image
from tests.sw_model.test_cli import refused, run

TINY = ["--deployment", "tiny.safetensors"]


@pytest.fixture
def picture(folder):
    write_image(Path("a.png"), np.random.default_rng(3).integers(0, 256, (9, 12)).astype(np.uint8))


def test_counts_are_the_golden_models(picture, capsys):
    options = ["--crop", "1,2,7,8", "--noise", "15", "--seed", "4", "--timesteps", "2"]
    code, out, _ = run(capsys, "spikes", "a.png", "-o", "spikes.json", *TINY, *options)
    assert code == 0
    counts = load_spike_counts(Path("spikes.json"))
    deployment = load_deployment("tiny.safetensors")
    clean = np.random.default_rng(3).integers(0, 256, (9, 12)).astype(np.uint8)[1:8, 2:10]
    noisy = add_noise(clean, 15, 4, "paper")
    result = golden.denoise(deployment, noisy, 2, trace="spikes", engine="reference")
    assert counts.deployment == deployment.hash
    assert (counts.channels, counts.height, counts.width, counts.timesteps) == (4, 7, 8, 2)
    assert "a.png, 7x8 at y 1, x 2; noise of sigma 15, seed 4" in counts.picture
    for layer, found in zip(result.layers, counts.layers, strict=True):
        spikes = layer.spikes  # (T, C, H, W)
        assert (found.events.sum(axis=0) == spikes.sum(axis=(1, 2))).all()
        empty = ~spikes.any(axis=1)  # (T, H, W)
        assert (found.empty.sum(axis=0) == empty.sum(axis=1)).all()
        # Rows 0 to 2, 3, 4, and 5 to 6 of seven.
        assert (found.empty[1] == empty[:, 3]).all()
        assert (found.empty[3] == empty[:, 5:].sum(axis=1)).all()
    assert f"{counts.theta(2):.3f} spikes per neuron" in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["a.png", "-o", "nowhere/s.json"], "cannot write nowhere/s.json"),
        (["b.png", "-o", "s.json"], "b.png"),
        (["a.png", "-o", "s.json", "--crop", "0,0,10,1"], "--crop 0,0,10,1 does not lie in a.png"),
        (["a.png", "-o", "s.json", "--timesteps", "9"], "T = 9 is not allowed"),
        (["a.png"], "required: -o/--output"),
    ],
)
def test_mistakes_get_one_sentence(arguments, sentence, picture, capsys):
    assert sentence in refused(capsys, "spikes", *arguments, *TINY)
    assert not Path("s.json").exists()
