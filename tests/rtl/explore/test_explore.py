"""`python -m rtl explore`: a tiny sweep from counts to front, its figures, and its mistakes."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rtl.__main__ import main
from rtl.core.weight_memory import WeightMemory
from rtl.explore.command import check_counts, check_size
from rtl.explore.designs import Hardware, SideBySide, group_sizes, variant
from rtl.explore.points import Configuration, Point, compose, frame_energy, pareto_front
from rtl.explore.run import Task, run_cluster, run_here
from rtl.flow.area import Area
from rtl.flow.errors import SynthesisFailure
from rtl.flow.wrapper import RegisteredPins
from rtl.flow.yosys import design_text
from sw_model.evaluation.cost_study import count_input
from sw_model.golden import denoise
from sw_model.spec import UsageError, configuration
from sw_model.spec.cost.energy import DRAM_PJ
from sw_model.spec.cost.model import spiking_cost
from sw_model.spec.hardware.counted_cycles import chip_cycles, memory_cycles
from sw_model.spec.hardware.cycles import frame_cycles
from sw_model.spec.hardware.strips import Strip, strips
from sw_model.spec.hardware.system_cycles import MemoryTiming
from sw_model.spec.spike_counts import count_spikes
from sw_model.support.cluster import connect
from tests import ROOT
from tests.random_deployment import random_deployment

MEMORY = MemoryTiming(read=20, write=10)


def tiny_counts(height=6, width=9):
    """Return a tiny network, its activation maps of a random frame, and their spike counts."""
    deployment = random_deployment(configuration("tiny"), seed=1)
    pixels = np.random.default_rng(0).integers(-99, 400, (height, width))
    maps = [layer.words for layer in denoise(deployment, pixels, trace="spikes").layers]
    return deployment, maps, count_spikes(maps, deployment, "a random frame")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in a folder with a tiny network and its spike counts."""
    monkeypatch.chdir(tmp_path)
    deployment, _, counts = tiny_counts()
    deployment.save(Path("tiny.safetensors"))
    counts.save(Path("spikes.json"))
    return tmp_path


OPTIONS = ["explore", "--deployment", "tiny.safetensors", "--spikes", "spikes.json"]
CHIP = [*OPTIONS, "--maps", "chip", "--device", "LFE5U-25F", "--clock", "100"]
SMALL = [*CHIP, "--group", "4"]
WHOLE = [*CHIP, "--whole", "--engines", "1"]


# From counts to all outputs; a second run takes all results from the cache.
def test_a_tiny_sweep(folder, capsys, monkeypatch):
    deployment, maps, _ = tiny_counts()
    assert main([*SMALL, "--jobs", "2", "-o", "out"]) == 0
    text = capsys.readouterr().out
    content = json.loads(Path("out/points.json").read_text())
    assert content["deployment"] == deployment.hash
    one, two = content["points"]
    cycles = sum(frame_cycles(maps, 4))
    assert one["cycles"] == two["cycles"] == cycles
    assert one["fps"] == pytest.approx(100e6 / cycles, abs=1e-3)
    assert two["fps"] == pytest.approx(200e6 / cycles, abs=1e-3)
    assert (one["lanes"], two["lanes"]) == (36, 72)
    # At least an adder and two registers per lane.
    lane_bits = max(layer.lane for layer in deployment.widths.layers[1:-1])
    assert one["lut4"] > 36 * lane_bits
    assert one["flip_flops"] > 2 * 36 * lane_bits
    assert one["weight_ram"] == two["weight_ram"]
    # Everything twice, except the weights.
    for kind in ("lut4", "flip_flops", "dsp"):
        assert two[kind] == 2 * one[kind]
    assert two["block_ram"] == 2 * one["block_ram"] - one["weight_ram"]
    assert [one["front"], two["front"]] == [True, True]
    with Path("out/points.csv").open() as stream:
        table = list(csv.DictReader(stream))
    assert [int(row["lut4"]) for row in table] == [one["lut4"], two["lut4"]]
    assert str(one["lut4"]) in text
    assert Path("out/table.md").read_text().count("\n") == 4
    with Image.open("out/front.png") as figure:
        assert min(figure.size) > 300

    # Logic between the parts, and logic that is optimised away when they are connected, is little.
    assert main([*WHOLE, "-o", "whole", "--json"]) == 0
    (whole,) = json.loads(capsys.readouterr().out)["points"]
    for kind in ("lut4", "flip_flops"):
        assert whole[kind] == pytest.approx(one[kind], rel=0.1)
    assert (whole["block_ram"], whole["dsp"]) == (one["block_ram"], one["dsp"])

    def not_called(*arguments):
        raise AssertionError("a cached result is made again")

    monkeypatch.setattr("rtl.flow.yosys.run_tool", not_called)
    assert main([*SMALL, "-o", "out", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == content


# A result made by a cluster is cached like a local one.
def test_a_synthesis_on_a_cluster(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="Dask is an optional extra")
    # Enough rows for block RAM.
    memory = WeightMemory(rows=[[row % 8] * 9 for row in range(600)], weight_bits=4)
    task = Task(label="weights", text=design_text(SideBySide({"weight_memory": memory})))
    labels = []
    with (
        warnings.catch_warnings(action="ignore"),  # Dask's own warnings
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=":0", memory_limit=0
        ) as cluster,
    ):
        client = connect(cluster.scheduler_address)
        found = run_cluster(
            [task], cache=tmp_path, client=client, tell=lambda label, done: labels.append(label)
        )
        client = connect(cluster.scheduler_address)
        broken = replace(task, text="no RTLIL", label="nonsense")
        with pytest.raises(SynthesisFailure, match=r"^nonsense, on the cluster: yosys: .*ERROR"):
            run_cluster([broken], cache=tmp_path, client=client, tell=lambda label, done: None)
    assert labels == ["weights"]
    assert found["weights"].block_ram == found["weights"].weight_ram == 2
    assert found["weights"].flip_flops >= 9 * 4

    def not_called(*arguments):
        raise AssertionError("a cached result is made again")

    monkeypatch.setattr("rtl.flow.yosys.run_tool", not_called)
    assert run_here([task], cache=tmp_path, jobs=1, tell=lambda label, done: None) == found


# Each configuration has the sum of its parts' areas and the clock of its slowest group.
def test_configurations_get_their_parts(folder, capsys, monkeypatch):
    labels = []

    def run(task, cache):
        labels.append(task.label)
        if task.device is not None:
            assert task.device == "LFE5U-45F"
            return 90.0 if "of 2 channels" in task.label else 80.0
        assert "\\feed" not in task.text
        if task.label.startswith("rest"):
            return Area(lut4=1000 if "maps chip" in task.label else 2000)
        return Area(lut4=20 if "of 2 channels" in task.label else 1, block_ram=5, weight_ram=3)

    monkeypatch.setattr(Task, "run", run)
    options = ["--group", "2,3,4", "--timesteps", "3", "--engines", "2", "--device", "LFE5U-45F"]
    assert main([*OPTIONS, *options, "--place", "--jobs", "1", "-o", "out", "--json"]) == 0
    points = json.loads(capsys.readouterr().out)["points"]
    # Four channels in groups of at most three are two groups of two, as with at most two.
    assert [(row["maps"], row["group"]) for row in points] == [
        (maps, group) for maps in ("chip", "memory") for group in (2, 3, 4)
    ]
    assert [row["lut4"] for row in points] == [2080, 2080, 2002, 4080, 4080, 4002]
    assert [row["block_ram"] for row in points] == [14, 14, 7] * 2
    assert [row["clock_mhz"] for row in points] == [90.0, 90.0, 80.0] * 2
    assert len(labels) == len(set(labels)) == 2 * (1 + 2 + 2)


# Cycles and their busy share follow from the counts; the table's mark is explained.
def test_the_table_of_two_groupings(folder, capsys, monkeypatch):
    monkeypatch.setattr(Task, "run", lambda task, cache: Area(lut4=1))
    options = ["--group", "1,2", "--engines", "1", "--maps", "chip", "--jobs", "1", "-o", "out"]
    assert main([*OPTIONS, *options]) == 0
    assert "trained and frozen for" not in capsys.readouterr().out
    _, _, counts = tiny_counts()
    events = sum(int(layer.events.sum()) for layer in counts.layers)
    for row in json.loads(Path("out/points.json").read_text())["points"]:
        cycles = sum(chip_cycles(counts, 3, row["group"]))
        assert (row["cycles"], row["lanes"]) == (cycles, 36)
        assert row["busy"] == pytest.approx(events / cycles, abs=1e-4)
    assert main([*OPTIONS, *options, "--timesteps", "1"]) == 0
    assert "*           not what the deployment was trained and" in capsys.readouterr().out
    assert [line.split(" | ")[1] for line in Path("out/table.md").read_text().splitlines()] == [
        "T", "---", "1*", "1*"
    ]  # fmt: skip


# Ctrl-C ends the running syntheses, and their unfinished files do not count as results.
def test_an_interrupt_leaves_no_partial_result(folder):
    command = [sys.executable, "-m", "rtl", *SMALL, "--jobs", "1", "-o", "out"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        # A shell's background jobs ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        for _ in range(2400):
            if list(Path().glob("build/synth/area-*/script.ys")) or process.poll() is not None:
                break
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "python -m rtl: interrupted\n"
    assert list(Path().glob("build/synth/*/.complete")) == []
    assert not Path("out").exists()
    assert list(Path().glob(".out-*")) == []


def point(**changes):
    """Return a point with some values changed."""
    hardware = Hardware(maps="chip", timesteps=4, weight_bits=4, group=16)
    changes = dict(changes)
    for name in ("timesteps", "weight_bits"):
        if name in changes:
            hardware = replace(hardware, **{name: changes.pop(name)})
    made = Point(
        configuration=Configuration(hardware=hardware, engines=1),
        variant=(),
        lanes=9,
        area=Area(lut4=100, flip_flops=100, block_ram=10, dsp=1),
        fits=True,
        cycles=1000,
        busy=0.9,
        clock_mhz=100.0,
        fps=1e5,
        energy_uj=1.0,
    )
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("other", "front"),
    [
        ({}, [True, True]),
        ({"fps": 2e5}, [False, True]),
        ({"energy_uj": 2.0}, [True, False]),
        ({"fps": 2e5, "energy_uj": 2.0}, [True, True]),
        ({"fps": 2e5, "fits": False}, [True, False]),
        # A point with less quality beats no other one.
        ({"fps": 2e5, "timesteps": 3}, [True, True]),
        ({"fps": 2e5, "weight_bits": 3}, [True, True]),
        ({"weight_bits": 8}, [False, True]),
        # Flip-flops are not an objective here.
        ({"area": Area(lut4=100, flip_flops=1, block_ram=10)}, [True, True]),
    ],
)
def test_no_point_beats_the_front(other, front):
    assert pareto_front([point(), point(**other)], ("fps", "lut4", "energy")) == front


def test_areas_of_parts_add_up():
    groups = {3: Area(lut4=10, block_ram=3, weight_ram=2), 2: Area(lut4=7, block_ram=2)}
    rest = Area(lut4=5, flip_flops=4, block_ram=1)
    one = compose(groups, {3: 2, 2: 1}, rest, 1)
    assert one == Area(lut4=32, flip_flops=4, block_ram=9, weight_ram=4)
    two = compose(groups, {3: 2, 2: 1}, rest, 2)
    assert two == Area(lut4=64, flip_flops=8, block_ram=14, weight_ram=4)


def test_groups_are_of_nearly_the_same_size():
    assert group_sizes(64, 16) == {16: 4}
    assert group_sizes(10, 4) == {3: 2, 4: 1}
    assert group_sizes(3, 16) == {3: 1}


# A variant with the deployment's own T and width is the deployment itself.
def test_variants_have_the_given_width_and_t():
    deployment = random_deployment(configuration("tiny"), seed=1)
    same = variant(deployment, 3, 4)
    assert all((a == b).all() for a, b in zip(same.weights, deployment.weights, strict=True))
    assert same.spec.timesteps == (3,)
    assert same.mults.tolist() == [deployment.mult(3)]
    other = variant(deployment, 1, 8)
    assert [layer.weight_bits for layer in other.spec.layers] == [4, 8, 8, 4]
    assert np.abs(other.weights[1]).max() > 7
    assert (other.weights[0] == deployment.weights[0]).all()
    assert (np.sign(other.weights[2]) == np.sign(deployment.weights[2])).all()
    assert other.mults[0] > deployment.mult(3)
    # A layer narrower than the widest one stays as it is.
    layers = list(deployment.spec.layers)
    layers[2] = replace(layers[2], weight_bits=3)
    weights = tuple(weight.clip(-3, 3) for weight in deployment.weights)
    spec = replace(deployment.spec, layers=tuple(layers))
    mixed = variant(replace(deployment, spec=spec, weights=weights), 3, 4)
    assert [layer.weight_bits for layer in mixed.spec.layers] == [4, 4, 3, 4]
    narrow = variant(deployment, 3, 2)
    assert np.abs(narrow.weights[1]).max() == 1


# On chip, the energy is that of the model of `sw_model cost`; in memory, maps cost its accesses.
def test_energy_is_that_of_the_cost_model():
    deployment, maps, counts = tiny_counts()
    spikes = [count_input(words) for words in maps]
    hardware = Hardware(maps="chip", timesteps=3, weight_bits=4, group=4)
    own = variant(deployment, 3, 4)
    layers = spiking_cost(deployment, 3, (6, 9), spikes)
    whole = [Strip(0, 9, first=True, last=True)]
    found = frame_energy(own, counts, hardware, whole)
    assert found == pytest.approx(sum(layer.energy() for layer in layers))
    # Per row: the image's 3 words are read twice, 2 words written; 27 words of each map both.
    words = 6 * (2 * 3 + 2 + 2 * 27 * len(maps))
    found = frame_energy(own, counts, replace(hardware, maps="memory"), whole)
    without = sum(layer.energy() - layer.maps for layer in layers)
    assert found == pytest.approx(without + words * sum(DRAM_PJ) / 2)
    # Overlapping columns count twice.
    parts = strips(9, 5)
    assert frame_energy(own, counts, replace(hardware, maps="memory"), parts) > found
    assert memory_cycles(counts, 3, columns=5, memory=MEMORY) > memory_cycles(
        counts, 3, columns=9, memory=MEMORY
    )


def test_parts_keep_all_of_their_ports():
    memory = WeightMemory(rows=[[1, 2], [3, -4]], weight_bits=4)
    alone = SideBySide({"weights": memory})
    ports = {"_".join(map(str, path)) for path, _, _ in alone.signature.flatten(alone)}
    assert {f"weights_{name}" for name in ("weights", "take", "last")} <= ports
    assert "feed" not in design_text(alone)
    assert "feed" in design_text(RegisteredPins({"weights": memory}))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--group", "0"], "--group '0' is not a list of different integers 1..4"),
        (["--group", "4,x"], "--group '4,x' is not a list"),
        (["--engines", "1,1"], "--engines '1,1' is not a list of different integers 1..2"),
        (["--timesteps", "4"], "--timesteps '4' is not a list of different integers 1..3"),
        (["--weight-bits", "9"], "--weight-bits '9' is not a list of different integers 2..8"),
        (["--maps", "disk"], "--maps 'disk' is not a list of chip, memory"),
        (["--objectives", "speed"], "--objectives 'speed' is not a list of fps, lut4"),
        (["--device", "XC7A100T"], "--device 'XC7A100T' is none of LFE5U-25F"),
        (["--clock", "0"], "--clock 0.0 is not a frequency of 1 to 1000 MHz"),
        (["--clock", "100", "--place"], "--clock and --place exclude each other"),
        (["--whole", "--group", "4"], "--whole has groups of 16 channels: leave out --group"),
        (["--jobs", "0"], "--jobs 0 is not 1 to 256"),
        (["--jobs", "2", "--dask", "tcp://x"], "not allowed with argument"),
        (["--spikes", "none.json"], "none.json does not exist"),
        (["--deployment", "compact"], "spikes.json has the spikes of deployment"),
        (["-o", "spikes.json"], "cannot write to spikes.json: it is a file"),
    ],
)
def test_mistakes_get_one_sentence(arguments, sentence, folder, capsys):
    before = sorted(folder.rglob("*"))
    assert main([*OPTIONS, *arguments]) == 2
    output = capsys.readouterr()
    assert sentence in output.err
    assert output.err.count("\n") == 1
    assert output.out == ""
    assert sorted(folder.rglob("*")) == before


def test_no_cluster_is_one_sentence(folder, capsys, monkeypatch):
    pytest.importorskip("distributed", reason="Dask is an optional extra")
    monkeypatch.setattr("sw_model.support.cluster.PATIENCE", 1)
    assert main([*OPTIONS, "--dask", "tcp://127.0.0.1:9"]) == 2
    error = capsys.readouterr().err
    assert "no Dask scheduler answers at 'tcp://127.0.0.1:9'" in error
    assert error.count("\n") == 1
    assert not Path("build").exists()


@pytest.mark.parametrize(
    ("height", "width", "maps", "sentence"),
    [
        (300, 300, {"chip"}, "maximum frame 300x300 of the hardware has more than 65536 pixels"),
        (3, 4097, {"memory"}, "a frame of 3x4097 pixels is beyond the hardware's 65535x4096"),
    ],
)
def test_frames_beyond_the_hardware_are_refused(height, width, maps, sentence):
    counts = replace(tiny_counts()[2], height=height, width=width)
    with pytest.raises(UsageError, match=sentence):
        check_size(counts, maps)


def test_counts_of_other_layers_are_refused():
    deployment, _, counts = tiny_counts()
    with pytest.raises(UsageError, match="its layers are not those of tiny"):
        check_counts(replace(counts, layers=counts.layers[1:]), deployment, Path("s"), "tiny")
