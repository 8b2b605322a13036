"""What every port of the generated top modules means, by interface, the only place that says so."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.lib.wiring import Signature

from rtl.axi.accelerator import memory_ports
from rtl.axi.signature import AxiLiteSignature, AxiSignature
from rtl.board.ulx3s_pins import PINS

Interfaces = Mapping[str, Mapping[str, str]]
"""Meanings of ports by their names, by the title of their interface."""

CLOCK = {"clk": "clock, rising edge", "rst": "reset, synchronous, active high"}
_LAYER = {
    "layer": "number of the layer under way, 0 being the encoding layer",
    "layer_done": "its last cycle",
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
    "ready": "ready; a transfer happens in a cycle in which valid is 1, too",
    "id": "ID; there is one, 0",
    "addr": "byte address",
    "len": "beats of the burst, less 1",
    "size": "log2 of the bytes of a beat",
    "burst": "kind of burst, INCR: ascending addresses",
    "lock": "0, no exclusive access",
    "cache": "memory attributes: normal, non-cacheable, bufferable",
    "prot": "protection attributes",
    "data": "the word",
    "strb": "bytes that are written, a bit a byte",
    "last": "last beat of the burst",
    "resp": "0 okay, 2 or 3 an error",
}

ACCELERATOR: Interfaces = {
    "clock and reset": CLOCK,
    "frame": {
        "start": "begin a frame; taken only while `busy` is 0",
        "height": "rows of the frame; sampled at `start`",
        "width": "columns of the frame; sampled at `start`",
        "timesteps": "T of the frame; sampled at `start`",
        "busy": "a frame is under way",
        "error": "the last `start` was refused: a size of 0 or beyond the maximum, or a T that the "
        "deployment does not allow",
    },
    "pixels (stream)": {
        "pixels__payload": "noisy pixel, signed, raster order",
        "pixels__valid": "a noisy pixel is offered; it stays until it is taken",
        "pixels__ready": "it is taken in a cycle in which `pixels__valid` is 1, too",
    },
    "denoised (stream)": {
        "denoised__payload": "denoised pixel, raster order",
        "denoised__valid": "a denoised pixel is offered; it stays until it is taken",
        "denoised__ready": "it is taken in a cycle in which `denoised__valid` is 1, too",
    },
    "trace": {
        "trace__valid": "an event word is written; may stay unconnected, as all of the trace",
        "trace__layer": "its layer",
        "trace__word": "its spikes, bit c is channel c; order (y, x, t), t innermost",
    },
    "progress": {
        **_LAYER,
        "cycles": "cycles of the frame so far",
        "events": "events of the frame so far: cycles in which the synapse array adds",
    },
}
"""Of `rtl.onchip.accelerator.Accelerator`."""


def system_interfaces(engines: int) -> Interfaces:
    """Of `rtl.axi.accelerator.System` with so many engines."""
    return {
        "clock and reset": CLOCK,
        "s_axi: AXI4-Lite subordinate, registers": _axi("s_axi", AxiLiteSignature(1)),
        **{
            f"{name}: AXI4 manager, external memory": _axi(name, AxiSignature())
            for name in memory_ports(engines)
        },
        "interrupt and progress": {
            "irq": "high from a frame's end until software clears it, where it is enabled",
            **_LAYER,
        },
    }


BOARD: Interfaces = {"pins": {name: pin.meaning for name, pin in PINS.items()}}
"""Of `rtl.board.ulx3s.Ulx3s`."""


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
