"""The command that denoises a whole frame with maps in external memory."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PIL import Image

from sim.__main__ import main
from sim.report.frame import thinned
from sw_model.spec import configuration, pack_spikes
from tests.random_deployment import random_deployment


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A small network's file, and a picture wider than its strips."""
    folder = tmp_path_factory.mktemp("frame")
    random_deployment(configuration("tiny"), 3).save(folder / "tiny.safetensors")
    grey = np.random.default_rng(1).integers(0, 256, (3, 180)).astype(np.uint8)
    Image.fromarray(grey).save(folder / "wide.png")
    return ["--deployment", str(folder / "tiny.safetensors"), "--image", str(folder / "wide.png")]


def test_frame_is_denoised_as_by_the_golden_model(inputs, tmp_path, capsys):
    output = tmp_path / "out"
    assert main(["frame", *inputs, "-o", str(output)]) == 0
    printed = capsys.readouterr().out
    assert "mismatches: 0" in printed
    assert "as predicted in each of 4 layers" in printed
    report = json.loads((output / "report.json").read_text())
    assert report["passed"] and report["columns"] < 180
    counters = report["counters"]
    assert counters["CYCLES"] == sum(report["layer_cycles"])
    golden, rtl = (np.asarray(Image.open(output / f"{name}.png")) for name in ("golden", "rtl"))
    assert np.array_equal(golden, rtl)


def test_prediction_needs_no_simulator(inputs, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert main(["frame", *inputs, "--predict"]) == 0
    assert "thinned to 0.4" in capsys.readouterr().out


def test_figures_count_what_a_frame_asks_for(inputs, tmp_path):
    file = tmp_path / "frame.json"
    assert main(["frame", *inputs, "--predict", "--figures", str(file)]) == 0
    figures = json.loads(file.read_text())
    assert (figures["height"], figures["width"]) == (3, 180)
    own, sparse = figures["cases"]
    assert own["theta"] > sparse["theta"] == pytest.approx(0.4, abs=0.02)
    assert own["cycles"] > sparse["cycles"]
    # Of three rows a spike reaches 7/3 in the mean; four channels, the output layer has one.
    for case in (own, sparse):
        spikes = case["theta"] * 3 * 180 * 4 * 3
        assert spikes * 5 < case["useful_operations"] < spikes * 7 * 4


def test_figures_want_a_prediction(inputs, tmp_path, capsys):
    assert main(["frame", *inputs, "--figures", str(tmp_path / "frame.json")]) == 2
    assert "--figures goes with --predict only" in capsys.readouterr().err


def test_two_engines_are_predicted_to_be_nearly_twice_as_fast(tmp_path, capsys):
    # Rows enough that the one which both halves read does not matter.
    random_deployment(configuration("tiny"), 3).save(tmp_path / "tiny.safetensors")
    grey = np.random.default_rng(2).integers(0, 256, (64, 60)).astype(np.uint8)
    Image.fromarray(grey).save(tmp_path / "high.png")
    files = ["--deployment", str(tmp_path / "tiny.safetensors")]
    files += ["--image", str(tmp_path / "high.png")]
    assert main(["frame", *files, "--engines", "2", "--predict"]) == 0
    printed = capsys.readouterr().out
    gains = [float(gain) for gain in re.findall(r"([\d.]+) times as fast as one engine", printed)]
    assert len(gains) == 2
    assert all(1.8 < gain < 2 for gain in gains)
    assert main(["frame", *files, "--engines", "3", "--predict"]) == 2
    assert "engines 3 is not 1 to 2" in capsys.readouterr().err


@pytest.mark.parametrize("latency", ["5", "0,1", "a,b"])
def test_impossible_latency_is_refused(inputs, latency, capsys):
    assert main(["frame", *inputs, "--latency", latency]) == 2
    assert "is not READ,WRITE, two integers of 1 or more" in capsys.readouterr().err


def test_thinned_maps_keep_some_of_their_spikes():
    rng = np.random.default_rng(2)
    words = pack_spikes(rng.random((4, 64, 8, 8)) < 0.5)
    (thin,) = thinned([words], 64, 0.4)
    assert not (thin & ~words).any()
    theta = np.bitwise_count(thin).sum() / (64 * 64)
    assert abs(theta - 0.4) < 0.05
    (same,) = thinned([words], 64, 4.0)
    assert np.array_equal(same, words)
