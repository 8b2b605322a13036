"""Designs for synthesis: hardware between registers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.lib.wiring import Component

from rtl.axi.accelerator import System
from rtl.core.channel_group import ChannelGroup
from rtl.core.datapath import Datapath
from rtl.core.event_encoder import EventEncoder
from rtl.core.loading import LoadPlace
from rtl.core.pixel_window import PixelWindow
from rtl.onchip.accelerator import Accelerator
from sw_model.spec import TAPS, Deployment
from sw_model.spec.hardware.cycles import GROUP_CHANNELS
from sw_model.spec.hardware.strips import network_columns
from sw_model.spec.packing import channel_groups

from .wrapper import RegisteredPins
from .yosys import check_tools, content_hash

WRAPPER = "inputs from an on-chip shift register, outputs folded by XOR into one pin"
HEIGHT_MAX = 4096
"""Height of a strip; only counters depend on it."""


def _event_encoder(deployment: Deployment, width: int) -> tuple[Component, int, str]:
    channels = deployment.spec.channels
    return EventEncoder(channels=channels), 0, f"event encoder of {channels} channels"


def _datapath(deployment: Deployment, width: int) -> tuple[Component, int, str]:
    datapath = Datapath(deployment=deployment, max_height=HEIGHT_MAX, max_width=width)
    what = f"datapath, activation words streaming in and out, strips up to {width} columns"
    return datapath, TAPS * deployment.spec.channels, what


def channel_group(
    deployment: Deployment,
    channels: Sequence[int],
    width: int,
    *,
    loadable: bool = False,
) -> ChannelGroup:
    """A channel group as in the datapath; see `ChannelGroup`."""
    kinds = dict.fromkeys(layer.neuron for layer in deployment.spec.spiking_layers if layer.neuron)
    return ChannelGroup(
        deployment=deployment,
        channels=channels,
        neurons=tuple(kinds),
        max_width=width,
        hidden=LoadPlace("hidden") if loadable else None,
        encoding=LoadPlace("encoding") if loadable else None,
    )


def _channel_group(deployment: Deployment, width: int) -> tuple[Component, int, str]:
    channels = channel_groups(deployment.spec.channels, GROUP_CHANNELS)[0]
    group = channel_group(deployment, channels, width)
    what = f"channel group of {len(channels)} channels, strips up to {width} columns"
    return group, TAPS * len(channels), what


def _pixel_window(deployment: Deployment, width: int) -> tuple[Component, int, str]:
    window = PixelWindow(
        max_height=HEIGHT_MAX, max_width=width, max_timesteps=deployment.spec.timesteps_max
    )
    return window, 0, f"pixel window, strips up to {width} columns"


PARTS = {
    "datapath": _datapath,
    "event_encoder": _event_encoder,
    "channel_group": _channel_group,
    "pixel_window": _pixel_window,
}
"""Values of ``--component``; each function returns component, number of lanes and description."""


def wrapped_design(
    deployment: Deployment,
    *,
    engines: int = 1,
    size: tuple[int, int] | None = None,
    component: str | None = None,
) -> tuple[RegisteredPins, int, str]:
    """The hardware between registers, its number of lanes, and a description.

    Parameters
    ----------
    engines
        Number of accelerators side by side if maps are on chip; otherwise engines of one
        accelerator.
    size
        Height and width of the largest frame for the accelerator with maps on chip; None for the
        accelerator with AXI ports and maps in external memory.
    component
        One of `PARTS`, to synthesise it alone.
    """
    if component is not None:
        width = network_columns(deployment.spec)
        part, lanes, what = PARTS[component](deployment, width)
        return RegisteredPins({component: part}), lanes, what
    parts: dict[str, Component] = {}
    if size is not None:
        height, width = size
        for index in range(engines):
            parts[f"accelerator_{index}"] = Accelerator(
                deployment=deployment, max_height=height, max_width=width
            )
        what = f"accelerator with activation maps on chip, frames up to {height}x{width}"
    else:
        parts["system"] = System(deployment=deployment, engines=engines)
        what = "accelerator with AXI ports, maps in external memory"
    return RegisteredPins(parts), TAPS * deployment.spec.channels * engines, what


def report_head(
    deployment: Deployment,
    wrapper: RegisteredPins,
    text: str,
    *,
    engines: int,
    lanes: int,
    what: str,
) -> dict[str, Any]:
    """The fields of a report that do not depend on the device, for a design that passed the checks.

    Parameters
    ----------
    text
        The wrapper's RTLIL. The other parameters are as in `wrapped_design`.
    """
    return {
        "deployment": deployment.hash,
        "network": deployment.spec.name,
        "timesteps_max": deployment.spec.timesteps_max,
        "weight_bits": max(layer.weight_bits for layer in deployment.spec.layers[1:-1]),
        "design": what,
        "design_hash": content_hash(text),
        "wrapper": WRAPPER,
        "wrapper_bits": wrapper.bits,
        "engines": engines,
        "lanes": lanes,
        "tools": check_tools(),
        "latches": 0,
        "combinational_loops": 0,
    }
