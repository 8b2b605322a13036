"""Drivers and monitors of Amaranth streams for cocotb benches, and what every bench starts with.

Values are sampled at the rising clock edge, before the registers change, and new inputs are
written after it. With a probability of 0 a driver or monitor sleeps between transfers instead of
looking at every cycle, so that a whole network's run costs Python time only where pixels move.
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
"""Cycles after which a bench has failed, where it names no limit of its own."""


def bench(cycles: int = LIMIT_CYCLES) -> Callable[..., Any]:
    """`cocotb.test` for a bench that takes at most ``cycles``.

    A design or a bench that waits for ever fails instead of hanging.
    """
    return cocotb.test(timeout_time=cycles * CLOCK_NS, timeout_unit="ns")


def arguments() -> dict[str, Any]:
    """The arguments that `sim.simulators.bench.run_bench` was called with."""
    return dict(json.loads(os.environ.get(ARGUMENTS_VARIABLE, "{}")))


def generator(name: str) -> random.Random:
    """Random numbers of one part of a bench, from the bench's seed.

    Parameters
    ----------
    name
        Tells the parts of a bench apart: each has its own sequence, whatever the others draw.
    """
    return random.Random(f"{cocotb.RANDOM_SEED} {name}")


async def start(dut: Any, *streams: StreamSource | StreamSink, **inputs: int) -> None:
    """Set ``inputs``, start the clock and reset the design; then the ``streams`` begin.

    Returns after the edge before the first one without reset.
    """
    for name, value in inputs.items():
        getattr(dut, name).value = value
    dut.rst.value = 1
    # Else the clock's first edge finds inputs that have no value yet.
    await Timer(CLOCK_NS, unit="ns")
    Clock(dut.clk, CLOCK_NS, unit="ns").start()
    await reset(dut, *streams)


async def reset(dut: Any, *streams: StreamSource | StreamSink, cycles: int = 2) -> None:
    """Hold the synchronous reset for ``cycles``, with ``streams`` emptied and begun again."""
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
                f"{sink.name} gave {sink.waiting} more than expected, the first {sink.take(1)}"
            )


class StreamSource:
    """Feeds a stream that goes into the design.

    Parameters
    ----------
    dut
        The design, with ports ``clk`` and ``<name>__payload``, ``<name>__valid``,
        ``<name>__ready``; a stream without a port for the last one is always ready.
    name
        Name of the stream.
    idle
        Probability that the source pauses for a cycle, before each payload and again and again.
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
        """Queue payloads; negative ones go as two's complement."""
        self._queue.extend(payload & self._mask for payload in payloads)
        if self._queue:
            self._emptied.clear()
            self._filled.set()

    async def sent(self) -> None:
        """Wait until the design has taken all that was queued."""
        if self._queue:
            await self._emptied.wait()

    def halt(self) -> None:
        """Stop, forget what is queued and take back what is offered; `reset` does it."""
        if self._task is not None:
            self._task.cancel()
        self._queue.clear()
        self._valid.value = 0
        self._payload.value = 0

    def begin(self) -> None:
        """Start to feed what is and will be queued; `reset` does it."""
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
    """Takes what a stream gives out of the design, and checks the protocol.

    Once ``valid`` is high, it must stay so and the payload must stay the same until ``ready``
    takes it; otherwise the bench fails.

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
            raise ValueError(f"stream {name} cannot be held up: it has no port for ready")
        self._back_pressure = back_pressure
        self._random = generator(f"sink {name}")
        self._queue: deque[int] = deque()
        self._arrived = Event()
        self._task: Task[None] | None = None
        self.halt()

    @property
    def waiting(self) -> int:
        """Payloads that arrived and were not taken."""
        return len(self._queue)

    def take(self, count: int) -> list[int]:
        """Take ``count`` payloads, as unsigned numbers, of those that are waiting."""
        return [self._queue.popleft() for _ in range(count)]

    async def receive(self, count: int) -> list[int]:
        """Wait for ``count`` payloads and take them, as unsigned numbers."""
        while len(self._queue) < count:
            self._arrived.clear()
            await self._arrived.wait()
        return self.take(count)

    def halt(self) -> None:
        """Stop and forget what has arrived; `reset` does it."""
        if self._task is not None:
            self._task.cancel()
        self._queue.clear()
        self._set_ready(0)

    def begin(self) -> None:
        """Start to take payloads; `reset` does it."""
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
                        f"before ready took it"
                    )
                offered = payload
                if ready:
                    offered = None
                    self._queue.append(payload)
                    self._arrived.set()
            elif offered is not None:
                raise AssertionError(f"{self.name} took valid back before ready")
            elif not self._back_pressure:
                await valid_rises

    def _set_ready(self, value: int) -> None:
        if self._ready is not None:
            self._ready.value = value


def _check_probability(value: float) -> None:
    if not 0 <= value < 1:
        raise ValueError(f"probability {value} is not in 0 to below 1")
