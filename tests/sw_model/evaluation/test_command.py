"""Evaluation with several seeds and protocols, of folders, beside published figures."""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sw_model.__main__ import main
from sw_model.evaluation import command as evaluate
from sw_model.evaluation.published import CAMERAMAN, PUBLISHED, published
from sw_model.evaluation.report import mean_and_spread
from sw_model.pictures import options
from sw_model.spec import configuration
from sw_model.support.progress import Bar
from tests.random_deployment import random_deployment


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A small network, and a folder of as many small pictures as Set12 has."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPIKING_DNCNN_DATA", raising=False)
    random_deployment(configuration("tiny"), 1).save(Path("tiny.safetensors"))
    rng = np.random.default_rng(0)
    for number in range(1, 13):
        place = Path("data", "set12", f"{number:02}.png")
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (11, 12)).astype(np.uint8)).save(place)
    return tmp_path


def run(capsys, *arguments):
    code = main(["evaluate", "--deployment", "tiny.safetensors", *map(str, arguments)])
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    return out


def measured(capsys, *arguments):
    return json.loads(run(capsys, *arguments, "--json", "-"))


def test_a_folder_of_pictures_is_taken_as_it_is(folder, capsys):
    by_folder = run(capsys, "--data", "data/set12")
    assert by_folder == run(capsys, "--data", "data")
    assert by_folder == run(capsys, "--data", "data", "--set", "set12")
    assert all(f"{number:02}.png" in by_folder for number in range(1, 13))


def test_published_figures_are_labelled_and_beside_their_set_only(folder, capsys):
    out = run(capsys, "--data", "data/set12")
    lines = out[out.index("published by others (not measured here)") :].splitlines()
    assert (
        "mean of the set: BM3D 29.97, WNNM 30.26, DnCNN-S 30.44, FFDNet 30.43, SPIDEN 30.18"
        in lines[1]
    )
    assert lines[2].startswith("  01.png: DnCNN-S 30.18, ")
    assert "28.35" in lines[2] and "21.59" in lines[2]
    # Another sigma, other pictures, or a part of the set have none.
    assert "published" not in run(capsys, "--data", "data/set12", "--noise", 16)
    assert "published" not in run(capsys, "data/set12/01.png")
    Path("data/set12/12.png").unlink()
    assert "published" not in run(capsys, "--data", "data/set12")


def test_published_figures_are_those_of_the_sets():
    assert {figure.psnr for figure in published("bsd68", 25.0)} == {28.57, 28.83, 29.23, 29.19}
    assert {figure.psnr for figure in published("set12", 50.0)} == {26.72, 27.05, 27.18, 27.32}
    assert published("bsd68", 51.0) == published(None, 25.0) == ()
    assert {f.picture for f in PUBLISHED["set12"]} == {None, CAMERAMAN}


def test_several_noises_are_each_measured_as_alone(folder, capsys):
    pictures = ["data/set12/01.png", "data/set12/02.png"]
    report = measured(capsys, *pictures, "--seeds", "4,0", "--protocol", "both")
    noises = [(run["noise"]["protocol"], run["noise"]["seed"]) for run in report["runs"]]
    assert noises == [("paper", 4), ("paper", 0), ("camera", 4), ("camera", 0)]
    for protocol, seed in noises:
        alone = measured(capsys, *pictures, "--seed", seed, "--protocol", protocol)
        expected = {key: alone[key] for key in report["runs"][0]}
        assert expected in report["runs"]


def test_summary_is_the_mean_and_spread_over_seeds(folder, capsys):
    report = measured(capsys, "--data", "data/set12", "--seeds", "0,1,2")
    assert report["set"] == "set12"
    (summary,) = report["summary"]
    assert (summary["protocol"], summary["seeds"], summary["pictures"]) == ("paper", [0, 1, 2], 12)
    for name in ("psnr", "ssim", "psnr_noisy", "ssim_noisy"):
        values = [run["mean"][name] for run in report["runs"]]
        assert summary[name]["mean"] == pytest.approx(np.mean(values), abs=2e-6)
        assert summary[name]["spread"] == pytest.approx(np.std(values, ddof=1), abs=2e-6)
    thetas = [run["theta"] for run in report["runs"]]
    assert summary["theta"]["mean"] == pytest.approx(np.mean(thetas), abs=2e-6)


def test_table_of_several_seeds_holds_the_summary(folder, capsys):
    options = ["--data", "data/set12", "--seeds", "0,1,2", "--protocol", "both"]
    report, out = measured(capsys, *options), run(capsys, *options)
    means = [line for line in out.splitlines() if line.startswith("mean ")]
    assert len(means) == 2
    for line, summary in zip(means, report["summary"], strict=True):
        values = [float(cell) for cell in line.split() if cell not in ("mean", "±")]
        noisy, shown_ssim_noisy = values.pop(0), values.pop(2)
        assert noisy == pytest.approx(summary["psnr_noisy"]["mean"], abs=6e-3)
        assert shown_ssim_noisy == pytest.approx(summary["ssim_noisy"]["mean"], abs=6e-5)
        expected = [
            summary[n][k]
            for n in ("psnr", "ssim", "theta", "spikes_per_pixel")
            for k in ("mean", "spread")
        ]
        assert values[:-2] == pytest.approx(expected[:-2], abs=6e-4)
        assert values[-2:] == pytest.approx(expected[-2:], abs=6e-2)
    assert "protocol paper" in out and "protocol camera" in out
    assert all(out.count(f"\n{number:02}.png ") == 2 for number in range(1, 13))


def test_one_seed_has_no_spread(folder, capsys):
    report = measured(capsys, "data/set12/01.png")
    assert report["summary"][0]["psnr"]["spread"] is None
    assert report["summary"][0]["psnr"]["mean"] == report["mean"]["psnr"]
    assert "±" not in run(capsys, "data/set12/01.png")


def test_mean_and_spread_of_what_does_not_exist():
    assert mean_and_spread([1.0, None]) == (None, None)
    assert mean_and_spread([math.inf, 1.0]) == (math.inf, None)
    assert mean_and_spread([3.0]) == (3.0, None)
    assert mean_and_spread([1.0, 2.0, 4.0]) == (
        pytest.approx(7 / 3),
        pytest.approx(statistics.stdev([1, 2, 4])),
    )


def test_without_noise_seeds_have_infinite_values_and_no_spread(folder, capsys):
    report = measured(capsys, "data/set12/01.png", "--noise", 0, "--seeds", "0,1")
    assert report["summary"][0]["psnr_noisy"] == {"mean": None, "spread": None}


def test_folder_without_pictures_is_refused(folder, capsys):
    Path("empty").mkdir()
    code = main(["evaluate", "--deployment", "tiny.safetensors", "--data", "empty"])
    assert code == 2
    complaint = "'empty' holds neither pictures nor the folder of the data set 'set12'"
    assert complaint in capsys.readouterr().err


def test_progress_runs_once_from_nothing_to_all(folder, capsys, monkeypatch):
    calls = []
    monkeypatch.setattr(Bar, "__call__", lambda self, done, whole: calls.append(done / whole))
    files = sorted(Path("data/set12").glob("*.png"))[:3]
    noises = [options.Noise(sigma=25, seed=seed, protocol="paper") for seed in (0, 1)]
    evaluate.evaluate_all(random_deployment(configuration("tiny"), 1), 2, noises, files)
    assert calls == sorted(calls)
    assert calls[-1] == 1
    assert len(calls) >= 6
