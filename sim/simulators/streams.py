"""Drivers and monitors of Amaranth streams for cocotb benches; clock and reset of a bench.

Values are sampled at the rising clock edge, before the registers change, and new inputs are
written after it. With a probability of 0 a driver or monitor sleeps between transfers instead of
waking in every cycle, so that simulating a whole network takes Python time only for its pixels.
"""

from __future__ import annotations

import json
import os
import random
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.task import Task
from cocotb.triggers import Event, RisingEdge, Timer

from . import ARGUMENTS_VARIABLE

CLOCK_NS = 10
"""Period of the benches' clock."""
LIMIT_CYCLES = 100_000
"""Default cycle limit of a bench, after which it fails."""


def bench(cycles: int = LIMIT_CYCLES) -> Callable[..., Any]:
    """`cocotb.test` for a bench that takes at most ``cycles``.

    A design or a bench that waits forever fails instead of hanging.
    """
    return cocotb.test(timeout_time=cycles * CLOCK_NS, timeout_unit="ns")


def arguments() -> dict[str, Any]:
    """The arguments that `sim.simulators.bench.run_bench` was called with."""
    return dict(json.loads(os.environ.get(ARGUMENTS_VARIABLE, "{}")))


def generator(name: str) -> random.Random:
    """Random number generator for one part of a bench, seeded from the bench's seed.

    Parameters
    ----------
    name
        Name of the part: each part has an independent sequence.
    """
    return random.Random(f"{cocotb.RANDOM_SEED} {name}")


async def start(dut: Any, *streams: StreamSource | StreamSink, **inputs: int) -> None:
    """Set ``inputs``, start the clock, reset the design, and start the ``streams``.

    Returns after the last clock edge with reset.
    """
    for name, value in inputs.items():
        getattr(dut, name).value = value
    dut.rst.value = 1
    # Otherwise the first clock edge samples inputs without a value.
    await Timer(CLOCK_NS, unit="ns")
    Clock(dut.clk, CLOCK_NS, unit="ns").start()
    await reset(dut, *streams)


async def reset(dut: Any, *streams: StreamSource | StreamSink, cycles: int = 2) -> None:
    """Hold the synchronous reset for ``cycles``; empty and restart ``streams``."""
    dut.rst.value = 1
    for stream in streams:
        stream.halt()
    for _ in range(cycles):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    for stream in streams:
        stream.begin()


async def check_quiet(dut: Any, *sinks: StreamSink, cycles: int = 50) -> None:
    """Fail unless all ``sinks`` are empty and stay so for ``cycles``."""
    for _ in range(cycles):
        await RisingEdge(dut.clk)
    for sink in sinks:
        if sink.waiting:
            raise AssertionError(
                f"{sink.name} sent {sink.waiting} more than expected, the first {sink.take(1)}"
            )


class StreamSource:
    """Driver of an input stream of the design.

    Parameters
    ----------
    dut
        The design, with ports ``clk`` and ``<name>__payload``, ``<name>__valid``,
        ``<name>__ready``; a stream without a ``ready`` port is always ready.
    name
        Name of the stream.
    idle
        Probability that the source pauses for a cycle before a payload, and for each further cycle.
    """

    def __init__(self, dut: Any, name: str, *, idle: float = 0.0):
        _check_probability(idle)
        self.name = name
        self._clk = dut.clk
        self._payload = getattr(dut, f"{name}__payload")
        self._valid = getattr(dut, f"{name}__valid")
        self._ready = getattr(dut, f"{name}__ready", None)
        self._mask = (1 << len(self._payload)) - 1
        self._idle = idle
        self._random = generator(f"source {name}")
        self._queue: deque[int] = deque()
        self._filled, self._emptied = Event(), Event()
        self._task: Task[None] | None = None
        self.halt()

    def send(self, payloads: Iterable[int]) -> None:
        """Queue payloads; negative ones are sent as two's complement."""
        self._queue.extend(payload & self._mask for payload in payloads)
        if self._queue:
            self._emptied.clear()
            self._filled.set()

    async def sent(self) -> None:
        """Wait until the design has accepted all queued payloads."""
        if self._queue:
            await self._emptied.wait()

    def halt(self) -> None:
        """Stop, clear the queue and lower ``valid``; called by `reset`."""
        if self._task is not None:
            self._task.cancel()
        self._queue.clear()
        self._valid.value = 0
        self._payload.value = 0

    def begin(self) -> None:
        """Start to send queued payloads; called by `reset`."""
        self._task = cocotb.start_soon(self._run())

    async def _run(self) -> None:
        edge = RisingEdge(self._clk)
        while True:
            if not self._queue:
                self._valid.value = 0
                self._emptied.set()
                self._filled.clear()
                await self._filled.wait()
            if self._idle and self._random.random() < self._idle:
                self._valid.value = 0
                await edge
                while self._random.random() < self._idle:
                    await edge
            self._payload.value = self._queue[0]
            self._valid.value = 1
            await edge
            while self._ready is not None and not self._ready.value:
                if not self._idle:
                    await RisingEdge(self._ready)
                await edge
            self._queue.popleft()


class StreamSink:
    """Monitor of an output stream of the design that also checks the protocol.

    Once ``valid`` is high, it must stay high and the payload must not change until ``ready`` is
    high; otherwise the bench fails.

    Parameters
    ----------
    dut, name
        As for `StreamSource`.
    back_pressure
        Probability that ``ready`` is low in a cycle.
    always_ready
        The stream has no port for ready, although the design has an inner wire of that name.
    """

    def __init__(
        self, dut: Any, name: str, *, back_pressure: float = 0.0, always_ready: bool = False
    ):
        _check_probability(back_pressure)
        self.name = name
        self._clk = dut.clk
        self._payload = getattr(dut, f"{name}__payload")
        self._valid = getattr(dut, f"{name}__valid")
        self._ready = None if always_ready else getattr(dut, f"{name}__ready", None)
        if back_pressure and self._ready is None:
            raise ValueError(f"stream {name} has no ready port for back-pressure")
        self._back_pressure = back_pressure
        self._random = generator(f"sink {name}")
        self._queue: deque[int] = deque()
        self._arrived = Event()
        self._task: Task[None] | None = None
        self.halt()

    @property
    def waiting(self) -> int:
        """Number of payloads that arrived and were not taken."""
        return len(self._queue)

    def take(self, count: int) -> list[int]:
        """Take ``count`` of the waiting payloads, as unsigned numbers."""
        return [self._queue.popleft() for _ in range(count)]

    async def receive(self, count: int) -> list[int]:
        """Wait for ``count`` payloads and take them, as unsigned numbers."""
        while len(self._queue) < count:
            self._arrived.clear()
            await self._arrived.wait()
        return self.take(count)

    def halt(self) -> None:
        """Stop and clear the queue; called by `reset`."""
        if self._task is not None:
            self._task.cancel()
        self._queue.clear()
        self._set_ready(0)

    def begin(self) -> None:
        """Start to accept payloads; called by `reset`."""
        self._task = cocotb.start_soon(self._run())

    async def _run(self) -> None:
        edge, valid_rises = RisingEdge(self._clk), RisingEdge(self._valid)
        offered: int | None = None
        ready = True
        self._set_ready(1)
        while True:
            if self._back_pressure:
                ready = self._random.random() >= self._back_pressure
                self._set_ready(ready)
            await edge
            if self._valid.value:
                payload = int(self._payload.value)
                if offered is not None and payload != offered:
                    raise AssertionError(
                        f"{self.name} changed its payload from {offered:#x} to {payload:#x} "
                        f"before ready"
                    )
                offered = payload
                if ready:
                    offered = None
                    self._queue.append(payload)
                    self._arrived.set()
            elif offered is not None:
                raise AssertionError(f"{self.name} lowered valid before ready")
            elif not self._back_pressure:
                await valid_rises

    def _set_ready(self, value: int) -> None:
        if self._ready is not None:
            self._ready.value = value


def _check_probability(value: float) -> None:
    if not 0 <= value < 1:
        raise ValueError(f"probability {value} is not 0 or more and below 1")
