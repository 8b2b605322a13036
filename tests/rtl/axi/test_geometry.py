"""Columns, addresses and rows of strips and bands, for every size of frame that there can be."""

from __future__ import annotations

from itertools import pairwise
from operator import attrgetter

import numpy as np
import pytest
from amaranth.sim import Simulator

from rtl.axi.band import RowBand
from rtl.axi.geometry import BUFFERS, LATENCY, StripGeometry
from sw_model.spec.hardware.buffers import (
    DENOISED_PIXELS,
    NOISY_PIXELS,
    WORD_ADDRESS_BITS,
    FrameBuffers,
)
from sw_model.spec.hardware.registers import FRAME_HEIGHT_MAX, FRAME_WIDTH_MAX
from sw_model.spec.hardware.strips import COLUMNS_MIN, Band, Strip, bands, strips
from tests.rtl.running import SEED

WIDTHS = (1, 2, 3, 4, 5, 63, 64, 65, 127, 640, FRAME_WIDTH_MAX - 1, FRAME_WIDTH_MAX)
HEIGHTS = (1, 2, 3, 4, 5, 480, 481, FRAME_HEIGHT_MAX - 1, FRAME_HEIGHT_MAX)
TOP = 1 << WORD_ADDRESS_BITS


def simulate(component, bench):
    simulator = Simulator(component)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


def words_of(rows: str, address: int, words: int, stride: int) -> dict[str, int]:
    return {f"{rows}.address": address, f"{rows}.words": words, f"{rows}.stride": stride}


def expected(
    frame: FrameBuffers, strip: Strip, band: Band, layer: str, odd: bool
) -> tuple[dict[str, int], dict[str, int]]:
    """Addresses of buffers, some of which reach beyond 4 GiB, and what is to come out."""
    rng = np.random.default_rng([SEED, frame.width, strip.start, band.start, odd])
    buffers = {name: int(rng.integers(TOP)) for name in BUFFERS}
    read, written = band.start, band.output_start

    def address(buffer: str, place: int) -> int:
        total = buffers[buffer] + place
        return total if total < TOP else TOP + total % TOP

    source, target = ("map_a", "map_b") if odd else ("map_b", "map_a")
    noisy = read * frame.noisy_stride + strip.start // NOISY_PIXELS
    map_read = read * frame.map_stride + strip.start * frame.pixel_words
    map_written = written * frame.map_stride + strip.output_start * frame.pixel_words
    denoised = written * frame.denoised_stride + strip.output_start // DENOISED_PIXELS
    pixels = 0 if layer == "hidden" else frame.noisy_words(strip)
    words = 0 if layer == "encoding" else strip.columns * frame.pixel_words
    found = {
        "columns": strip.columns,
        "outputs": strip.outputs,
        "skip_first": not strip.first,
        "skip_last": not strip.last,
        "noisy_lane": strip.start % NOISY_PIXELS,
        "denoised_lane": strip.output_start % DENOISED_PIXELS,
        **words_of("pixel_rows", address("noisy", noisy), pixels, frame.noisy_stride),
        **words_of("map_rows", address(source, map_read), words, frame.map_stride),
    }
    if layer == "output":
        found |= words_of(
            "result_rows",
            address("denoised", denoised),
            frame.denoised_words(strip),
            frame.denoised_stride,
        )
    else:
        found |= words_of(
            "result_rows",
            address(target, map_written),
            strip.outputs * frame.pixel_words,
            frame.map_stride,
        )
    return buffers, found


@pytest.mark.parametrize(
    ("channels", "timesteps", "columns", "banded"),
    [(4, 3, COLUMNS_MIN, False), (64, 8, 64, False), (65, 7, 5, True), (256, 2, 256, True)],
)
def test_strips_of_every_width(channels, timesteps, columns, banded):
    geometry = StripGeometry(
        channels=channels, max_timesteps=timesteps, columns=columns, banded=banded
    )
    rng = np.random.default_rng(SEED)
    cases = []
    for width in (*WIDTHS, *map(int, rng.integers(1, FRAME_WIDTH_MAX + 1, 20))):
        # Of many strips the first ones, the last ones and some between.
        parts = strips(width, columns)
        chosen = {0, 1, len(parts) - 2, len(parts) - 1, *map(int, rng.integers(len(parts), size=3))}
        cases += [(width, parts[index]) for index in sorted(chosen) if 0 <= index < len(parts)]

    async def bench(ctx):
        for number, (width, strip) in enumerate(cases):
            layer = ("encoding", "hidden", "output")[number % 3]
            steps = 1 + number % timesteps
            height = HEIGHTS[number % len(HEIGHTS)]
            frame = FrameBuffers(height, width, steps, channels)
            band = bands(height, 2)[-1] if banded else Band(0, height, first=True, last=True)
            odd = layer != "encoding" and number % 2 == 1
            buffers, wanted = expected(frame, strip, band, layer, odd)
            inputs = {
                "width": width,
                "timesteps": steps,
                "x": strip.output_start,
                "odd": odd,
                **{f"buffers.{name}": address for name, address in buffers.items()},
            }
            inputs |= {"encoding": layer == "encoding", "output": layer == "output"}
            if banded:
                inputs |= {"above": band.start, "own_above": band.output_start}
            for name, value in inputs.items():
                ctx.set(attrgetter(name)(geometry), value)
            await ctx.tick().repeat(LATENCY)
            for name, value in wanted.items():
                place = f"{name} of {strip}, {width} columns, {layer}, T {steps}, {band}"
                assert ctx.get(attrgetter(name)(geometry)) == value, place

    simulate(geometry, bench)


@pytest.mark.parametrize("index", [0, 1])
def test_bands_of_every_height(index):
    band = RowBand(index)
    rng = np.random.default_rng(SEED)

    async def bench(ctx):
        for height in (*HEIGHTS, *map(int, rng.integers(1, FRAME_HEIGHT_MAX + 1, 200))):
            ctx.set(band.height, height)
            await ctx.tick()
            found = bands(height, 2)
            assert ctx.get(band.active) == (index < len(found)), height
            if index >= len(found):
                continue
            wanted = found[index]
            for signal, value in (
                (band.rows, wanted.rows),
                (band.own_rows, wanted.outputs),
                (band.above, wanted.start),
                (band.own_above, wanted.output_start),
                (band.skip_top, not wanted.first),
                (band.skip_bottom, not wanted.last),
            ):
                assert ctx.get(signal) == value, f"{signal} of {height} rows"

    simulate(band, bench)


# What the two tests above hold the hardware to.
def test_strips_and_bands_cover_every_pixel_once():
    for parts, whole in (
        *((strips(width, columns), width) for width in WIDTHS for columns in (3, 64)),
        *((bands(height, 2), height) for height in HEIGHTS),
    ):
        ends = [(part.output_start, part.output_start + part.outputs) for part in parts]
        assert ends[0][0] == 0
        assert ends[-1][1] == whole
        assert all(end == start for (_, end), (start, _) in pairwise(ends))
