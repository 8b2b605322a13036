"""Frames for the accelerator with AXI ports: narrower and wider than its strips."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from amaranth.back import rtlil

from rtl.axi.accelerator import System
from rtl.flow.gates import gate_netlist
from rtl.flow.verilog import verilog_text
from rtl.generate.axi import TOP
from sw_model.spec import Deployment
from tests.rtl.networks import NETWORKS, Frame, Network, level_of
from tests.rtl.running import run_sources

COLUMNS = 4
"""Input columns of a strip: frames are cut into as many as a few pixels allow."""
SIZES = ((1, 1), (2, 4), (1, 5), (3, 7), (4, 9))
PLANE_SIZES = ((1, 1), (5, 1), (1, 6), (2, 8), (3, 9), (6, 17))
"""Pictures of networks of planes: positions fill up to three strips, odd sides are doubled."""


def system_frames(network: Network) -> list[Frame]:
    """A frame of each of `SIZES`, at each T in turn."""
    rng = np.random.default_rng(network.deployment.provenance["seed"])
    spec = network.deployment.spec
    allowed = spec.timesteps
    return [
        Frame(
            network.deployment,
            rng.integers(-150, 400, size),
            allowed[index % len(allowed)],
            level_of(spec, index),
        )
        for index, size in enumerate(SIZES if spec.planes == 1 else PLANE_SIZES)
    ]


def other_deployment(deployment: Deployment) -> Deployment:
    """Another network of the same shape: channels, taps and scaling change, no width grows."""
    *biases, last = (bias[::-1] for bias in deployment.biases)
    return replace(
        deployment,
        weights=tuple(weight[::-1, :, ::-1] for weight in deployment.weights),
        biases=(*biases, last // 2),
        thresholds=tuple(threshold[::-1] for threshold in deployment.thresholds),
        inits=tuple(init[::-1] for init in deployment.inits),
        mults=np.maximum(1, deployment.mults // 2).astype(np.uint16),
        provenance={**deployment.provenance, "source": "another"},
    )


@dataclass(frozen=True)
class SystemCase:
    """The accelerator with AXI ports for one of `NETWORKS`, and its bench."""

    network: str
    engines: int = 1
    bench: str = "system_bench"

    def run(self, simulator: str, test: str | None = None) -> None:
        """Build, and run all tests of the bench or one.

        Raises `BenchFailure` if the bench fails, RuntimeError if nothing runs.
        """
        system = self._system()
        text = verilog_text(system, TOP, system.ports)
        self._run(simulator, {f"{TOP}.v": text}, test)

    def run_gates(self, simulator: str, test: str) -> None:
        """Run one test of the bench on the cells of an ECP5; raises what `run` raises."""
        system = self._system()
        text = rtlil.convert(system, name=TOP, ports=system.ports, emit_src=False)
        self._run(simulator, gate_netlist(text, top=TOP), test)

    def _system(self) -> System:
        deployment = NETWORKS[self.network].deployment
        return System(deployment=deployment, columns=COLUMNS, engines=self.engines)

    def _run(self, simulator: str, sources: dict[str, str], test: str | None = None) -> None:
        parameters = {"network": self.network, "engines": self.engines}
        run_sources(simulator, sources, TOP, self.bench, parameters, test)
