"""Messages between a host and the board over a serial line, defined once.

The hardware (`rtl.board.message_receiver`, `rtl.board.message_sender`), the host program
(`sw_model.host`) and the tables of `docs/reference/serial.md` use these definitions. A message is a
header of 16 bytes and, for kinds with a payload, the payload and its check. Numbers are
little-endian. Both checks are CRC-32 as in Ethernet and zlib: polynomial 0x04C11DB7, reflected,
initial value all ones, result inverted.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sw_model.spec.fixed_point import PIXEL_MAX, PIXEL_MIN
from sw_model.spec.network import CHANNELS_MAX, LAYERS_MAX, LAYERS_MIN, TIMESTEPS_MAX, NetworkSpec

SYNC = b"SDNC"
"""The first bytes of every message."""
VERSION = 1
"""Number of this protocol."""
CHECK_BYTES = 4
FIELDS = {
    "version": (1, f"of the protocol: {VERSION}"),
    "kind": (1, "of the message"),
    "sequence": (1, "chosen by the host, 1 to 255; the answer repeats it, or has 0 for a request "
    "whose header could not be read"),
    "detail": (1, "T of a request to denoise and of its answer; code of an error; otherwise 0"),
    "height": (2, "of the frame in pixels; 0 without one"),
    "width": (2, "likewise"),
}  # fmt: skip
"""Bytes and meaning of the header's fields, in order, between the sync and the check."""
_FIELDS_FORMAT = "<BBBBHH"
FIELD_BYTES = struct.calcsize(_FIELDS_FORMAT)
HEADER_BYTES = len(SYNC) + FIELD_BYTES + CHECK_BYTES

DESCRIBE, DENOISE = 0x01, 0x02
DESCRIPTION, DENOISED, ERROR = 0x81, 0x82, 0xFF
KINDS = {
    DESCRIBE: ("describe", "request: which network is in the board?"),
    DENOISE: ("denoise", "request: the noisy frame, row by row, two bytes a pixel, signed"),
    DESCRIPTION: ("description", "answer: hash of the deployment (32 bytes), then one bit for "
    "each T that it allows (8 bytes, bit T), channels (2), layers (2)"),
    DENOISED: ("denoised", "answer: the denoised frame, row by row, a byte a pixel"),
    ERROR: ("error", "answer: why there is none; its code is in `detail`"),
}  # fmt: skip
"""Name and meaning of every kind of message."""
NOISY_BYTES = 2
"""Bytes of a noisy pixel."""
_DESCRIPTION_FORMAT = "<32sQHH"
DESCRIPTION_BYTES = struct.calcsize(_DESCRIPTION_FORMAT)

ERRORS = {
    "none": "no error",
    "line": "a byte without its stop bit",
    "sync": "bytes that begin no message",
    "header": "the header's check is wrong",
    "kind": "the version or the kind is unknown",
    "size": "height or width is 0 or too large, or the deployment does not allow this T",
    "silence": "the message stopped before its end",
    "payload": "the payload's check is wrong",
    "pixel": f"a pixel is not {PIXEL_MIN}..{PIXEL_MAX}",
    "accelerator": "the accelerator or the memory reported an error",
}
"""Error codes in the order of their numbers, from 0."""
BAUD = 1_000_000
"""Bits a second, each byte with a start and a stop bit: the FT231X of the board divides 3 MHz."""
BYTE_BITS = 10
"""Bits of a byte on the line: start bit, eight bits from the lowest, stop bit."""
SILENCE_SECONDS = 0.25
"""A message ends when no byte has arrived for this long.

The board answers a faulty message only then, so that answer and request never overlap.
"""


@dataclass(frozen=True)
class Header:
    """Fields of a header."""

    kind: int
    sequence: int
    detail: int = 0
    height: int = 0
    width: int = 0
    version: int = VERSION

    def pack(self) -> bytes:
        """The header's 16 bytes."""
        fields = struct.pack(
            _FIELDS_FORMAT,
            self.version,
            self.kind,
            self.sequence,
            self.detail,
            self.height,
            self.width,
        )
        return SYNC + fields + check(fields)

    @property
    def payload_bytes(self) -> int:
        """Length of the payload, without its check; 0 for kinds that have none."""
        pixels = self.height * self.width
        return {
            DENOISE: NOISY_BYTES * pixels,
            DENOISED: pixels,
            DESCRIPTION: DESCRIPTION_BYTES,
        }.get(self.kind, 0)


def unpack_header(content: bytes) -> Header | None:
    """The header in 16 bytes, or None if sync or check are wrong."""
    fields = content[len(SYNC) : -CHECK_BYTES]
    if content[: len(SYNC)] != SYNC or content[-CHECK_BYTES:] != check(fields):
        return None
    version, kind, sequence, detail, height, width = struct.unpack(_FIELDS_FORMAT, fields)
    return Header(kind, sequence, detail, height, width, version)


def check(content: bytes) -> bytes:
    """CRC-32 of these bytes."""
    return struct.pack("<I", zlib.crc32(content))


def message(header: Header, payload: bytes = b"") -> bytes:
    """A complete message."""
    return header.pack() + (payload + check(payload) if payload else b"")


def noisy_payload(pixels: npt.NDArray[np.integer]) -> bytes:
    """(H, W) pixels as the payload of a request to denoise."""
    return pixels.astype("<i2").tobytes()


@dataclass(frozen=True)
class Description:
    """The board's description of its network.

    Attributes
    ----------
    deployment
        Hash of the deployment, in hexadecimal.
    timesteps
        Each T that it allows, ascending.
    """

    deployment: str
    timesteps: tuple[int, ...]
    channels: int
    layers: int

    def pack(self) -> bytes:
        """Payload of the answer."""
        allowed = sum(1 << steps for steps in self.timesteps)
        return struct.pack(
            _DESCRIPTION_FORMAT,
            bytes.fromhex(self.deployment),
            allowed,
            self.channels,
            self.layers,
        )


def description_of(deployment_hash: str, spec: NetworkSpec) -> Description:
    """The description of a network."""
    return Description(deployment_hash, spec.timesteps, spec.channels, len(spec.layers))


def unpack_description(payload: bytes) -> Description:
    """The description in an answer's payload; ValueError if no network can have it."""
    digest, allowed, channels, layers = struct.unpack(_DESCRIPTION_FORMAT, payload)
    timesteps = tuple(steps for steps in range(allowed.bit_length()) if allowed >> steps & 1)
    if not (
        1 <= channels <= CHANNELS_MAX
        and LAYERS_MIN <= layers <= LAYERS_MAX
        and timesteps
        and 1 <= timesteps[0] <= timesteps[-1] <= TIMESTEPS_MAX
    ):
        raise ValueError(
            f"{layers} layers of {channels} channels, with T of "
            f"{', '.join(map(str, timesteps)) or 'none'}, are no network"
        )
    return Description(digest.hex(), timesteps, channels, layers)


def error_code(name: str) -> int:
    """Number of an error of `ERRORS`."""
    return list(ERRORS).index(name)


def error_name(code: int) -> str:
    """Name of an error by its number; unknown ones get a name too."""
    names = list(ERRORS)
    return names[code] if code < len(names) else f"number {code}"
