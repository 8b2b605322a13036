"""cocotb bench of what a user of the accelerator can do to it besides denoising frames."""

from __future__ import annotations

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge

from sim.simulators.streams import (
    StreamSink,
    StreamSource,
    arguments,
    bench,
    check_quiet,
    generator,
    reset,
    start,
)
from tests.rtl.bench_tools import check, check_each, pulse
from tests.rtl.networks import NETWORKS

NETWORK = NETWORKS[arguments()["network"]]
FRAMES = NETWORK.frames
LEVELS = NETWORK.deployment.spec.noise_levels
TIMESTEPS = NETWORK.deployment.spec.timesteps


def stream_pair(dut, idle=0.0, back_pressure=0.0):
    source = StreamSource(dut, "pixels", idle=idle)
    return source, StreamSink(dut, "denoised", back_pressure=back_pressure)


async def begin(dut, source, sink):
    levels = {} if LEVELS is None else {"level": 0}
    await start(dut, source, sink, start=0, height=0, width=0, timesteps=0, **levels)


async def ask(dut, height, width, timesteps, level=None):
    dut.height.value, dut.width.value, dut.timesteps.value = height, width, timesteps
    if LEVELS is not None:
        dut.level.value = 16 * LEVELS[1] if level is None else level
    await pulse(dut, "start")
    await RisingEdge(dut.clk)


async def ask_frame(dut, frame):
    await ask(dut, *frame.pixels.shape, frame.timesteps, frame.level_units)
    check(f"{frame}: error", int(dut.error.value), 0)


def pixels_of(frame):
    return [int(pixel) for pixel in frame.pixels.reshape(-1)]


async def check_trace(dut, frame):
    """Compare the event words of all layers as they come."""
    for layer, words in enumerate(frame.maps):
        for position, word in enumerate(words.reshape(-1)):
            await RisingEdge(dut.clk)
            while not dut.trace__valid.value:
                await RisingEdge(dut.clk)
            got = int(dut.trace__layer.value), int(dut.trace__word.value)
            check(f"{frame}: (layer, word) {position}", got, (layer, int(word)))


async def check_frame(dut, source, sink, frame):
    """Denoise a frame and compare all event words and pixels."""
    trace = cocotb.start_soon(check_trace(dut, frame))
    await ask_frame(dut, frame)
    source.send(pixels_of(frame))
    expected = [int(grey) for grey in frame.golden.denoised.reshape(-1)]
    check_each(f"{frame}: denoised pixel", await sink.receive(len(expected)), expected)
    await trace
    await ClockCycles(dut.clk, 2)
    check(f"{frame}: busy behind the last pixel", int(dut.busy.value), 0)


def impossible():
    """Sizes and T that cannot be, among those that the inputs can carry."""
    height, width, steps = NETWORK.max_height, NETWORK.max_width, TIMESTEPS[-1]
    yield from ((0, width, steps), (height, 0, steps), (0, 0, steps), (height, width, 0))
    for wrong_height in range(height + 1, 1 << height.bit_length()):
        yield wrong_height, width, steps
    for wrong_width in range(width + 1, 1 << width.bit_length()):
        yield height, wrong_width, steps
    for wrong_steps in set(range(1 << steps.bit_length())) - set(TIMESTEPS):
        yield height, width, wrong_steps
    if LEVELS is not None:
        yield from ((height, width, steps, level) for level in (16 * LEVELS[1] + 1, 4095))
        yield from ((height, width, steps, level) for level in {0, 16 * LEVELS[0] - 1} if LEVELS[0])


# A frame that does not fit and is begun nevertheless, an error that is not told or stays after a
# good start, or pixels taken while no frame is under way.
@bench(cycles=20_000)
async def refuses_impossible_frames(dut):
    source, sink = stream_pair(dut)
    await begin(dut, source, sink)
    for index, parameters in enumerate(impossible()):
        await ask(dut, *parameters)
        check(f"start {parameters}: error", int(dut.error.value), 1)
        check(f"start {parameters}: busy", int(dut.busy.value), 0)
        check(f"start {parameters}: pixels ready", int(dut.pixels__ready.value), 0)
        await check_frame(dut, source, sink, FRAMES[index % len(FRAMES)])


# Anything of a frame that survives a reset in any of its layers: a sum, a position, a membrane.
@bench(cycles=60_000)
async def reset_in_mid_frame(dut):
    source, sink = stream_pair(dut, idle=0.2, back_pressure=0.2)
    await begin(dut, source, sink)
    for index in range(3 * len(FRAMES)):
        frame, following = (FRAMES[i % len(FRAMES)] for i in (index, index + 1))
        await ask_frame(dut, frame)
        source.send(pixels_of(frame))
        cut = generator(f"cut {index}").randrange(1, sum(frame.cycles))
        await ClockCycles(dut.clk, cut)
        await reset(dut, source, sink)
        check(f"{frame} reset in cycle {cut}: busy", int(dut.busy.value), 0)
        await check_frame(dut, source, sink, following)


# A start, or the size given with it, that disturbs the frame under way.
@bench(cycles=20_000)
async def start_is_ignored_while_busy(dut):
    source, sink = stream_pair(dut)
    await begin(dut, source, sink)
    rng = generator("starts")
    for frame in FRAMES:
        checking = cocotb.start_soon(check_frame(dut, source, sink, frame))
        await ClockCycles(dut.clk, 5)
        for _ in range(20):
            if not dut.busy.value or sum(frame.cycles) - int(dut.cycles.value) < 10:
                break
            dut.height.value, dut.width.value = rng.getrandbits(1), rng.getrandbits(1)
            dut.timesteps.value = rng.getrandbits(1)
            if LEVELS is not None:
                dut.level.value = rng.getrandbits(12)
            await pulse(dut, "start")
            await ClockCycles(dut.clk, rng.randrange(1, 8))
        await checking
    await check_quiet(dut, sink)
