"""A float DnCNN as the start of spikes and rates: scales, means, and what the command refuses."""

import pytest
import torch
from torch.nn.functional import conv2d

from sw_model.network.dncnn import DnCNN, SpikingDnCNN
from sw_model.spec import NeuronSpec, UsageError, uniform_network
from sw_model.training.baseline_command import baseline_of
from sw_model.training.checkpoint import Checkpoint
from sw_model.training.convert import CEILING, channel_ceiling, convert
from sw_model.training.start import beginnings

from .commands import FEW, command

IF = NeuronSpec(leak=None, reset="soft")
PIXELS = torch.rand(12, 1, 16, 14, generator=torch.Generator().manual_seed(3)) * 255


def source():
    """A float network whose activations exceed 1 by far."""
    torch.manual_seed(1)
    network = DnCNN(uniform_network("t", depth=5, channels=6, timesteps=(4,), neuron=IF)).eval()
    x = PIXELS / 255
    with torch.no_grad():
        network.output_bias.fill_(0.1)
        for layer in network.layers:
            sums = conv2d(x if x.dim() == 4 else x[0], layer.weight, padding=1)
            variance, mean = torch.var_mean(sums, (0, 2, 3))
            layer.running_var.copy_(variance)
            layer.running_mean.copy_(mean)
            layer.gamma.uniform_(2, 9)
            layer.beta.normal_(0.0, 1.0)
            x = layer(x, torch.float32, False)
    return network


def converted(calibration, timesteps, *, levels=True):
    target = SpikingDnCNN(source().spec, timesteps=timesteps, levels=levels)
    convert(source(), target, PIXELS, calibration)
    return target.eval()


def error(network):
    """Of the residual, relative to what the float one's varies by."""
    with torch.no_grad():
        wanted = source()(PIXELS)
        return float((network(PIXELS) - wanted).square().mean().sqrt() / wanted.std())


# With many levels only what exceeds the ceiling is missing; without matched scales all is clipped.
def test_rates_of_many_levels_are_the_float_network():
    fine = error(converted("scales", 32))
    assert fine < 0.2
    assert error(converted("none", 32)) > 4 * fine


# What few levels lose in the mean is given back: in every layer, and of the residual.
@pytest.mark.parametrize("levels", [True, False])
def test_means_are_the_float_network_s(levels):
    floats, rates = [], {}
    with torch.no_grad():
        wanted = source()(PIXELS, record=floats)
        for kind in ("scales", "layers"):
            rates[kind] = []
            network = converted(kind, 4, levels=levels)
            residual = network(PIXELS, record=rates[kind])
    assert (residual.mean() - wanted.mean()).abs() < 0.01 * wanted.std()

    def off(kind):
        worst = []
        for ours, theirs in zip(rates[kind], floats, strict=True):
            ceiling = channel_ceiling(theirs)[:, None, None]
            means = ours.mean((0, 1, 3, 4)) - (theirs / ceiling).mean((0, 1, 3, 4))
            worst.append(float(means.abs().max()))
        return max(worst)

    assert off("layers") < 0.02
    assert off("scales") > 3 * off("layers")


def test_ceiling():
    values = torch.arange(1000.0).reshape(1, 10, 1, 10, 10).repeat(1, 1, 3, 1, 1)
    values[:, :, 1] *= 2
    values[:, :, 2] = 0
    assert channel_ceiling(values).tolist() == [1000 * CEILING - 1, 2 * (1000 * CEILING - 1), 1]


# Training begins with the network that was calibrated, though it normalises by other statistics.
@pytest.mark.parametrize("levels", [True, False])
def test_training_begins_where_calibration_ends(levels):
    network = converted("layers", 4, levels=levels)
    with torch.no_grad():
        wanted = network(PIXELS)
        given = network.train()(PIXELS)
    assert (given - wanted).abs().mean() < 0.02 * wanted.std()


# The command starts from a run or a baseline, and its record says so.
@pytest.mark.parametrize("kind", ["run", "baseline"])
def test_command(data, tmp_path, monkeypatch, kind):
    kinds = []

    def spy(source, target, pixels, calibration):
        before = target.output_weight.clone()
        convert(source, target, pixels, calibration)
        kinds.append((calibration, torch.equal(before, target.output_weight)))

    monkeypatch.setattr(beginnings, "convert", spy)
    command(data, *FEW, "--model", "ann", "--steps", 4, "-o", tmp_path / "ann")
    path = tmp_path / "ann" / "checkpoint.pt"
    if kind == "baseline":
        baseline_of(Checkpoint.load(path)).save(tmp_path / "b.safetensors")
        path = tmp_path / "b.safetensors"
    few = ["--config", "tiny-if", "--batch", 2, "--every", 2, "--steps", 2]
    how = ["--convert", path, "--calibration", "scales", "--gradient", "levels"]
    assert command(data, *few, *how, "-o", tmp_path / "rates") == 0
    assert kinds == [("scales", False)]
    runs = Checkpoint.load(tmp_path / "rates" / "checkpoint.pt").runs()
    assert [run["steps"] for run in runs] == [4, 2]
    assert "--convert CHECKPOINT" in runs[1]["command"]
    assert "--calibration scales" in runs[1]["command"]


def test_what_cannot_be_converted(data, tmp_path):
    command(data, *FEW, "--model", "ann", "--steps", 1, "-o", tmp_path / "ann")
    ann = tmp_path / "ann" / "checkpoint.pt"
    command(data, *FEW, "--steps", 1, "-o", tmp_path / "snn")
    for words, message in [
        (["--config", "tiny", "--convert", ann], "without leak and with soft reset, not those of"),
        (["--config", "compact-if", "--convert", ann], "4 layers of 4 channels, --config compact"),
        (["--config", "tiny-if", "--convert", ann, "--model", "ann"], "not one of --model ann"),
        (
            ["--config", "tiny-if", "--convert", tmp_path / "snn" / "checkpoint.pt"],
            "not hold a float",
        ),
        (
            ["--config", "tiny-if", "--convert", ann, "--coding", "bernoulli"],
            "--coding direct, not",
        ),
        (["--config", "tiny-if", "--calibration", "none"], "--calibration none is for --convert"),
    ]:
        with pytest.raises(UsageError, match=message):
            command(data, *words, "-o", tmp_path / "out")
        assert not (tmp_path / "out").exists()
