"""The network of the few-spike code in floats: what is frozen, what spikes cost, what is learnt."""

import numpy as np
import pytest
import torch

from sw_model.golden import denoise
from sw_model.golden.planes import to_planes as golden_planes
from sw_model.network.few_spikes import FewSpikeDnCNN, Values, spikes_of, to_planes
from sw_model.network.neurons import Constants, normalised_activation
from sw_model.spec import uniform_network
from sw_model.training.few_spikes.freeze import freeze_few_spikes


def network(*, planes=2, levels=(0, 55), timesteps=4, channels=9, colours=1, seed=0):
    """One with statistics of its own, and channels that training turned around or off."""
    spec = uniform_network(
        "few",
        depth=5,
        channels=channels,
        timesteps=(timesteps,),
        weight_bits=4,
        encoding_weight_bits=8,
        output_weight_bits=8,
        code="binary",
        planes=planes,
        inputs=colours * planes**2,
        noise_levels=levels,
        noise_shift=1 if levels else 0,
    )
    torch.manual_seed(seed)
    found = FewSpikeDnCNN(spec).train()
    with torch.no_grad():
        for layer in found.layers:
            layer.weight += 0.1 * torch.randn_like(layer.weight)
            layer.gamma[1], layer.gamma[2] = -layer.gamma[1], 0.0
            layer.beta += 0.1 * torch.randn_like(layer.beta)
            if layer.noise_weight is not None:
                layer.noise_weight += torch.randn_like(layer.noise_weight)
        for _ in range(60):
            found(pictures(4, colours=colours), level_of(found, 4))
    return found.eval()


def pictures(count, *, size=(12, 16), colours=1):
    smooth = torch.nn.functional.interpolate(
        255 * torch.rand(count, colours, 3, 4), size, mode="bicubic"
    )
    return (smooth + 25 * torch.randn(smooth.shape)).round().clamp(-512, 511)


def level_of(found, count):
    return None if found.spec.noise_levels is None else 25 * torch.ones(count)


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({"levels": None}, (12, 16)),
        ({"levels": None, "planes": 1}, (7, 9)),
        ({"levels": None, "timesteps": 5}, (7, 9)),
        ({"levels": None, "colours": 3, "channels": 13}, (8, 6)),
    ],
)
def test_what_is_trained_is_what_is_frozen_spike_for_spike(options, size):
    found = network(**options)
    deployment = freeze_few_spikes(found)
    colours = deployment.spec.colours
    pixels = pictures(1, size=size, colours=colours)
    values = []
    with torch.no_grad():
        residual = found(pixels, None, record=values)[0]
    array = pixels[0].numpy().astype(int).transpose(1, 2, 0)
    result = denoise(deployment, array if colours == 3 else array[..., 0], trace="spikes")
    for layer, value in zip(result.layers, values, strict=True):
        assert value.any()
        assert (layer.spikes.sum(0) == spikes_of(value[0]).numpy()).all()
        steps = 2 ** np.arange(deployment.spec.timesteps_max)[::-1]
        assert (np.tensordot(steps, layer.spikes, 1) == value[0].numpy()).all()
    exact = np.moveaxis(np.atleast_3d(result.residual), 2, 0)
    assert np.abs(residual.numpy() - exact).max() < 0.51


# The level's weights alone are rounded when they are frozen: a neuron in a thousand may differ.
def test_the_noise_level_is_frozen_but_for_a_rounding():
    found = network()
    deployment = freeze_few_spikes(found)
    pixels, values = pictures(1), []
    with torch.no_grad():
        found(pixels, torch.tensor([12.5]), record=values)
    told, other = (
        denoise(deployment, pixels[0, 0].numpy().astype(int), level=level, trace="spikes")
        for level in (12.5, 40)
    )
    steps = 2 ** np.arange(4)[::-1]
    first, elsewhere = (np.tensordot(steps, x.layers[0].spikes, 1) for x in (told, other))
    assert np.mean(first != values[0][0].numpy()) < 0.01
    assert np.mean(first != elsewhere) > 0.1


@pytest.mark.parametrize("size", [(4, 6), (5, 7)])
def test_planes_are_the_golden_models(size):
    pixels = torch.arange(3 * size[0] * size[1]).reshape(1, 3, *size).float()
    array = pixels[0].numpy().astype(int).transpose(1, 2, 0)
    assert to_planes(pixels, 2)[0].tolist() == golden_planes(array, 2).tolist()


def test_spikes_of_values():
    assert spikes_of(torch.arange(256)).tolist() == [k.bit_count() for k in range(256)]


# The gradient is that of the residual's error and of the price, which autograd would give.
def test_the_price_is_part_of_the_gradient():
    torch.manual_seed(0)
    y = (40 * torch.randn(1, 2, 3, 4, 5)).requires_grad_()
    gamma, beta = torch.full((3,), 0.3), torch.full((3,), 0.2)
    mean, inv_std = torch.zeros(3), torch.full((3,), 1 / 40)
    price, largest = 0.7, 15
    cost = torch.full((3,), price / y.numel())
    values = normalised_activation(
        y, gamma, beta, mean, inv_std, Constants(cost, cost),
        activation=Values(largest=largest), through_statistics=False, dtype=torch.float32,
    )  # fmt: skip
    values.square().mean().backward()
    inside = (values > 0) & (values < largest)
    k = values.detach()
    slope = 2 * k / k.numel() + price / k.numel() * (
        torch.where(k < 1, 0.5, 0.0) + 0.5 / np.log(2) / (1 + k)
    )
    wanted = slope * largest * 0.3 / 40
    assert torch.allclose(y.grad[inside], wanted[inside], rtol=1e-5)
    assert set(values.unique().tolist()) <= set(range(16))


# Fixed statistics leave the thresholds where they are, whatever comes in.
def test_fixed_statistics_stay():
    found = network().train()
    for layer in found.layers:
        layer.fixed = True
    before = freeze_few_spikes(found).hash
    found(pictures(2), level_of(found, 2))
    assert freeze_few_spikes(found).hash == before


def test_it_learns():
    found = network(levels=None).train()
    optimizer = torch.optim.Adam(found.parameters(), lr=3e-3)
    torch.manual_seed(1)
    losses = []
    for _ in range(60):
        clean = torch.nn.functional.interpolate(255 * torch.rand(4, 1, 3, 4), (12, 16)).round()
        noise = (20 * torch.randn(clean.shape)).round()
        loss = (found(clean + noise, None, price=0.1) - noise).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:10])
