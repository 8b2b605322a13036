"""The dense network through hls4ml's own layers, and the comparison that ``sim twin`` prints."""

import json

import numpy as np
import pytest
import torch

from hls.dense_twin import run_twin
from sim.__main__ import main
from sw_model.network.baseline import Baseline
from tests.rtl.networks import NETWORKS


@pytest.fixture(scope="module")
def layers():
    generator = torch.Generator().manual_seed(3)
    shapes = ((4, 1), (4, 4), (1, 4))
    scales = (0.02, 0.3, 0.3)
    return [
        (
            scale * torch.randn(*shape, 3, 3, generator=generator),
            torch.randn(shape[0], generator=generator),
        )
        for shape, scale in zip(shapes, scales, strict=True)
    ]


@pytest.fixture(scope="module")
def baseline_file(layers, tmp_path_factory):
    path = tmp_path_factory.mktemp("baseline") / "small.safetensors"
    Baseline(layers, {"source": "random"}).save(path)
    return path


def test_hls4ml_computes_the_quantised_network(layers, tmp_path):
    pixels = torch.from_numpy(np.random.default_rng(1).integers(-512, 512, (5, 4)))
    result = run_twin(layers, pixels, 9, tmp_path)
    # Sums are exact and halves go up in both: not a bit differs.
    assert torch.equal(result.residual, result.expected)
    assert len(result.residual.unique()) > 5


def test_comparison(baseline_file, tmp_path, capsys):
    deployment = tmp_path / "tiny.safetensors"
    NETWORKS["tiny"].deployment.save(deployment)
    arguments = ["twin", "--deployment", str(deployment), "--baseline", str(baseline_file)]
    arguments += ["--crop", "130,232,5,4", "--reuse-factor", "9", "-o", str(tmp_path / "twin")]
    assert main(arguments) == 0
    figures = json.loads((tmp_path / "twin/report.json").read_text())
    assert figures["spiking"]["mismatches"] == 0
    assert figures["spiking"]["layers"] == 4
    assert figures["spiking"]["multiplications"] == 9 * 4 * 20
    assert figures["spiking"]["activation_bits_a_pixel"] == 4 * 3
    assert figures["dense"]["multiplications"] == 9 * (4 + 16 + 4) * 20
    assert figures["dense"]["weight_bits"] == 8 * 9 * (4 + 16 + 4)
    text = capsys.readouterr().out
    assert "additions of weights" in text
    assert f"{figures['dense']['psnr']:.2f}" in text
