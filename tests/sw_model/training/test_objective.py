"""What a training step minimises besides the residual's error, its schedule and its patches."""

import math

import numpy as np
import pytest
import torch

from sw_model.network.dncnn import PIXEL_SCALE
from sw_model.spec import UsageError
from sw_model.support.errors import OptionsError
from sw_model.training import baseline_command
from sw_model.training.checkpoint import Checkpoint, build_model, build_supervision
from sw_model.training.data import TrainingSet
from sw_model.training.flags import named_as_flags
from sw_model.training.objective import DeepSupervision, Objective
from sw_model.training.options import TrainingOptions
from sw_model.training.run import TrainingRun

from .commands import FEW, command, parse


# The residual after t steps is what a network trained for T reads off its first t spikes.
@torch.no_grad()
def test_partial_sums():
    torch.manual_seed(0)
    options = TrainingOptions(config="tiny")
    model, supervision = build_model(options).train(), build_supervision(options)
    pixels, target = 255 * torch.rand(2, 1, 9, 8), 20 * torch.randn(2, 1, 9, 8)
    objective = Objective(model, supervision)
    spikes = []
    residual = model(pixels, record=spikes)
    plain, _ = objective(pixels, target, early=0, activity=0)
    value, _ = objective(pixels, target, early=0, activity=0, partial=0.7)
    weight, bias = model.output_weight, model.output_bias
    wanted = 0.0
    for steps in (1, 2):
        rate = spikes[-1][:steps].mean(0)
        part = PIXEL_SCALE * torch.nn.functional.conv2d(rate, weight, bias, padding=1)
        wanted = wanted + 0.7 * (part - target).square().mean() / 2
    assert plain.item() == pytest.approx((residual - target).square().mean().item())
    assert (value - plain).item() == pytest.approx(float(wanted), rel=1e-4)
    assert 0.1 < spikes[-1].mean() < 0.9


def test_run_has_partial_sums(pictures, monkeypatch):
    values = []
    for weight in (0.0, 0.5):
        options = TrainingOptions(config="tiny", batch=2, partial_sums=weight)
        run = TrainingRun(options, TrainingSet.split(pictures), build_model(options))
        objective = run.objective.forward

        def spy(*given, objective=objective, **options):
            result = objective(*given, **options)
            values.append(result[0].item())
            return result

        monkeypatch.setattr(run.objective, "forward", spy)
        run.step()
    assert values[1] > 1.2 * values[0]


# A place whose rates are the teacher's features up to a linear map has nothing to learn there.
def test_feature_loss():
    torch.manual_seed(0)
    spec = build_model(TrainingOptions(config="compact")).spec
    supervision = DeepSupervision(spec, 99, teacher_channels=5)
    assert list(supervision.feature_layers) == [0, 3, 6, 9, 12, 15]
    spikes = [(torch.rand(4, 2, 32, 6, 7) < 0.3).float() for _ in range(16)]
    features = [torch.randn(2, 5, 6, 7) for _ in range(16)]
    assert 0.5 < supervision.feature_loss(spikes, features).item() < 3
    for place, learnt in zip(supervision.feature_layers, supervision.maps, strict=True):
        features[place] = learnt(spikes[place].mean(0)).detach()
    assert supervision.feature_loss(spikes, features).item() < 1e-8
    features[3] = 2 * features[3]  # off by half of what is wanted, at one of six places
    assert supervision.feature_loss(spikes, features).item() == pytest.approx(0.25 / 6, rel=1e-4)


# Learning the teacher's features takes its channels from its file, and needs all of its layers.
def test_features_command(data, tmp_path, monkeypatch):
    command(data, *FEW, "--model", "ann", "--steps", 1, "-o", tmp_path / "ann")
    teacher = tmp_path / "t.safetensors"
    words = ["--export", tmp_path / "ann" / "checkpoint.pt", "-o", teacher]
    baseline_command.main(parse(baseline_command, *words))
    seen = []
    loss = DeepSupervision.feature_loss

    def spy(self, spikes, features):
        seen.append([tuple(f.shape) for f in features])
        return loss(self, spikes, features)

    monkeypatch.setattr(DeepSupervision, "feature_loss", spy)
    how = ["--steps", 8, "--teacher", teacher, "--features", 5, "--fp32"]
    assert command(data, *FEW, *how, "-o", tmp_path / "run") == 0
    assert seen == [[(2, 4, 40, 40)] * 3] * 6  # the weight is zero from three quarters on
    checkpoint = Checkpoint.load(tmp_path / "run" / "checkpoint.pt")
    assert checkpoint.options.teacher_channels == 4
    assert "maps.0.weight" in checkpoint.supervision
    (run,) = checkpoint.runs()
    assert "--features 5.0" in run["command"]
    assert "channels" not in run["command"]
    with pytest.raises(
        UsageError, match="teacher has 4 layers of 4 channels, --config compact has"
    ):
        command(data, "--config", "compact", *how, "-o", tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"features": 1.0}, "--features 1.0 needs a teacher; give --teacher"),
        ({"partial_sums": 1.0, "model": "ann"}, "--partial-sums is for the gradient of spikes"),
        (
            {"partial_sums": 1.0, "config": "tiny-if", "gradient": "levels"},
            "here it is --gradient levels",
        ),
        ({"partial_sums": 1.0, "timesteps": 1}, "needs --timesteps 2 or more; here T = 1"),
        ({"schedule": "linear"}, "--schedule 'linear' is unknown; known are cosine, constant"),
        ({"patch": 7}, r"--patch 7 is not in 8\.\.1024"),
        ({"gradient": "rate"}, "--gradient rate is for quantised networks; give --quantise"),
    ],
)
def test_bad_options(fields, message):
    with pytest.raises(UsageError, match=message), named_as_flags():
        TrainingOptions(**{"config": "tiny"} | fields)


# In a program the sentences have the fields' names, which are what it gave.
def test_bad_fields():
    with pytest.raises(OptionsError, match=r"^partial_sums needs timesteps 2 or more; here T = 1$"):
        TrainingOptions(config="tiny", partial_sums=1.0, timesteps=1)
    with pytest.raises(OptionsError, match=r"^gradient rate is .* networks; give model quantised$"):
        TrainingOptions(config="tiny", gradient="rate")


# Patches have the size that was asked for, as long as the images have it.
def test_patch(pictures):
    images = TrainingSet.split(pictures)
    noisy, clean = images.batch(seed=0, step=0, size=3, sigma=25, patch=17)
    assert noisy.shape == clean.shape == (3, 1, 17, 17)
    with pytest.raises(
        OptionsError, match=r"^patch 49 is too large: .* image has 48 pixels a side"
    ):
        images.check(49)
    options = TrainingOptions(config="tiny", patch=20, batch=2)
    run = TrainingRun(options, images, build_model(options))
    shapes = []
    run.model.layers[0].register_forward_hook(lambda _, given, out: shapes.append(given[0].shape))
    run.step()
    assert shapes == [(2, 1, 20, 20)]


def test_schedule(pictures):
    factors = {}
    for schedule in ("cosine", "constant"):
        options = TrainingOptions(config="tiny", schedule=schedule, steps=8, warmup=2)
        run = TrainingRun(options, TrainingSet.split(pictures), build_model(options))
        factors[schedule] = [run.rate_factor(step) for step in (0, 1, 4, 7)]
    assert factors["constant"] == [0.5, 1, 1, 1]
    cosine = [
        w * (1 + math.cos(math.pi * s / 8)) / 2 for s, w in ((0, 0.5), (1, 1), (4, 1), (7, 1))
    ]
    assert np.allclose(factors["cosine"], cosine)
