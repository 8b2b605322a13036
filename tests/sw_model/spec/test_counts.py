"""Counts of spikes, and the cycles that they are enough for, beside the models of event words."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sw_model.spec import UsageError, pack_spikes, uniform_network
from sw_model.spec.hardware.buffers import FrameBuffers
from sw_model.spec.hardware.counted_cycles import (
    buffer_addresses,
    chip_cycles,
    memory_cycles,
    strip_events,
)
from sw_model.spec.hardware.cycles import encoding_cycles, event_layer_cycles, frame_cycles
from sw_model.spec.hardware.strips import strips
from sw_model.spec.hardware.system_cycles import MemoryTiming, system_cycles
from sw_model.spec.spike_counts import count_spikes, load_spike_counts
from tests.random_deployment import random_deployment

MEMORY = MemoryTiming(read=20, write=10)


def spiking(channels, height, width, timesteps, layers=3, seed=0):
    """A deployment, and maps of its layers whose densities differ from word to word."""
    spec = uniform_network("any", depth=layers + 1, channels=channels, timesteps=(timesteps,))
    rng = np.random.default_rng(seed)
    maps = []
    for _ in range(layers):
        density = rng.random((timesteps, 1, height, width)) ** 3
        maps.append(pack_spikes(rng.random((timesteps, channels, height, width)) < density))
    return random_deployment(spec, seed), maps


@pytest.mark.parametrize(
    ("channels", "height", "width", "timesteps"),
    [(1, 1, 3, 1), (4, 5, 7, 3), (16, 3, 4, 2), (17, 9, 8, 1), (65, 4, 5, 4), (130, 2, 3, 2)],
)
# With maps on chip, counts are as good as all event words, whatever the groups.
def test_cycles_on_chip_are_exact(channels, height, width, timesteps, monkeypatch):
    deployment, maps = spiking(channels, height, width, timesteps)
    counts = count_spikes(maps, deployment, "noise")
    for group in (16, 1, 5, 64):
        monkeypatch.setattr("sw_model.spec.hardware.cycles.GROUP_CHANNELS", group)
        wanted = frame_cycles(maps, channels)
        monkeypatch.undo()
        assert chip_cycles(counts, timesteps, group) == wanted
    for fewer in range(1, timesteps):
        if width * fewer >= 3:
            wanted = frame_cycles([words[:, :, :fewer] for words in maps], channels)
            assert chip_cycles(counts, fewer) == wanted


@pytest.mark.parametrize(
    ("channels", "height", "width", "timesteps", "columns"),
    [(4, 6, 9, 3, 9), (16, 8, 40, 4, 16), (32, 20, 64, 8, 30), (64, 12, 33, 2, 12)],
)
# With maps in memory, counts tell all but how long the image's words keep the array waiting.
def test_cycles_with_external_maps(channels, height, width, timesteps, columns):
    deployment, maps = spiking(channels, height, width, timesteps, seed=1)
    counts = count_spikes(maps, deployment, "noise")
    buffers = FrameBuffers(height, width, timesteps, channels)
    wanted = system_cycles(maps, channels, columns, MEMORY, buffer_addresses(buffers))
    found = memory_cycles(counts, timesteps, columns=columns, memory=MEMORY)
    image = height * sum(buffers.noisy_words(strip) for strip in strips(width, columns))
    assert found[:-1] == wanted[:-1]
    assert abs(found[-1] - wanted[-1]) <= image


# Each pass is a layer of so many output channels that reads the whole map: constants, flush,
# latency and strips come with each; the output layer goes over its map once.
@pytest.mark.parametrize(("channels", "passes"), [(4, 2), (32, 2), (48, 3), (130, 2)])
def test_passes_repeat_spiking_layers(channels, passes):
    height, width, timesteps, outputs = 5, 9, 3, channels // passes
    deployment, maps = spiking(channels, height, width, timesteps)
    counts = count_spikes(maps, deployment, "noise")
    assert chip_cycles(counts, timesteps, passes=passes) == [
        passes * encoding_cycles(height, width, timesteps, outputs),
        *(passes * event_layer_cycles("hidden", words, outputs) for words in maps[:-1]),
        event_layer_cycles("output", maps[-1], channels),
    ]
    # Groups that are smaller than the models have them are later in each pass.
    smaller = chip_cycles(counts, timesteps, 1, passes=passes)
    later = 2 * passes * (outputs - -(-outputs // 16))
    assert smaller[1] - chip_cycles(counts, timesteps, passes=passes)[1] == later


# Layer by layer with maps in memory, in strips and with two engines.
@pytest.mark.parametrize("engines", [1, 2])
def test_passes_with_external_maps(engines):
    deployment, maps = spiking(32, 20, 64, 8, seed=1)
    counts = count_spikes(maps, deployment, "noise")
    options = {"columns": 30, "memory": MEMORY, "engines": engines}
    once = memory_cycles(counts, 8, **options)
    assert memory_cycles(counts, 8, **options, passes=1) == once
    found = memory_cycles(counts, 8, **options, passes=2)
    addresses = buffer_addresses(FrameBuffers(20, 64, 8, 32))
    all_lanes, half = (
        system_cycles(maps, outputs, 30, MEMORY, addresses, engines)[:-1] for outputs in (32, 16)
    )
    # How far counts are off, with two engines, does not depend on the lanes.
    off = [counted - cycles for counted, cycles in zip(once[:-1], all_lanes, strict=True)]
    assert engines == 2 or off == [0, 0, 0]
    assert found[:-1] == [2 * (cycles + more) for cycles, more in zip(half, off, strict=True)]
    assert found[-1] == once[-1]


def test_passes_that_leave_channels_over_are_refused():
    deployment, maps = spiking(6, 3, 4, 2)
    counts = count_spikes(maps, deployment, "noise")
    for passes in (0, 4):
        with pytest.raises(UsageError, match=f"6 channels cannot be split evenly into {passes}"):
            chip_cycles(counts, 2, passes=passes)
    with pytest.raises(UsageError, match="6 channels cannot be split evenly into 4"):
        memory_cycles(counts, 2, columns=4, memory=MEMORY, passes=4)


# Two engines halve the rows, and what both need of the row beside; the slower one counts.
def test_two_engines_halve_the_rows():
    deployment, maps = spiking(8, 11, 30, 2)
    counts = count_spikes(maps, deployment, "noise")
    options = {"columns": 30, "memory": MEMORY}
    found = memory_cycles(counts, 2, **options, engines=2)
    halves = []
    for rows in (slice(0, 7), slice(5, 11)):  # 6 and 5 rows of their own
        part = [words[rows] for words in maps]
        addresses = buffer_addresses(FrameBuffers(len(part[0]), 30, 2, 8))
        halves.append(system_cycles(part, 8, 30, MEMORY, addresses))
    slower = [max(layer) for layer in zip(*halves, strict=True)]
    assert found[:-1] == slower[:-1]
    assert abs(found[-1] - slower[-1]) <= 7 * 8
    single = count_spikes([words[:1] for words in maps], deployment, "a row")
    assert memory_cycles(single, 2, **options, engines=2) == memory_cycles(single, 2, **options)


def test_events_of_a_strip_are_those_of_its_columns():
    deployment, maps = spiking(5, 3, 11, 2)
    counts = count_spikes(maps, deployment, "noise")
    for strip in strips(11, 5):
        words = [m[:, strip.start : strip.start + strip.columns, :1] for m in maps]
        assert strip_events(counts, 1, strip) == [int(np.bitwise_count(m).sum()) for m in words]


def test_theta_is_spikes_over_neurons():
    deployment, maps = spiking(5, 3, 4, 2)
    counts = count_spikes(maps, deployment, "noise")
    spikes = sum(int(np.bitwise_count(words).sum()) for words in maps)
    assert counts.theta(2) == pytest.approx(spikes / (3 * 5 * 3 * 4))


def test_a_file_gives_back_what_was_saved(tmp_path):
    deployment, maps = spiking(5, 3, 4, 2)
    counts = count_spikes(maps, deployment, "noise")
    counts.save(tmp_path / "spikes.json")
    loaded = load_spike_counts(tmp_path / "spikes.json")
    assert loaded.deployment == deployment.hash
    assert (loaded.height, loaded.width, loaded.timesteps) == (3, 4, 2)
    for one, other in zip(counts.layers, loaded.layers, strict=True):
        assert (one.events == other.events).all()
        assert (one.empty == other.empty).all()


def _without(name):
    return lambda content: content.pop(name)


def _with(name, value):
    return lambda content: content.update({name: value})


def _layer(name, value):
    return lambda content: content["layers"][1].update({name: value})


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (_with("format", 2), "it is not of layout 1"),
        (_without("channels"), "'channels' is missing"),
        (_with("height", 0), "height is 0, not an integer of 1..1048576"),
        (_with("width", True), "width is True, not an integer of 1"),
        (_with("channels", 1 << 62), "channels is 4611686018427387904, not an integer of 1"),
        (_with("height", float("inf")), "Infinity is no number"),
        (_layer("events", [[[1 << 64] * 4] * 2] * 4), "18446744073709551616 is beyond 64 bits"),
        (_layer("empty", [[[-(1 << 63)] * 4] * 2] * 4), "of layer 1 do not fit"),
        (_layer("events", {"a": 1}), "events of layer 1 are not integers"),
        (_with("network", 3), "network is 3, not a text"),
        (_with("layers", []), "0 layers are fewer than a network has"),
        (_with("layers", 7), "cannot be read as spike counts"),
        (_layer("events", [[1, 2]]), "events of layer 1 are not integers, 4 tables of 2"),
        (
            _layer("empty", [[1], [2, 3]]),
            "empty of layer 1 are not integers, 4 tables of 2 rows of 4",
        ),
        (_layer("events", [[[0.5] * 4] * 2] * 4), "events of layer 1 are not integers"),
        (_layer("events", [[[99] * 4] * 2] * 4), "of layer 1 do not fit 3 rows of 5 channels"),
        (_layer("empty", [[[4] * 4] * 2] * 4), "of layer 1 do not fit 3 rows of 5 channels"),
    ],
)
def test_damaged_files_get_one_sentence(damage, sentence, tmp_path):
    deployment, maps = spiking(5, 3, 4, 2)
    path = tmp_path / "spikes.json"
    count_spikes(maps, deployment, "noise").save(path)
    content = json.loads(path.read_text())
    damage(content)
    path.write_text(json.dumps(content))
    with pytest.raises(UsageError, match=sentence):
        load_spike_counts(path)


def test_other_files_get_one_sentence(tmp_path):
    with pytest.raises(UsageError, match=r"none.json does not exist"):
        load_spike_counts(tmp_path / "none.json")
    (tmp_path / "text").write_text("no JSON")
    with pytest.raises(UsageError, match="cannot be read as spike counts"):
        load_spike_counts(tmp_path / "text")


@pytest.mark.parametrize(("timesteps", "width"), [(0, 4), (3, 4), (1, 2)])
def test_impossible_frames_are_refused(timesteps, width):
    deployment, maps = spiking(5, 3, width, 2)
    counts = count_spikes(maps, deployment, "noise")
    with pytest.raises(UsageError, match="T = "):
        chip_cycles(counts, timesteps)
