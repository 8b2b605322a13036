"""Parameters that the components are tried at."""

from __future__ import annotations

import random
from dataclasses import asdict

from sw_model.spec import PIXEL_MAX, PIXEL_MIN, TAPS, NeuronSpec
from sw_model.spec.fixed_point import signed_width
from sw_model.spec.network import FEW_SPIKES

from .reference import random_signed
from .running import Parameters

NEURONS = [
    asdict(neuron)
    for neuron in (
        NeuronSpec(),
        NeuronSpec(reset="soft"),
        NeuronSpec(leak=None),
        NeuronSpec(leak=None, reset="soft", fractional_bits=2),
        NeuronSpec(leak=3, fractional_bits=1),
        NeuronSpec(leak=2, reset="soft"),
    )
]
"""Leaky and not, hard and soft reset, with and without fractional bits."""


def random_rows(rows: int, lanes: int, bits: int) -> list[list[int]]:
    rng = random.Random(f"{rows} {lanes} {bits}")
    return [[random_signed(rng, bits) for _ in range(lanes)] for _ in range(rows)]


def array(lanes: int, weight_bits: int, lane_bits: int) -> Parameters:
    return {"lanes": lanes, "weight_bits": weight_bits, "lane_bits": lane_bits}


def frame(height: int, width: int, steps: int) -> Parameters:
    return {"max_height": height, "max_width": width, "max_timesteps": steps}


def scatter(channels: int, lane_bits: int, width: int, steps: int) -> Parameters:
    # Nine times the smallest tap is the smallest sum.
    sum_bits = signed_width(-9 << (lane_bits - 1), 0)
    widths = {"lane_bits": lane_bits, "sum_bits": sum_bits}
    return {"channels": channels, "max_width": width, "max_timesteps": steps, **widths}


def lif_array(
    channels: int,
    kinds: slice,
    steps: int,
    shift: int,
    **widths: int,
) -> Parameters:
    return {
        "channels": channels,
        "neurons": NEURONS[kinds],
        "max_timesteps": steps,
        "encoding_shift": shift,
        "widths": {"sum": 7, "bias": 4, "threshold": 8, "current": 10, "membrane": 14} | widths,
    }


def few_spike(steps: int, **widths: int) -> Parameters:
    return {"timesteps": steps, "widths": FEW_SPIKE_WIDTHS | widths}


def few_spike_array(channels: int, steps: int, shift: int, **widths: int) -> Parameters:
    return {
        "channels": channels,
        "neurons": [asdict(FEW_SPIKES)],
        "max_timesteps": steps,
        "encoding_shift": shift,
        "widths": FEW_SPIKE_WIDTHS | widths,
        "binary": True,
    }


def encoding(channels: int, weight_bits: int) -> Parameters:
    rows = random_rows(channels, TAPS, weight_bits)
    # The widths that the weights need, as `sw_model.spec.widths` derives them.
    low = min(sum(PIXEL_MAX * min(w, 0) + PIXEL_MIN * max(w, 0) for w in row) for row in rows)
    high = max(sum(PIXEL_MIN * min(w, 0) + PIXEL_MAX * max(w, 0) for w in row) for row in rows)
    return {"weights": rows, "sum_bits": signed_width(low, high)}


def output(sum_bits: int, total_bits: int, shift: int) -> Parameters:
    return {"sum_bits": sum_bits, "total_bits": total_bits, "shift": shift}


# A current is a sum plus a bias, and two fractional bits.
LIF_WIDTHS = {"sum": 6, "bias": 5, "threshold": 14, "current": 9, "membrane": 14}
FEW_SPIKE_WIDTHS = {"sum": 10, "bias": 6, "threshold": 6, "current": 11, "membrane": 12}
SEQUENCES = {
    "3": {"layers": 3, "channels": 1, "timesteps": [1], "max_height": 1, "max_width": 2},
    "5": {"layers": 5, "channels": 3, "timesteps": [2, 5], "max_height": 4, "max_width": 5},
}
