"""The host's end of the serial link: requests, answers, and what to do when either is spoilt."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sw_model.spec import serial_link
from sw_model.spec.serial_link import (
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

from .errors import LinkFailure

ATTEMPTS = 3
"""Times that a request is sent before the client gives up."""
FRAME_SECONDS = 10
"""Shortest time that an answer is waited for."""
PIXEL_SECONDS = 2e-4
"""What is added for each pixel: more than twice the 1802 cycles at 25 MHz that 16 layers of 64
channels take at an activity of 1.75, the highest of the shipped networks."""
LASTING = ("kind", "size", "pixel", "accelerator")
"""Errors that sending the same request again would not change."""
REST_SECONDS = 60.0
"""Longest that what follows a spoilt answer may last: ten times the largest frame's at 1 Mbaud."""
CHUNK_BYTES = 4096
_POLL_SECONDS = 0.05

Progress = Callable[[int, int], None]
"""Takes the bytes that have gone either way, and how many will."""


class Port(Protocol):
    """What the client needs of `serial.Serial`."""

    timeout: float | None

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; fewer when ``timeout`` seconds have passed."""

    def write(self, data: bytes, /) -> int | None:
        """Send bytes."""

    def reset_input_buffer(self) -> None:
        """Forget what has come."""


class BoardClient:
    """Has requests done by the board, again where the line spoils them.

    Parameters
    ----------
    port
        An open serial port.
    attempts
        Times that a request is sent at most.
    answer_seconds
        Time until an answer must begin; by default `FRAME_SECONDS` and `PIXEL_SECONDS`.
    silence_seconds
        Time without a byte after which a spoilt answer has ended. Longer than the board's.
    rest_seconds
        Time that what follows a spoilt answer may last at most.
    progress
        Told of bytes that have gone.

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
        answer_seconds: float | None = None,
        silence_seconds: float = 2 * SILENCE_SECONDS,
        rest_seconds: float = REST_SECONDS,
        progress: Progress = lambda done, whole: None,
    ):
        self._port = port
        self._port.timeout = min(_POLL_SECONDS, silence_seconds / 2)
        self._attempts = attempts
        self._answer_seconds = answer_seconds
        self._silence_seconds = silence_seconds
        self._rest_seconds = rest_seconds
        self._progress = progress
        self._sequence = time.monotonic_ns() % 255
        self.complaints: list[str] = []

    def describe(self) -> Description:
        """Which network is in the board; raises `LinkFailure`."""
        return serial_link.unpack_description(self._request(DESCRIBE, DESCRIPTION))

    def denoise(self, pixels: npt.NDArray[np.integer], timesteps: int) -> npt.NDArray[np.uint8]:
        """Denoise a frame.

        Parameters
        ----------
        pixels
            (H, W), -512..511.
        timesteps
            T.

        Returns
        -------
        numpy.ndarray
            (H, W).

        Raises
        ------
        LinkFailure
            The board refuses the frame, or no attempt came to an end.
        """
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
        """Payload of the answer to a request."""
        complaint = ""
        for attempt in range(self._attempts):
            if attempt:
                self.complaints.append(complaint)
            self._sequence = self._sequence % 255 + 1
            header = Header(kind, self._sequence, detail, height, width)
            try:
                expected = Header(wanted, self._sequence, detail, height, width)
                self._send(serial_link.message(header, payload), expected)
                return self._answer(expected, len(payload))
            except _Spoilt as spoilt:
                complaint = str(spoilt)
                self._drain(complaint)
        times = "once" if self._attempts == 1 else f"{self._attempts} times"
        raise LinkFailure(f"{complaint}; the request was sent {times}")

    def _send(self, content: bytes, expected: Header) -> None:
        """Send a message, after forgetting what came without having been asked for."""
        self._port.reset_input_buffer()
        for place in range(0, len(content), CHUNK_BYTES):
            self._port.write(content[place : place + CHUNK_BYTES])
            done = min(place + CHUNK_BYTES, len(content))
            self._progress(done, len(content) + expected.payload_bytes)

    def _answer(self, expected: Header, sent: int) -> bytes:
        """Payload of the expected answer."""
        seconds = self._answer_seconds
        if seconds is None:
            seconds = FRAME_SECONDS + PIXEL_SECONDS * expected.height * expected.width
        deadline = time.monotonic() + seconds
        while True:
            header = self._header(deadline, seconds)
            if header.kind == ERROR and header.sequence in (0, expected.sequence):
                name = serial_link.error_name(header.detail)
                sentence = f"the board reports error {name!r}: {ERRORS.get(name, 'unknown')}"
                if name in LASTING:
                    raise LinkFailure(sentence)
                raise _Spoilt(sentence)
            payload = self._payload(header, sent) if header.payload_bytes else b""
            if header == expected:
                return payload
            if header.sequence == expected.sequence:
                raise _Spoilt(f"the board answers with {header}, not with {expected}")
            # An answer to an earlier request: the right one may still come.

    def _header(self, deadline: float, seconds: float) -> Header:
        """The next header, whatever comes before it."""
        window = b""
        while len(window) < HEADER_BYTES or not window.startswith(SYNC):
            if time.monotonic() > deadline:
                raise _Spoilt(f"no answer from the board within {seconds:g} s")
            window += self._port.read(1 if len(window) < len(SYNC) else HEADER_BYTES - len(window))
            while not SYNC.startswith(window[: len(SYNC)]):
                window = window[1:]
        header = serial_link.unpack_header(window)
        if header is None:
            raise _Spoilt("the check of the answer's header is wrong")
        return header

    def _payload(self, header: Header, sent: int) -> bytes:
        """The payload behind a header."""
        content = bytearray()
        whole = header.payload_bytes + CHECK_BYTES
        last = time.monotonic()
        while len(content) < whole:
            part = self._port.read(min(CHUNK_BYTES, whole - len(content)))
            if part:
                last = time.monotonic()
                content += part
                self._progress(sent + len(content), sent + whole)
            elif time.monotonic() - last > self._silence_seconds:
                raise _Spoilt(f"the answer stopped after {len(content)} of {whole} bytes")
        payload, check = bytes(content[:-CHECK_BYTES]), bytes(content[-CHECK_BYTES:])
        if check != serial_link.check(payload):
            raise _Spoilt("the check of the answer's payload is wrong")
        return payload

    def _drain(self, complaint: str) -> None:
        """Wait until neither end has anything more to say."""
        begun = last = time.monotonic()
        while time.monotonic() - last < self._silence_seconds:
            if self._port.read(CHUNK_BYTES):
                last = time.monotonic()
            if last - begun > self._rest_seconds:
                raise LinkFailure(
                    f"{complaint}, and bytes go on coming after {self._rest_seconds:g} s: "
                    f"is it the board's port, and its rate?"
                )


class _Spoilt(Exception):  # noqa: N818 - what happened to a message
    """A message did not come through; the text says how."""
