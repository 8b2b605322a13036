"""Rates that stand for spikes, and spikes with the gradient of rates."""

import pytest
import torch
from torch.nn import functional as F

from sw_model.network.dncnn import DnCNN, SpikingDnCNN, rounded_weight
from sw_model.network.neurons import Constants, FloatNeuron, normalised_activation
from sw_model.network.rates import Levels, Relu, mean_over_time, spikes_by_rate
from sw_model.spec import NeuronSpec, uniform_network

IF_SOFT = NeuronSpec(leak=None, reset="soft")
T = 6


def constants(threshold=1.0, init=0.5, channels=4):
    return Constants(torch.full((channels,), threshold), torch.full((channels,), init))


# Under a constant current a neuron without leak fires as often as its current has levels.
@pytest.mark.parametrize("integers", [False, True])
def test_levels_are_the_rates_of_spikes(integers):
    torch.manual_seed(0)
    if integers:
        y, fixed = torch.randint(-30, 60, (1, 2, 4, 9, 7)).float(), constants(13.0, 6.0)
    else:
        y, fixed = torch.randn(1, 2, 4, 9, 7), constants()
    one, zero = torch.ones(4), torch.zeros(4)
    neuron = FloatNeuron(spec=IF_SOFT, timesteps=T, integers=integers)
    spikes = neuron.forward(y, one, zero, fixed, torch.float32)
    levels = Levels(timesteps=T, integers=integers).forward(y, one, zero, fixed, torch.float32)
    assert torch.allclose(mean_over_time(spikes), levels, atol=1e-6)
    assert len(levels.unique()) == T + 1


# In integers a sum that just reaches the next level reaches it, though thirds are no floats.
def test_integer_levels_reach_their_edge():
    y = torch.tensor([float(n) for n in range(40)])[None, None, None, None] / 3
    fixed = constants(threshold=3.0, init=0.0, channels=1)
    rates = Levels(timesteps=3, integers=True).forward(
        y, torch.ones(1), torch.zeros(1), fixed, torch.float32
    )
    expected = [min(3, n // 3) / 3 for n in range(40)]
    assert torch.allclose(rates.flatten(), torch.tensor(expected))


# The gradient of levels is that of a clipped identity half a level wider, over the threshold.
def test_gradient_of_levels():
    y = torch.linspace(-0.5, 1.5, 201)[None, None, None, None].requires_grad_()
    fixed = constants(channels=1)
    x = normalised_activation(
        y,
        torch.full((1,), 2.0),
        torch.zeros(1),
        torch.zeros(1),
        torch.ones(1),
        fixed,
        activation=Levels(timesteps=4),
        through_statistics=False,
        dtype=torch.float32,
    )
    x.sum().backward()
    current = 2 * y.detach()
    inside = (current > -0.125) & (current < 1.125)
    assert torch.equal(y.grad, 2.0 * inside)
    assert torch.equal(x, torch.floor(current.clamp(0, 1) * 4 + 0.5).clamp(0, 4) / 4)


def test_relu():
    y = torch.tensor([-1.0, 0.5, 2.0])[None, None, None, None]
    arguments = y, torch.full((1,), 2.0), torch.full((1,), -0.5), constants(channels=1)
    assert Relu().forward(*arguments, torch.float32).flatten().tolist() == [0, 0.5, 3.5]
    assert Relu().current_gradient(*arguments, torch.ones_like(y)).flatten().tolist() == [0, 1, 1]


# Spikes go forward as ever; what comes back is the gradient of rates at the mean current.
def test_spikes_by_rate():
    torch.manual_seed(1)
    spikes = (torch.rand(T, 2, 3, 6, 5) < 0.4).float()
    rates = spikes.mean(0, keepdim=True).requires_grad_()
    weight = torch.randn(4, 3, 3, 3, requires_grad=True)
    offset = torch.randn(4, requires_grad=True)
    scale, fixed = torch.full((4,), 0.3), constants()
    neuron = FloatNeuron(spec=IF_SOFT, timesteps=T)
    fired, mean = spikes_by_rate(
        rates, spikes, weight, scale, offset, fixed, neuron=neuron, dtype=torch.float32
    )
    y = F.conv2d(spikes.flatten(0, 1), weight, padding=1).unflatten(0, (T, 2))
    assert torch.equal(fired, neuron.forward(y, scale, offset, fixed, torch.float32))
    assert torch.allclose(mean, fired.mean(0, keepdim=True))
    grad = torch.randn_like(mean)
    ours = torch.autograd.grad(mean, [rates, weight, offset], grad)
    current = 0.3 * F.conv2d(rates[0], weight, padding=1) + offset[:, None, None]
    inside = (T * current + 0.5 > 0) & (T * current + 0.5 < T + 1)
    theirs = torch.autograd.grad(current, [rates, weight, offset], grad[0] * inside)
    assert 0.2 < inside.float().mean() < 0.9
    for a, b in zip(ours, theirs, strict=True):
        assert torch.allclose(a, b, atol=1e-4), "rounding of float32 sums, nothing more"


# Weights on the grid of their width, the largest of each channel as it was.
def test_rounded_weight():
    torch.manual_seed(0)
    weight = torch.randn(3, 2, 3, 3)
    weight[1] = 0
    rounded = rounded_weight(weight, 4)
    largest = weight.abs().amax((1, 2, 3))
    units = rounded / (largest.clamp(min=1e-9) / 7)[:, None, None, None]
    assert torch.allclose(units, units.round(), atol=1e-5)
    assert torch.allclose(rounded.abs().amax((1, 2, 3)), largest)
    assert (rounded - weight).abs().max() <= largest.max() / 14 + 1e-6


# Only hidden weights are rounded, and rates, spikes and ReLU share one set of weights.
def test_networks_share_their_weights():
    spec = uniform_network("t", depth=4, channels=5, timesteps=(3,), neuron=IF_SOFT, weight_bits=4)
    network = SpikingDnCNN(spec, levels=True, weight_bits=4)
    assert [layer.weight_bits for layer in network.layers] == [None, 4, 4]
    record = []
    network.eval()(torch.rand(1, 1, 7, 6) * 255, record=record)
    assert [len(rates) for rates in record] == [1] * 3
    for other in (SpikingDnCNN(spec), DnCNN(spec)):
        other.load_state_dict(network.state_dict())
