"""The accelerator on tiny networks: every event word, every pixel, every cycle.

Icarus runs all networks. Verilator, whose builds take three times as long, runs one or two of each
code, and the others in the long tests.
"""

import numpy as np
import pytest

from sim.simulators.bench import SIMULATORS
from sw_model.golden import denoise
from sw_model.spec.fixed_point import signed_width
from tests.rtl.bench_tools import STALLS
from tests.rtl.cases import ACCELERATORS
from tests.rtl.networks import EXTREME_LAYER, NETWORKS, few_spikes

from .accelerators import check_cycles, make_network_hardware, run_frames

on_both_simulators = pytest.mark.parametrize("simulator", SIMULATORS)


def on_both(networks, verilated):
    """Parameters ``network`` and ``simulator``; long on Verilator but for some networks."""
    return pytest.mark.parametrize(
        ("network", "simulator"),
        [
            pytest.param(
                network,
                simulator,
                marks=[pytest.mark.long] * (simulator == "verilator" and network not in verilated),
            )
            for network in networks
            for simulator in SIMULATORS
        ],
    )


@on_both(ACCELERATORS, ["mixed", "extreme", "few-planes"])
def test_words_pixels_and_cycles(network, simulator):
    ACCELERATORS[network].run(simulator)


@pytest.mark.parametrize("timesteps", range(1, 9))
def test_few_spikes_at_every_number_of_timesteps(timesteps):
    network = few_spikes(timesteps, 4, 2)
    frames = network.frames
    results = run_frames("icarus", make_network_hardware(network), frames)
    for frame, result in zip(frames, results, strict=True):
        check_cycles(frame, result)
    # Otherwise the run shows nothing of a timestep, or of the order of timesteps.
    for step in range(timesteps):
        assert any(words[:, :, step].any() for frame in frames for words in frame.maps[1:])


@on_both_simulators
@pytest.mark.parametrize("idle", STALLS)
@pytest.mark.parametrize("back_pressure", STALLS)
def test_stalls_change_nothing(idle, back_pressure, simulator):
    ACCELERATORS["tiny"].run(simulator, idle, back_pressure)


@on_both(["one", "mixed", "few-3", "few-planes"], ["mixed", "few-planes"])
def test_heavy_stalls_change_nothing_at_awkward_sizes(network, simulator):
    ACCELERATORS[network].run(simulator, STALLS[-1], STALLS[-1])


@on_both(["one", "mixed", "tiny", "few-3", "few-levels", "few-planes"], ["mixed", "few-planes"])
def test_refusals_resets_and_starts(network, simulator):
    ACCELERATORS[network].run_control(simulator)


def test_extreme_network_uses_its_widths_up():
    # Otherwise its run would not show that the derived widths are wide enough.
    network = NETWORKS["extreme"]
    widths = network.deployment.widths.layers[EXTREME_LAYER]
    currents = [
        denoise(network.deployment, frame.pixels, frame.timesteps, trace=True)
        .layers[EXTREME_LAYER]
        .currents
        for frame in network.frames
    ]
    low, high = (int(f([f(c) for c in currents])) for f in (np.min, np.max))
    assert signed_width(low, 0) == widths.current or signed_width(0, high) == widths.current
    weights = network.deployment.weights[EXTREME_LAYER].astype(np.int64)
    bias = network.deployment.biases[EXTREME_LAYER]
    assert {low, high} <= {int(v) for v in (weights.sum(axis=(1, 2, 3)) + bias)}


@on_both_simulators
def test_word_costs_its_events_in_steady_state(simulator):
    # Two frames of one size differ by their words' max(1, events) and by nothing else, whatever
    # the formula's constants are.
    accelerator = ACCELERATORS["extreme"]
    results = run_frames(simulator, accelerator.hardware(), accelerator.frames)
    spent = [[0, *result.layer_ends[:, 1].tolist()] for result in results]
    costs = [
        [sum(max(1, int(word).bit_count()) for word in words.reshape(-1)) for words in frame.maps]
        for frame in accelerator.frames
    ]
    assert len({tuple(cost) for cost in costs}) > 1, "the frames cost the same"
    for layer in range(1, len(costs[0]) + 1):
        rest = {
            cycles[layer + 1] - cycles[layer] - cost[layer - 1]
            for cycles, cost in zip(spent, costs, strict=True)
        }
        assert len(rest) == 1, f"layer {layer}: cycles beyond those of the words are {rest}"
