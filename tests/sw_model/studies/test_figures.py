"""Rate coding at the input, and the paper's figures 3 and 4 from networks that were trained so."""

import csv
import os
import shutil
import subprocess

import numpy as np
import pytest
import torch
from PIL import Image

from sw_model.__main__ import main
from sw_model.network.dncnn import SpikingDnCNN
from sw_model.network.inference import SPIKE_SEED, denoise_float, network_input, rate_coded
from sw_model.pictures.eight_bit import read_picture
from sw_model.pictures.metrics import psnr
from sw_model.pictures.noise import add_noise
from sw_model.spec import UsageError, configuration
from sw_model.training.checkpoint import Checkpoint, build_model
from sw_model.training.data import TrainingSet
from sw_model.training.freeze_command import freeze_checkpoint
from sw_model.training.options import TrainingOptions
from sw_model.training.run import TrainingRun

TRAIN = ["train", "--config", "tiny", "--batch", "2", "--no-compile", "--every", "9"]
RATE = ["--coding", "bernoulli"]
POINTS = ("direct-2", "direct-7", "bernoulli-2", "bernoulli-7", "dncnn")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """On tensors as small as these, threads cost more than they save."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(*words):
    return main([str(word) for word in words])


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Data sets of smooth pictures, those of set12 of different sizes."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    sizes = {"train400": [(48, 48)] * 3, "set12": [(20, 24), (9, 31)]}
    for name, shapes in sizes.items():
        (folder / name).mkdir()
        for index, shape in enumerate(shapes, 1):
            coarse = Image.fromarray(rng.integers(0, 256, (5, 5)).astype(np.uint8))
            coarse.resize(shape, Image.Resampling.BICUBIC).save(folder / name / f"{index:02}.png")
    return folder


def script(folder, *options, **variables):
    """Runs `scripts/figures.sh` with a Python that only notes what it is to run.

    Returns the outcome and the commands; a process less for each training.
    """
    stub, log = folder.with_suffix(".python"), folder.with_suffix(".log")
    lines = [f'printf "%s\\t" "$@" >>{log}', f"echo >>{log}", 'mkdir -p "$5" 2>/dev/null']
    stub.write_text("\n".join(["#!/bin/sh", *lines, "exit ${STUB_CODE:-0}", ""]))
    stub.chmod(0o755)
    log.write_text("")
    own = {"CONFIG": "tiny", "BATCH": "2", "BASE_STEPS": "3", "STEPS": "2", "TIMESTEPS": "2 7"}
    outcome = subprocess.run(
        ["bash", "scripts/figures.sh", str(folder), *options],
        env=os.environ | {"PYTHON": str(stub)} | own | variables,
        check=False,
        capture_output=True,
        text=True,
    )
    return outcome, [line.split("\t")[2:-1] for line in log.read_text().splitlines()]


@pytest.fixture(scope="module")
def points(data, tmp_path_factory):
    """The checkpoints of a tiny figure, by the commands of the script."""
    folder = tmp_path_factory.mktemp("points") / "points"
    outcome, commands = script(folder, "--no-compile", "--data", str(data))
    assert outcome.returncode == 0, outcome.stderr
    assert len(commands) == len(POINTS) + 2
    for words in commands:
        assert run(*words) == 0
    return folder


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


# Grey levels are firing probabilities: each pixel's share of spikes is its own, what noise brought
# beyond black or white is clipped, and equal seeds give equal spikes.
def test_rate_of_input():
    pixels = np.array([[-300, 0, 51, 128], [204, 255, 256, 511]], np.int16)[None, None]
    spikes = rate_coded(pixels, 20_000, 3)
    assert spikes.shape == (20_000, 1, 1, 2, 4)
    assert set(spikes.unique().tolist()) == {0, 1}
    expected = np.array([[0, 0, 0.2, 128 / 255], [0.8, 1, 1, 1]])
    rate = spikes.mean(0)[0, 0].numpy()
    assert (np.abs(rate - expected) <= 5 * np.sqrt(expected * (1 - expected) / 20_000)).all()
    assert torch.equal(spikes, rate_coded(pixels, 20_000, 3))
    assert not torch.equal(spikes, rate_coded(pixels, 20_000, 4))


# The encoding layer convolves each timestep's spikes, and every layer after it gets their result.
def test_encoding_layer_convolves_spikes():
    torch.manual_seed(0)
    network = SpikingDnCNN(configuration("tiny"), timesteps=5, coding="bernoulli").eval()
    pixels = np.random.default_rng(0).integers(-40, 300, (2, 1, 6, 7)).astype(np.int16)
    spikes = network_input(network, pixels, 9)
    assert torch.equal(spikes, rate_coded(pixels, 5, 9))
    record = []
    with torch.no_grad():
        residual = network(spikes, record=record)
    assert residual.shape == (2, 1, 6, 7)
    encoding = network.layers[0]
    membrane = torch.zeros(2, 4, 6, 7)
    for t in range(5):
        current = torch.nn.functional.conv2d(spikes[t], encoding.weight, padding=1)
        current = current / np.sqrt(1 + 1e-5) * encoding.gamma[:, None, None]
        membrane = membrane + (current + encoding.beta[:, None, None] - membrane) / 2
        fired = membrane >= 1
        assert torch.equal(record[0][t], fired.float())
        membrane = torch.where(fired, 0, membrane)
    assert 0 < record[0].mean() < 1
    assert not torch.equal(record[0][0], record[0][-1])
    with pytest.raises(ValueError, match="coding 'bernoulli' does not take 4 dimensions"):
        network(torch.zeros(1, 1, 6, 7))
    with pytest.raises(ValueError, match="coding 'direct' does not take 5 dimensions"):
        SpikingDnCNN(configuration("tiny"))(spikes)


# A network learns from spikes: it comes below the loss of silence, sigma^2, and its encoding layer
# has moved.
def test_learns_from_spikes(data):
    options = TrainingOptions(
        config="tiny", coding="bernoulli", steps=40, batch=4, lr=1e-2, warmup=5, timesteps=3
    )
    model = build_model(options)
    before = model.layers[0].weight.detach().clone()
    training = TrainingRun(options, TrainingSet.load(data), model)
    losses = [training.step() for _ in range(options.steps)]
    assert np.mean(losses[-10:]) < 0.96 * 25**2
    assert not torch.equal(model.layers[0].weight, before)
    assert training.evaluate() == training.evaluate()


# The spikes of a step depend on seed and step alone: a run that was stopped ends bit for bit like
# one that was not, and another seed or step has other spikes.
def test_resume_is_exact(data, tmp_path, monkeypatch):
    words = [*TRAIN, *RATE, "--data", data, "--timesteps", 3, "--steps", 5]
    assert run(*words, "-o", tmp_path / "whole") == 0
    assert run(*words, "-o", tmp_path / "parts", "--minutes", 0) == 3
    path = tmp_path / "parts" / "checkpoint.pt"
    training = TrainingRun.resume(Checkpoint.load(path), TrainingSet.load(data))
    training.step()
    training.step()
    training.checkpoint().save(path)
    assert run("train", "--resume", path, "--data", data, "--no-compile") == 0
    whole, parts = Checkpoint.load(tmp_path / "whole" / "checkpoint.pt"), Checkpoint.load(path)
    assert whole.options.coding == parts.options.coding == "bernoulli"
    for ours, theirs in ((whole.model, parts.model), (whole.averaged, parts.averaged)):
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert "--coding bernoulli" in parts.runs()[-1]["command"]


# Checkpoints from before there were codings are of networks with a constant current.
def test_old_checkpoint(data, tmp_path):
    assert run(*TRAIN, "--data", data, "--steps", 1, "-o", tmp_path) == 0
    path = tmp_path / "checkpoint.pt"
    content = torch.load(path)
    assert content["options"].pop("coding") == "direct"
    torch.save(content, path)
    checkpoint = Checkpoint.load(path)
    assert checkpoint.options.coding == "direct"
    assert "--coding" not in checkpoint.runs()[0]["command"]


# A run that starts from another's weights keeps its coding, unless it is given one.
def test_start_and_coding(data, tmp_path):
    words = [*TRAIN, "--data", data, "--steps", 1]
    run(*words, *RATE, "-o", tmp_path / "a")
    start = ["--start", tmp_path / "a" / "checkpoint.pt"]
    run(*words, *start, "-o", tmp_path / "b")
    run(*words, *start, "--coding", "direct", "-o", tmp_path / "c")
    found = [Checkpoint.load(tmp_path / name / "checkpoint.pt") for name in "abc"]
    assert [c.options.coding for c in found] == ["bernoulli", "bernoulli", "direct"]
    assert [c.network().coding for c in found] == ["bernoulli", "bernoulli", "direct"]


# What only floats can do is refused where it would be taken for something else.
def test_bad_codings(data, tmp_path, capsys):
    for more in (["--model", "ann"], ["--gradient", "levels"]):
        assert run(*TRAIN, *RATE, *more, "--data", data, "-o", tmp_path / "x") == 2
        assert "--coding bernoulli is for spiking networks in floats" in capsys.readouterr().err
    run(*TRAIN, *RATE, "--data", data, "--steps", 1, "-o", tmp_path / "a")
    path = tmp_path / "a" / "checkpoint.pt"
    with pytest.raises(UsageError, match="only 'direct' ones can be quantised and frozen"):
        freeze_checkpoint(Checkpoint.load(path))
    for more, message in [
        ([], "--coding bernoulli is for spiking networks in floats"),
        (["--coding", "direct"], "only 'direct' ones can be quantised and frozen"),
    ]:
        words = ["--quantise", path, *more, "--data", data, "--no-compile", "-o", tmp_path / "b"]
        assert run("train", *words) == 2
        assert message in capsys.readouterr().err
    with pytest.raises(UsageError, match="coding 'x' is unknown; known are direct, bernoulli"):
        TrainingOptions(coding="x")
    assert not (tmp_path / "b").exists()


def reference(path, noisy):
    """PSNR's picture and mean spikes of a checkpoint's network, by its plain forward pass."""
    network = Checkpoint.load(path).network()
    inputs = torch.from_numpy(noisy).float()[None, None]
    if "bernoulli" in str(path):
        p = np.minimum(np.maximum(noisy, 0), 255) / 255
        rng = np.random.default_rng(SPIKE_SEED)
        draws = [rng.random(noisy.shape) < p for _ in range(network.timesteps)]
        inputs = torch.from_numpy(np.array(draws)[:, None, None]).float()
    record = []
    with torch.no_grad():
        residual = network(inputs, record=record)
    denoised = (torch.from_numpy(noisy) - residual[0, 0]).round().clamp(0, 255)
    spikes = sum(float(x.double().sum()) for x in record)
    return denoised.to(torch.uint8).numpy(), spikes, sum(x[0].numel() for x in record)


# The CSV files hold what an evaluation of each checkpoint by itself gives.
def test_figures(data, points, tmp_path, capsys):
    output = tmp_path / "figures"
    words = ["figures", "--points", points, "--data", data, "--timesteps", 7, 2, "-o", output]
    assert run(*words) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    names = {path.name for path in output.iterdir()}
    assert names == {".spiking-dncnn", "fig3.csv", "fig3.png", "fig4.csv", "fig4.png"}
    clean = [read_picture(path) for path in sorted((data / "set12").iterdir())]
    noisy = [add_noise(picture, 25, 0) for picture in clean]
    table = rows(output / "fig3.csv")
    found = ["-".join(filter(None, (row["coding"], row["T"]))) for row in table]
    assert found == list(POINTS)
    shown = {}
    for name, row in zip(POINTS, table, strict=True):
        results = [reference(points / name / "checkpoint.pt", picture) for picture in noisy]
        quality = [psnr(a, b[0]) for a, b in zip(clean, results, strict=True)]
        shown[name] = quality[0]
        assert float(row["psnr_db"]) == pytest.approx(np.mean(quality), abs=6e-4)
        if name == "dncnn":
            assert row["theta"] == ""
        else:
            spikes, neurons = (sum(result[i] for result in results) for i in (1, 2))
            assert float(row["theta"]) == pytest.approx(spikes / neurons, abs=6e-4)
            assert float(row["theta"]) > 0
        assert row["training_steps"] == "5"
        assert row["config"] == "tiny"
        assert f"{row['theta']}\n" in printed.out
    fourth = rows(output / "fig4.csv")
    assert [(row["picture"], row["T"]) for row in fourth] == [
        ("clean", ""),
        ("noisy", ""),
        ("direct", "7"),
        ("bernoulli", "7"),
    ]
    assert fourth[0]["psnr_db"] == ""
    expected = [psnr(clean[0], noisy[0]), shown["direct-7"], shown["bernoulli-7"]]
    measured = [float(row["psnr_db"]) for row in fourth[1:]]
    assert measured == pytest.approx(expected, abs=6e-4)
    for name in ("fig3.png", "fig4.png"):
        assert min(read_picture(output / name).shape[:2]) > 300
    content = {path.name: path.read_bytes() for path in output.iterdir()}
    assert run(*words) == 0  # over its own, and the same again
    assert {path.name: path.read_bytes() for path in output.iterdir()} == content


# The network's picture does not depend on what was denoised before.
def test_denoised_alike(data, points):
    network = Checkpoint.load(points / "bernoulli-7" / "checkpoint.pt").network()
    noisy = [add_noise(read_picture(data / "set12" / name), 25, 0) for name in ("01.png", "02.png")]
    first = [denoise_float(network, picture).picture for picture in noisy]
    again = [denoise_float(network, picture).picture for picture in reversed(noisy)]
    assert all(np.array_equal(a, b) for a, b in zip(first, reversed(again), strict=True))


# One sentence and exit code 2 for what is missing or does not fit; nothing is written.
def test_bad_points(data, points, tmp_path, capsys):
    folder, output = tmp_path / "points", tmp_path / "figures"
    words = ["figures", "--points", folder, "--data", data, "--timesteps", 2, 7, "-o", output]

    def refused(sentence, *more):
        assert run(*words, *more) == 2
        error = capsys.readouterr().err
        assert sentence in error
        assert error.count("\n") == 1
        assert not output.exists()

    refused("direct-2/checkpoint.pt does not exist; `scripts/figures.sh")
    shutil.copytree(points, folder)
    refused("--timesteps lacks 7, which Fig. 4 shows", "--timesteps", 2)
    refused("--timesteps 33 is not in 1..32", "--timesteps", 33)
    shutil.copytree(points / "direct-2", folder / "direct-3")
    refused("bernoulli-3/checkpoint.pt does not exist", "--timesteps", 3, 7)
    shutil.copytree(points / "bernoulli-2", folder / "bernoulli-3")
    refused("direct-3/checkpoint.pt does not fit its place", "--timesteps", 3, 7)
    path = folder / "bernoulli-7" / "checkpoint.pt"
    (folder / "dncnn" / "checkpoint.pt").rename(tmp_path / "dncnn.pt")
    refused("dncnn/checkpoint.pt does not exist")
    shutil.copy(path, folder / "dncnn" / "checkpoint.pt")
    refused("dncnn/checkpoint.pt does not fit its place in the figure: model is 'snn', not 'ann'")
    shutil.copy(tmp_path / "dncnn.pt", folder / "dncnn" / "checkpoint.pt")
    shutil.copy(folder / "direct-7" / "checkpoint.pt", path)
    refused("coding is 'direct', not 'bernoulli'")
    checkpoint = Checkpoint.load(points / "bernoulli-7" / "checkpoint.pt")
    checkpoint.step = 1
    checkpoint.save(path)
    refused("stopped at step 1 of 2; `scripts/figures.sh` continues it")
    path.write_text("no checkpoint")
    refused("cannot be read as a checkpoint")
    shutil.copy(points / "bernoulli-7" / "checkpoint.pt", path)
    refused("which is not a folder of data sets", "--data", tmp_path / "x")
    output.mkdir()
    (output / "mine.txt").touch()
    assert run(*words) == 2
    assert "it holds other files (mine.txt)" in capsys.readouterr().err
    assert [path.name for path in output.iterdir()] == ["mine.txt"]


# The script does nothing twice, goes on with what was stopped, and does not mix two recipes.
def test_script(tmp_path):
    folder = tmp_path / "points"
    trained = {name: f"{name}.pt" for name in ("DIRECT", "BERNOULLI", "DNCNN")}
    stopped, commands = script(folder, "--minutes", "0", STUB_CODE="3", **trained)
    assert stopped.returncode == 3
    assert "stopped in the training 'direct-2'; the same command continues" in stopped.stderr
    assert len(commands) == 1
    assert commands[0][:4] == ["train", "-o", str(folder / "direct-2"), "--batch"]
    assert commands[0][-2:] == ["--minutes", "0"]
    (folder / "direct-2" / "checkpoint.pt").touch()
    outcome, commands = script(folder, **trained)
    assert outcome.returncode == 0, outcome.stderr
    assert commands[0] == ["train", "--resume", str(folder / "direct-2" / "checkpoint.pt")]
    starts = [words[words.index("--start") + 1] for words in commands[1:]]
    assert starts == ["DIRECT.pt", "BERNOULLI.pt", "BERNOULLI.pt", "DNCNN.pt"]
    outcome, commands = script(folder, **trained)
    assert (outcome.returncode, commands) == (0, [])
    outcome, commands = script(folder, STEPS="9", **trained)
    assert (outcome.returncode, commands) == (2, [])
    assert "not 'tiny 3 9 2 DIRECT.pt BERNOULLI.pt DNCNN.pt'; name another folder" in outcome.stderr
