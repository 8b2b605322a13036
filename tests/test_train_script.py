"""`scripts/train.sh`, which `make train` calls, in small."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from sw_model.network.baseline import Baseline
from sw_model.spec import load_deployment


@pytest.fixture
def environment(tmp_path):
    """A data set of four pictures."""
    folder = tmp_path / "data/train400"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index in range(4):
        picture = Image.fromarray(rng.integers(0, 256, (6, 6)).astype(np.uint8))
        picture.resize((48, 48), Image.Resampling.BICUBIC).save(folder / f"{index}.png")
    return os.environ | {"SPIKING_DNCNN_DATA": str(tmp_path / "data"), "PYTHON": sys.executable}


def train(folder, environment, *more, recipe="compact", shorten="1400"):
    command = ["bash", "scripts/train.sh", recipe, str(folder)]
    config = "tiny-if" if recipe == "best" else "tiny"
    options = ["--config", config, "--batch", "2", "--every", "2", "--no-compile", *more]
    return subprocess.run(
        [*command, *options],
        env=environment | {"SHORTEN": shorten},
        check=False,
        capture_output=True,
        text=True,
    )


def test_trains_quantises_and_freezes_and_does_nothing_twice(tmp_path, environment):
    first = train(tmp_path / "run", environment)
    assert first.returncode == 0, first.stderr
    frozen = tmp_path / "run/frozen.safetensors"
    deployment = load_deployment(frozen)
    assert deployment.spec.name == "compact"
    assert [run["steps"] for run in deployment.provenance["runs"]] == [4, 2]
    content = frozen.read_bytes()
    log = (tmp_path / "run/float/log.jsonl").read_text()
    again = train(tmp_path / "run", environment)
    assert again.returncode == 0, again.stderr
    assert frozen.read_bytes() == content
    assert (tmp_path / "run/float/log.jsonl").read_text() == log


def test_stops_at_the_first_mistake(tmp_path, environment):
    environment |= {"SPIKING_DNCNN_DATA": str(tmp_path / "nowhere")}
    run = train(tmp_path / "run", environment)
    assert run.returncode == 2
    assert "nowhere" in run.stderr
    assert not (tmp_path / "run/frozen.safetensors").exists()


# A training that ran out of time is not quantised and frozen as it is, but gone on with next time,
# with the options of that call.
def test_stops_when_out_of_time_and_goes_on(tmp_path, environment):
    data = ["--data", environment.pop("SPIKING_DNCNN_DATA")]
    run = train(tmp_path / "run", environment, *data, "--minutes", "0")
    assert run.returncode == 3
    assert "stopped in the training 'float', frozen.safetensors is not written" in run.stderr
    assert not (tmp_path / "run/quantised").exists()
    refused = train(tmp_path / "run", environment, *data, "--batch", "1")
    assert refused.returncode == 2
    assert "--batch 1 does not fit the run to resume, which has 2" in refused.stderr
    other = train(tmp_path / "run", environment, *data, recipe="best")
    assert other.returncode == 2
    assert "holds a training of 'compact 1400', not 'best 1400'" in other.stderr
    nowhere = train(tmp_path / "run", environment, "--data", str(tmp_path / "nowhere"))
    assert nowhere.returncode == 2
    assert "nowhere" in nowhere.stderr
    again = train(tmp_path / "run", environment, *data)
    assert again.returncode == 0, again.stderr
    runs = load_deployment(tmp_path / "run/frozen.safetensors").provenance["runs"]
    assert [run["steps"] for run in runs] == [4, 2]


# Every recipe ends in a network, those that start from another recipe's network too.
@pytest.mark.long
def test_recipes(tmp_path, environment):
    nothing = train(tmp_path / "paper", environment, recipe="paper", shorten="2800")
    assert nothing.returncode == 2
    assert "compact/float/checkpoint.pt does not exist" in nothing.stderr
    for recipe in ("compact", "baseline", "best", "paper"):
        run = train(tmp_path / recipe, environment, recipe=recipe, shorten="2800")
        assert run.returncode == 0, run.stderr
    for recipe, runs in (("compact", 2), ("best", 4), ("paper", 3)):
        deployment = load_deployment(tmp_path / recipe / "frozen.safetensors")
        assert len(deployment.provenance["runs"]) == runs
    (tmp_path / "paper/frozen.safetensors").unlink()
    again = train(tmp_path / "paper", environment, recipe="paper", shorten="2800")
    assert again.returncode == 0, "a pupil resumes with its teacher"
    baseline = Baseline.load(tmp_path / "baseline/baseline.safetensors")
    assert len(baseline.layers) == 4
    unknown = train(tmp_path / "none", environment, recipe="none")
    assert unknown.returncode == 2
    assert "recipe 'none' is unknown; known are compact, best, paper, baseline" in unknown.stderr
    assert not (tmp_path / "none").exists()
