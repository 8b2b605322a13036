"""The few-spike code: planes, noise level, values and spikes, against plain loops and fractions."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sw_model.golden import denoise
from sw_model.golden.few_spikes import SpikeNetwork, ValueNetwork
from sw_model.golden.planes import from_planes, to_planes
from sw_model.spec import Deployment, UsageError, load_deployment, uniform_network
from sw_model.spec.network import FEW_SPIKES
from tests.random_deployment import random_deployment

from . import naive_few_spikes as naive


def network(timesteps=3, *, planes=1, colours=1, levels=None, channels=5, **others):
    spec = uniform_network(
        "few",
        depth=4,
        channels=channels,
        timesteps=(timesteps,),
        weight_bits=4,
        code="binary",
        planes=planes,
        inputs=colours * planes**2,
        noise_levels=levels,
        noise_shift=5 if levels else 0,
        **others,
    )
    return random_deployment(spec, 7, with_init=True)


def picture_of(seed, height, width, colours):
    shape = (height, width) if colours == 1 else (height, width, colours)
    return np.random.default_rng(seed).integers(-512, 512, shape)


# Every membrane, threshold and T of few bits: the spikes are the digits of the clipped quotient.
@pytest.mark.parametrize("engine", [SpikeNetwork, ValueNetwork])
@pytest.mark.parametrize("timesteps", [1, 2, 3, 4])
def test_the_neuron_rounds_down_and_clips(engine, timesteps):
    membranes = np.arange(-40, 200)
    run = engine(network(timesteps), None)
    for threshold in range(1, 11):
        found = run._fire(membranes, np.int64(threshold))
        for membrane, value in zip(membranes.tolist(), found.tolist(), strict=True):
            assert value == min(max(floor(Fraction(membrane, threshold)), 0), 2**timesteps - 1)
            digits = naive.neuron(membrane, threshold, timesteps)
            assert value == sum(2 ** (timesteps - 1 - t) * s for t, s in enumerate(digits))


@pytest.mark.parametrize("shape", [(1, 1), (4, 6), (5, 6), (4, 7), (5, 7, 3), (6, 2, 3)])
@pytest.mark.parametrize("planes", [1, 2])
def test_planes_there_and_back(shape, planes):
    picture = np.arange(np.prod(shape)).reshape(shape)
    found = to_planes(picture, planes)
    colours = np.moveaxis(np.atleast_3d(picture), 2, 0).tolist()
    assert found.tolist() == naive.planes_of(colours, planes)
    assert from_planes(found, planes, shape).tolist() == picture.tolist()


@pytest.mark.parametrize("engine", ["values", "reference"])
@pytest.mark.parametrize(
    ("options", "level"),
    [
        ({}, None),
        ({"timesteps": 5, "planes": 2}, None),
        ({"planes": 2, "colours": 3, "channels": 12}, None),
        ({"timesteps": 2, "planes": 2, "levels": (0, 55)}, 25.0),
        ({"levels": (5, 50), "encoding_shift": 3}, 49.97),
    ],
)
def test_spikes_and_pixels_are_those_of_plain_loops(options, level, engine):
    deployment = network(**options)
    pixels = picture_of(3, 5, 7, deployment.spec.colours)
    colours = np.moveaxis(np.atleast_3d(pixels), 2, 0).tolist()
    told = None if level is None else round(16 * level)
    layers, denoised = naive.network(deployment, colours, told)
    result = denoise(deployment, pixels, level=level, trace="spikes", engine=engine)
    for layer, spikes in zip(result.layers, layers, strict=True):
        assert layer.spikes.any()
        assert layer.spikes.astype(int).tolist() == spikes
    found = np.moveaxis(np.atleast_3d(result.denoised), 2, 0)
    assert found.tolist() == denoised
    assert result.denoised.shape == pixels.shape


@settings(deadline=None, max_examples=40)
@given(
    timesteps=st.integers(1, 8),
    planes=st.sampled_from((1, 2)),
    colours=st.sampled_from((1, 3)),
    channels=st.sampled_from((3, 16, 65)),
    level=st.none() | st.floats(0, 55),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    seed=st.integers(0, 2**32 - 1),
)
def test_engines_agree(timesteps, planes, colours, channels, level, height, width, seed):
    levels = None if level is None else (0, 55)
    deployment = network(
        timesteps, planes=planes, colours=colours, levels=levels, channels=channels
    )
    pixels = picture_of(seed, height, width, colours)
    values, spikes = (
        denoise(deployment, pixels, level=level, trace="spikes", engine=engine)
        for engine in ("values", "reference")
    )
    assert values.total.tolist() == spikes.total.tolist()
    assert values.activity == spikes.activity
    for a, b in zip(values.layers, spikes.layers, strict=True):
        assert a.words.tolist() == b.words.tolist()


# A picture in tiles, with another tile's pixels around each.
def test_tiles_change_nothing(monkeypatch):
    deployment = network(planes=2)
    pixels = picture_of(1, 23, 31, 1)
    whole = denoise(deployment, pixels, trace="spikes")
    monkeypatch.setattr("sw_model.golden.TILE", 4)
    parts = denoise(deployment, pixels, trace="spikes")
    assert parts.denoised.tolist() == whole.denoised.tolist()
    assert parts.activity == whole.activity
    for a, b in zip(whole.layers, parts.layers, strict=True):
        assert a.words.tolist() == b.words.tolist()


@pytest.mark.parametrize("level", [None, -1, 55.1, float("nan")])
def test_a_level_that_the_network_does_not_take_is_refused(level):
    with pytest.raises(UsageError, match=r"noise level .* is not one of 0 to 55 grey levels"):
        denoise(network(levels=(0, 55)), np.zeros((2, 2), int), level=level)
    with pytest.raises(UsageError, match="to a network that takes no noise level"):
        denoise(network(), np.zeros((2, 2), int), level=25)


def test_a_picture_of_other_colours_is_refused():
    with pytest.raises(ValueError, match=r"not integers of shape \[H, W, 3\]"):
        denoise(network(colours=3), np.zeros((2, 2), int))
    with pytest.raises(ValueError, match=r"not integers of shape \[H, W\]"):
        denoise(network(), np.zeros((2, 2, 3), int))


@pytest.mark.parametrize("levels", [None, (0, 55)])
def test_the_file_keeps_all_of_it(levels, tmp_path):
    deployment = network(planes=2, levels=levels)
    deployment.save(tmp_path / "few.safetensors")
    read = load_deployment(tmp_path / "few.safetensors")
    assert (read.hash, read.spec) == (deployment.hash, deployment.spec)
    pixels, level = picture_of(2, 4, 4, 1), None if levels is None else 12.5
    a, b = (denoise(each, pixels, level=level).total.tolist() for each in (deployment, read))
    assert a == b


def test_networks_of_one_kind_are_described_as_ever():
    spec = load_deployment("best-s25").spec
    assert not {"code", "planes", "noise_levels", "noise_shift"} & set(spec.to_dict())
    few = network(planes=2, levels=(0, 55)).spec
    assert few.to_dict()["code"] == "binary"
    assert type(few).from_dict(few.to_dict()) == few


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"code": "ternary"}, "code 'ternary' of 'few' is not one of"),
        ({"timesteps": (2, 3)}, r"timesteps \(2, 3\) of 'few' are not one of 1...8"),
        ({"timesteps": (9,)}, r"timesteps \(9,\) of 'few' are not one of 1...8"),
        ({"planes": 3}, "planes 3 of 'few' are not one of"),
        ({"planes": 2}, "1 input channels of 'few' are not the 4 planes of 1 or 3 colours"),
        ({"noise_levels": (5, 5), "noise_shift": 1}, "lowest noise level of 'few': 5 is not"),
        ({"noise_levels": (0, 256), "noise_shift": 1}, "highest noise level of 'few': 256 is not"),
        ({"noise_levels": (0, 9)}, "noise_shift of 'few': 0 is not an integer 1..31"),
        ({"noise_shift": 1}, "noise_shift of 'few', which has no levels,: 1 is not"),
    ],
)
def test_what_no_network_has_is_refused(change, sentence):
    fields = network().spec.to_dict() | change
    with pytest.raises(UsageError, match=sentence):
        type(network().spec).from_dict(fields)


def test_other_neurons_are_refused():
    fields = network().spec.to_dict()
    for layer in fields["layers"][:-1]:
        layer["neuron"] = layer["neuron"] | {"leak": 1}
    with pytest.raises(UsageError, match="have a leak, a hard reset or fractional bits"):
        type(network().spec).from_dict(fields)
    assert FEW_SPIKES.leak is None


def test_a_noise_weight_goes_with_levels():
    deployment = network(levels=(0, 55))
    fields = {name: getattr(deployment, name) for name in deployment.__dataclass_fields__}
    with pytest.raises(UsageError, match="need each other: give both or none"):
        Deployment(**fields | {"noise_weight": None})
    wide = np.full(5, 2048, np.int16)
    with pytest.raises(UsageError, match=r"'noise_weight.00' holds 2048, outside of -2048..2047"):
        Deployment(**fields | {"noise_weight": wide})


# What a layer's current can reach fits the derived width, and needs all of its bits.
@pytest.mark.parametrize("levels", [None, (3, 55)])
def test_widths_are_those_of_the_extremes(levels):
    deployment = network(4, planes=2, levels=levels)
    for index, widths in enumerate(deployment.widths.layers):
        weight = deployment.weights[index].astype(int).reshape(len(deployment.weights[index]), -1)
        low, high = (-512, 511) if index == 0 else (0, 15)
        ends = np.stack([weight * low, weight * high])
        bias = deployment.biases[index].astype(int)
        told = [
            (deployment.noise_weight.astype(int) * 16 * level + 16) >> 5
            for level in levels or ()
            if index == 0
        ] or [np.zeros_like(bias)]
        least = int((ends.min(0).sum(1) + bias + np.min(told, 0)).min())
        most = int((ends.max(0).sum(1) + bias + np.max(told, 0)).max())
        limit = 1 << (widths.current - 1)
        assert -limit <= least
        assert most < limit
        assert least < -limit // 2 or most >= limit // 2
