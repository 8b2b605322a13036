"""The command that repeats the paper's section 2: its numbers, its files, its document."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from PIL import Image
from skimage.data import camera, coins

from sw_model.__main__ import main
from sw_model.coding import activity, convert, firing_rate
from sw_model.pictures.metrics import psnr
from sw_model.pictures.sets import DATA_VARIABLE, dataset_files
from sw_model.spec import UsageError
from sw_model.studies.coding import integer as coding_integer
from sw_model.studies.coding import quality as coding_quality
from sw_model.studies.coding import sections as coding_sections
from sw_model.studies.coding.integer import MULTIPLES, TIMESTEPS, exact_from, guaranteed_width
from sw_model.studies.coding.quality import CONVERSIONS, EQ8, IF_SOFT, LIF_HARD, LIF_SOFT, Pictures
from tests import ROOT
from tests.paper import TABLE_1, spikes_of

DOCUMENT = ROOT / "docs" / "log" / "coding.md"


def read(path):
    """Rows of a CSV file as dictionaries."""
    with path.open() as file:
        return list(csv.DictReader(file))


def write_set(folder):
    """A small Set12 of two crops."""
    (folder / "set12").mkdir(parents=True)
    Image.fromarray(camera()[100:148, 200:260]).save(folder / "set12" / "a.png")
    Image.fromarray(coins()[20:60, 30:90]).save(folder / "set12" / "b.png")
    return folder


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """What the command writes of the small set, with seed 5."""
    folder = tmp_path_factory.mktemp("study")
    write_set(folder / "data")
    options = ["--data", str(folder / "data"), "--seed", "5", "-o", str(folder / "one")]
    assert main(["coding", *options]) == 0
    return folder / "one"


def files_of(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# ---------------------------------------------------------------------------- figures


def test_table_1(output):
    rows = read(output / "table1.csv")
    assert len(rows) == 9
    for k, row in enumerate(rows):
        assert int(row["k"]) == k
        assert [int(row[f"n{n}"]) for n in range(8)] == spikes_of(k)
        assert float(row["firing_rate"]) == TABLE_1[k][1]
    assert [row["smallest_x_exact"] for row in rows[:4]] == ["2", "4/3", "8/7", "16/15"]
    assert rows[8]["smallest_x_exact"] == ""


def test_figure_1(output):
    rates = {float(row["x"]): float(row["firing_rate"]) for row in read(output / "fig1.csv")}
    assert (min(rates), max(rates)) == (1.0, 2.4)
    # A step at every threshold: 256/255, 16/15, 4/3 and 2.
    expected = {1.003: 0, 1.004: 0.125, 1.066: 0.125, 1.067: 0.25, 1.333: 0.25, 1.334: 0.5}
    expected |= {1.999: 0.5, 2.0: 1.0, 2.4: 1.0}
    assert {x: rates[x] for x in expected} == expected
    assert len(set(rates.values())) == 5


def test_figure_2_is_what_coding_whole_pictures_gives(output):
    pictures = [camera()[100:148, 200:260], coins()[20:60, 30:90]]
    rows = {(row["coding"], int(row["T"])): row for row in read(output / "fig2.csv")}
    assert {t for name, t in rows if name == "LIF hard"} == set(range(1, 13))
    assert max(t for name, t in rows if name == "rate coding") == 256
    for timesteps in (1, 4, 5, 12):
        spikes = [convert(1 + picture / 255, timesteps, LIF_HARD.neuron) for picture in pictures]
        decoded = [255 * firing_rate(train) for train in spikes]
        row = rows["LIF hard", timesteps]
        values = [psnr(a, b) for a, b in zip(pictures, decoded, strict=True)]
        assert float(row["psnr_eq8"]) == pytest.approx(np.mean(values), abs=1e-6)
        assert float(row["theta"]) == pytest.approx(np.mean([*map(activity, spikes)]), abs=1e-6)


def test_rate_coding_errs_as_a_binomial_draw_does(output):
    # The variance p (1 - p) / T, in each picture.
    pictures = [camera()[100:148, 200:260] / 255, coins()[20:60, 30:90] / 255]
    for row in read(output / "fig2.csv"):
        if row["coding"] == "rate coding":
            errors = [(p * (1 - p)).mean() / int(row["T"]) for p in pictures]
            expected = np.mean([-10 * np.log10(error) for error in errors])
            assert float(row["psnr_eq8"]) == pytest.approx(expected, abs=0.4)
            theta = int(row["T"]) * np.mean([p.mean() for p in pictures])
            assert float(row["theta"]) == pytest.approx(theta, rel=0.05)


def test_distinct_rates(output):
    rows = {(row["neuron"], int(row["T"])): row for row in read(output / "codes.csv")}
    assert len(rows) == 4 * 32 + 8
    for name in ("LIF hard", "IF hard"):
        assert [int(rows[name, t]["distinct_rates"]) for t in (1, 2, 8, 32)] == [2, 3, 5, 11]
        assert all(int(rows[name, t]["codes"]) == t + 1 for t in range(1, 33))
    for name in ("LIF soft", "IF soft"):
        assert [int(rows[name, t]["codes"]) for t in (1, 2, 8, 32)] == [2, 3, 23, 325]
        assert all(int(rows[name, t]["distinct_rates"]) == t + 1 for t in range(1, 33))
    for t in range(1, 9):
        assert int(rows["few-spike", t]["codes"]) == 2**t
        assert int(rows["few-spike", t]["distinct_rates"]) == t + 1


def test_the_few_spike_code_stands_beside_the_others(output):
    rows = [row for row in read(output / "distortion.csv") if row["coding"] == "few-spike"]
    text = (output / "coding.md").read_text()
    assert [int(row["T"]) for row in rows] == list(range(1, 9))
    for row in rows:
        theta, psnr = float(row["theta"]), float(row["psnr_weighted_sum"])
        assert f"| {psnr:.2f} | {row['T']} / {theta:.2f} |" in text
    assert float(rows[-1]["psnr_weighted_sum"]) == float("inf")


def test_no_code_is_wasted_up_to_8_timesteps(output):
    rows = [row for row in read(output / "ranges.csv") if row["neuron"] == "LIF hard"]
    assert [int(row["wasted"]) for row in rows] == [0] * 8 + list(range(1, 25))
    assert all(float(row["all_codes_to"]) == 2 for row in rows)
    assert float(rows[7]["all_codes_from"]) == pytest.approx(256 / 255, abs=1e-6)


# ---------------------------------------------------------------------------- integer neuron


def steps_of(coding, current, units, timesteps):
    """The spec's equation for one constant current, in plain integers."""
    threshold, membrane, spikes = units * (1 if coding is IF_SOFT else 2), 0, []
    for _ in range(timesteps):
        leak = 0 if coding is IF_SOFT else membrane // 2
        membrane += current - leak
        spikes.append(membrane >= threshold)
        if spikes[-1]:
            membrane = 0 if coding is LIF_HARD else membrane - threshold
    return spikes


@pytest.mark.parametrize("coding", CONVERSIONS, ids=lambda coding: coding.name)
def test_integer_spikes_follow_the_equation(coding):
    current = coding_integer.currents(coding, 255, 37)
    spikes = coding_integer.integer_spikes(coding, current, 9, 37)
    assert [steps_of(coding, int(c), 37, 9) for c in current] == spikes.T.tolist()


@pytest.mark.parametrize("coding", CONVERSIONS, ids=lambda coding: coding.name)
@pytest.mark.parametrize("multiple", MULTIPLES)
@pytest.mark.parametrize("width", [6, 11, 12, 20])
def test_the_scale_is_the_largest_that_fits(coding, multiple, width):
    units = coding_integer.units_that_fit(coding, 8, width, multiple)
    assert units % multiple == 0
    assert not units or coding_integer.membrane_width(coding, 8, units) <= width
    assert coding_integer.membrane_width(coding, 8, units + multiple) > width


@pytest.mark.parametrize("coding", CONVERSIONS, ids=lambda coding: coding.name)
@pytest.mark.parametrize("timesteps", TIMESTEPS)
def test_no_code_is_wrong_from_the_proven_width_on(coding, timesteps):
    for intensities, field in ((255, "grey"), (65_535, "fine")):
        rows = [
            coding_integer.mismatches(coding, timesteps, width, intensities)
            for width in range(6, 41)
        ]
        measured = exact_from(rows, field)
        assert measured <= guaranteed_width(coding, timesteps, intensities)
        # With whole currents an input on a threshold keeps its code at any width.
        if intensities == 65_535:
            assert not any(row.on_threshold for row in rows if row.units)


def test_the_figures_of_the_text(output):
    rows = {
        (row["neuron"], row["T"], row["units_are_a_multiple_of"], row["membrane_bits"]): row
        for row in read(output / "integer.csv")
    }
    wrong = [
        int(rows["LIF hard", "8", "1", str(width)]["mismatches_of_256"]) for width in range(6, 25)
    ]
    assert wrong[0] > 50
    assert wrong[10] > 0
    assert not any(wrong[11:])
    # The width has no room for 255 units.
    assert rows["LIF hard", "8", "255", "10"]["units"] == ""
    assert rows["LIF hard", "8", "255", "10"]["mismatches_of_256"] == ""
    # The largest scale of IF is a power of two: levels on thresholds are lost at any width.
    assert int(rows["IF soft", "8", "1", "24"]["of_them_on_a_threshold"]) == 3
    assert int(rows["IF soft", "8", "255", "10"]["mismatches_of_256"]) == 0


def test_black_creeps_up_to_the_threshold():
    # x = Vth never fires; the integer membrane lacks floor(2u / 2^n) after n timesteps.
    for units in (1, 10, 255, 1000):
        spikes = coding_integer.integer_spikes(LIF_HARD, np.array([units]), 24, units)[:, 0]
        assert spikes.argmax() + 1 == (2 * units).bit_length()


# ---------------------------------------------------------------------------- files


def test_the_same_seed_gives_the_same_files(output, tmp_path):
    write_set(tmp_path / "data")
    for seed, name in (("5", "two"), ("6", "other")):
        options = ["--data", str(tmp_path / "data"), "--seed", seed, "-o", str(tmp_path / name)]
        assert main(["coding", *options]) == 0
    assert files_of(output) == files_of(tmp_path / "two")
    other = files_of(tmp_path / "other")
    differing = {name for name, content in files_of(output).items() if other[name] != content}
    assert {"fig2.csv", "distortion.csv", "coding/fig2.png", "coding.md"} == {
        name for name in differing if name != "coding/distortion.png"
    }


def test_figures_are_pictures_of_some_size(output):
    names = {"fig1.png", "fig2.png", "distortion.png", "integer.png"}
    assert {path.name for path in (output / "coding").iterdir()} == names
    for name in names:
        with Image.open(output / "coding" / name) as image:
            assert min(image.size) > 400


def test_the_document_holds_the_commands_numbers():
    # All that no picture has a say in, word for word.
    document = DOCUMENT.read_text()
    mismatches = tuple(coding_integer.study())
    for section in (
        coding_sections.conversion_section(),
        coding_sections.codes_section(),
        coding_sections.integer_section(mismatches),
        coding_sections.ranges_section(),
    ):
        assert section in document
    for figure in ("fig1", "fig2", "distortion", "integer"):
        assert f"(coding/{figure}.png)" in document
        assert (DOCUMENT.parent / "coding" / f"{figure}.png").is_file()


# ---------------------------------------------------------------------------- pictures


def test_without_a_data_set_photographs_take_its_place(monkeypatch):
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    pictures = coding_quality.load_pictures(None)
    assert pictures.source == "scikit-image's photographs"
    assert len(pictures.pictures) == len(coding_quality.PHOTOGRAPHS)


def test_the_text_says_so(monkeypatch, tmp_path, capsys):
    crop = Pictures("scikit-image's photographs", ("camera.png",), (camera()[:32, :32],))
    monkeypatch.setattr("sw_model.studies.coding.command.load_pictures", lambda option: crop)
    monkeypatch.setattr("sw_model.studies.coding.command.figures", lambda study: {})
    assert main(["coding", "-o", str(tmp_path / "out")]) == 0
    assert "1 of scikit-image's photographs" in (tmp_path / "out" / "coding.md").read_text()
    assert "scikit-image's photographs" in capsys.readouterr().out


def test_flat_pictures_are_no_trouble(monkeypatch, tmp_path):
    # Black has no error at all, whatever codes it.
    black = Pictures("black", ("black.png",), (np.zeros((4, 4), np.uint8),))
    monkeypatch.setattr("sw_model.studies.coding.command.load_pictures", lambda option: black)
    monkeypatch.setattr("sw_model.studies.coding.command.figures", lambda study: {})
    assert main(["coding", "-o", str(tmp_path / "out")]) == 0


def refused(capsys, *options):
    assert main(["coding", *map(str, options)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_mistakes_get_one_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = write_set(tmp_path / "small")
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    colours = tmp_path / "colours"
    (colours / "set12").mkdir(parents=True)
    picture = np.random.default_rng(0).integers(0, 256, (9, 9, 3)).astype(np.uint8)
    Image.fromarray(picture).save(colours / "set12" / "colour.png")
    before = sorted(tmp_path.rglob("*"))
    assert "--data names 'nowhere'" in refused(capsys, "--data", "nowhere")
    assert "holds no pictures" in refused(capsys, "--data", tmp_path)
    assert "needs grey pictures" in refused(capsys, "--data", colours)
    assert "seed -1 is not 0 or more" in refused(capsys, "--seed", -1)
    assert "invalid int value: 'x'" in refused(capsys, "--seed", "x")
    assert "it is a file" in refused(capsys, "--data", small, "-o", "file")
    assert "it holds other files" in refused(capsys, "--data", small, "-o", "full")
    monkeypatch.setenv(DATA_VARIABLE, "nowhere")
    assert f"{DATA_VARIABLE} names 'nowhere'" in refused(capsys)
    assert sorted(tmp_path.rglob("*")) == before


# ---------------------------------------------------------------------------- Set12


@pytest.fixture(scope="module")
def set12(tmp_path_factory):
    """What the command writes of Set12."""
    try:
        files = dataset_files("set12")
    except UsageError as error:
        pytest.skip(f"Set12 is not part of the project: {error}")
    folder = tmp_path_factory.mktemp("set12")
    assert main(["coding", "--data", str(files[0].parents[1]), "-o", str(folder / "out")]) == 0
    return folder / "out"


def test_the_document_is_what_the_command_writes(set12):
    assert (set12 / "coding.md").read_text() == DOCUMENT.read_text()


def test_the_papers_statements_on_set12(set12):
    rows = {(row["coding"], int(row["T"])): row for row in read(set12 / "distortion.csv")}
    lif = {t: float(row["psnr_eq8"]) for (name, t), row in rows.items() if name == "LIF hard"}
    rate = {t: float(row["psnr_eq8"]) for (name, t), row in rows.items() if name == "rate coding"}
    theta = {t: float(row["theta"]) for (name, t), row in rows.items() if name == "rate coding"}
    # LIF rises fast, and is saturated at T = 10.
    assert lif[4] > lif[1] + 10
    assert max(lif[t] for t in lif if t > 10) < max(lif[t] for t in lif if t <= 10) + 0.1
    # Rate coding goes on rising, to what takes hundreds of timesteps.
    assert all(rate[2 * t] > rate[t] + 2.9 for t in (1, 2, 4, 8, 16, 32, 64, 128))
    assert rate[192] < 30 < rate[256]
    # Its theta is almost linear in T.
    slopes = [value / t for t, value in theta.items()]
    assert max(slopes) / min(slopes) < 1.01
    # Even the pictures' own means do not get the LIF neuron further; IF with soft reset goes on.
    assert max(float(row["psnr_data_mean"]) for (n, _), row in rows.items() if n == "LIF hard") < 19
    assert float(rows["IF soft", 12]["psnr_centroid"]) > 40
    assert float(rows[LIF_SOFT.name, 12][f"psnr_{EQ8}"]) > lif[12] + 3
