"""Float networks: neurons, surrogate gradients, batch norm, shapes."""

import itertools
import math

import pytest
import torch

from sw_model.network.dncnn import DnCNN, SpikingDnCNN, activity
from sw_model.network.neurons import (
    RESETS,
    SHAPES,
    Constants,
    FloatNeuron,
    Surrogate,
    channel_statistics,
    normalised_activation,
)
from sw_model.spec import NeuronSpec, uniform_network
from sw_model.training.objective import DeepSupervision

KINDS = list(itertools.product([None, 1, 2], ["hard", "soft"]))
ONE, ZERO = torch.ones(1), torch.zeros(1)


def spikes_of(current, leak=1, reset="hard", init=0.0):
    """Spikes as a list of one neuron that gets the currents one after the other."""
    spec = NeuronSpec(leak=leak, reset=reset)
    neuron = FloatNeuron(spec=spec, timesteps=len(current))
    y = torch.tensor(current)[:, None, None, None, None]
    constants = Constants(ONE, init * ONE)
    return neuron.forward(y, ONE, ZERO, constants, torch.float32).flatten().tolist()


# A membrane of exactly Vth fires, one just below does not: the paper's >=, not snnTorch's >.
def test_equality_fires():
    assert spikes_of([2.0, 0.0]) == [1, 0]
    assert spikes_of([1.9999998, 0.0]) == [0, 0]
    assert spikes_of([1.0], leak=None) == [1]


# A hard reset forgets what was above the threshold, a soft one keeps it.
def test_reset_kinds():
    assert spikes_of([2.5, 0.0], leak=None, reset="hard") == [1, 0]
    assert spikes_of([2.5, 0.0], leak=None, reset="soft") == [1, 1]


# tau = 2 takes half of the distance to the current in each step: 0.75, 1.125 reaches Vth.
def test_leak():
    assert spikes_of([1.5, 1.5, 1.5, 1.5]) == [0, 1, 0, 1]
    assert spikes_of([1.5, 1.5], leak=2) == [0, 0]


# Conversion from clipped activations starts from half a threshold.
def test_init():
    assert spikes_of([0.5], leak=None) == [0]
    assert spikes_of([0.5], leak=None, init=0.5) == [1]


# The surrogate is a triangle of area 1 with its peak at the threshold, or one of the others.
@pytest.mark.parametrize("width", [0.5, 1.0, 2.0])
@pytest.mark.parametrize(
    ("shape", "heights"),
    [
        ("triangle", [0, 0.5, 1, 0.5, 0, 0]),
        ("rectangle", [0, 0.5, 0.5, 0.5, 0, 0]),
        ("arctan", [0.5 / math.pi, 0.8 / math.pi, 1 / math.pi, 0.8 / math.pi, 0.5 / math.pi, None]),
    ],
)
def test_surrogate_gradient(shape, heights, width):
    surrogate = Surrogate(shape=shape, width=width)
    membrane = torch.tensor([1 - width, 1 - width / 2, 1.0, 1 + width / 2, 1 + width, 9.0])
    known = [n for n, height in enumerate(heights) if height is not None]
    expected = torch.tensor([heights[n] for n in known]) / width
    assert torch.allclose(surrogate.gradient(membrane[known]), expected)
    x = torch.arange(-999, 1001, 1e-3, dtype=torch.float64)
    assert float(surrogate.gradient(x).sum()) * 1e-3 == pytest.approx(1, abs=2e-3)


class Step(torch.autograd.Function):
    """The spike with its surrogate gradient, for autograd to differentiate around."""

    @staticmethod
    def forward(ctx, membrane, surrogate):
        ctx.save_for_backward(membrane)
        ctx.surrogate = surrogate
        return (membrane >= 1).to(membrane.dtype)

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.surrogate.gradient(ctx.saved_tensors[0]), None


def plain_spikes(y, gamma, beta, init, neuron, through_statistics):
    """The neuron behind batch norm in the plainest PyTorch, all gradients by autograd."""
    variance, mean = torch.var_mean(y, dim=(0, 1, 3, 4), correction=0)
    if not through_statistics:
        variance, mean = variance.detach(), mean.detach()
    inv_std = torch.rsqrt(variance + 1e-5)
    view = (None, None, slice(None), None, None)
    x = (y - mean[view]) * (gamma * inv_std)[view] + beta[view]
    tau = 1.0 if neuron.spec.leak is None else 2.0**neuron.spec.leak
    v = torch.full_like(x[0], init)
    spikes = []
    for t in range(neuron.timesteps):
        current = x[t if len(x) > 1 else 0]
        v = v + current if neuron.spec.leak is None else v + (current - v) / tau
        spike = Step.apply(v, neuron.surrogate)
        spikes.append(spike)
        gone = spike if neuron.surrogate.reset == "attached" else spike.detach()
        v = v * (1 - gone) if neuron.spec.reset == "hard" else v - gone
    return torch.stack(spikes)


# The hand-written backward pass is that of autograd through the written-out equations.
@pytest.mark.parametrize(("shape", "reset_gradient"), list(itertools.product(SHAPES, RESETS)))
@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("through_statistics", [False, True])
@pytest.mark.parametrize(("leak", "reset"), KINDS)
def test_gradients_equal_autograd(leak, reset, through_statistics, constant, shape, reset_gradient):
    torch.manual_seed(1)
    neuron = FloatNeuron(
        spec=NeuronSpec(leak=leak, reset=reset),
        timesteps=3,
        surrogate=Surrogate(shape=shape, width=1.5, reset=reset_gradient),
    )
    y = torch.randn(1 if constant else 3, 2, 4, 5, 3, requires_grad=True)
    gamma = (3 * torch.randn(4)).requires_grad_()
    beta = (3 * torch.rand(4)).requires_grad_()
    grad = torch.randn(3, 2, 4, 5, 3)
    variance, mean = channel_statistics(y.detach())
    ours = normalised_activation(
        y,
        gamma,
        beta,
        mean,
        torch.rsqrt(variance + 1e-5),
        Constants(torch.ones(4), torch.full((4,), 0.25)),
        activation=neuron,
        through_statistics=through_statistics,
        dtype=torch.float32,
    )
    theirs = plain_spikes(y, gamma, beta, 0.25, neuron, through_statistics)
    assert torch.equal(ours, theirs)
    assert 0 < ours.mean() < 1
    inputs = [y, gamma, beta]
    for a, b in zip(
        torch.autograd.grad(ours, inputs, grad),
        torch.autograd.grad(theirs, inputs, grad),
        strict=True,
    ):
        assert torch.allclose(a, b, atol=1e-5), "rounding of float32 sums, nothing more"


# T steps of a constant current x give about T * x spikes, so a gradient of T. Where a
# spike's reset is taken as given, every later step counts what the earlier ones have fired away.
@pytest.mark.parametrize("shape", [("arctan", 0.32), ("triangle", 1.0), ("rectangle", 0.5)])
@pytest.mark.parametrize(("reset", "least", "most"), [("attached", 0.9, 1), ("detached", 2.5, 4)])
def test_gain_without_leak(shape, reset, least, most):
    neuron = FloatNeuron(
        spec=NeuronSpec(leak=None, reset="soft"),
        timesteps=8,
        surrogate=Surrogate(shape=shape[0], width=shape[1], reset=reset),
    )
    currents = torch.linspace(0.02, 0.98, 1001).expand(8, 1, 1, 1, 1001)
    ones = torch.ones_like(currents)
    gradient = neuron.current_gradient(currents, ONE, ZERO, Constants(ONE, 0.5 * ONE), ones)
    assert least < gradient.mean() < most


NETWORK = uniform_network("test", depth=4, channels=5, timesteps=(2, 3))


# Any size of picture goes through, and gives one residual and T spike maps a layer.
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (6, 1), (5, 8)])
def test_shapes(height, width):
    network, record = SpikingDnCNN(NETWORK).eval(), []
    residual = network(torch.zeros(2, 1, height, width), record=record)
    assert residual.shape == (2, 1, height, width)
    assert [s.shape for s in record] == [(3, 2, 5, height, width)] * 3
    assert SpikingDnCNN(NETWORK, timesteps=2).eval()(torch.zeros(2, 1, 1, 1)).shape == (2, 1, 1, 1)
    assert DnCNN(NETWORK).eval()(torch.zeros(2, 1, height, width)).shape == residual.shape


# The output layer sums over time: T times its bias and each timestep's spikes, over T.
def test_output_is_the_sum_over_time():
    torch.manual_seed(0)
    network, record = SpikingDnCNN(NETWORK).eval(), []
    with torch.no_grad():
        network.output_bias.fill_(0.3)
        residual = network(torch.rand(1, 1, 6, 6) * 255, record=record)
        steps = [
            torch.nn.functional.conv2d(s, network.output_weight, network.output_bias, padding=1)
            for s in record[-1]
        ]
    assert torch.allclose(residual, 255 * sum(steps) / 3, atol=1e-3)


# Statistics are the batch's while training and the running ones afterwards.
def test_batch_norm_statistics():
    torch.manual_seed(0)
    network = SpikingDnCNN(NETWORK)
    pixels = torch.rand(2, 1, 8, 8) * 255
    before = network.layers[0].running_mean.clone()
    network.eval()(pixels)
    assert torch.equal(network.layers[0].running_mean, before)
    network.train()(pixels)
    y = torch.nn.functional.conv2d(pixels / 255, network.layers[0].weight, padding=1)
    assert torch.allclose(network.layers[0].running_mean, 0.1 * y.mean((0, 2, 3)), atol=1e-6)


# Outputs in mid-network see the spikes below them, and no more than those.
def test_deep_supervision():
    network, record = SpikingDnCNN(NETWORK).train(), []
    supervision = DeepSupervision(NETWORK, every=1)
    network(torch.rand(1, 1, 6, 6) * 255, record=record)
    (early,) = supervision(record)
    assert early.shape == (1, 1, 6, 6)
    early.sum().backward()
    has_gradient = [layer.weight.grad is not None for layer in network.layers]
    assert has_gradient == [True, True, False]
    assert not list(DeepSupervision(NETWORK, every=64).parameters())


# Theta counts the spikes of all timesteps for each neuron.
def test_activity():
    spikes = torch.zeros(4, 1, 2, 3, 3)
    spikes[:, 0, 0] = 1
    spikes[0, 0, 1] = 1
    assert activity([spikes, torch.zeros_like(spikes)], 4) == [2.5, 0.0]
    assert activity([spikes.mean(0, keepdim=True)], 4) == [2.5]
