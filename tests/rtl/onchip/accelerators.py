"""Whole accelerators under test: every event word and every pixel against the golden model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rtl.generate.onchip import TOP
from sim.compare.scoreboard import compare
from sim.targets.rtl import Frame as InputFrame
from sim.targets.rtl import FrameResult, Hardware, make_hardware, simulate
from tests.rtl.networks import NETWORKS, Frame, Network
from tests.rtl.running import SEED, run_sources


@dataclass(frozen=True)
class Accelerator:
    """The hardware of one of `NETWORKS`.

    Attributes
    ----------
    network
        Its name.
    """

    network: str

    @property
    def frames(self) -> list[Frame]:
        return NETWORKS[self.network].frames

    def hardware(self) -> Hardware:
        return make_network_hardware(NETWORKS[self.network])

    def run(self, simulator: str, idle: float = 0.0, back_pressure: float = 0.0) -> None:
        """Denoise all frames back to back; raises AssertionError at the first difference."""
        results = run_frames(simulator, self.hardware(), self.frames, idle, back_pressure)
        if not idle and not back_pressure:
            for frame, result in zip(self.frames, results, strict=True):
                check_cycles(frame, result)

    def run_control(self, simulator: str) -> None:
        """Run `accelerator_bench`: impossible frames, resets, starts at the wrong time."""
        sources = {f"{TOP}.v": self.hardware().verilog}
        run_sources(simulator, sources, TOP, "accelerator_bench", {"network": self.network})


def make_network_hardware(network: Network) -> Hardware:
    return make_hardware(network.deployment, network.max_height, network.max_width)


def run_frames(
    simulator: str,
    hardware: Hardware,
    frames: Sequence[Frame],
    idle: float = 0.0,
    back_pressure: float = 0.0,
) -> tuple[FrameResult, ...]:
    """Denoise frames back to back and compare words, pixels and events with the golden model."""
    simulation = simulate(
        simulator,
        hardware,
        [
            InputFrame(pixels=frame.pixels, timesteps=frame.timesteps, level=frame.level_units)
            for frame in frames
        ],
        expected_cycles=sum(sum(frame.cycles) for frame in frames),
        idle=idle,
        back_pressure=back_pressure,
        seed=SEED,
    )
    for frame, result in zip(frames, simulation.frames, strict=True):
        compared = compare(frame.maps, frame.golden.denoised, result.trace, result.pixels)
        place = f"seed {SEED}, idle {idle}, back-pressure {back_pressure}, {frame}"
        assert compared.mismatches == 0, f"{place}: {compared.mismatches} wrong: {compared.first}"
        assert compared.words == len(result.trace.words) > 0, place
        events = [0, *(int(np.bitwise_count(words).sum()) for words in frame.maps)]
        assert result.layer_ends[:, 2].tolist() == np.cumsum(events).tolist(), place
    assert simulation.failure is None, simulation.failure
    return simulation.frames


def check_cycles(frame: Frame, result: FrameResult) -> None:
    """Without stalls every layer takes exactly the cycles that the spec predicts."""
    assert result.layer_ends[:, 0].tolist() == list(range(len(frame.cycles))), str(frame)
    assert result.layer_ends[:, 1].tolist() == np.cumsum(frame.cycles).tolist(), str(frame)
