"""Folding, quantisation and freezing, held against the golden model."""

import dataclasses

import numpy as np
import pytest
import torch

from sw_model import golden
from sw_model.network.dncnn import SpikingDnCNN
from sw_model.network.folded import FoldedDnCNN, FoldedLayer, channel_scales, fold
from sw_model.network.ops import round_through
from sw_model.spec import NeuronSpec, UsageError, load_deployment, uniform_network
from sw_model.training.freeze import freeze, output_multipliers
from sw_model.training.widths import WidthOptions


def random_network(seed, *, neuron=None, init=0.0, bits=8, channels=6, shift=0):
    """A spiking network with random batch norms, negative and zero gains among them."""
    torch.manual_seed(seed)
    spec = uniform_network(
        "test",
        depth=5,
        channels=channels,
        timesteps=(2, 4),
        weight_bits=bits,
        neuron=neuron,
        encoding_shift=shift,
    )
    network = SpikingDnCNN(spec, init=init).eval()
    with torch.no_grad():
        for layer in network.layers:
            size = layer.gamma.shape
            layer.gamma.copy_(torch.randn(size) * 2)
            layer.gamma[1] = 0
            layer.beta.copy_(torch.rand(size) * 2)
            layer.running_mean.copy_(torch.randn(size) * 0.3)
            layer.running_var.copy_(torch.rand(size) + 0.3)
        network.output_bias.fill_(0.01)
    return network


def noisy_pixels(height, width):
    pixels = np.random.default_rng(0).integers(-60, 320, (height, width))
    return pixels, torch.from_numpy(pixels).float()[None, None]


# Folded weights and bias act as convolution and batch norm do, whatever the sign of the gain.
@pytest.mark.parametrize("seed", range(5))
def test_folding_is_exact(seed):
    network = random_network(seed).double()
    x = torch.rand(2, 6, 9, 7).double()
    for layer in network.layers[1:]:
        weight, bias = fold(layer)
        ours = torch.nn.functional.conv2d(x, weight, bias, padding=1)
        y = torch.nn.functional.conv2d(x, layer.weight, padding=1)
        theirs = torch.nn.functional.batch_norm(
            y, layer.running_mean, layer.running_var, layer.gamma, layer.beta
        )
        assert torch.allclose(ours, theirs, atol=1e-9)
        assert not weight[1].any()


# A folded but not quantised network is the network: spikes differ where float rounding decides.
def test_folded_network_equals_network():
    network = random_network(1)
    folded = FoldedDnCNN(network)
    folded.quantise = False
    ours, theirs = [], []
    _, x = noisy_pixels(20, 20)
    with torch.no_grad():
        a, b = folded(x, record=ours), network(x, record=theirs)
    assert all((s != t).float().mean() < 1e-3 for s, t in zip(ours, theirs, strict=True))
    assert (a - b).abs().mean() < 0.05


# The largest weight just fits; a channel without weights takes its scale from its bias.
def test_channel_scales():
    weight = torch.zeros(3, 2, 3, 3)
    weight[0, 0, 0, 0], weight[0, 1, 1, 1] = -2.54, 0.5
    bias = torch.tensor([0.1, -0.635, 0.0])
    scales = channel_scales(weight, bias, bits=8, per_channel=True)
    assert torch.allclose(scales, torch.tensor([0.02, 0.005, 1.0]))
    assert channel_scales(weight, bias, bits=8, per_channel=False)[1] == scales[0]


# The roundings of quantisation-aware training do not stop the gradient, and halves go up.
def test_straight_through():
    x = torch.tensor([-1.5, -0.5, 0.4, 0.5], requires_grad=True)
    y = round_through(x)
    y.sum().backward()
    assert y.tolist() == [-1, 0, 0, 1]
    assert x.grad.tolist() == [1, 1, 1, 1]
    layer = FoldedLayer(random_network(0).spec.layers[1], torch.randn(6, 6, 3, 3), torch.rand(6))
    layer.integer_weight().square().sum().backward()
    assert (layer.weight.grad != 0).float().mean() > 0.9
    assert layer.integer_weight().abs().amax((1, 2, 3)).tolist() == [127] * 6


# Thresholds are rounded up, and never below one unit, where every membrane would fire.
def test_thresholds():
    layer = FoldedLayer(
        random_network(0).spec.layers[1], torch.full((6, 6, 3, 3), 127.0), torch.rand(6)
    )
    assert layer.integer_threshold().tolist() == [2] * 6  # Vth / s = 1, times 2^k
    layer.scale.fill_(0.3)
    assert layer.integer_threshold().tolist() == [7] * 6  # 2 / 0.3 = 6.67
    layer.scale.fill_(1000)
    assert layer.integer_threshold().tolist() == [1] * 6


# The frozen integers do what the quantised float network does, spike for spike.
@pytest.mark.parametrize("gradient", ["time", "rate"])
@pytest.mark.parametrize(
    ("neuron", "init"),
    [
        (NeuronSpec(), 0.0),
        (NeuronSpec(fractional_bits=4), 0.0),
        (NeuronSpec(leak=2, reset="soft"), 0.0),
        (NeuronSpec(leak=None, reset="soft"), 0.5),
        (NeuronSpec(leak=None, reset="soft", fractional_bits=2), 0.3),
        (NeuronSpec(leak=None), 0.0),
    ],
)
@pytest.mark.parametrize(("bits", "shift"), [(8, 0), (4, 2)])
def test_golden_model_agrees(neuron, init, bits, shift, gradient):
    network = random_network(2, neuron=neuron, init=init, bits=bits, shift=shift)
    folded = FoldedDnCNN(network, gradient=gradient)
    deployment = freeze(folded)
    pixels, x = noisy_pixels(16, 13)
    record = []
    with torch.no_grad():
        residual = folded(x, record=record)
    result = golden.denoise(deployment, pixels, trace="spikes")
    for output, trace in zip(record, result.layers, strict=True):
        assert 0.02 < trace.spikes.mean() < 0.98, "a silent layer proves nothing"
        spikes = trace.spikes if gradient == "time" else trace.spikes.mean(0, keepdims=True)
        assert np.array_equal(spikes, output[:, 0].numpy())
    assert np.abs(result.residual - residual[0, 0].numpy()).max() < 0.51


# What rounding takes from the bias of a neuron without leak, its initial membrane gives back.
def test_init_takes_up_the_bias():
    neuron = NeuronSpec(leak=None, reset="soft", fractional_bits=1)
    spec = uniform_network("test", depth=3, channels=2, timesteps=(8,), neuron=neuron)
    layer = FoldedLayer(spec.layers[1], torch.full((2, 2, 3, 3), 0.127), torch.zeros(2))
    with torch.no_grad():
        layer.bias.copy_(torch.tensor([0.0032, -0.0054]))  # 3.2 and -5.4 units
    assert layer.integer_bias().tolist() == [3, -5]
    assert layer.integer_threshold().tolist() == [2000, 2000]
    assert layer.integer_init(0.5, 8).tolist() == [1000 + 3, 1000 - 6]  # 16 * 0.2, 16 * -0.4


# Every allowed T has its own multiplier, as large as 16 bits let it be.
def test_output_multipliers():
    mults, shift = output_multipliers(0.3, (4, 7))
    assert max(mults) < 1 << 16 <= 2 * max(mults) + 2
    assert mults == [round(0.3 * 2**shift / 4), round(0.3 * 2**shift / 7)]
    for scale in (1e-10, 1e9):
        with pytest.raises(UsageError, match=r"16-bit multiplier and a shift of 1..31"):
            output_multipliers(scale, (4,))


# All but vanished weights count as none: a scale made from them would widen every membrane.
def test_vanishing_weights():
    network = random_network(3)
    with torch.no_grad():
        network.layers[2].gamma[0] = 1e-7
        network.layers[0].gamma[2] = 1e-7
    deployment = freeze(FoldedDnCNN(network))
    assert not deployment.weights[2][0].any()
    assert not deployment.weights[0][2].any()
    assert abs(int(deployment.biases[2][0])) == 127
    assert deployment.widths.membrane <= 24


# A training that diverged leaves numbers that no integer stands for; freezing says which.
@pytest.mark.parametrize(("value", "told"), [(float("nan"), "nan"), (1e30, r"[0-9.e+]+")])
def test_diverged_network(value, told):
    network = random_network(4)
    with torch.no_grad():
        network.layers[1].beta[3] = value
    with pytest.raises(UsageError, match=f"^bias of layer 1 of {told} units does not fit 32 bits"):
        freeze(FoldedDnCNN(network))
    with torch.no_grad():
        network.layers[0].weight[2] = float("nan")
    with pytest.raises(UsageError, match="weight of layer 0 of nan units does not fit 32 bits"):
        freeze(FoldedDnCNN(network))


# The same network gives the same file, which loads as what was saved.
def test_freeze_is_deterministic(tmp_path):
    deployments = [freeze(FoldedDnCNN(random_network(4)), {"seed": 4}) for _ in range(2)]
    for index, deployment in enumerate(deployments):
        deployment.save(tmp_path / f"{index}.safetensors")
    assert (tmp_path / "0.safetensors").read_bytes() == (tmp_path / "1.safetensors").read_bytes()
    loaded = load_deployment(tmp_path / "0.safetensors")
    assert loaded.hash == deployments[0].hash
    assert loaded.provenance == {"seed": 4}


# Widths are taken where given, and checked by the spec.
def test_width_options():
    spec = random_network(0).spec
    narrow = WidthOptions(weight_bits=4, encoding_weight_bits=6, fractional_bits=2).apply(spec)
    assert [layer.weight_bits for layer in narrow.layers] == [6, 4, 4, 4, 8]
    assert narrow.layers[1].neuron == NeuronSpec(fractional_bits=2)
    assert WidthOptions().apply(spec) == spec
    deployment = freeze(FoldedDnCNN(random_network(0), narrow))
    assert [int(abs(w).max()) for w in deployment.weights] == [31, 7, 7, 7, 127]
    with pytest.raises(UsageError, match=r"weight_bits .* 9 is not an integer 2..8"):
        WidthOptions(weight_bits=9).apply(spec)
    assert dataclasses.replace(narrow, layers=spec.layers) == spec
