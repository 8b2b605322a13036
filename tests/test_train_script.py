"""`scripts/train.sh`, which `make train` calls, in small."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

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


def train(folder, environment):
    command = ["bash", "scripts/train.sh", "tiny", "4", "2", str(folder)]
    options = ["--batch", "2", "--every", "2", "--no-compile"]
    return subprocess.run(
        [*command, *options], env=environment, check=False, capture_output=True, text=True
    )


def test_trains_quantises_and_freezes_and_does_nothing_twice(tmp_path, environment):
    first = train(tmp_path / "run", environment)
    assert first.returncode == 0, first.stderr
    frozen = tmp_path / "run/frozen.safetensors"
    deployment = load_deployment(frozen)
    assert deployment.spec.name == "tiny"
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
