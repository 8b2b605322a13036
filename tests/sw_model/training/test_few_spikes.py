"""Training of the few-spike code: it learns, resumes, freezes, and refuses in one sentence."""

import json
import math
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from sw_model import golden
from sw_model.__main__ import main
from sw_model.network.few_spikes import integer_weight, spikes_of
from sw_model.pictures.metrics import psnr
from sw_model.pictures.noise import add_noise
from sw_model.spec import UsageError, load_deployment
from sw_model.training.few_spikes import command, speed
from sw_model.training.few_spikes.data import DATA_SET, WholePictures
from sw_model.training.few_spikes.options import Options
from sw_model.training.few_spikes.run import FewSpikeRun, load
from sw_model.training.few_spikes.teacher import Teacher

TINY = Options(config="tiny", minutes=1.0, batch=4, patch=16)


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / DATA_SET
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(4):
        coarse = Image.fromarray(rng.integers(0, 256, (5, 6, 3)).astype(np.uint8))
        coarse.resize((40, 32), Image.Resampling.BICUBIC).save(folder / f"{index}.png")
    return WholePictures.load(tmp_path, DATA_SET, 16)


@pytest.fixture
def teacher(tmp_path):
    torch.manual_seed(0)
    tensors = {}
    for n, (inputs, outputs) in enumerate([(5, 6), (6, 4)]):
        tensors[f"layers.{n}.weight"] = 0.1 * torch.randn(outputs, inputs, 3, 3)
        tensors[f"layers.{n}.bias"] = 0.1 * torch.randn(outputs)
    save_file(tensors, tmp_path / "ffdnet.safetensors")
    return Teacher.load(tmp_path / "ffdnet.safetensors")


def trained(pictures, steps, options=TINY, **how):
    run = FewSpikeRun(options, pictures, bf16=False, **how)
    losses = [run.step() for _ in range(steps)]
    return run, losses


def test_pictures_are_split_and_scaled(pictures):
    assert (pictures.count, len(pictures.held_out)) == (3, 1)
    assert sorted({image.shape for image in pictures.images}) == [
        (22, 28), (26, 32), (29, 36), (32, 40)
    ]  # fmt: skip
    assert len(pictures.images) == 12


def test_batches_depend_on_seed_and_step_alone(pictures):
    how = {"size": 64, "patch": 16, "levels": (0, 55)}
    a, b, other = (pictures.batch(seed=1, step=step, **how) for step in (3, 3, 4))
    assert torch.equal(a.noisy, b.noisy)
    assert not torch.equal(a.noisy, other.noisy)
    assert torch.equal(a.noisy, a.noisy.round())
    assert 0 <= a.sigma.min() < 10 < 45 < a.sigma.max() <= 55
    deviation = a.noise.std((1, 2, 3))
    assert torch.allclose(deviation, a.sigma, rtol=0.2, atol=0.5)


def test_colours_are_learnt_from_colour_pictures(tmp_path, pictures):
    coloured = WholePictures.load(tmp_path, DATA_SET, 16, 3)
    assert {image.shape[2] for image in (*coloured.images, *coloured.held_out)} == {3}
    run, losses = trained(coloured, 3, Options(**{**TINY.__dict__, "config": "colour"}))
    batch = run.batch(0)
    assert batch.noisy.shape == (4, 3, 16, 16)
    # The clean patches are pieces of the pictures: colours differ, and each keeps its place.
    clean = (batch.noisy - batch.noise).numpy()
    assert np.abs(clean[:, 0] - clean[:, 1]).max() > 5
    tones = {tuple(tone) for image in coloured.images for tone in image.reshape(-1, 3).tolist()}
    found = clean.transpose(0, 2, 3, 1).reshape(-1, 3).astype(int)
    assert {tuple(tone) for tone in found.tolist()} <= tones
    assert np.isfinite(losses).all()
    found = run.evaluate()
    picture = coloured.held_out[0]
    noisy = add_noise(picture, 25, 0)
    deployment = run.freeze()
    assert deployment.spec.colours == 3
    result = golden.denoise(deployment, noisy, level=25)
    assert found["25"][0] == pytest.approx(psnr(picture, result.denoised), abs=1.5)


def test_grey_pictures_have_three_equal_colours(tmp_path, pictures):
    for path in (tmp_path / DATA_SET).iterdir():
        Image.open(path).convert("L").save(path)
    coloured = WholePictures.load(tmp_path, DATA_SET, 16, 3)
    assert all((image[..., 0] == image[..., 2]).all() for image in coloured.images)


def test_it_learns(pictures):
    _, losses = trained(pictures, 60)
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:10])


# The loss is that of the teacher's residual where all of it is to be learnt.
def test_a_teacher_is_learnt_from(pictures, teacher):
    options = Options(**{**TINY.__dict__, "teaching": 1.0})
    run = FewSpikeRun(options, pictures, teacher=teacher, bf16=False)
    batch = run.batch(0)
    wanted = teacher.residual(batch.noisy, batch.sigma, torch.float32)
    found = run.model(batch.noisy, batch.sigma)
    errors = (found - wanted).square().mean((1, 2, 3))
    expected = float((errors * 28 / (batch.sigma + 3)).mean().detach())
    run = FewSpikeRun(options, pictures, teacher=teacher, bf16=False)
    assert math.isclose(run.step(), expected, rel_tol=1e-5)


def test_a_higher_price_buys_fewer_spikes(pictures):
    spikes = []
    for price in (0.0, 1000.0):
        prices = {"price": price, "final_price": price, "lr": 0.05}
        run, _ = trained(pictures, 60, Options(**{**TINY.__dict__, **prices}))
        record = []
        batch = run.batch(0)
        with torch.no_grad():
            run.model(batch.noisy, batch.sigma, record=record)
        spikes.append(sum(float(spikes_of(v).sum()) for v in record))
    assert spikes[1] < 0.7 * spikes[0]


def test_rates_and_prices_follow_the_minutes(pictures):
    run = FewSpikeRun(TINY, pictures)
    run._own_steps = 1000
    found = []
    for share in (0.0, 0.5, 0.725, 1.0):
        run.seconds = 60 * share
        found.append((round(run.rate, 3), round(run.price, 3)))
    assert found == [(1.0, 0.3), (0.5, 0.3), (round((1 + math.cos(math.pi * 0.725)) / 2, 3), 0.45),
                     (0.0, 0.6)]  # fmt: skip


def test_a_resumed_training_does_what_the_other_does(pictures, tmp_path):
    part, _ = trained(pictures, 5)
    part.save(tmp_path / "part.pt")
    again = FewSpikeRun(TINY, pictures, bf16=False)
    again.resume(load(tmp_path / "part.pt"))
    assert (again.completed, again.seconds) == (5, part.seconds)
    # Rates follow the clock: the same clock, the same steps.
    again._own_steps = part._own_steps
    for run in (part, again):
        for _ in range(2):
            run.seconds = 30.0
            run.step()
    for name, value in part.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], value), name


# The last quarter has fixed statistics; what comes out of it is frozen value for value.
def test_the_end_is_what_is_frozen(pictures):
    run, _ = trained(pictures, 3)
    assert run.result is run.averaged
    run.seconds = 60 * 0.8
    run.step()
    assert all(layer.fixed for layer in run.model.layers)
    before = run.model.layers[0].running_var.clone()
    run.step()
    assert torch.equal(run.model.layers[0].running_var, before)
    deployment = run.freeze()
    pixels = run.batch(9).noisy[:1]
    values = []
    with torch.no_grad():
        run.model.eval()(pixels, torch.tensor([25.0]), record=values)
    found = golden.denoise(deployment, pixels[0, 0].numpy().astype(int), level=25, trace="spikes")
    steps = 2 ** np.arange(4)[::-1]
    first = np.tensordot(steps, found.layers[0].spikes, 1)
    assert np.mean(first != values[0][0].numpy()) < 0.01
    assert deployment.provenance["data"] == "3 images, 1 held out"
    assert deployment.provenance["runs"][-1]["steps"] == 5


def test_the_command(pictures, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    common = ["--data", ".", "--no-compile", "--fp32", "--every", "0.001"]
    new = ["--config", "tiny", "--minutes", "0.02", "--batch", "2", "--patch", "16", "-o", "run"]
    assert main(["train-few-spikes", *new, *common, "--slice", "0.0"]) == 3
    assert not Path("run/frozen.safetensors").exists()
    assert main(["train-few-spikes", "--resume", "run/checkpoint.pt", *common]) == 0
    assert capsys.readouterr().err.splitlines()[-1].startswith("finished at step ")
    deployment = load_deployment("run/frozen.safetensors")
    assert deployment.spec.code == "binary"
    assert deployment.spec.noise_levels == (0, 55)
    (run,) = deployment.provenance["runs"]
    assert run["command"].startswith("python -m sw_model train-few-spikes --config tiny --minutes")
    lines = [json.loads(line) for line in Path("run/log.jsonl").read_text().splitlines()]
    assert set(lines[-1]["held_out"]) == {"5", "15", "25", "50"}
    more = ["--start", "run/checkpoint.pt", "--minutes", "0.01", "--batch", "2", "--patch", "16"]
    assert main(["train-few-spikes", *more, *common, "-o", "more"]) == 0
    assert len(load_deployment("more/frozen.safetensors").provenance["runs"]) == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "-o DIR is missing"),
        (["-o", "x", "--batch", "0"], "--batch 0 is not in 1..1024"),
        (["-o", "x", "--patch", "15", "--config", "video"], "--patch 15 is not a multiple of 2"),
        (["-o", "x", "--every", "0"], "--every 0.0 is not above 0"),
        (["-o", "x", "--slice", "-1"], "--slice -1.0 is not 0 or more"),
        (["-o", "x", "--threads", "0"], "--threads 0 is not 1 or more"),
        (["-o", "x", "--minutes", "nan"], "--minutes nan is not in"),
        (["-o", "x", "--set", "none"], "holds no pictures of the data set 'none'"),
        (["-o", "x", "--patch", "36"], "has 32x40 pixels; training needs 36 a side"),
        (["-o", "x", "--teacher", "t.st"], "t.st"),
        (["--resume", "t.st", "--seed", "1"], "t.st"),
        (["-o", "x", "--start", "none.pt"], "none.pt"),
    ],
)
def test_mistakes_are_one_sentence(arguments, sentence, pictures, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("t.st").write_text("nothing")
    assert main(["train-few-spikes", *arguments, "--data", ".", "--no-compile"]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert not Path("x").exists()


def test_a_teacher_for_grey_is_none_for_colour(teacher, pictures, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = ["-o", "x", "--config", "colour", "--teacher", "ffdnet.safetensors"]
    assert main(["train-few-spikes", *arguments, "--data", ".", "--no-compile"]) == 2
    assert "--teacher is for grey pictures, and --config colour is not" in capsys.readouterr().err


def test_another_network_cannot_be_gone_on_with(pictures, tmp_path):
    run, _ = trained(pictures, 1)
    run.save(tmp_path / "tiny.pt")
    other = FewSpikeRun(Options(config="video", batch=1, patch=16), pictures)
    with pytest.raises(UsageError, match="not the one of --config video"):
        other.start(load(tmp_path / "tiny.pt"))


def test_a_colour_network_starts_from_the_one_for_grey(pictures, tmp_path):
    video = FewSpikeRun(Options(config="video", batch=1, patch=16), pictures)
    torch.nn.init.normal_(video.model.output_bias)
    video.averaged.load_state_dict(video.model.state_dict())
    video.save(tmp_path / "video.pt")
    colour = FewSpikeRun(Options(config="colour", batch=1, patch=16), pictures)
    colour.start(load(tmp_path / "video.pt"))
    assert "--config video" in colour.history[0]["command"]
    # Three equal colours are denoised like the grey picture, in every colour.
    grey = torch.randint(0, 256, (1, 1, 12, 14)).float()
    level = torch.tensor([25.0])
    expected = video.model.eval()(grey, level)
    assert expected.std() > 0
    for model in (colour.model, colour.averaged):
        found = model.eval()(grey.repeat(1, 3, 1, 1), level)
        torch.testing.assert_close(found, expected.repeat(1, 3, 1, 1))
    # A channel reads one colour, so that other colours leave it as it is.
    first = colour.model.layers[0].weight.reshape(64, 3, 4, 9)
    seen = first.abs().sum((2, 3)) > 0
    assert seen.sum(1).tolist() == [1] * 64
    assert seen.int().argmax(1).tolist() == [i % 3 for i in range(64)]


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_few_bits_clip_large_weights(bits):
    weight = torch.randn(3, 8, 3, 3)
    weight[0, 0, 0, 0] = 60.0
    weight[1] = 1.0
    integers, step = integer_weight(weight, bits, shared=False)
    limit = 2 ** (bits - 1) - 1
    assert integers.abs().amax((1, 2, 3))[:2].tolist() == [limit, limit]
    rms = weight.square().mean((1, 2, 3)).sqrt()
    clips = bits <= 4
    torch.testing.assert_close(step[0] * limit, 3 * rms[0] if clips else weight[0].max())
    torch.testing.assert_close(step[1] * limit, torch.tensor(1.0))
    inside = weight.abs() < limit * step[:, None, None, None]
    near = (integers * step[:, None, None, None] - weight).abs()
    assert bool((near <= 0.5001 * step[:, None, None, None])[inside].all())


@pytest.mark.parametrize("faster", [torch.bfloat16, torch.float32])
def test_the_faster_type_is_measured(faster, monkeypatch):
    def conv2d(values, weight, padding):
        time.sleep(0.0 if values.dtype == faster else 0.02)

    monkeypatch.setattr(speed.F, "conv2d", conv2d)
    assert speed.bfloat16_is_faster() == (faster == torch.bfloat16)


@pytest.mark.parametrize(
    ("options", "faster", "expected"),
    [([], True, torch.bfloat16), ([], False, torch.float32), (["--fp32"], True, torch.float32)],
)
def test_training_takes_the_faster_type(options, faster, expected, pictures, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "bfloat16_is_faster", lambda: faster)
    seen = []
    monkeypatch.setattr(command, "_train", lambda run, *rest: seen.append(run.dtype) or 0)
    arguments = ["-o", "x", "--config", "tiny", "--patch", "16", "--data", ".", "--no-compile"]
    assert main(["train-few-spikes", *arguments, *options]) == 0
    assert seen == [expected]
