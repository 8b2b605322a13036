"""Driver of the accelerator: which registers to write and how to read them, for any bus.

It does no input or output of its own. A program on a board, a testbench or a simulation takes the
register accesses from here and performs them over its own connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sw_model.spec import Deployment, UsageError
from sw_model.spec.hardware.buffers import ADDRESS_BITS, WORD_BYTES, FrameBuffers
from sw_model.spec.hardware.registers import (
    COUNTERS,
    ERRORS,
    FRAME_HEIGHT_MAX,
    FRAME_WIDTH_MAX,
    IDENTITY,
    REGISTER_BITS,
    REGISTERS,
    VERSION,
)

Write = tuple[int, int]
"""Byte offset of a register, and the value to write."""


@dataclass(frozen=True)
class FrameJob:
    """A frame in memory.

    Parameters
    ----------
    buffers
        Size and layout.
    addresses
        Byte address of each buffer, by the names of their registers: NOISY, DENOISED, MAP_A,
        MAP_B.

    Raises
    ------
    UsageError
        The size is out of range, or buffers overlap, are not aligned or lie beyond 4 GiB.
    """

    buffers: FrameBuffers
    addresses: Mapping[str, int]

    def __post_init__(self) -> None:
        for name, value, most in (
            ("height", self.buffers.height, FRAME_HEIGHT_MAX),
            ("width", self.buffers.width, FRAME_WIDTH_MAX),
        ):
            if not 1 <= value <= most:
                raise UsageError(f"frame {name} {value} is not 1..{most} pixels")
        end = 0
        sizes = self.buffers.sizes
        for address, name in sorted((self.addresses[name], name) for name in sizes):
            if address % WORD_BYTES:
                raise UsageError(f"address {address:#x} of {name} is not a multiple of 8")
            if address < end:
                raise UsageError(f"buffer {name} at {address:#x} overlaps the one before it")
            end = address + sizes[name]
            if end > 1 << ADDRESS_BITS:
                raise UsageError(f"buffer {name} at {address:#x} reaches beyond 4 GiB")

    def start(self, *, interrupt: bool = False) -> Iterator[Write]:
        """The writes that start the frame."""
        values = {
            "HEIGHT": self.buffers.height,
            "WIDTH": self.buffers.width,
            "TIMESTEPS": self.buffers.timesteps,
            **{name: self.addresses[name] for name in self.buffers.sizes},
            "INTERRUPT": int(interrupt),
            "CONTROL": control("start"),
        }
        for name, value in values.items():
            yield REGISTERS[name].offset, value


def frame_job(
    deployment: Deployment, height: int, width: int, timesteps: int, base: int = 0
) -> FrameJob:
    """Return a frame whose buffers lie one after the other from ``base`` on.

    Raises
    ------
    UsageError
        The deployment does not allow this T, or as in `FrameJob`.
    """
    deployment.mult(timesteps)
    buffers = FrameBuffers(height, width, timesteps, deployment.spec.channels)
    addresses, address = {}, base
    for name, size in buffers.sizes.items():
        addresses[name] = address
        address += size
    return FrameJob(buffers, addresses)


def check_identity(identity: int, version: int) -> None:
    """Raise `UsageError` unless the registers identify this accelerator and register map.

    Call it before any write: registers and loaded data differ between versions.
    """
    if identity != IDENTITY:
        raise UsageError(f"IDENTITY reads {identity:#010x}, not {IDENTITY:#010x}: no accelerator")
    if version != VERSION:
        raise UsageError(
            f"VERSION of the register map reads {version}; this driver knows {VERSION}"
        )


def control(action: str) -> int:
    """Value of the register CONTROL for one of its fields."""
    return 1 << REGISTERS["CONTROL"].field(action).low


@dataclass(frozen=True)
class Status:
    """Contents of the register STATUS."""

    busy: bool
    done: bool
    error: str
    layer: int


def status(value: int) -> Status:
    """Decode a value of the register STATUS."""
    fields = {
        field.name: value >> field.low & ((1 << field.bits) - 1)
        for field in REGISTERS["STATUS"].fields
    }
    return Status(
        busy=bool(fields["busy"]),
        done=bool(fields["done"]),
        error=list(ERRORS)[fields["error"]],
        layer=fields["layer"],
    )


def counter_offsets() -> dict[str, tuple[int, int]]:
    """Offsets of the lower and the upper half of each performance counter."""
    return {
        name: (REGISTERS[f"{name}_LOW"].offset, REGISTERS[f"{name}_HIGH"].offset)
        for name in COUNTERS
    }


def counter(low: int, high: int) -> int:
    """A performance counter from its halves."""
    return high << REGISTER_BITS | low
