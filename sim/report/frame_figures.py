"""Figures of a frame for ``rtl synth --frame``, to compute frames per second and area per SOP."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.compare.job import Job
from sim.targets.system import SystemRun, SystemSimulation
from sw_model.evaluation.cost_study import count_input

from .frame import SPARSE_THETA, Maps, thinned


def frame_figures(job: Job, system: SystemSimulation, run: SystemRun) -> dict[str, Any]:
    """Cycles and useful operations of a frame, for its own maps and thinned maps.

    Cycles come from the cycle model.

    Returns
    -------
    dict
        JSON values; ``cases`` has one entry for the frame's own maps and one for thinned maps.
    """
    spec = job.deployment.spec
    height, width = job.pixels.shape

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
        "deployment": job.deployment.hash,
        "picture": job.picture.name,
        "height": height,
        "width": width,
        "timesteps": job.timesteps,
        "engines": system.engines,
        "cases": [
            case("own maps", job.words),
            case(
                f"maps thinned to {SPARSE_THETA}", thinned(job.words, spec.channels, SPARSE_THETA)
            ),
        ],
    }
