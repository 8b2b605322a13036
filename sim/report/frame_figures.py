"""A frame's figures for others: what the synthesis needs to tell frames a second and area a SOP."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.compare.job import Job
from sim.targets.system import SystemRun, SystemSimulation
from sw_model.evaluation.cost_study import count_input

from .frame import SPARSE_THETA, Maps, thinned


def frame_figures(mine: Job, system: SystemSimulation, run: SystemRun) -> dict[str, Any]:
    """Cycles and useful operations of a frame, as it is and thinned, by the cycle model.

    Returns
    -------
    dict
        JSON values; ``cases`` has an entry each for the frame's own maps and for thinned ones.
    """
    spec = mine.deployment.spec
    height, width = mine.pixels.shape

    def case(name: str, maps: Maps) -> dict[str, Any]:
        counted = [count_input(words) for words in maps]
        outputs = [layer.out_channels for layer in spec.layers[1:]]
        neurons = height * width * spec.channels * len(maps)
        return {
            "name": name,
            "theta": sum(int(np.bitwise_count(words).sum()) for words in maps) / neurons,
            "cycles": sum(system.expected_cycles(run, maps)),
            "useful_operations": sum(
                channels * spikes.useful_taps
                for channels, spikes in zip(outputs, counted, strict=True)
            ),
        }

    return {
        "deployment": mine.deployment.hash,
        "picture": mine.picture.name,
        "height": height,
        "width": width,
        "timesteps": mine.timesteps,
        "engines": system.engines,
        "cases": [
            case("own maps", mine.words),
            case(
                f"maps thinned to {SPARSE_THETA}", thinned(mine.words, spec.channels, SPARSE_THETA)
            ),
        ],
    }
