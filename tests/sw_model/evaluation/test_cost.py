"""Costs: SOP against a count in plain loops, the model against its own terms, and the command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sw_model import golden
from sw_model.__main__ import main
from sw_model.evaluation.cost_study import count_input, frame_cost
from sw_model.pictures import eight_bit as images
from sw_model.pictures.noise import add_noise, planes
from sw_model.spec import NeuronSpec, configuration, uniform_network
from sw_model.spec.cost.energy import access_pj, add_pj, multiply_pj, traffic_pj
from sw_model.spec.cost.layer import ARITHMETIC, MEMORY, break_even_theta
from sw_model.spec.cost.model import DenseDesign, InputSpikes, dense_cost, spiking_cost
from tests.random_deployment import random_deployment

SIZES = [(1, 1), (1, 2), (2, 1), (1, 7), (2, 2), (3, 3), (5, 4), (9, 17)]


def network(**options):
    settings = {"depth": 4, "channels": 3, "timesteps": (1, 3), "weight_bits": 4} | options
    return random_deployment(uniform_network("test", **settings), 0)


def pixels(height, width):
    return np.random.default_rng(0).integers(-512, 512, (height, width))


def landing(height, width, y, x):
    """Taps of a place that lie inside the frame, one by one."""
    return sum(
        0 <= y + dy < height and 0 <= x + dx < width for dy in (-1, 0, 1) for dx in (-1, 0, 1)
    )


# ---------------------------------------------------------------------------- counts


@pytest.mark.parametrize("shape", SIZES)
def test_events_and_taps_of_hand_made_spikes(shape):
    # One neuron after the other spikes alone, at borders and corners too, in one or two timesteps.
    height, width = shape
    for y in range(height):
        for x in range(width):
            words = np.zeros((height, width, 2, 1), np.uint64)
            words[y, x, :, 0] = 0b101, 0b010
            expected = InputSpikes(events=3, useful_taps=3 * landing(height, width, y, x))
            assert count_input(words) == expected


@pytest.mark.parametrize("shape", SIZES)
def test_operations_are_those_of_plain_loops(shape):
    deployment = network()
    frame = pixels(*shape)
    traced = golden.denoise(deployment, frame, 3, trace=True)
    cost = frame_cost(deployment, frame, 3)
    layers = deployment.spec.layers
    assert (cost.spiking[0].operations, cost.spiking[0].useful) == (0, 0)
    for index, source in enumerate(traced.layers, 1):
        # An addition for each spike, tap and output channel, wherever it lands.
        spent = useful = 0
        for _, _, y, x in np.argwhere(source.spikes).tolist():
            for _ in range(layers[index].out_channels):
                spent += 9
                useful += landing(*shape, y, x)
        assert (cost.spiking[index].operations, cost.spiking[index].useful) == (spent, useful)
    for layer, dense in zip(layers, cost.dense, strict=True):
        places = [landing(*shape, y, x) for y in range(shape[0]) for x in range(shape[1])]
        ends = layer.in_channels * layer.out_channels
        assert (dense.operations, dense.useful) == (9 * ends * len(places), ends * sum(places))


def test_useful_operations_are_the_nonzero_products_of_the_convolution():
    # Weights of one and no bias: the output layer's R is then the number of its useful SOP.
    deployment = network()
    ones = tuple(np.ones_like(weight) for weight in deployment.weights)
    biases = tuple(np.zeros_like(bias) for bias in deployment.biases)
    deployment = replace(deployment, weights=ones, biases=biases)
    frame = pixels(6, 5)
    result = golden.denoise(deployment, frame, 3)
    cost = frame_cost(deployment, frame, 3)
    assert cost.spiking[-1].useful == result.total.sum() > 0


def test_spikes_are_counted_once_in_activity_and_events():
    deployment = network()
    cost = frame_cost(deployment, pixels(7, 6), 3)
    counts = [
        layer.operations // (9 * spec.out_channels)
        for layer, spec in zip(cost.spiking[1:], deployment.spec.layers[1:], strict=True)
    ]
    assert tuple(counts) == cost.activity.spike_counts


# ---------------------------------------------------------------------------- energies


def test_energies_are_the_sources_where_it_has_them():
    assert [add_pj(8), add_pj(32), multiply_pj(8, 8)] == pytest.approx([0.03, 0.1, 0.2])
    kilobytes = [access_pj(size * 1024) for size in (8, 32, 1024)]
    assert kilobytes == pytest.approx([10, 20, 100])
    # The source's other figures, which the interpolation was not made from: 0.05 and 3.1 pJ.
    assert add_pj(16) == pytest.approx(0.05, rel=0.1)
    assert multiply_pj(32, 32) == pytest.approx(3.1, rel=0.1)


def test_memories_cost_more_the_larger_they_are():
    sizes = [1, 100, 8191, 8192, 8193, 32767, 32768, 32769, 1 << 20, 1 << 22]
    energies = [access_pj(size) for size in sizes]
    assert energies == sorted(energies)
    assert access_pj(2048) == pytest.approx(5)
    # Three words of a memory of 1024 rows of 64 bits: 8 KB.
    assert traffic_pj(3 * 64, 1024) == pytest.approx(30)


def test_a_hidden_layer_by_hand():
    deployment = network(channels=5)
    spikes = InputSpikes(events=100, useful_taps=800)
    cost = spiking_cost(deployment, 3, (4, 8), [spikes] * 3)[1]
    widths = deployment.widths.layers[1]
    assert cost.operations == 9 * 5 * 100
    assert cost.useful == 5 * 800
    assert cost.synapses == pytest.approx(4500 * add_pj(widths.lane))
    outputs = 5 * 32 * 3  # channels, pixels, timesteps
    assert cost.sums == pytest.approx(outputs * 8 * add_pj(widths.sum))
    neuron = add_pj(widths.current) + 3 * add_pj(widths.membrane)
    assert cost.neurons == pytest.approx(outputs * neuron)
    # A row of 45 weights of 4 bits an event; two hidden layers have ten rows.
    assert cost.weight_traffic == 100 * 45 * 4
    assert cost.weights == pytest.approx(100 * 45 * 4 / 64 * access_pj(10 * 8))
    # Two lines, written and read, of the eight pixels' sums in three timesteps.
    assert cost.line_buffer_traffic == 4 * outputs * widths.sum
    assert cost.line_buffers == pytest.approx(4 * outputs * widths.sum / 64 * access_pj(24 * 8))
    assert cost.map_traffic == 2 * outputs
    assert cost.maps == pytest.approx(2 * outputs / 64 * access_pj(32 * 8))


def test_the_first_and_last_layer_by_hand():
    deployment = network(channels=5)
    spikes = InputSpikes(events=100, useful_taps=800)
    encoding, *_, output = spiking_cost(deployment, 3, (4, 8), [spikes] * 3)
    first, last = deployment.widths.layers[0], deployment.widths.layers[-1]
    assert encoding.synapses == pytest.approx(10 * 9 * 5 * 32 * add_pj(first.lane))
    assert encoding.sums == pytest.approx(8 * 5 * 32 * add_pj(first.sum))
    assert (encoding.operations, encoding.weights) == (0, 0)
    assert encoding.map_traffic == 32 * 10 + 32 * 5 * 3
    assert output.operations == 900
    assert output.sums == pytest.approx(8 * 32 * add_pj(last.sum))
    each = 2 * add_pj(last.current) + multiply_pj(16, last.current) + add_pj(10)
    assert output.neurons == pytest.approx(32 * each)
    assert output.map_traffic == 32 * 5 * 3 + 32 * (10 + 8)


def test_a_neuron_without_leak_saves_an_addition():
    leaky, free = (
        spiking_cost(
            network(neuron=NeuronSpec(leak=leak)),
            3,
            (2, 2),
            [InputSpikes(events=0, useful_taps=0)] * 3,
        )[1].neurons
        / (3 * 4 * 3)
        for leak in (1, None)
    )
    widths = [network(neuron=NeuronSpec(leak=leak)).widths.layers[1] for leak in (1, None)]
    assert leaky == pytest.approx(add_pj(widths[0].current) + 3 * add_pj(widths[0].membrane))
    assert free == pytest.approx(add_pj(widths[1].current) + 2 * add_pj(widths[1].membrane))


def test_a_dense_layer_by_hand():
    # 12 x 9 pixels are 2 x 2 tiles, which read 9 + 5 rows and 9 + 2 columns.
    first, hidden, last = dense_cost(3, 5, (12, 9))
    macs = 9 * 5 * 5 * 108
    assert hidden.operations == macs
    assert hidden.synapses == pytest.approx(macs * (0.2 + add_pj(16 + 6)))  # 45 products: 6 bits
    assert hidden.weight_traffic == 4 * 9 * 5 * 5 * 8
    assert hidden.weights == pytest.approx(hidden.weight_traffic / 64 * access_pj(5 * 8))
    assert hidden.map_traffic == 8 * (5 * 14 * 11 + 5 * 108)
    assert hidden.neurons == pytest.approx(5 * 108 * (add_pj(22) + multiply_pj(22, 16)))
    assert first.weights == 0
    assert last.map_traffic == 8 * (5 * 14 * 11 + 2 * 108)
    every = dense_cost(3, 5, (12, 9), DenseDesign(no_reuse=True))[1]
    assert every.weight_traffic == 108 * 9 * 5 * 5 * 8
    assert (every.synapses, every.maps) == (hidden.synapses, hidden.maps)


# ---------------------------------------------------------------------------- break-even


@pytest.mark.parametrize("scope", ["arithmetic", "all"])
@pytest.mark.parametrize("no_reuse", [False, True])
def test_break_even_theta_satisfies_the_equation(scope, no_reuse):
    # The model itself, with every layer's spikes scaled to that theta, costs what dense costs.
    deployment = network(channels=16, depth=5)
    measured = [InputSpikes(events=n, useful_taps=8 * n) for n in (30_000, 50_000, 20_000, 40_000)]
    neurons = 16 * 30 * 40
    theta = 140_000 / (4 * neurons)
    dense = dense_cost(5, 16, (30, 40), DenseDesign(no_reuse=no_reuse))
    spiking = spiking_cost(deployment, 3, (30, 40), measured)
    found = break_even_theta(spiking, dense, theta, scope)
    expected = sum(layer.energy(scope) for layer in dense)
    factor = found / theta
    scaled = [InputSpikes(events=round(s.events * factor), useful_taps=0) for s in measured]
    at_break_even = spiking_cost(deployment, 3, (30, 40), scaled)
    # Spikes come in whole numbers.
    assert sum(layer.energy(scope) for layer in at_break_even) == pytest.approx(expected, rel=1e-4)


def test_break_even_does_not_depend_on_where_it_is_measured():
    deployment = network(channels=16)
    dense = dense_cost(4, 16, (10, 10))
    found = []
    for events in (1000, 4000):
        spikes = [InputSpikes(events=events, useful_taps=0)] * 3
        spiking = spiking_cost(deployment, 3, (10, 10), spikes)
        found.append(break_even_theta(spiking, dense, events / 1600, "all"))
    assert found[0] == pytest.approx(found[1])


def test_no_break_even_without_spikes_or_beyond_hope():
    deployment = network(channels=1, timesteps=(32,))
    silent = spiking_cost(deployment, 32, (4, 4), [InputSpikes(events=0, useful_taps=0)] * 3)
    assert break_even_theta(silent, dense_cost(4, 1, (4, 4)), 0.0, "all") is None
    # One channel: line buffers and neurons of 32 timesteps alone cost more than nine MAC.
    spikes = [InputSpikes(events=9, useful_taps=9)] * 3
    spiking = spiking_cost(deployment, 32, (4, 4), spikes)
    assert break_even_theta(spiking, dense_cost(4, 1, (4, 4)), 0.5, "all") is None


# ---------------------------------------------------------------------------- the command


def run(capsys, *arguments):
    code = main(["cost", "--deployment", "tiny.safetensors", *map(str, arguments)])
    return code, *capsys.readouterr()


def test_report_is_the_mean_over_pictures(folder, capsys):
    options = ["--noise", 20, "--seed", 3, "--timesteps", 2]
    code, out, err = run(capsys, "grey.png", "colour.png", *options, "--json", "-")
    assert (code, err) == (0, "")
    report = json.loads(out)
    deployment = random_deployment(configuration("tiny"), 1)
    assert report["deployment"]["hash"] == deployment.hash
    assert report["timesteps"] == 2
    costs = []
    for name in ("grey.png", "colour.png"):
        noisy = add_noise(images.read_picture(Path(name)), 20, 3)
        costs += [frame_cost(deployment, plane, 2) for plane in planes(noisy)]
    total = sum(layer.operations for cost in costs for layer in cost.spiking)
    assert report["per_image"]["spiking"]["operations"] == total / 2
    energy = sum(layer.energy() for cost in costs for layer in cost.spiking)
    figures = report["per_image"]["spiking"]["energy_uj"]
    assert figures["total"] == pytest.approx(energy / 2 / 1e6, abs=1e-6)
    items = sum(figures[item] for item in (*ARITHMETIC, *MEMORY))
    assert items == pytest.approx(figures["total"], abs=1e-5)
    layers = [layer["spiking"]["operations"] for layer in report["layers"]]
    assert sum(layers) == total / 2
    assert [picture["name"] for picture in report["pictures"]] == ["grey.png", "colour.png"]
    whole = costs[0] + costs[1] + costs[2] + costs[3]
    assert report["break_even_theta"]["arithmetic"] == pytest.approx(
        whole.break_even("arithmetic"), abs=1e-6
    )


def test_table_prints_what_the_report_holds(folder, capsys):
    code, out, err = run(capsys, "grey.png", "--json", "a.json")
    assert (code, err) == (0, "")
    report = json.loads(Path("a.json").read_text())
    assert report["deployment"]["hash"] in out
    assert f"theta, measured: {report['per_image']['theta']:.3f}" in out
    for theta in report["break_even_theta"].values():
        assert (f"{theta:.3f}" if theta is not None else "none") in out
    for name in ("0 encoding", "1 hidden", "3 output", "total", "line buffers", "weights"):
        assert f"\n{name} " in out
    assert "\x1b" not in out
    assert run(capsys, "grey.png", "--json", "b.json")[0] == 0
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["none.png"], "none.png does not exist"),
        (["grey.png", "--set", "bsd68"], "give either pictures or a set"),
        (["grey.png", "--json", "none/a.json"], "cannot write none/a.json"),
        (["grey.png", "--timesteps", "9"], "T = 9 is not allowed"),
        (["grey.png", "--noise", "-1"], "noise sigma -1.0"),
        (["grey.png", "--protocol", "both"], "invalid choice: 'both'"),
    ],
)
def test_cost_refuses(folder, capsys, arguments, complaint):
    before = sorted(folder.rglob("*"))
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert complaint in err
    assert err.count("\n") == 1
    assert sorted(folder.rglob("*")) == before
