"""The memory controller of the board, and what lies where in its memory."""

from __future__ import annotations

import pytest

from sim.simulators.bench import SIMULATORS
from sw_model.spec.hardware.buffers import FrameBuffers
from sw_model.spec.hardware.registers import FRAME_HEIGHT_MAX, FRAME_WIDTH_MAX
from sw_model.spec.hardware.sdram import BASES, BYTES, SPACES, SdramTiming, fits, pixels_max

from .boards import SdramCase


@pytest.mark.parametrize(("simulator", "mhz"), list(zip(SIMULATORS, (50, 100), strict=True)))
def test_controller(simulator, mhz):
    # Both of the clocks that matter, each in one simulator.
    SdramCase(mhz).run(simulator)


def test_clocks_beyond_the_part_are_refused():
    with pytest.raises(ValueError, match="150 MHz is not 1 to the part's 143"):
        SdramTiming(150)


def test_times_become_cycles():
    slow, fast = SdramTiming(50), SdramTiming(143)
    assert [slow.cycles(name) for name in ("RC", "RCD", "RP", "RAS", "WR")] == [4, 2, 2, 3, 1]
    assert [fast.cycles(name) for name in ("RC", "RCD", "RP", "RAS", "WR")] == [11, 4, 4, 7, 3]
    assert slow.refresh_interval == 390
    assert slow.burst_cycles(0, 64) == 1 + 2 + 256 + 2
    assert slow.burst_cycles(127, 2) == 1 + 2 * (2 + 2) + 8


def test_buffers_fill_the_memory_without_overlap():
    ends = [BASES[name] + SPACES[name] for name in BASES]
    assert [*list(BASES.values())[1:], BYTES] == ends
    assert all(address % 4096 == 0 for address in BASES.values())


@pytest.mark.parametrize(("channels", "timesteps"), [(64, 8), (64, 1), (4, 3), (256, 12)])
def test_largest_frames_fit(channels, timesteps):
    most = pixels_max(channels, timesteps)
    for width in (1, 5, 9, 13, 255, FRAME_WIDTH_MAX):
        height = min(most // width, FRAME_HEIGHT_MAX)
        assert fits(height, width, channels, timesteps)
        buffers = FrameBuffers(height, width, timesteps, channels)
        assert all(size <= SPACES[name] for name, size in buffers.sizes.items())
        assert not fits(most // width + 1, width, channels, timesteps)
    assert not fits(1, FRAME_WIDTH_MAX + 1, channels, timesteps)
    assert not fits(0, 1, channels, timesteps)
    assert not fits(1, 0, channels, timesteps)


def test_a_frame_of_best_s25_fits():
    assert fits(256, 256, 64, 8)
    assert FrameBuffers(256, 256, 8, 64).sizes["MAP_A"] == 4 << 20


def test_frame_cycles_are_the_sum_of_bursts():
    # One strip of 3x2 pixels: all rows begin a burst, no row of the part is crossed.
    timing = SdramTiming(50)
    buffers = FrameBuffers(3, 2, 2, 4)
    words, cycles = timing.frame_cycles(buffers, layers=4, columns=100)
    bursts = {1: (2 + 1) * 3, 4: (3 + 3) * 3}  # words of a burst: how many of them
    assert words == sum(length * count for length, count in bursts.items())
    bare = sum(timing.burst_cycles(0, length) * count for length, count in bursts.items())
    assert bare < cycles < bare * 1.05


@pytest.mark.parametrize(("channels", "timesteps"), [(0, 4), (4, 0), (-1, 4)])
def test_no_network_has_no_largest_frame(channels, timesteps):
    with pytest.raises(ValueError, match="are not 1 or more of each"):
        pixels_max(channels, timesteps)


def test_no_board_holds_an_empty_frame():
    assert fits(1, 1, 4, 3)
    assert not fits(0, 5, 4, 3)
    assert not fits(5, 0, 4, 3)
