"""The host program with a board that sends corrupted answers, and a simulated clock."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from types import SimpleNamespace
from unittest.mock import patch

from sw_model.__main__ import main as sw_model
from sw_model.host import client as host_client
from sw_model.host import command as host_command
from sw_model.spec.hardware.serial import CHECK_BYTES, HEADER_BYTES, unpack_header
from tests.rtl.board.fake_board import GOOD, FakeBoard

from . import seeds
from .mutate import damaged
from .oracle import Case


class CorruptingPort:
    """A serial port whose board first sends correct answers, then corrupted ones."""

    def __init__(self, rng: Random, clock: Clock) -> None:
        self.timeout: float | None = None
        self._rng, self._clock = rng, clock
        self._board = FakeBoard(seeds.tiny())
        self._request = self._coming = b""
        self._good = rng.randrange(3)

    def __enter__(self) -> CorruptingPort:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def reset_input_buffer(self) -> None:
        """Discard received bytes."""
        self._coming = b""

    def write(self, data: bytes, /) -> int:
        """Receive a part of a request; answer when the request is complete."""
        self._request += data
        header = unpack_header(self._request[:HEADER_BYTES])
        assert header is not None
        size = HEADER_BYTES + header.payload_bytes + CHECK_BYTES * bool(header.payload_bytes)
        if len(self._request) == size:
            payload = self._request[HEADER_BYTES:-CHECK_BYTES]
            answer = self._board._answer(header, payload, GOOD)
            if self._good:
                self._good -= 1
            else:
                answer = damaged(self._rng, answer, [answer, self._request])
            self._coming, self._request = answer, b""
        return len(data)

    def read(self, size: int, /) -> bytes:
        """Return received bytes, or none after the timeout."""
        part, self._coming = self._coming[:size], self._coming[size:]
        if not part:
            self._clock.now += self.timeout or 0.0
        return part


class Clock:
    """A clock that advances only in read timeouts."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Return the time in seconds."""
        return self.now

    def monotonic_ns(self) -> int:
        """Return the time in nanoseconds."""
        return int(self.now * 1e9)


def host_case(rng: Random) -> Case:
    """The host program with a picture, which is sometimes corrupted."""
    name = rng.choice(("grey.png", "colour.png"))
    content = seeds.pictures()[name]
    if rng.random() < 0.1:
        content = damaged(rng, content, [content])
    line_seed = rng.random()
    options = rng.choice(
        ([], [], ["--attempts", "1"], ["--timesteps", "2"], ["--noise", "3"], ["--timeout", "0.1"],
         ["--timesteps", "9"], ["--deployment", "compact"], ["--attempts", "x"], ["--baud", "0"])
    )  # fmt: skip

    def with_corrupting_port(arguments: Sequence[str]) -> int:
        clock = Clock()
        port = CorruptingPort(Random(line_seed), clock)
        with (
            patch.object(host_command, "_open_port", lambda *_: port),
            patch.object(host_client, "time", SimpleNamespace(
                monotonic=clock.monotonic, monotonic_ns=clock.monotonic_ns)),
        ):  # fmt: skip
            return sw_model(["host", *arguments])

    return Case(
        kind="host",
        main=with_corrupting_port,
        arguments=[name, "out.png", "--port", "x", *options],
        files={name: content},
        encoding=rng.choice(("utf-8", "ascii")),
    )
