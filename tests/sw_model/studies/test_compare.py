"""The comparison with classical denoisers: its figures, its files, what it lacks and refuses."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut, camera, coins
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle

from sw_model import denoise
from sw_model.__main__ import main
from sw_model.studies.compare import measure as compare_measure
from sw_model.studies.compare import methods as compare_methods
from sw_model.studies.compare import noises as compare_noises
from sw_model.studies.compare.measure import Sample, cpu_seconds, one_thread, run
from sw_model.studies.compare.methods import Method, classical
from sw_model.studies.compare.noises import parse_noises
from sw_model.studies.compare.weights import COARSE, best_weight
from sw_model.support.machine import processors

TINY = ("--data", "data", "--set", "set12", "--deployment", "tiny.safetensors")
QUICK = (*TINY, "--crop", "48", "--noise", "15,40")
SPIN = "import time\nwhile time.process_time() < 0.3: pass"


@pytest.fixture
def place(folder):
    """A folder with a small network and small data sets."""
    names = ("set12", "kodak24", "train400", "train400-colour")
    pictures = (camera()[70:122, 200:260], astronaut()[30:80, 200:260])
    training = (coins()[20:60, 30:90], camera()[300:350, 50:110])
    for name in names:
        (folder / "data" / name).mkdir(parents=True)
    Image.fromarray(pictures[0]).save("data/set12/a.png")
    Image.fromarray(pictures[1]).save("data/kodak24/b.png")
    for index, picture in enumerate(training):
        Image.fromarray(picture).save(f"data/train400/{index}.png")
        colours = np.stack([picture, picture[::-1], picture.T[: len(picture)].mean() - 0 * picture])
        three = np.moveaxis(colours.astype(np.uint8), 0, 2)
        Image.fromarray(three).save(f"data/train400-colour/{index}.png")
    # Never to be looked at: training takes two pictures.
    Path("data/train400/3.png").write_text("no picture")
    return folder


@pytest.fixture
def bm3d(monkeypatch):
    """A stand-in whose results tell how it was called."""
    threads = []

    def call(sign):
        def made(noisy, sigma, profile):
            threads.append(profile.num_threads)
            return noisy + sign * sigma

        return made

    package = SimpleNamespace(
        bm3d=call(1), bm3d_rgb=call(-1), BM3DProfile=lambda: SimpleNamespace(num_threads=0)
    )
    monkeypatch.setitem(sys.modules, "bm3d", package)
    yield package
    assert set(threads) <= {1}


def psnr_of(clean, values):
    """From the definition, of what a file of 8 bits holds."""
    picture = np.round(np.clip(values, 0, 255))
    return 10 * np.log10(255**2 / np.mean((picture - clean.astype(float)) ** 2))


def read_values():
    return json.loads(Path("out/compare.json").read_text())


def test_figures_are_those_of_the_methods(place, bm3d):
    assert main(["compare", *QUICK, "-o", "out"]) == 0
    values = read_values()
    clean = np.asarray(Image.open("data/set12/a.png"))[2:50, 6:54]  # the middle of 52x60
    weights = {row["noise"]: row["weight"] for row in values["tv_weights"]}
    assert [case["noise"] for case in values["cases"]] == ["15", "40"]
    for case, sigma in zip(values["cases"], (15, 40), strict=True):
        assert (case["set"], case["picture"], case["shape"]) == ("set12", "a.png", [48, 48])
        assert case["level"] == sigma
        drawn = clean + np.random.default_rng(0).normal(0, sigma, clean.shape)
        noisy = np.rint(drawn).astype(np.int16)
        assert noisy.min() < 0  # not clipped
        mean_square = np.mean((noisy - clean.astype(float)) ** 2)
        assert case["psnr_noisy"] == pytest.approx(10 * np.log10(255**2 / mean_square))
        small, level = noisy / 255, sigma / 255
        smooth = denoise_nl_means(small, 5, 6, h=0.8 * level, sigma=level, fast_mode=True)
        expected = {
            "tiny, level told": denoise(noisy, "tiny.safetensors", level=sigma),
            "tiny, level estimated": denoise(noisy, "tiny.safetensors"),
            "bm3d": noisy + sigma,
            "nlm": 255 * smooth,
            "tv": 255 * denoise_tv_chambolle(small, weight=weights[str(sigma)], eps=1e-5),
        }
        assert list(case["methods"]) == list(expected)
        for name, result in expected.items():
            assert case["methods"][name]["psnr"] == pytest.approx(psnr_of(clean, result)), name
            assert case["methods"][name]["cpu_seconds"] > 0
            assert case["methods"][name]["wall_seconds"] > 0


def test_means_are_over_pictures_and_rates_over_all(place, bm3d):
    Image.fromarray(coins()[100:150, 50:90]).save("data/set12/second.png")
    assert main(["compare", *QUICK, "-o", "out"]) == 0
    values = read_values()
    pixels = 48 * 48 + 48 * 40  # a side that is shorter stays
    for row in values["means"]:
        results = {
            (case["noise"], case["picture"]): case["methods"][row["method"]]
            for case in values["cases"]
        }
        assert len(results) == 4
        for noise in ("15", "40"):
            two = [results[noise, name]["psnr"] for name in ("a.png", "second.png")]
            assert row["psnr"][noise] == pytest.approx(sum(two) / 2)
        cpu = sum(result["cpu_seconds"] for result in results.values())
        assert row["cpu_seconds"] == pytest.approx(cpu / 4)
        assert row["wall_seconds"] == pytest.approx(
            sum(result["wall_seconds"] for result in results.values()) / 4
        )
        assert row["megapixels_per_cpu_second"] == pytest.approx(2 * pixels / 1e6 / cpu)


def table_after(text, heading):
    """Cells of the first table behind a line."""
    lines = text.partition(heading)[2].splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith("|"))
    rows = [line for line in lines[first : first + 20] if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows]


def test_the_report_has_a_column_for_each_method(place, bm3d, capsys):
    sets = ("--set", "kodak24", "--limit", "1")
    assert main(["compare", *QUICK, *sets, "--noise", "25,poisson", "-o", "out"]) == 0
    text, values = Path("out/compare.md").read_text(), read_values()
    assert text.startswith("# Quality and processor time beside classical denoisers\n")
    ours = ["tiny, level told", "tiny, level estimated"]
    labels = [*ours, "BM3D", "non-local means", "total variation"]
    assert list(values["methods"].values()) == labels
    rows = table_after(text, "## kodak24")
    assert rows[0] == ["noise", "mean σ told", "noisy", *labels]
    assert [row[0] for row in rows[2:4]] == ["Gaussian, σ = 25", "Poisson, peak 30"]
    means = {row["method"]: row for row in values["means"] if row["set"] == "kodak24"}
    shown = [f"{means[name]['psnr']['poisson']:.2f}" for name in values["methods"]]
    assert rows[3][3:] == shown
    times = table_after(text, "a megapixel is a million pixels")
    assert times[0][1:] == ["CPU s a picture", "wall s a picture", "megapixels a CPU s"]
    assert [row[0] for row in times[2:7]] == labels
    difference = means[ours[0]]["psnr"]["25"] - means["bm3d"]["psnr"]["25"]
    assert f"{difference:+.2f} dB (Gaussian, σ = 25)" in " ".join(text.split())
    command = "--set set12 --set kodak24 --deployment tiny.safetensors --limit 1 --crop 48"
    assert f"python -m sw_model compare -o build/compare {command} --noise 25,poisson" in text
    weights = table_after(text, "around the best of")
    assert weights[0] == ["noise", "weight, grey", "weight, colour"]
    out = capsys.readouterr().out
    assert "kodak24, dB at 25, poisson\n" in out
    assert out.endswith("written     out\n")


def test_colours_are_denoised_together_by_others_and_one_by_one_by_networks(place, bm3d):
    chosen = ("--set", "kodak24", "--noise", "20", "--data", "data", "--crop", "32")
    assert main(["compare", *chosen, "--deployment", "tiny.safetensors", "-o", "out"]) == 0
    (case,) = read_values()["cases"]
    clean = np.asarray(Image.open("data/kodak24/b.png"))[9:41, 14:46]
    channels = [clean[..., i] + np.random.default_rng(i).normal(0, 20, (32, 32)) for i in range(3)]
    noisy = np.rint(np.stack(channels, axis=2)).astype(np.int16)
    level = 20 / 255
    smooth = denoise_nl_means(
        noisy / 255, 5, 6, h=0.8 * level, sigma=level, fast_mode=True, channel_axis=2
    )
    grey = [denoise(noisy[..., i], "tiny.safetensors", level=20) for i in range(3)]
    weight = read_values()["tv_weights"][0]["weight"]
    varied = denoise_tv_chambolle(noisy / 255, weight=weight, eps=1e-5, channel_axis=2)
    results = {name: result["psnr"] for name, result in case["methods"].items()}
    assert results["bm3d"] == pytest.approx(psnr_of(clean, noisy - 20))
    assert results["nlm"] == pytest.approx(psnr_of(clean, 255 * smooth))
    assert results["tv"] == pytest.approx(psnr_of(clean, 255 * varied))
    assert results["tiny, level told"] == pytest.approx(psnr_of(clean, np.stack(grey, axis=2)))


# ---------------------------------------------------------------------------- noises


def test_networks_know_what_kind_of_noise_it_is(monkeypatch):
    calls = []
    monkeypatch.setattr(compare_methods, "denoise", lambda *_, **options: calls.append(options))
    for noise in parse_noises("25,poisson"):
        sample = compare_measure.sample_of(np.full((8, 8), 90, np.uint8), noise, 0, {})
        for method in compare_methods.ours("network", None):
            method.run(sample)
    assert calls == [{"level": 25}, {"poisson": False}, {"poisson": 8.5}, {"poisson": True}]


def test_photons_have_the_mean_and_the_variance_of_poisson():
    (noise,) = parse_noises("poisson")
    clean = np.full((200, 200), 85, np.uint8)  # ten photons
    noisy = noise.put(clean, 3)
    assert noisy.dtype == np.int16
    assert noisy.mean() == pytest.approx(85, abs=0.5)
    assert noisy.std() == pytest.approx(10**0.5 * 8.5, rel=0.02)
    assert noise.level(noisy) == pytest.approx(noisy.std(), rel=0.02)
    photons = np.random.default_rng(3).poisson(clean / 255 * 30)
    assert (noisy == np.rint(photons * 8.5)).all()
    colour = noise.put(np.stack([clean, clean], axis=2)[..., [0, 1, 0]], 3)
    assert (colour[..., 0] == noisy).all()
    assert (colour[..., 1] == noise.put(clean, 4)).all()
    black = noise.put(np.zeros((16, 16), np.uint8), 0)
    assert (black.max(), noise.level(black)) == (0, compare_noises.LEVEL_MIN)


def test_jpeg_is_pillows_and_its_level_scikit_images(monkeypatch):
    details = np.array([[0.0, 6.745, -6.745, 20.0, -1.0]])
    pywt = SimpleNamespace(dwtn=lambda image, wavelet: {"dd": details * image.max() / 255})
    monkeypatch.setitem(sys.modules, "pywt", pywt)
    (noise,) = parse_noises("jpeg")
    clean = camera()[70:118, 200:260]
    file = io.BytesIO()
    Image.fromarray(clean).save(file, "JPEG", quality=10)
    noisy = noise.put(clean, 0)
    assert noisy.tolist() == np.asarray(Image.open(file)).tolist()
    # The median of those that are not zero, over the normal distribution's third quartile.
    assert noise.level(np.full((16, 16), 255, np.int16)) == pytest.approx(10, rel=1e-3)
    three = np.stack([np.full((16, 16), v, np.int16) for v in (255, 51, 102)], axis=2)
    assert noise.level(three) == pytest.approx(10 * (1 + 0.2 + 0.4) / 3, rel=1e-3)
    monkeypatch.setattr(pywt, "dwtn", lambda image, wavelet: {"dd": np.zeros((3, 3))})
    assert noise.level(noisy) == compare_noises.LEVEL_MIN


def test_a_level_is_found_by_real_wavelets():
    pytest.importorskip("pywt")
    noisy = np.random.default_rng(0).normal(120, 20, (128, 128)).astype(np.int16)
    (noise,) = parse_noises("jpeg")
    assert noise.level(noisy) == pytest.approx(20, rel=0.05)


# ------------------------------------------------------------------- weight, time, strip


@pytest.mark.parametrize("colours", [False, True])
def test_the_real_bm3d_denoises(colours):
    pytest.importorskip("bm3d")
    clean = (astronaut() if colours else camera())[70:118, 200:260]
    (noise,) = parse_noises("25")
    (method,) = classical(["bm3d"])
    noisy = noise.put(clean, 0)
    result = run(method, Sample(pixels=noisy, level=25), clean)
    assert result.psnr > psnr_of(clean, noisy) + 5


def test_the_weight_is_the_best_one_on_training_pictures(place):
    pictures = [np.asarray(Image.open(f"data/train400/{i}.png")) for i in range(2)]
    (noise,) = parse_noises("15")

    def quality(weight):
        both = []
        for clean in pictures:
            noisy = np.rint(clean + np.random.default_rng(0).normal(0, 15, clean.shape))
            smooth = denoise_tv_chambolle(noisy / 255, weight=weight, eps=1e-5)
            both.append(psnr_of(clean, 255 * smooth))
        return sum(both) / 2

    best = max((0.005 * 2 ** (step / 4) for step in range(-3, 36)), key=quality)
    assert best not in COARSE  # so that the fine grid is seen to matter
    assert best_weight(noise, pictures, 0) == pytest.approx(best)


def called(function):
    """What is measured of a call."""
    clean = np.zeros((4, 4), np.uint8)
    method = Method(name="any", label="any", run=lambda sample: function() or sample.pixels)
    return run(method, Sample(pixels=clean.astype(np.int16), level=1), clean)


def test_processor_time_is_that_of_all_threads_and_children_but_no_waiting():
    def spin(end):
        while time.thread_time() < end:
            pass

    def in_thread():
        thread = threading.Thread(target=spin, args=(0.2,))
        thread.start()
        thread.join()

    def in_child():
        subprocess.run([sys.executable, "-S", "-c", SPIN], check=True)

    assert called(in_thread).cpu >= 0.19
    assert called(in_child).cpu >= 0.29
    waited = called(lambda: time.sleep(0.2))
    assert waited.wall >= 0.2
    assert waited.cpu < 0.1
    assert waited.psnr == float("inf")
    assert cpu_seconds() > 0.4


def test_methods_have_one_processor_and_the_process_gets_its_own_back(monkeypatch):
    with one_thread():
        assert len(processors()) == 1
    calls = []
    monkeypatch.setattr(compare_measure, "processors", lambda: [3, 5])
    monkeypatch.setattr(
        compare_measure.os, "sched_setaffinity", lambda *call: calls.append(call), raising=False
    )
    with pytest.raises(KeyboardInterrupt), one_thread():
        raise KeyboardInterrupt
    assert calls == [(0, [5]), (0, [3, 5])]


def test_the_strip_shows_the_noise_and_both_results(place, bm3d, capsys):
    assert main(["compare", *QUICK, "--strip", "strip.png", "-o", "out"]) == 0
    strip = np.asarray(Image.open("strip.png"))
    assert strip.shape == (256, 3 * 256 + 8)
    clean = camera()[40:296, 110:366]
    noisy = np.rint(clean + np.random.default_rng(0).normal(0, 25, clean.shape)).astype(np.int16)
    panels = [strip[:, start : start + 256] for start in (0, 260, 520)]
    expected = [noisy, noisy + 25, denoise(noisy, "tiny.safetensors", level=25)]
    for panel, values in zip(panels, expected, strict=True):
        assert (panel == values.clip(0, 255)).all()
    assert (strip[:, 256:260] == 255).all()
    shown = read_values()["strip"]
    assert list(shown) == ["noisy", "BM3D", "tiny, level told"]
    assert shown["tiny, level told"] == pytest.approx(psnr_of(clean, expected[2]))
    assert f"tiny, level told {shown['tiny, level told']:.2f} dB" in capsys.readouterr().out


# ---------------------------------------------------------------------------- mistakes


def refused(capsys, *options):
    assert main(["compare", *map(str, options)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_a_missing_package_is_one_sentence_that_names_the_extra(place, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "bm3d", None)
    monkeypatch.setitem(sys.modules, "pywt", None)
    assert refused(capsys, *QUICK, "-o", "out") == (
        "python -m sw_model: the Python package bm3d is missing; it is of the extra 'bench': in a "
        "checkout run `make compare`, elsewhere `pip install --no-deps bm3d bm4d PyWavelets`, or "
        "do without it by --methods nlm,tv\n"
    )
    sentence = refused(capsys, *TINY, "--methods", "nlm,tv", "-o", "out")
    assert "the Python package PyWavelets is missing; it is of the extra 'bench'" in sentence
    assert sentence.endswith("or do without jpeg by --noise 15,25\n")
    assert not Path("out").exists()
    assert main(["compare", *QUICK, "--methods", "tv,nlm", "-o", "out"]) == 0
    text = Path("out/compare.md").read_text()
    assert "BM3D" not in text.partition("\n## ")[2]
    assert list(read_values()["methods"])[2:] == ["tv", "nlm"]


def test_without_total_variation_no_training_pictures_are_needed(place):
    for path in Path("data/train400").iterdir():
        path.unlink()
    assert main(["compare", *QUICK, "--methods", "nlm", "-o", "out"]) == 0
    assert read_values()["tv_weights"] == []
    assert "total variation (for pixels" not in Path("out/compare.md").read_text()


def test_mistakes_get_one_sentence(place, bm3d, capsys):
    Image.fromarray(np.zeros((12, 20), np.uint8)).save("small.png")
    Path("file").write_text("")
    Path("copy").mkdir()
    Path("copy/tiny.safetensors").write_bytes(Path("tiny.safetensors").read_bytes())
    before = sorted(place.rglob("*"))
    assert "seed -1 is not 0 or more" in refused(capsys, *QUICK, "--seed", -1)
    assert "--limit 0 is not 1 picture or more" in refused(capsys, *QUICK, "--limit", 0)
    assert "--crop 15 is not 16 pixels or more" in refused(capsys, *QUICK, "--crop", 15)
    for noise in ("", "x", "0", "-1", "nan", "inf", "256", "15,fog"):
        sentence = refused(capsys, *QUICK, f"--noise={noise}")
        assert "neither a standard deviation above 0 and up to 255 nor poisson" in sentence
    assert "has a noise twice" in refused(capsys, *QUICK, "--noise", "15,15.0")
    for methods in ("", "median", "tv,tv"):
        assert "is not a list of different ones" in refused(capsys, *QUICK, f"--methods={methods}")
    assert "is the second one of the name 'tiny'" in refused(
        capsys, *QUICK, "--deployment", "copy/tiny.safetensors"
    )
    assert "neither a file nor a shipped name" in refused(capsys, *QUICK, "--deployment", "no")
    assert "holds no pictures of the data set 'bsd68'" in refused(capsys, *QUICK, "--set", "bsd68")
    assert "no folder of data sets is known" in refused(capsys, "--noise", "25")
    assert "invalid choice: 'set13'" in refused(capsys, "--set", "set13")
    assert "which --methods 'nlm' lacks" in refused(
        capsys, *QUICK, "--methods", "nlm", "--strip", "strip.png"
    )
    assert "is not a folder that exists" in refused(capsys, *QUICK, "--strip", "none/strip.png")
    assert "strip.txt" in refused(capsys, *QUICK, "--strip", "strip.txt")
    assert "it is a file" in refused(capsys, *QUICK, "-o", "file")
    assert sorted(place.rglob("*")) == before
    Path("small.png").rename("data/set12/small.png")
    assert "small.png is 12x20; this study needs at least 16" in refused(capsys, *QUICK)
