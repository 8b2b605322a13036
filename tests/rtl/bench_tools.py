"""What the components' benches have in common."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer
from cocotb.utils import get_sim_time

from sim.simulators.streams import CLOCK_NS, bench

SEED = os.environ.get("COCOTB_RANDOM_SEED", "unknown")
"""Of the run, which every failure names; `cocotb.RANDOM_SEED` is another one for each test."""
STALLS = (0.0, 0.3, 0.8)
"""Probabilities of idle and of back-pressure: none, medium, heavy."""


def under_stalls(cycles: int) -> Callable[..., Any]:
    """A test for every combination of ``idle`` and ``back_pressure``, each within ``cycles``."""

    def decorate(test: Callable[..., Coroutine]) -> Any:
        return bench(cycles)(cocotb.parametrize(idle=STALLS, back_pressure=STALLS)(test))

    return decorate


def under_idling(cycles: int) -> Callable[..., Any]:
    """As `under_stalls` for what cannot be held up: every ``idle``."""

    def decorate(test: Callable[..., Coroutine]) -> Any:
        return bench(cycles)(cocotb.parametrize(idle=STALLS)(test))

    return decorate


def check(what: str, got: Any, expected: Any) -> None:
    """Fail with the bench's seed unless ``got`` is what was expected."""
    if got != expected:
        raise AssertionError(f"seed {SEED}: {what} is {got}, expected {expected}")


def check_each(
    what: str, got: Sequence[Any], expected: Sequence[Any], positions: Sequence[Any] | None = None
) -> None:
    """Fail with seed and place of the first difference; ``positions`` name the elements."""
    for index, pair in enumerate(zip(got, expected, strict=True)):
        check(f"{what} {index if positions is None else positions[index]}", *pair)


def cycle() -> int:
    """Number of the current clock cycle."""
    return int(get_sim_time("ns")) // CLOCK_NS


async def transfer_cycles(
    dut: Any, name: str, count: int, *, always_ready: bool = False
) -> list[int]:
    """Numbers of the cycles in which the next ``count`` payloads of a stream change hands.

    ``always_ready`` is as of `StreamSink`.
    """
    valid = getattr(dut, f"{name}__valid")
    ready = None if always_ready else getattr(dut, f"{name}__ready", None)
    cycles: list[int] = []
    while len(cycles) < count:
        await RisingEdge(dut.clk)
        if valid.value and (ready is None or ready.value):
            cycles.append(cycle())
    return cycles


async def pulse(dut: Any, *names: str) -> None:
    """Set one-bit inputs for the coming cycle; returns after its edge."""
    for name in names:
        getattr(dut, name).value = 1
    await RisingEdge(dut.clk)
    for name in names:
        getattr(dut, name).value = 0


async def leading(clock: Any) -> None:
    """Drive a clock like the benches' own, which starts now, a nanosecond ahead of it."""
    await Timer(CLOCK_NS - 1, unit="ns")
    Clock(clock, CLOCK_NS, unit="ns").start()
