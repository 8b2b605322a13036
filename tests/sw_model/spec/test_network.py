"""Networks and neurons: what the specification accepts, and its words for what it does not."""

import dataclasses
import json

import pytest

from sw_model.spec import (
    CONFIGURATIONS,
    NetworkSpec,
    NeuronSpec,
    UsageError,
    configuration,
    uniform_network,
)


def network(**changes):
    options = {"depth": 4, "channels": 3, "timesteps": (2, 3)} | changes
    return uniform_network("test", **options)


def with_layer(index, **changes):
    """A network's description with one layer changed."""
    data = json.loads(json.dumps(network().to_dict()))
    data["layers"][index] |= changes
    return data


@pytest.mark.parametrize("name", list(CONFIGURATIONS))
def test_description_survives_json(name):
    spec = configuration(name)
    assert NetworkSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


def test_named_configurations_are_what_they_are_called():
    compact, full = configuration("compact"), configuration("full")
    assert (len(compact.layers), compact.channels, compact.timesteps_max) == (17, 32, 4)
    assert (len(full.layers), full.channels) == (17, 64)
    # Weight memory rows of a network for the LFE5U-85F.
    assert sum(layer.in_channels for layer in full.layers if layer.kind == "hidden") <= 1024
    assert {layer.weight_bits for layer in full.layers if layer.kind == "hidden"} == {4}


def test_default_neuron_is_the_papers():
    neuron = NeuronSpec()
    assert (neuron.leak, neuron.reset, neuron.fractional_bits) == (1, "hard", 0)


def test_threshold_unit_is_tau_times_the_fraction():
    assert NeuronSpec(leak=None).threshold_unit == 1
    assert NeuronSpec(leak=3, fractional_bits=2).threshold_unit == 32


def test_unknown_configuration_names_the_known():
    with pytest.raises(UsageError, match="'huge' is unknown; known are tiny, compact, full"):
        configuration("huge")


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"leak": 0}, r"leak 0 is not None or an integer 1\.\.8"),
        ({"leak": 9}, "leak 9"),
        ({"leak": True}, "leak True"),
        ({"leak": 1.0}, r"leak 1\.0"),
        ({"reset": "none"}, "reset 'none' is not 'hard' or 'soft'"),
        ({"fractional_bits": -1}, "fractional_bits -1"),
        ({"fractional_bits": 9}, r"fractional_bits 9 is not an integer 0\.\.8"),
    ],
)
def test_neuron_out_of_range(options, complaint):
    with pytest.raises(UsageError, match=complaint):
        NeuronSpec(**options)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"channels": 0}, r"channels of 'test': 0 is not an integer 1\.\.256"),
        ({"channels": 257}, "257"),
        ({"depth": 65}, r"number of layers of 'test': 65 is not an integer 3\.\.64"),
        ({"depth": 2}, "number of layers of 'test': 2"),
        ({"timesteps": ()}, r"timesteps \(\) of 'test' are not ascending"),
        ({"timesteps": (3, 2)}, "not ascending"),
        ({"timesteps": (2, 2)}, "not ascending"),
        ({"timesteps": (0,)}, r"0 is not an integer 1\.\.32"),
        ({"timesteps": (33,)}, "33"),
        ({"weight_bits": 1}, r"weight_bits of layer 0 of 'test': 1 is not an integer 2\.\.8"),
        ({"weight_bits": 9}, "9"),
        ({"encoding_shift": 32}, r"shift of layer 0 of 'test': 32 is not an integer 0\.\.31"),
        ({"output_shift": 0}, r"shift of layer 3 of 'test': 0 is not an integer 1\.\.31"),
    ],
)
def test_network_out_of_range(options, complaint):
    with pytest.raises(UsageError, match=complaint):
        network(**options)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (with_layer(1, kind="encoding"), "kind 'encoding' of layer 1 of 'test' is not 'hidden'"),
        (with_layer(1, in_channels=4), "channels 4 to 3 of layer 1 of 'test' are not 3 to 3"),
        (with_layer(1, shift=1), r"shift of layer 1 of 'test': 1 is not an integer 0\.\.0"),
        (with_layer(1, neuron=None), "neuron of layer 1 of 'test' must be given"),
        (with_layer(3, neuron={"leak": 1}), "neuron of layer 3 of 'test' must be absent"),
        (with_layer(1, neuron=0), "malformed"),
        (with_layer(1, neuron="soft"), "malformed"),
        (with_layer(1, neuron={"decay": 1}), "malformed.*decay"),
        (with_layer(1, padding=1), "malformed.*padding"),
        ({"name": "x", "timesteps": [1]}, "malformed.*layers"),
        ({"name": "x", "timesteps": 1, "layers": []}, "malformed"),
        ({"name": "x", "timesteps": ["1", 2], "layers": []}, "malformed"),
        ({"name": "x", "timesteps": [1], "layers": []}, "number of layers"),
        ({"name": "x", "timesteps": [1], "layers": None}, "malformed"),
        ([], "malformed"),
        (None, "malformed"),
    ],
)
def test_malformed_descriptions(data, complaint):
    with pytest.raises(UsageError, match=complaint):
        NetworkSpec.from_dict(data)


def test_layers_may_differ_in_weights_and_neurons():
    spec = network()
    layers = list(spec.layers)
    layers[1] = dataclasses.replace(
        layers[1], weight_bits=3, neuron=NeuronSpec(leak=None, reset="soft", fractional_bits=2)
    )
    mixed = dataclasses.replace(spec, layers=tuple(layers))
    assert NetworkSpec.from_dict(mixed.to_dict()) == mixed


def test_three_layers_are_enough():
    kinds = [layer.kind for layer in network(depth=3).layers]
    assert kinds == ["encoding", "hidden", "output"]
