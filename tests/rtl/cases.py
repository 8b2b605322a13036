"""The components under test, each with the parameters that it is tried at.

``python -m tests.rtl.cases CASE SIMULATOR [TEST]`` runs one of them, or one test of its bench: exit
code `FAILED` and one line where a bench fails. This is how the mutants are run, in a process that
imports the mutated RTL.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from amaranth.lib.wiring import Component

from rtl.core.encoding_layer import EncodingLayer
from rtl.core.event_encoder import EventEncoder
from rtl.core.few_spike import FewSpikeProcessingElement
from rtl.core.layer_constants import LayerConstants
from rtl.core.layouts import NeuronWidths
from rtl.core.lif import LifProcessingElement
from rtl.core.lif_array import LifArray
from rtl.core.loading import LoadPlace
from rtl.core.output_layer import OutputLayer
from rtl.core.pixel_window import PixelWindow
from rtl.core.raster import Raster
from rtl.core.scatter import Scatter
from rtl.core.synapse_array import SynapseArray
from rtl.core.weight_memory import WeightMemory
from rtl.onchip.frame_memory import FrameMemory
from rtl.onchip.plane_memory import PlaneMemory
from rtl.onchip.sequencer import Sequencer
from rtl.stream.credit_queue import CatchQueue
from rtl.stream.register_slice import RegisterSlice
from rtl.stream.skid_buffer import SkidBuffer
from sim.simulators.bench import component_verilog
from sim.simulators.errors import BenchFailure
from sw_model.spec import NeuronSpec

from . import parameters as tried
from .axi.system_networks import SystemCase
from .board.boards import SdramCase
from .networks import NETWORKS
from .onchip.accelerators import Accelerator
from .running import Parameters, run_sources


@dataclass(frozen=True)
class Case:
    """A component at certain parameters and the bench that tries it.

    Attributes
    ----------
    component
        Its class, or a function that makes it.
    top
        Name of the Verilog module; the bench is ``<top>_bench``, see `running.bench_module`.
    parameters
        Keyword arguments of the component, plain JSON values, which the bench gets as well.
    """

    component: Callable[..., Component]
    top: str
    parameters: Parameters

    def run(self, simulator: str, test: str | None = None) -> None:
        """Build, and run all tests of the bench or one.

        Raises `BenchFailure` if the bench fails, RuntimeError if nothing runs.
        """
        sources = component_verilog(self.component(**self.parameters), self.top)
        run_sources(simulator, sources, self.top, f"{self.top}_bench", self.parameters, test)


def _variants(
    component: Callable[..., Component], top: str, variants: Mapping[str, Parameters]
) -> dict[str, Case]:
    return {f"{top}-{name}": Case(component, top, value) for name, value in variants.items()}


def _with_neurons(component: Callable[..., Component]) -> Callable[..., Component]:
    """A component whose `neurons` and `widths` are given as plain values."""

    def make(
        *, widths: dict[str, int], neurons: list[dict[str, Any]] | None = None, **rest: Any
    ) -> Component:
        if neurons is not None:
            rest["neurons"] = [NeuronSpec(**neuron) for neuron in neurons]
        return component(widths=NeuronWidths(**widths), **rest)

    return make


def _encoding_layer(*, loadable: bool = False, **parameters: Any) -> Component:
    return EncodingLayer(load=LoadPlace("encoding") if loadable else None, **parameters)


def _layer_constants(network: str) -> Component:
    return LayerConstants(deployment=NETWORKS[network].deployment)


COMPONENTS = {
    **_variants(
        EventEncoder,
        "event_encoder",
        {
            **{str(c): {"channels": c} for c in (1, 3, 4, 5, 8, 17, 65)},
            **{f"{c}, few": {"channels": c, "binary": True} for c in (1, 9)},
        },
    ),
    **_variants(
        WeightMemory,
        "weight_memory",
        {
            f"{rows}x{lanes}": {"rows": tried.random_rows(rows, lanes, bits), "weight_bits": bits}
            for rows, lanes, bits in ((1, 1, 2), (5, 27, 4), (12, 9, 8))
        }
        | {"3x9, few": {"rows": tried.random_rows(3, 9, 4), "weight_bits": 4, "binary": True}},
    ),
    **_variants(
        SynapseArray,
        "synapse_array",
        {
            "1": tried.array(1, 2, 5),
            "9": tried.array(9, 4, 9),
            "27": tried.array(27, 8, 15),
            "5, few": {**tried.array(5, 4, 10), "binary": True},
        },
    ),
    **_variants(
        Scatter,
        "scatter",
        {
            "1": tried.scatter(1, 4, 1, 1),
            "3": tried.scatter(3, 6, 4, 3),
            "4": tried.scatter(4, 7, 5, 2),
            "5": tried.scatter(5, 5, 3, 4),
        },
    ),
    **_variants(
        _with_neurons(LifProcessingElement),
        "lif",
        {
            "all": {"neurons": tried.NEURONS, "widths": tried.LIF_WIDTHS},
            "narrow": {
                "neurons": tried.NEURONS,
                "widths": tried.LIF_WIDTHS | {"current": 6, "membrane": 9},
            },
        },
    ),
    **_variants(
        _with_neurons(LifArray),
        "lif_array",
        {
            "1": tried.lif_array(1, slice(2), 1, 0),
            # Sums of the encoding layer wider than any current.
            "2": tried.lif_array(2, slice(1, 5), 3, 4, sum=11, current=9),
            "3": tried.lif_array(3, slice(6), 4, 3),
            # A shift that leaves a sum's sign alone.
            "4": tried.lif_array(2, slice(2, 5), 2, 9),
            "5": tried.lif_array(5, slice(1, 4), 12, 1),
        },
    ),
    **_variants(
        _with_neurons(FewSpikeProcessingElement),
        "few_spike",
        {
            "1": tried.few_spike(1),
            # A threshold that shifts beyond the membrane; a membrane narrower than the current.
            "4": tried.few_spike(4, threshold=13),
            "5": tried.few_spike(5, sum=12, current=12, membrane=11, threshold=4),
            "8": tried.few_spike(8, threshold=3),
        },
    ),
    **_variants(
        _with_neurons(LifArray),
        "few_spike_array",
        {
            "1": tried.few_spike_array(1, 1, 0),
            "3": tried.few_spike_array(3, 4, 3, sum=13),
            "8": tried.few_spike_array(2, 8, 0, threshold=3),
        },
    ),
    **_variants(
        _encoding_layer,
        "encoding_layer",
        {
            "1": tried.encoding(1, 2),
            "3": tried.encoding(3, 8),
            "4": tried.encoding(4, 5),
            "2, loadable": {**tried.encoding(2, 5), "loadable": True},
        },
    ),
    **_variants(
        PixelWindow,
        "pixel_window",
        {
            "1x1x1": tried.frame(1, 1, 1),
            "3x4x13": tried.frame(3, 4, 13),
            "4x3x11": tried.frame(4, 3, 11),
        },
    ),
    **_variants(RegisterSlice, "register_slice", {"1": {"shape": 1}, "6": {"shape": 6}}),
    **_variants(SkidBuffer, "skid_buffer", {"1": {"shape": 1}, "6": {"shape": 6}}),
    **_variants(
        CatchQueue,
        "catch_queue",
        {"1": {"width": 1, "reserve": 1}, "5": {"width": 5, "reserve": 7}},
    ),
    **_variants(
        OutputLayer,
        "output_layer",
        {"1": tried.output(9, 10, 1), "5": tried.output(7, 7, 5), "16": tried.output(12, 14, 16)},
    ),
    **_variants(
        Raster,
        "raster",
        {
            "1x1x1": tried.frame(1, 1, 1),
            "5x3x4": tried.frame(5, 3, 4),
            "4x5x3": tried.frame(4, 5, 3),
        },
    ),
    **_variants(
        FrameMemory,
        "frame_memory",
        {
            "1x1x1": {"word_bits": 1, **tried.frame(1, 1, 1)},
            "5x3x4": {"word_bits": 5, **tried.frame(5, 3, 4)},
            "4x5x3": {"word_bits": 64, **tried.frame(4, 5, 3)},
        },
    ),
    **_variants(
        PlaneMemory,
        "plane_memory",
        {
            f"{height}x{width}": {"max_height": height, "max_width": width}
            for height, width in ((1, 1), (4, 5), (5, 2), (6, 6))
        },
    ),
    **_variants(Sequencer, "sequencer", tried.SEQUENCES),
    **_variants(
        _layer_constants,
        "layer_constants",
        {name: {"network": name} for name in ("one", "mixed", "nine", "few-levels")},
    ),
}
"""All component benches by name."""
ACCELERATORS = {name: Accelerator(name) for name in NETWORKS}
"""All accelerators by the name of their network."""
SYSTEMS = {
    "system-tiny": SystemCase("tiny"),
    "system-tiny-pair": SystemCase("tiny", engines=2, bench="system_pair_bench"),
}
"""Accelerators with AXI ports."""
MEMORY_CONTROLLERS = {
    f"sdram-{test}": SdramCase(50, test)
    for test in ("bursts_take_the_predicted_cycles", "refreshes_whatever_pauses")
}
"""The board's memory controller, by a test of its bench."""


FAILED = 3
"""Exit code of a bench that failed; Python's own, for a case that does not run, is 1."""


def main() -> int:
    """Run one case."""
    name, *how = sys.argv[1:]
    try:
        {**COMPONENTS, **ACCELERATORS, **SYSTEMS, **MEMORY_CONTROLLERS}[name].run(*how)
    except (BenchFailure, AssertionError) as failure:
        print(failure)
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
