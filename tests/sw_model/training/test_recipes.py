"""`train --recipe`, which `make train` calls, in small."""

import shlex
import subprocess

import pytest

from sw_model.__main__ import main
from sw_model.network.baseline import Baseline
from sw_model.spec import UsageError, load_deployment
from sw_model.support.environment import tool_environment
from sw_model.training import command as train
from sw_model.training.recipes.recipe import RECIPES, Stage, load_recipe
from sw_model.training.recipes.running import stage_arguments
from sw_model.training.start.request import Request
from tests import ROOT

from .commands import parse


def run(data, folder, *more, recipe="compact", shorten="1400"):
    """The exit code of a recipe on a tiny network."""
    config = "tiny-if" if recipe == "best" else "tiny"
    words = ["--data", data, "--config", config, "--batch", 2, "--every", 2, "--no-compile", *more]
    command = ["train", "--recipe", recipe, "--shorten", shorten, "-o", folder, *words]
    return main([str(word) for word in command])


def test_every_recipe_has_a_file():
    files = (ROOT / "sw_model/training/recipes").glob("*.toml")
    assert sorted(path.stem for path in files) == sorted(RECIPES)


# A stage asks for what its words on the command line would ask for.
def test_stage_as_a_command_line(tmp_path):
    stage = load_recipe("best")[3]
    args = parse(train, "--recipe", "best", "-o", tmp_path, "--threads", 2)
    ours = stage_arguments(stage, tmp_path, args, shorten=3)
    words = ["--quantise", tmp_path / "spikes.safetensors", "--steps", 667, "--threads", 2]
    words += ["--teacher", tmp_path / "../baseline/baseline.safetensors", "-o", tmp_path / "time"]
    words += ["--encoding-weight-bits", 6, "--encoding-shift", 6, "--gradient", "time"]
    words += ["--reset-gradient", "attached", "--activity", 3, "--batch", 8, "--lr", "5e-4"]
    words += ["--muon", 0.002, "--warmup", 30]
    assert vars(ours) == vars(parse(train, *words))
    types = {name: type(value) for name, value in vars(ours).items()}
    assert types["activity"] is float and types["encoding_shift"] is int


# The user's options come before the recipe's; a run that goes on keeps its own.
def test_options_beside_the_recipe(tmp_path):
    stage = load_recipe("compact")[0]
    args = parse(train, "--recipe", "compact", "-o", tmp_path, "--lr", 1, "--supervision", 0)
    new = Request.from_arguments(stage_arguments(stage, tmp_path, args))
    assert new.given == {"config": "compact", "steps": 5600, "lr": 1.0, "supervision": 0.0}
    (tmp_path / "float").mkdir()
    (tmp_path / "float/checkpoint.pt").touch()
    resumed = Request.from_arguments(stage_arguments(stage, tmp_path, args))
    assert (resumed.kind, resumed.source) == ("resume", tmp_path / "float/checkpoint.pt")
    assert resumed.given == {"lr": 1.0, "supervision": 0.0}


def test_what_no_stage_has():
    table = {"name": "x", "steps": 1}
    for more in ({"optionz": {}}, {"options": {"stepz": 1}}, {"freeze": {"name": "x"}}):
        with pytest.raises(TypeError):
            Stage.from_table(table | more)


def test_make_calls_the_command(tmp_path):
    call = ["make", "-n", "-o", ".venv/.complete", "train", "RECIPE=paper", "SHORTEN=7"]
    how = {"cwd": ROOT, "env": tool_environment(), "check": True}  # this may be run by make itself
    told = subprocess.run(call, **how, capture_output=True, text=True).stdout
    words = shlex.split(told)
    args = parse(train, *words[words.index("train") + 1 :])
    assert (args.recipe, args.shorten, str(args.output)) == ("paper", 7, "build/train/paper")


def test_trains_quantises_and_freezes_and_does_nothing_twice(tmp_path, data):
    assert run(data, tmp_path / "run") == 0
    frozen = tmp_path / "run/frozen.safetensors"
    deployment = load_deployment(frozen)
    assert deployment.spec.name == "compact"
    assert [run["steps"] for run in deployment.provenance["runs"]] == [4, 2]
    content = frozen.read_bytes()
    log = (tmp_path / "run/float/log.jsonl").read_text()
    assert run(data, tmp_path / "run") == 0
    assert frozen.read_bytes() == content
    assert (tmp_path / "run/float/log.jsonl").read_text() == log


def test_stops_at_the_first_mistake(tmp_path, data, capsys):
    assert run(tmp_path / "nowhere", tmp_path / "run") == 2
    assert "nowhere" in capsys.readouterr().err
    assert not (tmp_path / "run/frozen.safetensors").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--recipe", "none", "-o", "x"], "'none' is unknown; known are compact, best, paper, b"),
        (["--recipe", "best"], "-o DIR is missing: name the folder of the recipe"),
        (["--recipe", "best", "--shorten", 0, "-o", "x"], "--shorten 0 is not 1 or more"),
        (["--shorten", 2, "-o", "x"], "--shorten 2 is for --recipe only"),
        (["--recipe", "best", "-o", "file/x"], "cannot use the folder 'file/x': Not a directory"),
    ],
)
def test_mistakes(tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=told):
        train.main(parse(train, *words))
    assert not (tmp_path / "x").exists()


def test_recipes_are_for_one_process(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="--recipe trains in one process"):
        train.main(parse(train, "--recipe", "best", "-o", tmp_path / "x"))


# A training that ran out of time is not quantised and frozen as it is, but gone on with next time,
# with the options of that call.
def test_stops_when_out_of_time_and_goes_on(tmp_path, data, capsys):
    def refused(*words, **how):
        assert run(words[0], tmp_path / "run", *words[1:], **how) == 2
        return capsys.readouterr().err

    assert run(data, tmp_path / "run", "--minutes", 0) == 3
    stopped = "stopped in the training 'float', frozen.safetensors is not written"
    assert stopped in capsys.readouterr().err
    assert not (tmp_path / "run/quantised").exists()
    told = refused(data, "--batch", 1)
    assert "--batch 1 does not fit the run to resume, which has 2" in told
    told = refused(data, recipe="best")
    assert "holds a training of 'compact 1400', not 'best 1400'" in told
    assert "nowhere" in refused(tmp_path / "nowhere")
    assert run(data, tmp_path / "run") == 0
    runs = load_deployment(tmp_path / "run/frozen.safetensors").provenance["runs"]
    assert [run["steps"] for run in runs] == [4, 2]


# Every recipe ends in a network, those that start from another recipe's network too.
@pytest.mark.long
def test_recipes(tmp_path, data, capsys):
    assert run(data, tmp_path / "paper", recipe="paper", shorten=2800) == 2
    assert "compact/float/checkpoint.pt does not exist" in capsys.readouterr().err
    for recipe in ("compact", "baseline", "best", "paper"):
        assert run(data, tmp_path / recipe, recipe=recipe, shorten=2800) == 0
    for recipe, runs in (("compact", 2), ("best", 4), ("paper", 3)):
        deployment = load_deployment(tmp_path / recipe / "frozen.safetensors")
        assert len(deployment.provenance["runs"]) == runs
    (tmp_path / "paper/frozen.safetensors").unlink()
    again = run(data, tmp_path / "paper", recipe="paper", shorten=2800)
    assert again == 0, "a pupil resumes with its teacher"
    assert (tmp_path / "paper/frozen.safetensors").exists()
    baseline = Baseline.load(tmp_path / "baseline/baseline.safetensors")
    assert len(baseline.layers) == 4
