"""A wider network that starts as a narrow one."""

import pytest
import torch

from sw_model.network.dncnn import SpikingDnCNN
from sw_model.spec import NeuronSpec, UsageError, uniform_network
from sw_model.training.widen import widen


def network(channels, depth=5, **options):
    spec = uniform_network("t", depth=depth, channels=channels, timesteps=(3,), **options)
    return SpikingDnCNN(spec).eval()


# The wide network computes what the narrow one does, spike for spike in its first channels.
@pytest.mark.parametrize("neuron", [NeuronSpec(), NeuronSpec(leak=None, reset="soft")])
def test_widened_network_is_the_narrow_one(neuron):
    torch.manual_seed(0)
    narrow, wide = network(4, neuron=neuron), network(7, neuron=neuron)
    with torch.no_grad():
        for layer in narrow.layers:
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.02, 0.1)
            layer.beta.normal_(0.4, 0.3)
        narrow.output_bias.fill_(0.2)
    widen(narrow, wide)
    pixels, ours, theirs = 255 * torch.rand(1, 1, 9, 8), [], []
    with torch.no_grad():
        a, b = wide(pixels, record=ours), narrow(pixels, record=theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert 0.02 < other.mean() < 0.98
        assert (mine[:, :, :4] != other).float().mean() < 0.01, "order of float32 sums, no more"
    assert (a - b).abs().mean() < 0.01 * b.abs().mean()


@pytest.mark.parametrize("wide", [network(3), network(6, depth=6)])
def test_networks_that_do_not_fit(wide):
    with pytest.raises(UsageError, match="a network of 5 layers of 4 channels cannot start one of"):
        widen(network(4), wide)
