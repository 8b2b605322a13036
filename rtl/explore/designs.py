"""The parts that an accelerator is put together from, each to be synthesised by itself."""

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
from rtl.flow.designs import channel_group
from rtl.flow.wrapper import RegisteredPins
from rtl.flow.yosys import design_text
from rtl.onchip.accelerator import Accelerator
from sw_model.spec import Deployment
from sw_model.spec.fixed_point import MULT_BITS, weight_range
from sw_model.spec.hardware.strips import strip_columns
from sw_model.spec.packing import channel_groups

MAPS = ("chip", "memory")
"""Where activation maps are: on chip, or in external memory with the buses that it takes."""
_COMPOSED = (Accelerator, Datapath, StripEngine, System)
"""Components that consist of others, and of little logic of their own between them."""


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """What an accelerator is generated from.

    Attributes
    ----------
    maps
        One of `MAPS`.
    timesteps
        The T that it is made for.
    weight_bits
        Of hidden weights.
    group
        Most channels of a channel group.
    """

    maps: str
    timesteps: int
    weight_bits: int
    group: int


class SideBySide(wiring.Component):
    """Components beside each other, each with all of its ports, and no logic between them.

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
    """A queue of Amaranth's, which are no components."""

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
    """The deployment for one T and another width of its hidden weights.

    Numbers of hidden layers are scaled to the width and rounded, and the output's multiplier to
    the T: hardware of the right size, which computes what nobody has trained unless the
    deployment has this T and width itself.
    """
    spec = deployment.spec
    # Layers whose own widths differ stay as they are where the widest one is asked for.
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
        # What is summed over fewer timesteps weighs more.
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
    """Widest hidden weights of a deployment."""
    return max(layer.weight_bits for layer in deployment.spec.layers[1:-1])


def group_sizes(channels: int, group: int) -> dict[int, int]:
    """How many channel groups of at most ``group`` channels there are of each size."""
    sizes = [len(part) for part in channel_groups(channels, group)]
    return {size: sizes.count(size) for size in dict.fromkeys(sizes)}


def group_part(deployment: Deployment, hardware: Hardware, size: int, width: int) -> ChannelGroup:
    """A channel group of a number of channels.

    Parameters
    ----------
    deployment
        As `variant` gives it.
    width
        Columns of the frame, for maps on chip.
    """
    groups = channel_groups(deployment.spec.channels, hardware.group)
    channels = next(group for group in groups if len(group) == size)
    external = hardware.maps == "memory"
    columns = strip_columns(hardware.timesteps) if external else width
    return channel_group(deployment, channels, columns, loadable=external)


def group_text(deployment: Deployment, hardware: Hardware, size: int, width: int) -> str:
    """RTLIL of `group_part`."""
    group = group_part(deployment, hardware, size, width)
    return design_text(SideBySide({"group": group}))


def wrapped_group_text(deployment: Deployment, hardware: Hardware, size: int, width: int) -> str:
    """RTLIL of `group_part` between registers, which can be placed."""
    group = group_part(deployment, hardware, size, width)
    return design_text(RegisteredPins({"channel_group": group}))


def whole_text(deployment: Deployment, hardware: Hardware, height: int, width: int) -> str:
    """RTLIL of the accelerator as it is generated; arguments as of `rest_text`."""
    return design_text(SideBySide({"accelerator": _whole(deployment, hardware, height, width)}))


def rest_text(deployment: Deployment, hardware: Hardware, height: int, width: int) -> str:
    """RTLIL of all parts but the channel groups.

    Parameters
    ----------
    deployment
        As `variant` gives it.
    height, width
        Of the frame, for maps on chip.
    """
    with warnings.catch_warnings(action="ignore", category=UnusedElaboratable):
        whole = _whole(deployment, hardware, height, width)
        parts = dict(_parts(whole))
        assert any(name.endswith("event_encoder") for name in parts), "a datapath is in it"
        text = design_text(SideBySide(parts))
        # What was made and is not part of it, the groups above all, complains when it goes.
        del whole, parts
        gc.collect()
    return text


def _whole(deployment: Deployment, hardware: Hardware, height: int, width: int) -> Component:
    if hardware.maps == "memory":
        return System(deployment=deployment)
    return Accelerator(deployment=deployment, max_height=height, max_width=width)


def _parts(composed: Component, path: str = "") -> Iterator[tuple[str, Component]]:
    """What a composed component consists of, that of composed ones in it too, without groups.

    Of several that are composed and alike, one is taken.
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
