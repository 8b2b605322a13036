"""The parts of an accelerator, each to be synthesised separately."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from amaranth.hdl import Module, UnusedElaboratable
from amaranth.lib import fifo, wiring
from amaranth.lib.wiring import Component, In, Out

from rtl.axi.accelerator import System
from rtl.axi.engine import StripEngine
from rtl.core.channel_group import ChannelGroup
from rtl.core.datapath import Datapath
from rtl.core.output_path import OutputPath
from rtl.flow.designs import channel_group
from rtl.flow.wrapper import RegisteredPins
from rtl.flow.yosys import design_text
from rtl.onchip.accelerator import Accelerator
from sw_model.spec import Deployment
from sw_model.spec.fixed_point import MULT_BITS, weight_range
from sw_model.spec.hardware.strips import strip_columns
from sw_model.spec.packing import channel_groups

MAPS = ("chip", "memory")
"""Places of activation maps: on chip, or in external memory, which needs buses."""
_COMPOSED = (Accelerator, Datapath, OutputPath, StripEngine, System)
"""Components that consist of other components and little logic between them."""


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """Parameters of a generated accelerator.

    Attributes
    ----------
    maps
        One of `MAPS`.
    timesteps
        Its T.
    weight_bits
        Width of hidden weights.
    group
        Most channels of a channel group.
    """

    maps: str
    timesteps: int
    weight_bits: int
    group: int


class SideBySide(wiring.Component):
    """Components side by side, each with all of its ports, without logic between them.

    Parameters
    ----------
    parts
        The components, by name.
    """

    def __init__(self, parts: Mapping[str, Component]):
        self.parts = dict(parts)
        super().__init__({name: Out(part.signature) for name, part in self.parts.items()})

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        for name, part in self.parts.items():
            m.submodules[name] = part
            wiring.connect(m, wiring.flipped(getattr(self, name)), part)
        return m


class _Queue(wiring.Component):
    """A component around one of Amaranth's queues, which are not components."""

    def __init__(self, queue: fifo.SyncFIFOBuffered):
        self._queue = queue
        bits = len(queue.w_data)
        super().__init__(
            {
                "w_en": In(1),
                "w_rdy": Out(1),
                "w_data": In(bits),
                "r_en": In(1),
                "r_rdy": Out(1),
                "r_data": Out(bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        m.submodules.queue = queue = self._queue
        for name, member in self.signature.members.items():
            inner, outer = getattr(queue, name), getattr(self, name)
            m.d.comb += inner.eq(outer) if member.flow == In else outer.eq(inner)
        return m


def variant(deployment: Deployment, timesteps: int, weight_bits: int) -> Deployment:
    """Return the deployment for one T and a given width of its hidden weights.

    The numbers of hidden layers are scaled to the width and rounded, and the output's multiplier is
    scaled to the T. The hardware has the right size, but its numbers are not trained unless the
    deployment has this T and width itself.
    """
    spec = deployment.spec
    # With the deployment's widest width, narrower layers keep theirs.
    rescaled = range(1, len(spec.layers) - 1) if weight_bits != hidden_bits(deployment) else ()
    layers, weights = list(spec.layers), list(deployment.weights)
    biases, thresholds = list(deployment.biases), list(deployment.thresholds)
    inits = list(deployment.inits)
    for index in rescaled:
        scale = weight_range(weight_bits)[1] / weight_range(layers[index].weight_bits)[1]
        layers[index] = replace(layers[index], weight_bits=weight_bits)
        for arrays in (weights, biases, thresholds, inits):
            scaled = np.rint(arrays[index] * scale)
            arrays[index] = scaled.astype(arrays[index].dtype)
        thresholds[index] = np.maximum(thresholds[index], 1)
    if timesteps in spec.timesteps:
        mult = deployment.mult(timesteps)
    else:
        # A sum over fewer timesteps needs a larger multiplier.
        longest = spec.timesteps_max
        mult = min((1 << MULT_BITS) - 1, round(deployment.mult(longest) * longest / timesteps))
    return replace(
        deployment,
        spec=replace(spec, layers=tuple(layers), timesteps=(timesteps,)),
        weights=tuple(weights),
        biases=tuple(biases),
        thresholds=tuple(thresholds),
        inits=tuple(inits),
        mults=np.array([mult], dtype=deployment.mults.dtype),
        provenance={"variant of": deployment.hash},
    )


def hidden_bits(deployment: Deployment) -> int:
    """Return the width of a deployment's widest hidden weights."""
    return max(layer.weight_bits for layer in deployment.spec.layers[1:-1])


def group_sizes(channels: int, group: int) -> dict[int, int]:
    """Return the number of channel groups of each size, at most ``group`` channels in a group."""
    sizes = [len(members) for members in channel_groups(channels, group)]
    return {size: sizes.count(size) for size in dict.fromkeys(sizes)}


def group_part(deployment: Deployment, hardware: Hardware, size: int, width: int) -> ChannelGroup:
    """Return a channel group of ``size`` channels.

    Parameters
    ----------
    deployment
        From `variant`.
    width
        Columns of the frame, for maps on chip.
    """
    groups = channel_groups(deployment.spec.channels, hardware.group)
    channels = next(group for group in groups if len(group) == size)
    external = hardware.maps == "memory"
    columns = strip_columns(hardware.timesteps) if external else width
    return channel_group(deployment, channels, columns, loadable=external)


def group_text(deployment: Deployment, hardware: Hardware, size: int, width: int) -> str:
    """Return the RTLIL of `group_part`."""
    group = group_part(deployment, hardware, size, width)
    return design_text(SideBySide({"group": group}))


def wrapped_group_text(deployment: Deployment, hardware: Hardware, size: int, width: int) -> str:
    """Return the RTLIL of `group_part` between registers, which can be placed and routed."""
    group = group_part(deployment, hardware, size, width)
    return design_text(RegisteredPins({"channel_group": group}))


def whole_text(deployment: Deployment, hardware: Hardware, height: int, width: int) -> str:
    """Return the RTLIL of the complete accelerator; arguments as in `rest_text`."""
    return design_text(SideBySide({"accelerator": _whole(deployment, hardware, height, width)}))


def rest_text(deployment: Deployment, hardware: Hardware, height: int, width: int) -> str:
    """Return the RTLIL of all parts except the channel groups.

    Parameters
    ----------
    deployment
        From `variant`.
    height, width
        Size of the frame, for maps on chip.
    """
    with warnings.catch_warnings(action="ignore", category=UnusedElaboratable):
        whole = _whole(deployment, hardware, height, width)
        parts = dict(_parts(whole))
        assert any(name.endswith("event_encoder") for name in parts), "a datapath is in it"
        text = design_text(SideBySide(parts))
        # Unused components, such as the groups, warn when they are deleted.
        del whole, parts
        gc.collect()
    return text


def _whole(deployment: Deployment, hardware: Hardware, height: int, width: int) -> Component:
    if hardware.maps == "memory":
        return System(deployment=deployment)
    return Accelerator(deployment=deployment, max_height=height, max_width=width)


def _parts(composed: Component | OutputPath, path: str = "") -> Iterator[tuple[str, Component]]:
    """Yield the parts of a composed component, recursively, without channel groups.

    Of a list of equal composed components, only the first one is taken.
    """
    for attribute, value in vars(composed).items():
        name = f"{path}{attribute.lstrip('_')}"
        several = isinstance(value, (list, tuple))
        one = value[0] if several and value else value
        if isinstance(one, ChannelGroup):
            continue
        if isinstance(one, _COMPOSED):
            yield from _parts(one, f"{name}_")
        elif isinstance(value, fifo.SyncFIFOBuffered):
            yield name, _Queue(value)
        elif isinstance(value, Component):
            yield name, value
        elif several:
            parts = (part for part in value if isinstance(part, Component))
            yield from ((f"{name}_{index}", part) for index, part in enumerate(parts))
