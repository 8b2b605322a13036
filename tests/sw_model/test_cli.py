"""The command line: what it prints and writes, and one sentence for every mistake."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from sw_model import golden
from sw_model.__main__ import COMMANDS, main
from sw_model.denoising.picture import denoise_picture
from sw_model.pictures import eight_bit as images
from sw_model.pictures.metrics import quality
from sw_model.pictures.noise import add_noise, join_planes, planes
from sw_model.spec import configuration, load_deployment
from tests import ROOT
from tests.random_deployment import random_deployment


def run(capsys, *arguments):
    """Exit code, standard output, standard error."""
    code = main([str(argument) for argument in arguments])
    return code, *capsys.readouterr()


def refused(capsys, *arguments):
    """The sentence of a user's mistake, after what every such answer must be."""
    before = sorted(Path.cwd().rglob("*"))
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("python -m sw_model: ")
    assert err.count("\n") == 1
    assert sorted(Path.cwd().rglob("*")) == before
    return err


# ---------------------------------------------------------------------------- denoise


def test_denoise_writes_the_golden_models_picture(folder, capsys):
    code, out, err = run(
        capsys,
        *["denoise", "grey.png", "-o", "out.png"],
        *["--deployment", "tiny.safetensors", "--level", 25],
    )
    assert (code, err) == (0, "")
    assert "level       25.0 (given)\n" in out
    deployment = load_deployment("tiny.safetensors")
    clean = images.read_picture(Path("grey.png"))
    result = golden.denoise(deployment, clean)
    assert (images.read_picture(Path("out.png")) == result.denoised).all()
    assert deployment.hash in out
    assert "14x12 grey" in out
    assert "T = 3" in out
    assert f"{result.activity.theta:.3f} spikes per neuron" in out
    assert "PSNR" not in out


def test_denoise_adds_noise_and_measures(folder, capsys):
    options = ["--noise", 15, "--seed", 4, "--protocol", "camera", "--timesteps", 2, "--level", 25]
    code, out, err = run(
        capsys,
        *["denoise", "colour.png", "-o", "out.png", "--deployment", "tiny.safetensors", *options],
    )
    assert (code, err) == (0, "")
    deployment = load_deployment("tiny.safetensors")
    clean = images.read_picture(Path("colour.png"))
    noisy = add_noise(clean, 15, 4, "camera")
    channels = [golden.denoise(deployment, noisy[..., c], 2).denoised for c in range(3)]
    denoised = images.read_picture(Path("out.png"))
    assert (denoised == np.stack(channels, axis=2)).all()
    before, after = quality(clean, noisy), quality(clean, denoised)
    assert f"PSNR        {before.psnr:.2f} dB noisy, {after.psnr:.2f} dB denoised\n" in out
    assert f"SSIM        {before.ssim:.4f} noisy, {after.ssim:.4f} denoised\n" in out
    assert "noise       sigma 15, seed 4, protocol camera\n" in out
    assert "13x11 colour" in out


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
def test_denoise_takes_the_smallest_pictures(folder, capsys, shape):
    images.write_picture(Path("small.pgm"), np.full(shape, 128, np.uint8))
    code, out, _ = run(
        capsys,
        *["denoise", "small.pgm", "-o", "out.pgm", "--noise", 25],
        *["--deployment", "tiny.safetensors"],
    )
    assert code == 0
    assert "SSIM        none: the picture is smaller than the 11x11 window\n" in out
    assert images.read_picture(Path("out.pgm")).shape == shape


def test_denoise_may_replace_its_input_only_when_told(folder, capsys):
    before = images.read_picture(Path("grey.png"))
    arguments = ["denoise", "grey.png", "-o", "grey.png", "--deployment", "tiny.safetensors"]
    arguments += ["--level", 25]
    assert "grey.png exists already; --force replaces it" in refused(capsys, *arguments)
    assert (images.read_picture(Path("grey.png")) == before).all()
    assert run(capsys, *arguments, "--force")[0] == 0
    after = images.read_picture(Path("grey.png"))
    assert (after == golden.denoise(load_deployment("tiny.safetensors"), before).denoised).all()


def test_denoise_says_that_jpeg_is_lossy(folder, capsys):
    arguments = ["denoise", "grey.png", "-o", "o.jpg", "--deployment", "tiny.safetensors"]
    assert "JPEG is lossy" in run(capsys, *arguments, "--noise", 25)[1]
    assert "lossy" not in run(capsys, *arguments, "--force")[1]


def test_progress_of_colour_runs_once_from_nothing_to_all():
    deployment = random_deployment(configuration("tiny"), 1)
    calls = []
    colour = np.zeros((3, 4, 3), np.uint8)
    denoise_picture(deployment, colour, 2, lambda *call: calls.append(call), level=None)
    assert calls == sorted(calls)
    assert calls[-1] == (3 * 4 * 4 * 3,) * 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["none.png", "-o", "o.png"], "none.png does not exist"),
        ([".", "-o", "o.png"], ".: -o must name a folder for a folder"),
        (["tiny.safetensors", "-o", "o.png"], "tiny.safetensors cannot be read as a picture"),
        (["grey.png", "-o", "o.xyz"], "suffix '.xyz' is not one of .png"),
        (["grey.png", "-o", "."], "cannot write .: it is a folder"),
        (["grey.png", "-o", os.devnull], "it is not an ordinary file"),
        (["grey.png", "-o", f"{'o' * 300}.png"], "File name too long"),
        (["grey.png", "-o", "none/o.png"], "none is not a folder that exists"),
        (["grey.png", "-o", "o.png", "--timesteps", "5"], "T = 5 is not allowed"),
        (["grey.png", "-o", "o.png", "--timesteps", "two"], "argument --timesteps: invalid int"),
        (["grey.png", "-o", "o.png", "--noise", "loud"], "argument --noise: invalid float"),
        (["grey.png", "-o", "o.png", "--noise", "-3"], "noise sigma -3.0 is not"),
        (["grey.png", "-o", "o.png", "--noise", "nan"], "noise sigma nan is not"),
        (["grey.png", "-o", "o.png", "--level", "0"], "noise level 0.0 is not a number of grey"),
        (["grey.png", "-o", "o.png", "--level", "nan"], "noise level nan is not a number of grey"),
        (["grey.png", "-o", "o.png", "--level", "256"], "above 0 and up to 255"),
        (["grey.png", "-o", "o.png", "--level", "loud"], "argument --level: invalid float"),
        (["grey.png", "-o", "o.png", "--noise", "25", "--seed", "-1"], "seed -1 is not 0 or more"),
        (["grey.png", "-o", "o.png", "--seed", "1"], "--seed and --protocol describe the noise"),
        (["grey.png", "-o", "o.png", "--protocol", "film"], "invalid choice: 'film'"),
        (["grey.png"], "the following arguments are required: -o/--output"),
        (["grey.png", "-o", "o.png", "--louder"], "unrecognized arguments: --louder"),
    ],
)
def test_denoise_refuses(folder, capsys, arguments, complaint):
    err = refused(capsys, "denoise", *arguments, "--deployment", "tiny.safetensors")
    assert complaint in err


def test_a_picture_too_large_for_memory_is_named(folder, capsys, monkeypatch):
    def no_room(*arguments):
        raise MemoryError("Unable to allocate 9 TiB")

    monkeypatch.setattr("sw_model.denoising.command.denoise_file", no_room)
    arguments = ["denoise", "grey.png", "-o", "o.png", "--deployment", "tiny.safetensors"]
    sentence = "python -m sw_model: not enough memory: {}\n"
    assert run(capsys, *arguments) == (1, "", sentence.format("grey.png"))
    monkeypatch.setattr("sw_model.evaluation.command.main", no_room)
    assert run(capsys, "evaluate") == (1, "", sentence.format("Unable to allocate 9 TiB"))


@pytest.mark.parametrize("command", ["denoise grey.png -o o.png", "evaluate grey.png"])
def test_bad_deployments_are_refused(folder, capsys, command):
    content = Path("tiny.safetensors").read_bytes()
    Path("cut.safetensors").write_bytes(content[:-1])
    Path("flipped.safetensors").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    for name, complaint in (
        ("cut.safetensors", "cut.safetensors cannot be read as a deployment"),
        ("flipped.safetensors", "flipped.safetensors is damaged"),
        ("grey.png", "grey.png cannot be read as a deployment"),
        ("nothing", "deployment 'nothing' is neither a file nor a shipped name"),
    ):
        assert complaint in refused(capsys, *command.split(), "--deployment", name)


def test_two_dashes_are_no_value(folder, capsys):
    for option in ("--output=--", "-o--", "--noise=--", "--deployment=--"):
        assert "-- is not a value" in refused(capsys, "denoise", "grey.png", option)


def test_complaints_are_not_as_long_as_what_they_are_about(folder, capsys):
    for arguments in (["denoise", "grey.png", "-o", "o.png", "--noise", "x" * 9999], ["y" * 9999]):
        sentence = refused(capsys, *arguments)
        assert len(sentence) < 450
        assert sentence.endswith(" --help\n")
    assert len(refused(capsys, "denoise", "z" * 200 + "/" * 3000, "-o", "o.png")) < 450


def test_escapes_do_not_make_complaints_long(folder, monkeypatch):
    told = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stderr", told)
    assert main(["denoise", "写" * 80, "-o", "é" * 300 + ".png", "--noise", "真" * 300]) == 2
    told.seek(0)
    assert len(told.read()) < 450


@pytest.mark.parametrize("encoding", ["ascii:strict", "utf-8:strict", "latin-1:strict"])
def test_names_that_no_stream_can_say_do_not_end_the_work(folder, encoding):
    odd = os.fsdecode(b"\xff.png")
    for name in ("é.png", "写真.png", odd):
        shutil.copy("grey.png", name)
    shutil.copy("tiny.safetensors", "é.safetensors")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding}
    if encoding.startswith("ascii"):
        environment |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for command in (
        ["denoise", "é.png", "写真.png", odd, "-o", "out"],
        ["evaluate", "é.png", "写真.png", odd, "--json", "é.json"],
        ["spikes", "写真.png", "-o", "写真.json"],
        ["cost", odd, "写真.png", "--json", "c.json"],
        ["card", "--figures", "é.json", "c.json", "-o", "é.md"],
        ["denoise", "none-é.png", "-o", "x.png"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "sw_model", *command, "--deployment", "é.safetensors"],
            env=environment,
            capture_output=True,
            check=False,
            timeout=300,
        )
        assert b"Traceback" not in done.stderr
        assert done.returncode == (2 if "none-é.png" in command else 0), (command, done.stderr)
    assert len(list(Path("out").iterdir())) == 3
    assert Path("写真.json").exists()


def test_output_is_refused_before_the_work(folder, capsys, monkeypatch):
    monkeypatch.setattr(golden, "denoise", lambda *args, **options: pytest.fail("worked"))
    refused(capsys, "denoise", "grey.png", "-o", "o.xyz", "--deployment", "tiny.safetensors")


def test_interrupted_denoise_leaves_the_old_picture(folder, capsys, monkeypatch):
    Path("out.png").write_bytes(b"old")

    def interrupt(*args, **options):
        raise KeyboardInterrupt

    arguments = ["denoise", "grey.png", "-o", "out.png", "--deployment", "tiny.safetensors"]
    arguments.append("--force")
    for place, name in ((golden, "denoise"), (imagecodecs, "png_encode")):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, interrupt)
            assert run(capsys, *arguments) == (130, "", "python -m sw_model: interrupted\n")
        assert Path("out.png").read_bytes() == b"old"
        assert len(list(folder.glob(".*"))) == 0


def test_failing_disk_is_told_in_one_sentence(folder, capsys, monkeypatch):
    def fail(*args, **options):
        raise OSError(28, "No space left on device", "out.png")

    monkeypatch.setattr(imagecodecs, "png_encode", fail)
    arguments = ["denoise", "grey.png", "-o", "out.png", "--deployment", "tiny.safetensors"]
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (1, "")
    assert err == "python -m sw_model: out.png: No space left on device\n"
    assert not Path("out.png").exists()


# ---------------------------------------------------------------------------- evaluate


def test_evaluate_measures_every_picture(folder, capsys):
    options = ["--noise", 20, "--seed", 3, "--protocol", "camera", "--timesteps", 2]
    arguments = ["evaluate", "grey.png", "colour.png", "--deployment", "tiny.safetensors"]
    code, out, err = run(capsys, *arguments, *options, "--json", "-")
    assert (code, err) == (0, "")
    report = json.loads(out)
    deployment = load_deployment("tiny.safetensors")
    assert report["deployment"] == {"name": "tiny", "hash": deployment.hash}
    assert report["timesteps"] == 2
    assert report["noise"] == {"sigma": 20.0, "seed": 3, "protocol": "camera"}
    spikes, neurons = np.zeros(3, int), 0
    for name, entry in zip(("grey.png", "colour.png"), report["pictures"], strict=True):
        clean = images.read_picture(Path(name))
        noisy = add_noise(clean, 20, 3, "camera")
        results = [golden.denoise(deployment, plane, 2) for plane in planes(noisy)]
        denoised = join_planes([result.denoised for result in results])
        counts = np.sum([result.activity.spike_counts for result in results], axis=0)
        spikes, neurons = spikes + counts, neurons + 4 * clean.size
        assert entry["name"] == name
        assert entry["shape"] == list(clean.shape)
        for suffix, picture in (("_noisy", noisy), ("", denoised)):
            expected = quality(clean, picture)
            assert entry[f"psnr{suffix}"] == pytest.approx(expected.psnr, abs=1e-6)
            assert entry[f"ssim{suffix}"] == pytest.approx(expected.ssim, abs=1e-6)
        assert entry["theta"] == pytest.approx(counts.sum() / (3 * 4 * clean.size), abs=1e-6)
        pixels = clean.shape[0] * clean.shape[1]
        assert entry["spikes_per_pixel"] == pytest.approx(counts.sum() / pixels, abs=1e-6)
    for key in ("psnr", "psnr_noisy", "ssim", "ssim_noisy"):
        mean = np.mean([entry[key] for entry in report["pictures"]])
        assert report["mean"][key] == pytest.approx(mean, abs=2e-6)
    assert report["layer_thetas"] == pytest.approx(spikes / neurons, abs=1e-6)
    assert report["theta"] == pytest.approx(spikes.sum() / (3 * neurons), abs=1e-6)


def test_evaluate_prints_what_it_writes(folder, capsys):
    arguments = ["evaluate", "grey.png", "colour.png", "--deployment", "tiny.safetensors"]
    code, out, err = run(capsys, *arguments, "--json", "a.json")
    assert (code, err) == (0, "")
    report = json.loads(Path("a.json").read_text())
    assert "sigma 25, seed 0, protocol paper (the same seed for every picture)" in out
    assert report["deployment"]["hash"] in out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line}
    for entry in report["pictures"]:
        numbers = [entry["psnr_noisy"], entry["psnr"], entry["ssim_noisy"], entry["ssim"]]
        assert [float(cell) for cell in rows[entry["name"]][1:]] == pytest.approx(
            [*numbers, entry["theta"], entry["spikes_per_pixel"]], abs=6e-2
        )
    assert float(rows["mean"][1]) == pytest.approx(report["mean"]["psnr"], abs=6e-3)


def test_evaluate_is_deterministic(folder, capsys):
    arguments = ["evaluate", "grey.png", "colour.png", "--deployment", "tiny.safetensors"]
    for name in ("a.json", "b.json"):
        assert run(capsys, *arguments, "--json", name)[0] == 0
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()


def test_evaluate_reads_sets_from_the_data_folder(folder, capsys, monkeypatch):
    for name in ("set12", "bsd68"):
        Path("data", name).mkdir(parents=True)
        for number in (2, 1):
            Path("grey.png").rename(Path("data", name, f"{number}.png"))
            images.write_picture(Path("grey.png"), np.zeros((3, 3), np.uint8))
    arguments = ["evaluate", "--deployment", "tiny.safetensors", "--json", "-"]
    by_option = run(capsys, *arguments, "--data", "data")[1]
    monkeypatch.setenv("SPIKING_DNCNN_DATA", "data")
    assert run(capsys, *arguments)[1] == by_option
    report = json.loads(by_option)
    assert [entry["name"] for entry in report["pictures"]] == ["1.png", "2.png"]
    assert json.loads(run(capsys, *arguments, "--set", "bsd68")[1]) != report


def test_what_does_not_exist_is_null_in_json(folder, capsys):
    # JSON has no infinity, and a picture smaller than the window has no SSIM.
    images.write_picture(Path("small.png"), np.zeros((3, 3), np.uint8))
    arguments = ["evaluate", "small.png", "grey.png", "--noise", 0]
    _, out, _ = run(capsys, *arguments, "--deployment", "tiny.safetensors", "--json", "-")
    report = json.loads(out)
    small, grey = report["pictures"]
    assert small["psnr_noisy"] is small["ssim_noisy"] is None
    assert (grey["psnr_noisy"], grey["ssim_noisy"]) == (None, 1.0)
    assert report["mean"]["ssim"] is None
    _, out, _ = run(capsys, *arguments, "--deployment", "tiny.safetensors")
    assert "none" in out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["none.png"], "none.png does not exist"),
        (["grey.png", "--data", "."], "give either pictures or a set"),
        (["grey.png", "--set", "bsd68"], "give either pictures or a set"),
        (["--set", "set14"], "invalid choice: 'set14'"),
        (["--data", "none"], "'none', which is not a folder"),
        (["--data", ".", "--set", "set12"], "no pictures of the data set 'set12'"),
        (["--seeds", "0,1", "--seed", "2", "grey.png"], "--seed and --seeds exclude each other"),
        (["--seeds", "0,one", "grey.png"], "--seeds '0,one' is not a list of different integers"),
        (["--seeds", "0,0", "grey.png"], "--seeds '0,0' is not a list of different integers"),
        (["--seeds=-1,0", "grey.png"], "--seeds '-1,0' is not a list of different integers"),
        (["--seeds", "", "grey.png"], "--seeds '' is not a list of different integers"),
        (["grey.png", "--json", "none/a.json"], "cannot write none/a.json"),
        (["grey.png", "--json", os.devnull], "it is not an ordinary file"),
        (["grey.png", "--json", "."], "cannot write ."),
        (["grey.png", "--noise", "-1"], "noise sigma -1.0"),
        (["grey.png", "--timesteps", "1"], "T = 1 is not allowed"),
    ],
)
def test_evaluate_refuses(folder, capsys, arguments, complaint):
    err = refused(capsys, "evaluate", *arguments, "--deployment", "tiny.safetensors")
    assert complaint in err


# ---------------------------------------------------------------------------- the program


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["paint"], "invalid choice: 'paint'"),
        (["--deployment", "x", "denoise"], "python -m sw_model --help"),
    ],
)
def test_program_refuses(folder, capsys, arguments, complaint):
    assert complaint in refused(capsys, *arguments)


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_has_help_with_an_example(capsys, command):
    with pytest.raises(SystemExit) as exit_:
        main([command, "--help"])
    assert exit_.value.code == 0
    assert f"python -m sw_model {command} " in capsys.readouterr().out.split("example", 1)[1]


def test_help_lists_the_commands(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["--help"])
    assert exit_.value.code == 0
    out = capsys.readouterr().out
    listed = set(re.findall(r"(?m)^    ([a-z-]+)(?: |$)", out))
    assert listed == set(COMMANDS)


def sw_model(*arguments, **options):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "sw_model", *arguments]
    return subprocess.run(command, env=environment, check=False, **options)


def test_as_a_program_in_a_pipe(folder):
    arguments = ["denoise", "grey.png", "-o", "o.png", "--noise", "25"]
    done = sw_model(*arguments, "--deployment", "tiny.safetensors", capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "dB denoised" in done.stdout
    assert "\x1b" not in done.stdout
    assert Path("o.png").is_file()


def test_as_a_program_with_a_mistake(folder):
    done = sw_model("denoise", "none.png", "-o", "o.png", capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_as_a_program_whose_reader_has_left(folder):
    reader, writer = os.pipe()
    os.close(reader)
    arguments = ["evaluate", "grey.png", "--deployment", "tiny.safetensors"]
    done = sw_model(*arguments, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")
