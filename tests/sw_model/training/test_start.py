"""How a run begins: what a command line asks for, and which network that is."""

import pytest
import torch

from sw_model.network.dncnn import DnCNN, SpikingDnCNN
from sw_model.network.folded import FoldedDnCNN
from sw_model.spec import UsageError
from sw_model.training import command as train
from sw_model.training.baseline_command import baseline_of
from sw_model.training.checkpoint import Checkpoint, build_model
from sw_model.training.data import TrainingSet
from sw_model.training.options import TrainingOptions
from sw_model.training.run import TrainingRun
from sw_model.training.start.beginnings import initial_state
from sw_model.training.start.request import Request, run_folder
from sw_model.training.start.resume import resumed

from .commands import parse


@pytest.fixture
def files(pictures, tmp_path):
    """A spiking network's checkpoint, a float one's, and the latter exported."""
    images = TrainingSet.split(pictures)
    paths = {}
    for model in ("snn", "ann"):
        options = TrainingOptions(config="tiny", model=model, steps=5, batch=2, seed=3)
        paths[f"{model}.pt"] = tmp_path / f"{model}.pt"
        TrainingRun(options, images, build_model(options)).checkpoint().save(paths[f"{model}.pt"])
    paths["twin"] = tmp_path / "twin.safetensors"
    baseline_of(Checkpoint.load(paths["ann.pt"])).save(paths["twin"])
    return paths


def request(*words):
    return Request.from_arguments(parse(train, *words))


def test_requests():
    asked = request("--quantise", "compact", "--weight-bits", 5, "--steps", 7)
    assert (asked.kind, str(asked.source)) == ("quantise", "compact")
    assert sorted(asked.given) == ["steps", "widths"]
    assert request() == Request()
    assert request("--surrogate", "arctan").surrogate


def test_folders(tmp_path):
    assert run_folder(parse(train, "-o", tmp_path / "a")).path == tmp_path / "a"
    assert run_folder(parse(train, "--resume", tmp_path / "b.pt")).path == tmp_path
    with pytest.raises(UsageError, match="-o DIR is missing"):
        run_folder(parse(train, "--start", "x"))


@pytest.mark.parametrize(
    ("words", "kind", "model", "runs"),
    [
        (["--config", "tiny"], SpikingDnCNN, "snn", 0),
        (["--start", "snn.pt"], SpikingDnCNN, "snn", 1),
        (["--start", "ann.pt"], DnCNN, "ann", 1),
        (["--start", "twin", "--model", "ann", "--config", "tiny"], DnCNN, "ann", 1),
        (["--convert", "ann.pt", "--config", "tiny-if"], SpikingDnCNN, "snn", 1),
        (["--convert", "twin", "--config", "tiny-if"], SpikingDnCNN, "snn", 1),
        (["--quantise", "snn.pt"], FoldedDnCNN, "quantised", 1),
        (["--quantise", "compact"], FoldedDnCNN, "quantised", 3),
    ],
)
def test_beginnings(files, pictures, words, kind, model, runs):
    images = TrainingSet.split(pictures)
    start = initial_state(request(*[files.get(word, word) for word in words]), images)
    assert type(start.model) is kind
    assert start.options.model == model
    assert len(start.history) == runs


# The run that goes on is the checkpoint's with more steps; the file's own options stay.
def test_resumed(files):
    checkpoint = resumed(request("--resume", files["snn.pt"], "--steps", 9))
    assert (checkpoint.options.steps, checkpoint.options.seed) == (9, 3)
    saved = Checkpoint.load(files["snn.pt"])
    assert saved.options.steps == 5
    assert torch.equal(saved.model["output_weight"], checkpoint.model["output_weight"])
