"""The registers of the accelerator with AXI ports, defined once.

This table is the source of the hardware (`rtl.axi.registers`), of the driver
(`sw_model.host.driver`), and, by ``python -m rtl registers``, of the C header and the table of the
documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

IDENTITY = 0x53444E43
"""Value of the first register: "SDNC"."""
VERSION = 4
"""Number of this register map."""
REGISTER_BITS = 32
ADDRESS_BITS = 8
"""Width of the AXI4-Lite port's byte addresses."""
FRAME_WIDTH_MAX = 4096
FRAME_HEIGHT_MAX = (1 << 16) - 1
"""Largest frame, in pixels."""
HASH_REGISTERS = 8
"""32-bit registers that hold the deployment's SHA-256, its first digits in the first one."""

ERRORS = {
    "none": "the last frame was denoised, or none was started yet",
    "size": "refused: height or width is 0, the width above 4096, or T not one of the deployment's",
    "address": "an address is not a multiple of 8, or a buffer reaches beyond 4 GiB",
    "read": "the memory answered a read with an error",
    "write": "the memory answered a write with an error",
    "aborted": "software aborted the frame",
}
"""Error codes in the order of their numbers, from 0."""

LOAD_MEMORIES = {
    "hidden": "hidden weights: row (layer - 1) * C + input channel",
    "output": "weights of the output layer: row input channel",
    "encoding": "tables of the encoding layer, as `sw_model/spec/encoding_tables.py` gives them",
    "neurons": "constants of the neurons: row layer * C + channel",
    "scaling": "output layer: row index of T among those allowed; chunk 0 mult, 1 T * bias",
}
"""Memories that can be loaded, in the order of their numbers, from 0."""

Access = Literal["read", "read-write", "write"]


@dataclass(frozen=True, kw_only=True)
class Field:
    """Bits ``low`` to ``low + bits - 1`` of a register."""

    name: str
    low: int
    bits: int
    meaning: str


@dataclass(frozen=True, kw_only=True)
class Register:
    """A 32-bit register.

    Attributes
    ----------
    access
        "read": driven by the hardware; "read-write": holds what is written; "write": a write is
        an action, and reading gives 0.
    bits
        Number of bits, from the lowest. The others read as 0; a read-write register refuses a
        number that has any of them.
    locked
        Writes are refused while a frame is being denoised.
    kept
        Not changed by a reset, and set to 0 by a write to LOAD_DATA.
    """

    name: str
    offset: int
    access: Access
    meaning: str
    bits: int = REGISTER_BITS
    locked: bool = False
    kept: bool = False
    fields: tuple[Field, ...] = ()

    def field(self, name: str) -> Field:
        """The field of that name; KeyError without one."""
        try:
            return next(field for field in self.fields if field.name == name)
        except StopIteration:
            raise KeyError(f"register {self.name} has no field {name!r}") from None


COUNTERS = {
    "CYCLES": "cycles from start to done",
    "EVENTS": "events that the synapse arrays took",
    "BUSY": "cycles in which an array took an event, or a bit of the encoding layer's pixels",
    "EMPTY": "cycles in which it took a zero word, of the map or of the flush at a strip's end",
    "STALL_INPUT": "cycles in which it waited for words from memory",
    "STALL_OUTPUT": "cycles in which it was held up by what comes after it",
    "STALL_CHANGE": "all other cycles: set-up (constants too), fill and drain of a strip",
    "WORDS_READ": "64-bit words read from memory",
    "WORDS_WRITTEN": "64-bit words written to memory",
}
"""Counters of the current frame or, when it is done, of the last one.

All but CYCLES are sums over the engines. BUSY, EMPTY and the three stalls add up to CYCLES times
the number of engines.
"""
COUNTER_BITS = 48
"""Enough for 32 days at 100 MHz."""

_ADDRESS = "; a multiple of 8"


def _table() -> tuple[Register, ...]:
    control = (
        Field(name="start", low=0, bits=1, meaning="denoise a frame; taken only while busy is 0"),
        Field(name="abort", low=1, bits=1, meaning="end the frame under way"),
        Field(name="clear", low=2, bits=1, meaning="clear done, and with it the interrupt"),
    )
    status = (
        Field(name="busy", low=0, bits=1, meaning="a frame is under way"),
        Field(name="done", low=1, bits=1, meaning="it ended, well or not; until clear or start"),
        Field(name="error", low=4, bits=4, meaning="why it did not end well"),
        Field(name="layer", low=8, bits=6, meaning="the layer under way"),
    )
    shape = (
        Field(name="channels", low=0, bits=9, meaning="C"),
        Field(name="layers", low=12, bits=7, meaning="number of layers"),
        Field(name="timesteps_max", low=20, bits=6, meaning="largest T"),
        Field(name="engines", low=28, bits=3, meaning="engines that share a frame's rows"),
    )
    load = (
        Field(name="chunk", low=0, bits=12, meaning="32 bits of the row, from its lowest"),
        Field(name="row", low=12, bits=16, meaning="row of the memory"),
        Field(name="memory", low=28, bits=4, meaning="number of the memory"),
    )
    registers = [
        Register(name="IDENTITY", offset=0x00, access="read", meaning=f"{IDENTITY:#x}"),
        Register(name="VERSION", offset=0x04, access="read", meaning="of this register map"),
        Register(
            name="CONTROL",
            offset=0x08,
            access="write",
            bits=3,
            fields=control,
            meaning="actions",
        ),
        Register(
            name="STATUS",
            offset=0x0C,
            access="read",
            bits=14,
            fields=status,
            meaning="what goes on",
        ),
        Register(
            name="INTERRUPT",
            offset=0x10,
            access="read-write",
            bits=1,
            fields=(Field(name="enable", low=0, bits=1, meaning="raise irq while done is 1"),),
            meaning="interrupt",
        ),
        Register(
            name="HEIGHT",
            offset=0x14,
            access="read-write",
            bits=16,
            meaning=f"of the frame, 1 to {FRAME_HEIGHT_MAX} pixels",
        ),
        Register(
            name="WIDTH",
            offset=0x18,
            access="read-write",
            bits=13,
            meaning=f"of the frame, 1 to {FRAME_WIDTH_MAX} pixels",
        ),
        Register(
            name="TIMESTEPS",
            offset=0x1C,
            access="read-write",
            bits=6,
            meaning="T, one of those that the deployment allows",
        ),
    ]
    for offset, name, meaning in (
        (0x20, "NOISY", "address of the noisy image"),
        (0x24, "DENOISED", "address of the denoised image"),
        (0x28, "MAP_A", "address of the map that the even layers write"),
        (0x2C, "MAP_B", "address of the map that the odd layers write"),
    ):
        registers.append(
            Register(name=name, offset=offset, access="read-write", meaning=meaning + _ADDRESS)
        )
    registers += [
        Register(
            name="SHAPE",
            offset=0x30,
            access="read",
            bits=31,
            fields=shape,
            meaning="of the network and of the hardware",
        ),
        Register(
            name="COLUMNS",
            offset=0x34,
            access="read",
            bits=13,
            meaning="widest strip, in input columns",
        ),
        Register(
            name="LOAD_ADDRESS",
            offset=0x40,
            access="read-write",
            fields=load,
            locked=True,
            meaning="where LOAD_DATA goes; the chunk counts up with every LOAD_DATA",
        ),
        Register(
            name="LOAD_DATA",
            offset=0x44,
            access="write",
            locked=True,
            meaning="32 bits into the memory",
        ),
    ]
    registers += [
        Register(
            name=f"HASH_{index}",
            offset=0x50 + 4 * index,
            access="read-write",
            locked=True,
            kept=True,
            meaning=f"digits {8 * index} to {8 * index + 7} of the deployment's hash; "
            f"0 from the first load on, until software writes those of what it has loaded",
        )
        for index in range(HASH_REGISTERS)
    ]
    for index, (name, meaning) in enumerate(COUNTERS.items()):
        registers += [
            Register(name=f"{name}_LOW", offset=0x80 + 8 * index, access="read", meaning=meaning),
            Register(
                name=f"{name}_HIGH",
                offset=0x84 + 8 * index,
                access="read",
                bits=COUNTER_BITS - REGISTER_BITS,
                meaning="its upper bits",
            ),
        ]
    return tuple(registers)


REGISTERS = {register.name: register for register in _table()}
"""All registers by name, ascending by offset."""


def error_code(name: str) -> int:
    """Number of an error of `ERRORS`."""
    return list(ERRORS).index(name)


def load_memory(name: str) -> int:
    """Number of a memory of `LOAD_MEMORIES`."""
    return list(LOAD_MEMORIES).index(name)
