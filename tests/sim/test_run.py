import argparse
import dataclasses
import json
import re

import numpy as np
import pytest
from PIL import Image

from sim.__main__ import main
from sim.compare import job
from sim.compare.scoreboard import compare
from sim.report.run import Outcome, summary
from sim.simulators.bench import SIMULATORS
from sim.targets import DEFAULT_TARGETS, TARGETS
from sim.targets import rtl as denoiser
from sim.targets.rtl import Frame, make_hardware, simulate
from sw_model import golden
from sw_model.pictures.noise import add_noise
from sw_model.spec.hardware.cycles import frame_cycles


@pytest.fixture
def picture(tmp_path):
    rng = np.random.default_rng(3)
    path = tmp_path / "picture.png"
    Image.fromarray(rng.integers(0, 256, (20, 30), dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def colour_picture(tmp_path):
    rng = np.random.default_rng(4)
    path = tmp_path / "colour.png"
    Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)).save(path)
    return path


def test_golden_equals_rtl_on_both_simulators(tiny_file, picture, tmp_path, capsys):
    output = tmp_path / "output"
    arguments = ["run", "--deployment", tiny_file, "--image", str(picture), "--crop", "3,4,7,5"]
    arguments += ["--noise", "15", "--seed", "9", "--timesteps", "2", "--protocol", "camera"]
    arguments += ["--max-size", "9,8", "--waves", "-o", str(output), "--json", f"{tmp_path}/f.json"]
    code = main(arguments)
    text = capsys.readouterr().out
    assert code == 0, text
    assert text.count("mismatches: 0") == 2
    assert text.count("as predicted in each of 4 layers") == 2
    assert text.count(f"{3 * 7 * 5 * 2} event words of 3 layers, 35 pixels") == 2

    assert (output / "figure.png").stat().st_size > 10_000
    assert (output / "verilator/waves.vcd").stat().st_size
    assert (output / "icarus/waves.fst").stat().st_size
    clean = np.asarray(Image.open(picture))[3:10, 4:9]
    for simulator in SIMULATORS:
        pictures = {
            name: np.asarray(Image.open(output / simulator / f"{name}.png"))
            for name in ("clean", "noisy", "golden", "rtl")
        }
        assert (pictures["clean"] == clean).all()
        assert (pictures["golden"] == pictures["rtl"]).all()
        assert pictures["noisy"].shape == clean.shape

    figures = json.loads((tmp_path / "f.json").read_text())
    assert figures == json.loads((output / "report.json").read_text())
    for target in figures["targets"].values():
        assert target["passed"]
        assert target["layer_cycles"] == target["predicted_layer_cycles"]
        assert target["psnr_noisy"] > 10
        assert target["busy"] == pytest.approx(target["events"] / target["cycles"], abs=1e-4)
    # Not a word of progress in a pipe.
    assert "━" not in text


def test_stalls_and_two_frames_change_no_word(tiny):
    # Nothing of a frame leaks into the next, which has another size and T.
    rng = np.random.default_rng(2)
    frames = [
        Frame(pixels=rng.integers(-512, 512, (3, 4)), timesteps=3),
        Frame(pixels=rng.integers(-512, 512, (4, 1)), timesteps=2),
    ]
    results = [golden.denoise(tiny, f.pixels, f.timesteps, trace="spikes") for f in frames]
    maps = [[layer.words for layer in result.layers] for result in results]
    simulation = simulate(
        "icarus",
        make_hardware(tiny, 9, 8),
        frames,
        expected_cycles=sum(sum(frame_cycles(words, tiny.spec.channels)) for words in maps),
        idle=0.4,
        back_pressure=0.4,
    )
    assert simulation.failure is None
    for words, result, frame in zip(maps, results, simulation.frames, strict=True):
        assert compare(words, result.denoised, frame.trace, frame.pixels).mismatches == 0


def test_a_fault_in_the_hardware_is_found_and_named(
    tiny, tiny_file, picture, tmp_path, capsys, monkeypatch
):
    # Hardware of a network in which one neuron of layer 1 never fires.
    thresholds = [threshold.copy() for threshold in tiny.thresholds]
    channel = int(np.argmax(spikes_of(tiny, picture)[1].sum(axis=(0, 2, 3))))
    thresholds[1][channel] = 1 << 20
    mute = dataclasses.replace(tiny, thresholds=tuple(thresholds))
    original = denoiser.make_hardware
    monkeypatch.setattr(denoiser, "make_hardware", lambda _, *size: original(mute, *size))

    arguments = ["run", "--deployment", tiny_file, "--image", str(picture), "--crop", CROP]
    code = main([*arguments, "--target", "icarus", "-o", str(tmp_path / "output")])
    text = capsys.readouterr().out
    assert code == 1
    first = re.search(
        r"first +layer 1, y (\d), x (\d), t (\d), channel (\d): golden 1, target 0", text
    )
    spikes = spikes_of(tiny, picture)[1][:, channel].transpose(1, 2, 0)
    place = np.unravel_index(np.flatnonzero(spikes)[0], spikes.shape)
    assert tuple(map(int, first.groups())) == (*place, channel)
    figures = json.loads((tmp_path / "output/report.json").read_text())["targets"]["icarus"]
    assert not figures["passed"]
    assert figures["mismatches"] >= spikes.sum()
    assert f"mismatches: {figures['mismatches']}" in text


def test_events_that_are_not_the_golden_spikes_fail_a_run(tiny_file, tmp_path, monkeypatch):
    original = denoiser.simulate

    def miscounted(*args, **kwargs):
        simulation = original(*args, **kwargs)
        simulation.frames[0].layer_ends[-1, 2] += 1
        return simulation

    arguments = ["run", "--deployment", tiny_file, "--crop", CROP, "--target", "icarus"]
    assert main([*arguments, "-o", str(tmp_path / "true")]) == 0
    monkeypatch.setattr(denoiser, "simulate", miscounted)
    assert main([*arguments, "-o", str(tmp_path / "miscounted")]) == 1


def test_a_design_that_hangs_is_reported_with_what_it_did(tiny, tiny_file, picture, tmp_path):
    frame_job = job.make_job(
        parse(["--deployment", tiny_file, "--image", str(picture), "--crop", CROP])
    )
    hardware = make_hardware(tiny, 9, 8)
    stuck, count = re.subn(
        r"denoised__valid <= [^;]*;", "denoised__valid <= 1'h0;", hardware.verilog
    )
    assert count
    simulation = simulate(
        "icarus",
        dataclasses.replace(hardware, verilog=stuck),
        [Frame(pixels=frame_job.pixels, timesteps=frame_job.timesteps)],
        expected_cycles=sum(frame_job.cycles),
        build_root=tmp_path,
    )
    outcome = Outcome(target="icarus", job=frame_job, simulation=simulation)
    assert outcome.comparison.mismatches == 6
    assert str(outcome.comparison.first).startswith("denoised pixel, y 0, x 0: golden ")
    assert not outcome.passed
    text = summary(outcome)
    assert "Timeout" in text
    assert "NOT as predicted: layer 3 has no end" in text
    assert "no complete picture" in text


CROP = "0,0,2,3"


def spikes_of(deployment, picture):
    """The golden model's spikes of each layer in `CROP`, (T, C, H, W)."""
    clean = np.asarray(Image.open(picture))[:2, :3]
    result = golden.denoise(deployment, add_noise(clean, 25, 0), trace="spikes")
    return [layer.spikes for layer in result.layers]


def parse(arguments):
    parser = argparse.ArgumentParser()
    job.add_arguments(parser, 25.0)
    return parser.parse_args(arguments)


def test_colour_gives_its_luminance(tiny_file, colour_picture):
    frame_job = job.make_job(parse(["--deployment", tiny_file, "--image", str(colour_picture)]))
    red, green, blue = np.moveaxis(np.asarray(Image.open(colour_picture)).astype(float), 2, 0)
    assert np.abs(frame_job.clean - (0.299 * red + 0.587 * green + 0.114 * blue)).max() < 1


def test_default_picture_is_in_the_installed_package(tiny_file):
    frame_job = job.make_job(parse(["--deployment", tiny_file]))
    assert frame_job.picture.is_file()
    assert frame_job.clean.shape == (32, 32)
    assert frame_job.clean.std() > 30


@pytest.mark.parametrize(("target", "most_cycles"), [("verilator", 700_000), ("icarus", 15_000)])
def test_make_sim_takes_whole_layers_and_few_cycles(target, most_cycles):
    # What a run costs, whatever the machine: Icarus simulates a few hundred cycles a second.
    frame_job = job.make_job(parse([]), TARGETS[target].crop)
    height, width = frame_job.clean.shape
    assert target in DEFAULT_TARGETS
    assert sum(frame_job.cycles) <= most_cycles
    assert len(frame_job.words) == 16
    for words in frame_job.words:
        assert words[..., 0].size == height * width * frame_job.timesteps
        assert words.any()
    # There are pixels that touch no border; rows and columns cannot be taken for each other.
    assert min(height, width) > 3
    assert target == "verilator" or height != width


def test_figures_to_standard_output_are_json_alone(tiny_file, picture, tmp_path, capsys):
    arguments = ["run", "--deployment", tiny_file, "--image", str(picture), "--crop", "0,0,1,1"]
    arguments += ["--target", "icarus", "--json", "-", "-o", str(tmp_path / "output")]
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)["targets"]["icarus"]["words"] == 9


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--image", "missing.png"], "missing.png does not exist"),
        (["--image", "{folder}"], "is a folder, not a picture"),
        (["--image", "{text}"], "cannot be read as a picture"),
        (["--image", "{empty}"], "cannot be read as a picture"),
        (["--crop", "0,0,4"], "'0,0,4' is not four integers Y,X,H,W"),
        (["--crop", "a,0,4,4"], "is not four integers"),
        (["--crop", "0,0,0,4"], "H and W are 1 or more"),
        (["--crop=-1,0,4,4"], "does not lie in picture.png, which is 20x30"),
        (["--crop", "18,0,4,4"], "does not lie in picture.png, which is 20x30"),
        (["--max-size", "8,64"], "20x30 pixels is beyond the hardware's 8x64"),
        (["--max-size", "0,8"], "--max-size '0,8' is not a size"),
        (["--max-size", "big"], "--max-size 'big' is not a size"),
        (["--timesteps", "5"], "T = 5 is not allowed by this deployment; it allows 2, 3"),
        (["--noise", "-1"], "noise sigma -1.0 is not"),
        (["--noise", "much"], "argument --noise: invalid float value: 'much'"),
        (["--seed", "-1"], "seed -1 is not 0 or more"),
        (["--protocol", "film"], "invalid choice: 'film'"),
        (["--deployment", "none"], "'none' is neither a file nor a shipped name"),
        (["--deployment", "{text}"], "cannot be read as a deployment"),
    ],
)
@pytest.mark.parametrize("command", ["run", "vectors"])
def test_mistakes_are_told_in_a_sentence_before_anything_is_written(
    command, arguments, reason, tiny_file, picture, tmp_path, capsys
):
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").write_text("")
    before = sorted(tmp_path.iterdir())
    names = {
        "{folder}": str(tmp_path),
        "{text}": str(tmp_path / "text.png"),
        "{empty}": str(tmp_path / "empty.png"),
    }
    given = [command, "--deployment", tiny_file, "--image", str(picture)]
    given += ["-o", str(tmp_path / "output"), *(names.get(text, text) for text in arguments)]
    assert main(given) == 2
    streams = capsys.readouterr()
    assert reason in streams.err
    assert streams.err.count("\n") == 1
    assert not streams.out
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["run", "--target", "questa"], "'questa' is not a list of verilator, icarus, hls"),
        (["run", "--target", "icarus,icarus"], "each at most once"),
        (["run", "--target", ""], "is not a list of verilator, icarus, hls"),
        (["run", "--json", "nowhere/f.json"], "cannot write nowhere/f.json"),
        (["run", "--json", "{folder}"], "give the name of a file"),
        (["run", "-o", "{file}"], "it is a file; give the name of a folder"),
        (["run", "-o", "{folder}"], "delete them, or give a new or empty folder"),
        (["vectors"], "the following arguments are required: -o"),
        (["vectors", "-o", "{folder}"], "delete them, or give a new or empty folder"),
        (["walk"], "invalid choice: 'walk'"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_mistakes_of_a_command_are_told_in_a_sentence(
    arguments, reason, tiny_file, tmp_path, capsys
):
    folder = tmp_path / "folder"
    folder.mkdir()
    file = folder / "kept.txt"
    file.write_text("kept")
    names = {"{folder}": str(folder), "{file}": str(file)}
    given = [names.get(text, text) for text in arguments]
    if given and given[0] in ("run", "vectors"):
        given += ["--deployment", tiny_file]
        if given[0] == "run" and "-o" not in given:
            given += ["-o", str(tmp_path / "output")]
    assert main(given) == 2
    streams = capsys.readouterr()
    assert reason in streams.err
    assert streams.err.count("\n") == 1
    assert file.read_text() == "kept"
    assert list(tmp_path.iterdir()) == [folder]


def test_missing_simulator_is_told_in_a_sentence(tiny_file, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "")
    code = main(["run", "--deployment", tiny_file, "-o", str(tmp_path / "output")])
    assert code == 2
    assert "verilator needs make" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
