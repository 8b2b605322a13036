"""The host's end of the serial link: requests, answers, and retries if either is corrupted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sw_model.spec import PIXEL_MAX, PIXEL_MIN
from sw_model.spec.hardware import serial as serial_link
from sw_model.spec.hardware.sdram import fits
from sw_model.spec.hardware.serial import (
    BAUD,
    BYTE_BITS,
    CHECK_BYTES,
    DENOISE,
    DENOISED,
    DESCRIBE,
    DESCRIPTION,
    ERROR,
    ERRORS,
    HEADER_BYTES,
    SILENCE_SECONDS,
    SYNC,
    Description,
    Header,
)
from sw_model.spec.network import TIMESTEPS_MAX
from sw_model.support.errors import Failure

ATTEMPTS = 3
"""Times that a request is sent before the client gives up."""
FRAME_SECONDS = 10
"""Timeout for an answer, before the time per pixel is added."""
PIXEL_SECONDS = 2e-4
"""Timeout that is added per pixel: more than twice the 1802 cycles at 25 MHz that 16 layers of 64
channels take at an activity of 1.75, the highest of the shipped networks."""
PERMANENT = ("kind", "size", "pixel", "accelerator")
"""Errors that sending the same request again would not change."""
LINE_SHARE = 2
"""Time that bytes may take, relative to the line's time for them without pauses."""
CHUNK_BYTES = 4096
_POLL_SECONDS = 0.05

Progress = Callable[[int, int], None]
"""Takes the bytes transferred so far, in both directions, and their total."""


class LinkFailure(Failure):
    """The board refuses a request, or the line to it fails; the message says how."""


class Port(Protocol):
    """What the client needs of `serial.Serial`."""

    timeout: float | None

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; fewer when ``timeout`` seconds have passed."""

    def write(self, data: bytes, /) -> int | None:
        """Send bytes."""

    def reset_input_buffer(self) -> None:
        """Discard received bytes."""


class BoardClient:
    """Sends requests to the board, again if the line corrupts them.

    Parameters
    ----------
    port
        An open serial port.
    attempts
        Most times that a request is sent.
    baud
        Bits per second on the line.
    answer_seconds
        Time until an answer must have begun; by default `FRAME_SECONDS` and `PIXEL_SECONDS`. It
        must be complete after `LINE_SHARE` times the line's time for it in addition, whatever else
        arrives. Bytes after a corrupted answer may last as long.
    silence_seconds
        Time without a byte after which a corrupted answer has ended. Longer than the board's.
    progress
        Called with the bytes transferred.

    Attributes
    ----------
    complaints
        Why requests were sent again, in sentences.
    """

    def __init__(
        self,
        port: Port,
        *,
        attempts: int = ATTEMPTS,
        baud: int = BAUD,
        answer_seconds: float | None = None,
        silence_seconds: float = 2 * SILENCE_SECONDS,
        progress: Progress = lambda done, total: None,
    ):
        self._port = port
        self._port.timeout = min(_POLL_SECONDS, silence_seconds / 2)
        self._attempts = attempts
        self._byte_seconds = LINE_SHARE * BYTE_BITS / baud
        self._answer_seconds = answer_seconds
        self._silence_seconds = silence_seconds
        self._progress = progress
        self._sequence = time.monotonic_ns() % 255
        self.complaints: list[str] = []

    def describe(self) -> Description:
        """Return the description of the board's network; raises `LinkFailure`."""
        payload = self._request(DESCRIBE, DESCRIPTION)
        try:
            return serial_link.unpack_description(payload)
        except ValueError as error:
            raise LinkFailure(
                f"the board's description of its network is impossible: {error}"
            ) from None

    def denoise(self, pixels: npt.NDArray[np.integer], timesteps: int) -> npt.NDArray[np.uint8]:
        """Denoise a frame.

        Parameters
        ----------
        pixels
            (H, W), -512..511, of a size that a board can hold.
        timesteps
            T.

        Returns
        -------
        numpy.ndarray
            (H, W).

        Raises
        ------
        LinkFailure
            The board refuses the frame, or no attempt succeeded.
        ValueError
            Pixels or T are out of range.
        """
        if pixels.ndim != 2 or not _some_board_holds(*pixels.shape):
            raise ValueError(f"no board holds a frame of shape {pixels.shape}")
        if pixels.min() < PIXEL_MIN or pixels.max() > PIXEL_MAX:
            raise ValueError(f"there are pixels outside of {PIXEL_MIN}..{PIXEL_MAX}")
        if not 1 <= timesteps <= TIMESTEPS_MAX:
            raise ValueError(f"T = {timesteps} is not 1 to {TIMESTEPS_MAX}")
        payload = serial_link.noisy_payload(pixels)
        height, width = pixels.shape
        answer = self._request(DENOISE, DENOISED, timesteps, height, width, payload)
        return np.frombuffer(answer, np.uint8).reshape(pixels.shape)

    def _request(
        self,
        kind: int,
        wanted: int,
        detail: int = 0,
        height: int = 0,
        width: int = 0,
        payload: bytes = b"",
    ) -> bytes:
        """Return the payload of the answer to a request."""
        complaint = ""
        seconds = self._answer_seconds
        if seconds is None:
            seconds = FRAME_SECONDS + PIXEL_SECONDS * height * width
        for attempt in range(self._attempts):
            if attempt:
                self.complaints.append(complaint)
            self._sequence = self._sequence % 255 + 1
            header = Header(kind, self._sequence, detail, height, width)
            try:
                expected = Header(wanted, self._sequence, detail, height, width)
                self._send(serial_link.message(header, payload), expected)
                return self._answer(expected, len(payload), seconds)
            except _CorruptedError as error:
                complaint = str(error)
                self._drain(complaint, seconds + self._line_seconds(expected))
        times = "once" if self._attempts == 1 else f"{self._attempts} times"
        raise LinkFailure(f"{complaint}; the request was sent {times}")

    def _send(self, content: bytes, expected: Header) -> None:
        """Send a message, after discarding unexpected input."""
        self._port.reset_input_buffer()
        for start in range(0, len(content), CHUNK_BYTES):
            self._port.write(content[start : start + CHUNK_BYTES])
            done = min(start + CHUNK_BYTES, len(content))
            self._progress(done, len(content) + expected.payload_bytes)

    def _line_seconds(self, header: Header) -> float:
        """Time that the line may take for a message with this header."""
        return self._byte_seconds * (HEADER_BYTES + header.payload_bytes + CHECK_BYTES)

    def _answer(self, expected: Header, sent: int, seconds: float) -> bytes:
        """Return the payload of the expected answer."""
        begun = time.monotonic()
        limit = seconds + self._line_seconds(expected)
        while True:
            header = self._header(begun + seconds, seconds)
            if header.kind == ERROR and header.sequence in (0, expected.sequence):
                name = serial_link.error_name(header.detail)
                sentence = f"the board reports error {name!r}: {ERRORS.get(name, 'unknown')}"
                if name in PERMANENT:
                    raise LinkFailure(sentence)
                raise _CorruptedError(sentence)
            if header.kind not in (DESCRIPTION, DENOISED, ERROR) or (
                header.kind == DENOISED and not _some_board_holds(header.height, header.width)
            ):
                raise _CorruptedError(f"{header} is not an answer of a board")
            payload = self._payload(header, sent, begun + limit, limit)
            if header == expected:
                return payload
            if header.sequence == expected.sequence:
                raise _CorruptedError(f"the board answers with {header}, not with {expected}")
            # An answer to an earlier request: the right one may still come.

    def _header(self, deadline: float, seconds: float) -> Header:
        """Return the next header; bytes before it are skipped."""
        window = b""
        while len(window) < HEADER_BYTES or not window.startswith(SYNC):
            if time.monotonic() > deadline:
                raise _CorruptedError(f"no answer from the board within {seconds:g} s")
            window += self._port.read(1 if len(window) < len(SYNC) else HEADER_BYTES - len(window))
            while not SYNC.startswith(window[: len(SYNC)]):
                window = window[1:]
        header = serial_link.unpack_header(window)
        if header is None:
            raise _CorruptedError("the check of the answer's header is wrong")
        return header

    def _payload(self, header: Header, sent: int, deadline: float, seconds: float) -> bytes:
        """Return the payload after a header."""
        if not header.payload_bytes:
            return b""
        content = bytearray()
        length = header.payload_bytes + CHECK_BYTES
        last = time.monotonic()
        while len(content) < length:
            if time.monotonic() > deadline:
                raise _CorruptedError(
                    f"no complete answer from the board within {seconds:g} s: {len(content)} of "
                    f"{length} bytes came"
                )
            part = self._port.read(min(CHUNK_BYTES, length - len(content)))
            if part:
                last = time.monotonic()
                content += part
                self._progress(sent + len(content), sent + length)
            elif time.monotonic() - last > self._silence_seconds:
                raise _CorruptedError(f"the answer stopped after {len(content)} of {length} bytes")
        payload, check = bytes(content[:-CHECK_BYTES]), bytes(content[-CHECK_BYTES:])
        if check != serial_link.check(payload):
            raise _CorruptedError("the check of the answer's payload is wrong")
        return payload

    def _drain(self, complaint: str, seconds: float) -> None:
        """Wait until the line is silent; raise `LinkFailure` if it never is."""
        begun = last = time.monotonic()
        while time.monotonic() - last < self._silence_seconds:
            if self._port.read(CHUNK_BYTES):
                last = time.monotonic()
            if last - begun > seconds:
                raise LinkFailure(
                    f"{complaint}, and bytes keep coming after {seconds:.3g} s: "
                    f"is it the board's port, and its rate?"
                )


def _some_board_holds(height: int, width: int) -> bool:
    """Whether a board has room for a frame of this size, with the smallest network."""
    return fits(height, width, channels=1, timesteps=1)


class _CorruptedError(Exception):
    """A message was corrupted or lost; the text says how."""
