"""The accelerator with AXI ports: words, pixels, cycles, and what software and memory do to it."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator

from rtl.axi.bursts import BurstCutter
from sim.simulators.errors import BenchFailure
from sim.targets import system as system_simulation
from sim.targets.system import SystemRun, SystemSimulation
from sw_model.spec.hardware.buffers import BURST_WORDS, bursts
from sw_model.spec.hardware.registers import FRAME_HEIGHT_MAX, FRAME_WIDTH_MAX
from sw_model.spec.hardware.strips import strips
from sw_model.spec.hardware.system_cycles import MemoryTiming
from tests.rtl.cases import SYSTEMS
from tests.rtl.networks import NETWORKS, Frame
from tests.rtl.running import SEED

from .system_networks import COLUMNS, other_deployment, system_frames

MEMORIES = (MemoryTiming(read=20, write=10), MemoryTiming(read=1, write=1))


@cache
def simulation(network: str, engines: int = 1, columns: int = COLUMNS) -> SystemSimulation:
    deployment = NETWORKS[network].deployment
    # The compiler takes longer than all runs.
    return SystemSimulation(deployment, columns, engines=engines, optimisation="-O0")


def check_run(
    network: str, frame: Frame, run: SystemRun, engines: int = 1, columns: int = COLUMNS
) -> None:
    """Every event word and every pixel; every cycle and count where nothing pauses."""
    system = simulation(network, engines, columns)
    cycles = system.expected_cycles(run, frame.maps)
    result = system.run(run, sum(cycles))
    place = f"{network}, {frame}, {run.memory}, seed {run.spread_seed}, engines {engines}"
    for layer, (words, got) in enumerate(zip(frame.maps, result.maps, strict=True)):
        assert np.array_equal(words, got), f"{place}: map of layer {layer}"
    assert np.array_equal(frame.golden.denoised, result.denoised), place
    counters = result.counters
    assert counters["EVENTS"] == sum(map(system.layer_events, frame.maps)), place
    shares = ("BUSY", "EMPTY", "STALL_INPUT", "STALL_OUTPUT", "STALL_CHANGE")
    assert engines * counters["CYCLES"] == sum(counters[name] for name in shares), place
    if not run.spread_seed:
        assert result.layer_cycles == cycles, place
        assert counters["CYCLES"] == sum(cycles), place
    if not run.spread_seed and engines == 1 and columns == COLUMNS:
        # A strip waits for its first word: from the restart to the first address, the memory, a
        # queue; for its first pixel two cycles of another queue and two of register slices more.
        # In frames as small as these there is hardly another wait for memory.
        parts = len(strips(frame.pixels.shape[1], COLUMNS))
        waits = len(cycles) * (run.memory.read + 4) + 5
        assert 0 <= counters["STALL_INPUT"] - parts * waits <= 3 * parts, place


def plain_run(frame: Frame, **options: object) -> SystemRun:
    return replace(SystemRun(pixels=frame.pixels, timesteps=frame.timesteps), **options)


@pytest.mark.parametrize(
    "network", ["one", "mixed", "tiny", "wide", "few-1", "few-3", "few-extreme"]
)
def test_words_pixels_and_cycles(network):
    for frame in system_frames(NETWORKS[network]):
        for memory in MEMORIES:
            check_run(network, frame, plain_run(frame, memory=memory))
        check_run(network, frame, plain_run(frame, spread_seed=SEED))


def test_two_engines_give_the_same_in_fewer_cycles():
    frames = system_frames(NETWORKS["mixed"])
    for frame in frames:
        check_run("mixed", frame, plain_run(frame), engines=2)
        check_run("mixed", frame, plain_run(frame, spread_seed=SEED), engines=2)
    run, maps = plain_run(frames[-1]), frames[-1].maps
    one, two = (sum(simulation("mixed", n).expected_cycles(run, maps)) for n in (1, 2))
    assert two < one
    # All of it again, with weights that both read from where they were loaded.
    other = other_deployment(NETWORKS["mixed"].deployment)
    mine = Frame(other, run.pixels, run.timesteps)
    check_run("mixed", mine, plain_run(mine, loaded=other), engines=2)


def test_bursts_end_at_multiples_of_their_length():
    rng = np.random.default_rng(SEED)
    rows = [(int(rng.integers(1 << 20)), int(rng.integers(1, 700))) for _ in range(200)]
    rows += [(BURST_WORDS - 1, 1), (BURST_WORDS, BURST_WORDS), (0, 700), (BURST_WORDS - 1, 700)]
    m = Module()
    cutter = BurstCutter(m, 700)
    address, words = Signal.like(cutter.address), Signal(range(701))
    begin = Signal()
    with m.If(begin):
        m.d.sync += cutter.begin_row(address, words)
    with m.Else():
        m.d.sync += cutter.advance()
    found = []

    async def bench(ctx):
        for start, count in rows:
            ctx.set(address, start)
            ctx.set(words, count)
            ctx.set(begin, 1)
            await ctx.tick()
            ctx.set(begin, 0)
            cut = []
            while True:
                assert ctx.get(cutter.address) == start + sum(cut)
                cut.append(ctx.get(cutter.length))
                if ctx.get(cutter.row_done):
                    break
                await ctx.tick()
            found.append(cut)

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert found == [bursts(start, count) for start, count in rows]
    assert all(
        (start + sum(cut[:end])) % BURST_WORDS == 0
        for (start, _), cut in zip(rows, found, strict=True)
        for end in range(1, len(cut))
    )


def test_bursts_are_cut_at_page_boundaries():
    # A whole row's words lie on both sides of an address that bursts must not cross.
    frame = system_frames(NETWORKS["wide"])[-1]
    for base in range(0x1000 - 0x48, 0x1000 + 8, 8):
        check_run("wide", frame, plain_run(frame, base=base))


# While a row of many noisy pixels comes, the output layer lives on the words that it has ahead.
def test_rows_of_many_pixels():
    pixels = np.random.default_rng(0).integers(-99, 400, (3, 28))
    frame = Frame(NETWORKS["five"].deployment, pixels, 3)
    check_run("five", frame, plain_run(frame), columns=28)


# Every strip of the widest frame, every row of the highest.
@pytest.mark.parametrize("shape", [(2, FRAME_WIDTH_MAX), (FRAME_HEIGHT_MAX, 1)])
def test_largest_frames(shape):
    network = NETWORKS["tiny"].deployment
    pixels = np.random.default_rng(SEED).integers(-99, 400, shape)
    frame = Frame(network, pixels, network.spec.timesteps[0])
    check_run("tiny", frame, plain_run(frame, memory=MEMORIES[1]))


# Bursts of one word, one behind the other: each sets out two cycles after the one before it.
@pytest.mark.parametrize(
    ("network", "shape", "timesteps", "bases"),
    [("one", (1, 9), 1, (0x1150, 0x11E0)), ("tiny", (1, 1), 2, (0x11E8, 0x11F0))],
)
def test_bursts_of_one_word(network, shape, timesteps, bases):
    pixels = np.random.default_rng(0).integers(-99, 400, shape)
    frame = Frame(NETWORKS[network].deployment, pixels, timesteps)
    for base in bases:
        check_run(network, frame, plain_run(frame, base=base))


@pytest.mark.parametrize("name", ["mixed", "wide"])
def test_loaded_deployment_gives_its_own_numbers(name):
    network = NETWORKS[name]
    other = other_deployment(network.deployment)
    for frame in system_frames(network)[2:4]:
        mine = Frame(other, frame.pixels, frame.timesteps)
        check_run(name, mine, plain_run(frame, loaded=other))


def test_error_of_the_memory_ends_the_frame():
    frame = system_frames(NETWORKS["tiny"])[-1]
    system = simulation("tiny")
    job = system.job(plain_run(frame))
    for name, kind in (("NOISY", "read"), ("MAP_A", "write"), ("MAP_B", "write")):
        run = plain_run(frame, failing=[(job.addresses[name] + 8, 8)])
        with pytest.raises(BenchFailure, match=f"error='{kind}'"):
            system.run(run, sum(system.expected_cycles(run, frame.maps)))


@pytest.mark.parametrize(
    ("port", "operator", "sentence"),
    [
        ("arvalid", "&", "arvalid fell before ready"),
        ("wdata", "^", "w channel changed before ready"),
    ],
)
def test_memory_wants_what_was_offered_to_stay(port, operator, sentence, tmp_path, monkeypatch):
    written = system_simulation.verilog_text
    restless = "reg restless = 0; always @(posedge clk) restless <= !restless;"

    def changed(*arguments):
        text, places = re.subn(
            rf"assign m_axi_{port} = (.*);",
            rf"{restless} assign m_axi_{port} = \1 {operator} restless;",
            written(*arguments),
        )
        assert places == 1
        return text

    monkeypatch.setattr(system_simulation, "verilog_text", changed)
    deployment = NETWORKS["one"].deployment
    system = SystemSimulation(deployment, COLUMNS, optimisation="-O0", build_root=tmp_path)
    run = plain_run(system_frames(NETWORKS["one"])[-1], spread_seed=SEED)
    with pytest.raises(BenchFailure, match=sentence):
        system.run(run, 10_000)


@pytest.mark.parametrize(
    ("name", "simulator"),
    [
        ("system-tiny", "verilator"),
        pytest.param("system-tiny", "icarus", marks=pytest.mark.long),
        # What the simulators might see differently is the same with two engines.
        ("system-tiny-pair", "verilator"),
    ],
)
def test_software_and_memory(name, simulator):
    SYSTEMS[name].run(simulator)
