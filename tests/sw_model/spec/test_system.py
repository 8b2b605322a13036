"""Strips, buffers, loading and driver of the accelerator with AXI ports."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rtl.core.datapath import Datapath
from rtl.flow.yosys import design_text
from sw_model.host import driver
from sw_model.spec import UsageError, configuration, pack_spikes
from sw_model.spec.hardware.buffers import BURST_WORDS, PAGE_WORDS, FrameBuffers, bursts
from sw_model.spec.hardware.loading import check_fits, load_rows, load_writes
from sw_model.spec.hardware.registers import IDENTITY, REGISTERS, VERSION
from sw_model.spec.hardware.strips import COLUMNS_MIN, bands, strip_columns, strips
from tests.random_deployment import random_deployment

TINY = random_deployment(configuration("tiny"), 3)


@pytest.mark.parametrize("columns", [3, 4, 7, 64])
def test_strips_cover_every_column_once(columns):
    for width in range(1, 5 * columns):
        found = strips(width, columns)
        own = [x for s in found for x in range(s.output_start, s.output_start + s.outputs)]
        assert own == list(range(width))
        for strip in found:
            assert strip.columns <= columns
            # Every neighbour of an own column is read, unless it lies beyond the border.
            assert strip.start == max(0, strip.output_start - 1)
            end = strip.output_start + strip.outputs + 1
            assert strip.start + strip.columns == min(width, end)


@pytest.mark.parametrize("engines", [1, 2])
def test_bands_cover_every_row_once(engines):
    for height in range(1, 12):
        found = bands(height, engines)
        own = [y for b in found for y in range(b.output_start, b.output_start + b.outputs)]
        assert own == list(range(height))
        assert len(found) == min(engines, height)
        counts = [band.outputs for band in found]
        assert max(counts) - min(counts) <= 1
        for band in found:
            # Every neighbour of an own row is read, unless it lies beyond the border.
            assert band.start == max(0, band.output_start - 1)
            end = band.output_start + band.outputs + 1
            assert band.start + band.rows == min(height, end)


@pytest.mark.parametrize("engines", [0, 3])
def test_engines_beyond_the_ports_of_a_memory_are_refused(engines):
    with pytest.raises(UsageError, match=f"engines {engines} is not 1 to 2"):
        bands(4, engines)


def test_narrowest_strip_has_a_column_of_its_own():
    with pytest.raises(UsageError, match="5 wide cannot be cut into strips of 2 columns"):
        strips(5, COLUMNS_MIN - 1)
    assert strips(2, 2)[0].outputs == 2


def test_strip_fits_the_line_buffers():
    assert [strip_columns(t) for t in (1, 4, 7, 8)] == [512, 128, 73, 64]


@pytest.mark.parametrize(("address", "words"), [(0, 1), (5, 64), (510, 3), (448, 700), (511, 1)])
def test_bursts_keep_to_pages(address, words):
    lengths = bursts(address, words)
    assert sum(lengths) == words
    for length in lengths:
        assert 1 <= length <= BURST_WORDS
        assert address // PAGE_WORDS == (address + length - 1) // PAGE_WORDS
        address += length


def test_images_and_maps_survive_their_buffers():
    rng = np.random.default_rng(1)
    buffers = FrameBuffers(height=3, width=5, timesteps=2, channels=65)
    pixels = rng.integers(-512, 512, (3, 5))
    image = buffers.pack_noisy(pixels)
    assert len(image) == buffers.sizes["NOISY"]
    assert np.frombuffer(image, "<i2").reshape(3, 8)[:, :5].tolist() == pixels.tolist()
    denoised = rng.integers(0, 256, (3, 8)).astype(np.uint8)
    assert buffers.unpack_denoised(denoised.tobytes()).tolist() == denoised[:, :5].tolist()
    words = pack_spikes(rng.random((2, 65, 3, 5)) < 0.5)
    assert len(words.tobytes()) == buffers.sizes["MAP_A"]
    assert buffers.unpack_map(words.astype("<u8").tobytes()).tolist() == words.tolist()


def test_loaded_rows_are_what_the_hardware_starts_with():
    # The RTL lays its memories out by Amaranth's layouts, the loader by its own packing.
    datapath = Datapath(deployment=TINY, max_height=4, max_width=4, loadable=True)
    constants = datapath._layer_constants
    memories = {
        "output": datapath._output.weights.rows,
        "neurons": constants.rows,
        "scaling": constants.scaling_rows,
    }
    found = {name: {} for name in (*memories, "hidden", "encoding")}
    for row in load_rows(TINY, TINY):
        value = sum(chunk << 32 * index for index, chunk in enumerate(row.chunks))
        found[row.memory][row.row] = value
    for name, rows in memories.items():
        assert found[name] == dict(enumerate(rows)), name
    # A single group of channels: its rows are the whole ones.
    (group,) = datapath._groups
    assert found["hidden"] == dict(enumerate(group.weights.rows))
    design_text(datapath)  # which Amaranth wants of whatever was made


def test_loading_ends_with_the_hash():
    *_, last = load_writes(TINY, TINY)
    assert last == (REGISTERS["HASH_7"].offset, int(TINY.hash[-8:], 16))


def test_deployment_that_does_not_fit_is_refused():
    with pytest.raises(UsageError, match="has another network"):
        check_fits(TINY, random_deployment(configuration("compact-if"), 1))
    wider = replace(TINY, biases=tuple(bias * 40 for bias in TINY.biases))
    with pytest.raises(UsageError, match=r"needs \d+ bits for its bias; the hardware has"):
        check_fits(TINY, wider)
    encoding, *rest = TINY.weights
    wider = replace(TINY, weights=(np.full_like(encoding, 7), *rest))
    with pytest.raises(UsageError, match=r"needs \d+ bits for its current; the hardware has"):
        check_fits(TINY, wider)


def test_driver_refuses_another_register_map():
    driver.check_identity(IDENTITY, VERSION)
    with pytest.raises(UsageError, match="IDENTITY reads 0x00000000, not 0x53444e43"):
        driver.check_identity(0, VERSION)
    with pytest.raises(UsageError, match=rf"reads {VERSION - 1}; this driver knows {VERSION}"):
        driver.check_identity(IDENTITY, VERSION - 1)


def test_driver_refuses_impossible_frames():
    with pytest.raises(UsageError, match="T = 9 is not allowed"):
        driver.frame_job(TINY, 4, 4, 9)
    with pytest.raises(UsageError, match=r"frame width 4097 is not 1\.\.4096 pixels"):
        driver.frame_job(TINY, 4, 4097, 2)
    with pytest.raises(UsageError, match=r"beyond 4 GiB"):
        driver.frame_job(TINY, 4, 4, 2, base=(1 << 32) - 64)
    with pytest.raises(UsageError, match="is not a multiple of 8"):
        driver.frame_job(TINY, 4, 4, 2, base=4)
    job = driver.frame_job(TINY, 4, 4, 2)
    with pytest.raises(UsageError, match="overlaps"):
        replace(job, addresses={**job.addresses, "MAP_B": job.addresses["MAP_A"] + 8})


def test_status_and_counters_are_read_back():
    value = 1 << 1 | 3 << 4 | 5 << 8
    assert driver.status(value) == driver.Status(busy=False, done=True, error="read", layer=5)
    assert driver.counter(0x89ABCDEF, 0x12) == 0x12_89AB_CDEF
