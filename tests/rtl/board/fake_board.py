"""A board at the other end of a pseudo-terminal, whose line is as bad as a test wants it."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from sw_model.golden import denoise
from sw_model.spec import Deployment
from sw_model.spec.hardware.serial import (
    CHECK_BYTES,
    DENOISE,
    DENOISED,
    DESCRIBE,
    DESCRIPTION,
    ERROR,
    HEADER_BYTES,
    Description,
    Header,
    check,
    description_of,
    error_code,
    message,
    unpack_header,
)

GOOD = "good"
CORRUPT_REQUEST = "corrupt request"
CORRUPT_HEADER = "corrupt header"
CORRUPT_PAYLOAD = "corrupt payload"
TRUNCATED = "truncated"
SILENT = "silent"
NOISE = "noise"
STALE = "stale"
OTHER_SIZE = "other size"
BABBLING = "babbling"
ECHO = "echo"
HUGE = "huge"
DRIPPING = "dripping"
STALE_DRIPPING = "stale dripping"
DRIPPINGS = HUGE, DRIPPING, STALE_DRIPPING
DRIP_SECONDS = 0.02


@dataclass
class FakeBoard:
    """Answers requests with the golden model, each as ``script`` says; good ones when it is over.

    A name of `serial_link.ERRORS` in the script makes it answer with that error. What ``describes``
    holds is its description instead of the deployment's.
    """

    deployment: Deployment
    script: list[str] = field(default_factory=list)
    requests: list[Header] = field(default_factory=list)
    describes: Description | None = None

    def serve(self, line: int, stop: threading.Event) -> None:
        """Serve the requests that come over a file descriptor until ``stop``."""
        while not stop.is_set():
            content = self._read(line, HEADER_BYTES, stop)
            header = unpack_header(content)
            if header is None:
                continue
            payload = b""
            if header.payload_bytes:
                payload = self._read(line, header.payload_bytes, stop)
                if self._read(line, CHECK_BYTES, stop) != check(payload):
                    raise AssertionError("the client's check is wrong")
            if stop.is_set():
                return
            self.requests.append(header)
            behaviour = self._behaviour(header)
            while behaviour == BABBLING and not stop.wait(0.01):
                os.write(line, b"boot log\n")
            os.write(line, self._answer(header, payload, behaviour))
            while behaviour in DRIPPINGS and not stop.wait(DRIP_SECONDS):
                os.write(line, b"\0")

    def _behaviour(self, header: Header) -> str:
        if header.kind == DESCRIBE or not self.script:
            return GOOD
        return self.script.pop(0)

    def _answer(self, header: Header, payload: bytes, behaviour: str) -> bytes:
        good = self._good(header, payload)
        if behaviour in (GOOD, SILENT, BABBLING):
            return good if behaviour == GOOD else b""
        if behaviour == CORRUPT_REQUEST:
            return message(Header(ERROR, 0, error_code("header")))
        if behaviour in (CORRUPT_HEADER, CORRUPT_PAYLOAD):
            place = 9 if behaviour == CORRUPT_HEADER else HEADER_BYTES + 1
            return good[:place] + bytes([good[place] ^ 4]) + good[place + 1 :]
        if behaviour == ECHO:
            return message(header, payload)
        if behaviour == HUGE:
            return Header(DENOISED, header.sequence - 1, header.detail, 65535, 65535).pack()
        if behaviour == DRIPPING:
            return good[:HEADER_BYTES]
        if behaviour == STALE_DRIPPING:
            return Header(DENOISED, header.sequence - 1, header.detail, 400, 400).pack()
        if behaviour == TRUNCATED:
            return good[: len(good) // 2]
        if behaviour == NOISE:
            return b"\x00SSDN\xff" + good
        if behaviour == STALE:
            stale = Header(DENOISED, header.sequence - 1, header.detail, 1, 2)
            return message(stale, b"ab") + good
        if behaviour == OTHER_SIZE:
            other = Header(DENOISED, header.sequence, header.detail, 1, 2)
            return message(other, b"ab")
        return message(Header(ERROR, header.sequence, error_code(behaviour)))

    def _good(self, header: Header, payload: bytes) -> bytes:
        if header.kind == DESCRIBE:
            own = description_of(self.deployment.hash, self.deployment.spec)
            content = (self.describes or own).pack()
            return message(Header(DESCRIPTION, header.sequence), content)
        assert header.kind == DENOISE
        shape = header.height, header.width
        pixels = np.frombuffer(payload, "<i2").reshape(shape).astype(np.int64)
        denoised = denoise(self.deployment, pixels, header.detail).denoised
        answer = Header(DENOISED, header.sequence, header.detail, *shape)
        return message(answer, denoised.astype(np.uint8).tobytes())

    def _read(self, line: int, count: int, stop: threading.Event) -> bytes:
        content = b""
        while len(content) < count and not stop.is_set():
            if select.select([line], [], [], 0.01)[0]:
                content += os.read(line, count - len(content))
        return content


@contextmanager
def connected(
    deployment: Deployment, script: Sequence[str] = (), describes: Description | None = None
) -> Iterator[tuple[str, FakeBoard]]:
    """Name of a serial port with a board behind it, and the board."""
    line, port = os.openpty()
    board = FakeBoard(deployment, list(script), describes=describes)
    stop = threading.Event()
    thread = threading.Thread(target=board.serve, args=(line, stop))
    thread.start()
    try:
        yield os.ttyname(port), board
    finally:
        stop.set()
        thread.join()
        os.close(line)
        os.close(port)
