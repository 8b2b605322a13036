"""The benchmark: what it writes, whom it leaves out, what it refuses, and its spiking networks."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sw_model import golden
from sw_model.__main__ import main
from sw_model.spec import NeuronSpec, configuration, uniform_network
from sw_model.studies.bench import command as bench
from sw_model.studies.bench import measure as bench_measure
from sw_model.studies.bench import networks as bench_networks
from sw_model.studies.bench.contenders import CONTENDERS, EVENTS, GOLDEN, noisy
from sw_model.studies.bench.measure import Setting, Timing, over_sizes
from sw_model.studies.bench.memory import Memory, Task, measure
from sw_model.studies.bench.networks import SnnTorch, SpikingJelly, SpikingJellyMulti
from sw_model.studies.bench.report import _halving
from sw_model.studies.bench.theta import factor_for, scaled
from tests.random_deployment import random_deployment
from tests.sw_model.golden.test_golden import pixels

TINY = ("--sizes", "16", "--theta-size", "16", "--thetas", "0.2,0.4", "--frame", "40x24")
QUICK = (*TINY, "--repeats", "1", "--threads", "1", "--deployment", "tiny.safetensors")
LIBRARIES = {"snntorch": SnnTorch, "spikingjelly": SpikingJelly, "multi-step": SpikingJellyMulti}


def missing(name):
    raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.fixture
def without_libraries(monkeypatch):
    """As if neither library were installed, and without a process for each memory."""
    monkeypatch.setattr(bench_networks, "library", missing)
    monkeypatch.setattr(
        bench, "measure", lambda task: Memory(task.contender, task.height, task.width, 1, 2 << 20)
    )


def test_writes_report_numbers_and_figure(folder, without_libraries, capsys):
    assert main(["bench", "-o", "out", *QUICK]) == 0
    assert capsys.readouterr().out.count("snntorch is not installed") == 1
    values = json.loads(Path("out/bench.json").read_text())
    assert Path("out/performance/time.png").read_bytes().startswith(b"\x89PNG")
    text = Path("out/performance.md").read_text()
    assert text.startswith("# Time and memory in software\n")
    assert values["machine"]["cpu"] in " ".join(text.split())
    assert "--sizes 16 --thetas 0.2,0.4" in text
    assert "snnTorch, step by step at 16×16: snntorch is not installed" in " ".join(text.split())
    assert "Neither snnTorch nor SpikingJelly took part." in text

    rows = {row["contender"]: row for row in values["sizes"]}
    assert list(rows) == list(CONTENDERS)
    for name, row in rows.items():
        if CONTENDERS[name].spiking:
            assert row["median"] is None
            assert "is not installed" in row["reason"]
        else:
            assert row["median"] > 0
            assert len(row["seconds"]) == 1
    theta = golden.denoise(*tiny_and_picture()).activity.theta
    assert rows[EVENTS]["theta"] == theta
    assert {row["wanted"] for row in values["thetas"]} == {0.2, 0.4}
    assert values["memory"][-1]["width"] == 40


def tiny_and_picture():
    from sw_model.studies.coding.quality import load_pictures

    deployment = random_deployment(configuration("tiny"), 1)
    return deployment, noisy(load_pictures(None).pictures[0], 16, 16, 0)


def setting(deployment, **changes):
    return Setting(
        **{"deployment": deployment, "threads": 1, "repeats": 2, "limit": 30.0}
        | {"describe": lambda text: None}
        | changes
    )


# Engines that differ must end the command, not be timed.
def test_different_integers_are_an_error(folder, without_libraries, monkeypatch, capsys):
    make = CONTENDERS["reference"].make

    def wrong(*setting):
        run = make(*setting)
        return lambda picture: run(picture) + 1

    few = {EVENTS: CONTENDERS[EVENTS], "reference": replace(CONTENDERS["reference"], make=wrong)}
    monkeypatch.setattr(bench_measure, "CONTENDERS", few)
    assert main(["bench", "-o", "out", *QUICK]) == 1
    assert capsys.readouterr().err == (
        "python -m sw_model: golden model, reference and golden model, events give "
        "different integers\n"
    )
    assert not Path("out").exists()


# A contender that would take too long would hold up all others for hours.
def test_too_slow_contenders_are_left_out(monkeypatch):
    deployment = random_deployment(configuration("tiny"), 1)
    few = {name: CONTENDERS[name] for name in GOLDEN}
    monkeypatch.setattr(bench_measure, "CONTENDERS", few)
    clock = iter(range(0, 1000, 2))  # a pass takes two seconds
    monkeypatch.setattr(bench_measure.time, "perf_counter", lambda: next(clock))
    pictures = {size: pixels(size, size) for size in (6, 8, 16, 32)}
    found = {(t.contender, t.size): t for t in over_sizes(setting(deployment, limit=7.5), pictures)}
    assert all(found[EVENTS, size].seconds == (2, 2) for size in pictures)
    assert found["reference", 6].seconds == found["reference", 8].seconds == (2, 2)
    for size in (16, 32):
        assert found["reference", size].seconds == ()
        assert found["reference", size].reason == "about 8 s expected from 8x8, limit 7.5 s"


# The text must not claim a proportion that was not measured.
def test_halving_is_judged_by_the_times():
    def timing(theta, seconds):
        return Timing(contender=EVENTS, size=8, theta=theta, seconds=(seconds,))

    assert "Yes" in _halving([timing(0.4, 2.0), timing(0.2, 1.0)])
    assert "Not quite" in _halving([timing(0.4, 2.0), timing(0.2, 1.6)])
    assert "No two measured" in _halving([timing(0.4, 2.0), timing(0.1, 1.6)])


def test_thresholds_are_scaled_to_a_theta():
    deployment, picture = tiny_and_picture()
    own = golden.denoise(deployment, picture).activity.theta
    factor = factor_for(deployment, own / 2, picture)
    assert factor > 1
    found = golden.denoise(scaled(deployment, factor), picture).activity.theta
    assert found == pytest.approx(own / 2, rel=0.1)


# Without the same spikes, times of another network would be compared.
@pytest.mark.parametrize("reset", ["soft", "hard"])
@pytest.mark.parametrize("name", LIBRARIES)
def test_libraries_run_the_same_network(name, reset):
    package = "snntorch" if name == "snntorch" else "spikingjelly"
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is optional: requirements-bench.lock")
    spec = uniform_network(
        "any", depth=4, channels=5, timesteps=(4,), neuron=NeuronSpec(leak=None, reset=reset)
    )
    deployment = random_deployment(spec, 3, with_init=True)
    picture = pixels(7, 9)
    truth = golden.denoise(deployment, picture, trace="spikes", engine="reference")
    record = [[] for _ in truth.layers]
    total = LIBRARIES[name](deployment, 4, raised=True).run(picture, record)
    for steps, layer in zip(record, truth.layers, strict=True):
        assert (torch.stack(steps)[:, 0].bool().numpy() == layer.spikes).all()
    assert (total == truth.total).all()
    # Another network would be seen.
    other = replace(deployment, thresholds=tuple(2 * t for t in deployment.thresholds))
    assert (LIBRARIES[name](other, 4, raised=True).run(picture) != total).any()


# A large picture would fill the memory if tiles kept what they are done with.
def test_tiles_bound_the_memory(tmp_path):
    spec = uniform_network("wide", depth=3, channels=64, timesteps=(8,))
    path = tmp_path / "wide.safetensors"
    random_deployment(spec, 1).save(path)
    grown = {}
    for side in (64, 512):
        script = tmp_path / f"{side}.py"
        script.write_text(
            "import sys\nfrom sw_model import golden\nfrom sw_model.studies.bench import memory\n"
            f"golden.TILE = {side}\nmemory.main(sys.argv[1])\n"
        )
        task = Task(EVENTS, 512, 512, str(path), 1, 0, None)
        memory = measure(task, [str(script)])
        grown[side] = memory.peak - memory.before
    # Two maps of 8 bytes a pixel and timestep, of the picture and of a tile with its halo.
    maps = {512: 2 * 8 * 8 * 512**2, 64: 2 * 8 * 8 * 70**2}
    assert grown[512] - grown[64] > 0.8 * (maps[512] - maps[64])


def refused(capsys, *options):
    assert main(["bench", *map(str, options)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_mistakes_get_one_sentence(folder, capsys):
    before = sorted(folder.rglob("*"))
    assert "seed -1 is not 0 or more" in refused(capsys, "--seed", -1)
    assert "--repeats 0 is not 1 or more" in refused(capsys, "--repeats", 0)
    assert "--threads 0 is not 1 or more" in refused(capsys, "--threads", 0)
    assert "--limit 0 is not above 0" in refused(capsys, "--limit", 0)
    assert "--theta-size 0" in refused(capsys, "--theta-size", 0)
    for sizes in ("", "x", "8,8", "0", "99999"):
        assert "is not a list of different integers" in refused(capsys, f"--sizes={sizes}")
    for thetas in ("", "x", "0.1,0.1", "0", "nan", "inf"):
        assert "is not a list of different numbers" in refused(capsys, f"--thetas={thetas}")
    for frame in ("", "64", "64x", "1x2x3", "0x8"):
        assert "is not a width and a height" in refused(capsys, f"--frame={frame}")
    assert "neither a file nor a shipped name" in refused(capsys, "--deployment", "nowhere")
    (folder / "file").write_text("")
    assert "it is a file" in refused(capsys, *QUICK, "-o", "file")
    (folder / "file").unlink()
    assert sorted(folder.rglob("*")) == before
