"""Meaning of every port of the generated top modules, by interface."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.lib.wiring import Signature

from rtl.axi.accelerator import memory_ports
from rtl.axi.signature import AxiLiteSignature, AxiSignature
from rtl.board.ulx3s_pins import PINS

Interfaces = Mapping[str, Mapping[str, str]]
"""For each interface title: the meanings of its ports by name."""

CLOCK = {"clk": "clock, rising edge", "rst": "reset, synchronous, active high"}
_LAYER = {
    "layer": "number of the layer in progress; 0 is the encoding layer",
    "layer_done": "last cycle of the layer",
}
_AXI_CHANNELS = {
    "aw": "write address",
    "w": "write data",
    "b": "write response",
    "ar": "read address",
    "r": "read data",
}
_AXI_FIELDS = {
    "valid": "valid",
    "ready": "ready; a transfer happens in a cycle with valid and ready",
    "id": "ID; always 0",
    "addr": "byte address",
    "len": "beats of the burst, minus 1",
    "size": "log2 of the bytes per beat",
    "burst": "burst type, INCR: ascending addresses",
    "lock": "0, no exclusive access",
    "cache": "memory attributes: normal, non-cacheable, bufferable",
    "prot": "protection attributes",
    "data": "the word",
    "strb": "bytes that are written, one bit per byte",
    "last": "last beat of the burst",
    "resp": "0 okay, 2 or 3 error",
}

_ACCELERATOR: Interfaces = {
    "clock and reset": CLOCK,
    "frame": {
        "start": "begin a frame; ignored while `busy` is 1",
        "height": "rows of the frame; sampled at `start`",
        "width": "columns of the frame; sampled at `start`",
        "timesteps": "T of the frame; sampled at `start`",
        "busy": "a frame is in progress",
        "error": "the last `start` was refused: a size of 0 or beyond the maximum, or a T or "
        "noise level that the deployment does not allow",
    },
    "pixels (stream)": {
        "pixels__payload": "noisy pixel, signed, raster order",
        "pixels__valid": "a noisy pixel is offered; must stay until it is accepted",
        "pixels__ready": "it is accepted in a cycle with `pixels__valid` and `pixels__ready`",
    },
    "denoised (stream)": {
        "denoised__payload": "denoised pixel, raster order",
        "denoised__valid": "a denoised pixel is offered; stays until it is accepted",
        "denoised__ready": "it is accepted in a cycle with `denoised__valid` and `denoised__ready`",
    },
    "trace": {
        "trace__valid": "an event word is written; the trace may stay unconnected",
        "trace__layer": "layer of the event word",
        "trace__word": "spikes of the word, bit c is channel c; order (y, x, t), t innermost",
    },
    "progress": {
        **_LAYER,
        "cycles": "cycles of the frame so far",
        "events": "events of the frame so far: cycles in which the synapse array adds",
    },
}


def accelerator_interfaces(*, levels: bool) -> Interfaces:
    """Ports of `rtl.onchip.accelerator.Accelerator`; with ``levels``, it takes a noise level."""
    if not levels:
        return _ACCELERATOR
    frame = dict(_ACCELERATOR["frame"])
    level = (
        "noise level of the frame in sixteenths of a grey level; sampled at `start`; only for a "
        "network that takes one"
    )
    return {**_ACCELERATOR, "frame": {**frame, "level": level}}


def system_interfaces(engines: int) -> Interfaces:
    """Ports of `rtl.axi.accelerator.System` with `engines` engines."""
    return {
        "clock and reset": CLOCK,
        "s_axi: AXI4-Lite subordinate, registers": _axi("s_axi", AxiLiteSignature(1)),
        **{
            f"{name}: AXI4 manager, external memory": _axi(name, AxiSignature())
            for name in memory_ports(engines)
        },
        "interrupt and progress": {
            "irq": "high from the end of a frame until software clears it, if enabled",
            **_LAYER,
        },
    }


BOARD: Interfaces = {"pins": {name: pin.meaning for name, pin in PINS.items()}}
"""Ports of `rtl.board.ulx3s.Ulx3s`."""


def _axi(port: str, signature: Signature) -> dict[str, str]:
    """Meanings of an AXI port's signals."""
    meanings = {}
    for path, member in signature.members.flatten():
        if not member.is_port:
            continue
        name = path[-1]
        channel = max((each for each in _AXI_CHANNELS if name.startswith(each)), key=len)
        field = name.removeprefix(channel)
        meanings[f"{port}_{name}"] = f"{_AXI_CHANNELS[channel]}: {_AXI_FIELDS[field]}"
    return meanings
