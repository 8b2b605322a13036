"""Frozen networks as the start of a training."""

import dataclasses

import numpy as np
import pytest
import torch

from sw_model import golden
from sw_model.network.baseline import Baseline
from sw_model.pictures.crops import default_picture, luminance
from sw_model.pictures.eight_bit import read_picture
from sw_model.pictures.metrics import psnr
from sw_model.pictures.noise import add_noise
from sw_model.spec import (
    CONFIGURATIONS,
    UsageError,
    configuration,
    load_deployment,
)
from sw_model.training import baseline_command
from sw_model.training import freeze_command as quantize
from sw_model.training.baseline_command import baseline_of
from sw_model.training.checkpoint import Checkpoint, build_model
from sw_model.training.freeze import freeze
from sw_model.training.options import TrainingOptions
from sw_model.training.unfold import (
    configuration_of,
    folded_network,
    load_integers,
    narrowed,
    unfold,
)
from sw_model.training.widths import WidthOptions
from tests.random_deployment import random_deployment
from tests.shipped import PLAIN

from .commands import FEW, command, parse


# Statistics of one set of pixels, the network's result on another.
def test_unfolded_baseline_computes_what_the_folded_one_does():
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(-99, 400, (3, 1, 21, 18), generator=generator).float()
    folded = Baseline.load()
    network = unfold(folded, configuration("best"), pixels[:2])
    with torch.no_grad():
        expected, result = folded.residual(pixels), network(pixels)
    assert expected.std() > 5
    assert (result - expected).abs().max() < 1e-3
    # What the batch norms take for granted in training holds.
    network.train()
    with torch.no_grad():
        assert (network(pixels[:2]) - expected[:2]).abs().max() < 1e-2


@pytest.mark.parametrize("name", PLAIN)
def test_reopened_deployment_freezes_to_itself(name):
    deployment = load_deployment(name)
    config, widths = configuration_of(deployment)
    trained = {"best-s25": WidthOptions(encoding_weight_bits=6, encoding_shift=6)}
    assert widths == trained.get(name, WidthOptions())
    network = build_model(TrainingOptions(config=config, model="quantised", widths=widths))
    load_integers(deployment, network)
    again = freeze(network, deployment.provenance)
    named = dataclasses.replace(again, spec=dataclasses.replace(again.spec, name=name))
    assert named.hash == deployment.hash


def test_narrowed_deployment_denoises_as_well_on_narrower_neurons():
    deployment = load_deployment("compact")
    widths = WidthOptions(encoding_shift=6, encoding_weight_bits=7)
    narrow = narrowed(deployment, widths)
    assert deployment.widths.membrane == 21 and narrow.widths.membrane == 15
    assert configuration_of(narrow) == ("compact", widths)
    assert narrow.provenance["narrowed from"] == deployment.hash
    assert narrow.provenance["runs"][-1]["command"].endswith(
        "freeze DEPLOYMENT --encoding-weight-bits 7 --encoding-shift 6"
    )
    # Once more, to what it is already: nothing changes.
    again = narrowed(narrow, WidthOptions(encoding_shift=6))
    for name, array in narrow.tensors().items():
        assert np.array_equal(array, again.tensors()[name]), name
    for index in range(1, 17):
        assert np.array_equal(narrow.weights[index], deployment.weights[index])
    picture = luminance(read_picture(default_picture()))[100:180, 200:290]
    noisy = add_noise(picture, 25.0, 3)
    wide, slim = (psnr(picture, golden.denoise(d, noisy).denoised) for d in (deployment, narrow))
    assert wide > 25 and abs(wide - slim) < 0.1


# The configurations "full" and "paper" have the same layers but for widths.
@pytest.mark.parametrize("name", ["full", "paper"])
def test_widths_between_two_configurations(name):
    spec = WidthOptions(weight_bits=6).apply(CONFIGURATIONS[name])
    deployment = random_deployment(spec, seed=1)
    assert configuration_of(deployment)[0] == name
    renamed = dataclasses.replace(deployment, spec=dataclasses.replace(spec, name="x"))
    assert configuration_of(renamed, name)[0] == name


# Its initial membranes have what rounding took from biases, times the T of the training.
def test_narrows_what_more_timesteps_were_trained_for():
    options = TrainingOptions(config="tiny-if", model="quantised", timesteps=8)
    frozen = build_model(options)
    with torch.no_grad():
        for layer in frozen.layers:
            layer.bias.add_(torch.linspace(-0.3, 0.4, len(layer.bias)))
        frozen.layers[1].weight[0] = 0.0
    deployment = freeze(frozen)
    narrow = narrowed(deployment, WidthOptions(weight_bits=3))
    assert narrow.spec.layers[1].weight_bits == 3
    # Only more timesteps than the configuration's explain the initial membranes.
    found = folded_network(deployment, dataclasses.replace(options, timesteps=0))
    assert 3 < found.timesteps <= 8
    again = freeze(found).tensors()
    assert all(np.array_equal(array, again[n]) for n, array in deployment.tensors().items())
    # A channel without weights keeps its bias as fine as it was.
    assert narrow.biases[1][0] == deployment.biases[1][0] != 0
    with pytest.raises(UsageError, match="is not one that `freeze` makes of a trained network"):
        narrowed(random_deployment(configuration("tiny"), 1), WidthOptions(weight_bits=3))


def test_freezing_what_is_frozen(tmp_path, capsys):
    output = tmp_path / "d.safetensors"
    quantize.main(parse(quantize, "compact", "--encoding-shift", 3, "--name", "x", "-o", output))
    assert load_deployment(output).spec.layers[0].shift == 3
    assert f"deployment {load_deployment(output).hash[:16]}" in capsys.readouterr().err
    with pytest.raises(UsageError, match="is already frozen: give other widths"):
        quantize.main(parse(quantize, output, "-o", tmp_path / "e.safetensors"))
    with pytest.raises(UsageError, match="leave out --float-psnr"):
        quantize.main(parse(quantize, output, "--float-psnr", "p.png", "-o", output))
    with pytest.raises(UsageError, match=r"shift of layer 0 .* 99 is not an integer"):
        quantize.main(parse(quantize, output, "--encoding-shift", 99, "-o", output))


def test_numbers_of_no_trained_network_are_refused():
    deployment = random_deployment(configuration("tiny"), seed=1)
    network = build_model(TrainingOptions(config="tiny", model="quantised"))
    with pytest.raises(
        UsageError, match=r"not one that `freeze` makes .* T = 3, it differs in threshold\.00"
    ):
        load_integers(deployment, network)


@pytest.fixture
def frozen(data, tmp_path):
    """A frozen spiking network, and a float DnCNN."""
    for model in ("snn", "ann"):
        command(data, *FEW, "--model", model, "--steps", 4, "-o", tmp_path / model)
    deployment, twin = tmp_path / "d.safetensors", tmp_path / "b.safetensors"
    quantize.main(parse(quantize, tmp_path / "snn/checkpoint.pt", "-o", deployment))
    baseline_command.main(
        parse(baseline_command, "--export", tmp_path / "ann/checkpoint.pt", "-o", twin)
    )
    return deployment, twin


# All but no learning, from another seed than that of the networks: what they begin with is told.
STILL = ["--batch", "2", "--steps", "2", "--every", "2", "--seed", "7", "--lr", "1e-9"]


def test_both_are_trained_on(data, frozen, tmp_path):
    deployment, twin = frozen
    command(data, *STILL, "--quantise", deployment, "-o", tmp_path / "more")
    still = ["--config", "tiny", "--model", "ann", *STILL]
    command(data, *still, "--start", twin, "-o", tmp_path / "wiser")
    for folder, option in (("more", "--quantise"), ("wiser", "--start")):
        path = tmp_path / folder / "checkpoint.pt"
        command(data, "--resume", path, "--steps", 3, "--every", 2)
        runs = Checkpoint.load(path).runs()
        assert [run["steps"] for run in runs] == [4, 3]
        assert f"{option} CHECKPOINT" in runs[1]["command"]
    again = tmp_path / "more.safetensors"
    quantize.main(parse(quantize, tmp_path / "more/checkpoint.pt", "-o", again))
    before, after = load_deployment(deployment), load_deployment(again)
    assert before.spec == after.spec
    for name, array in before.tensors().items():
        assert np.array_equal(array, after.tensors()[name]), name
    command(data, *STILL, "--quantise", again, "--encoding-shift", 2, "-o", tmp_path / "shifted")
    quantize.main(parse(quantize, tmp_path / "shifted/checkpoint.pt", "-o", again))
    assert load_deployment(again).spec.layers[0].shift == 2
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (1, 1, 9, 11), generator=generator).float()
    wiser = baseline_of(Checkpoint.load(tmp_path / "wiser/checkpoint.pt"))
    expected = Baseline.load(twin).residual(pixels)
    assert expected.std() > 1
    # The batch norms go on to the statistics of the patches that they see.
    assert (wiser.residual(pixels) - expected).abs().max() < 0.1 * expected.std()


# Networks that anything could have come out of, at numbers of timesteps that are powers of two
# and not; weak encoding channels have biases of tens of thousands of units.
@pytest.mark.parametrize("config", ["tiny", "tiny-if", "compact-if"])
@pytest.mark.parametrize("timesteps", [1, 2, 3, 7, 8])
def test_reopens_what_was_frozen(config, timesteps):
    options = TrainingOptions(config=config, model="quantised", timesteps=timesteps)
    frozen, again = build_model(options), build_model(options)
    generator = torch.Generator().manual_seed(timesteps)
    with torch.no_grad():
        for layer in frozen.layers:
            layer.bias.copy_(torch.randn(layer.bias.shape, generator=generator))
        frozen.layers[0].scale[0] = 2.0**-15
    deployment = freeze(frozen)
    load_integers(deployment, again)
    for name, array in freeze(again).tensors().items():
        assert np.array_equal(array, deployment.tensors()[name]), name


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--quantise", "d", "--config", "compact"], "is frozen as --config tiny$"),
        (["--quantise", "d", "--model", "ann"], "--model ann does not fit .* a spiking network"),
        (["--quantise", "d", "--gradient", "rate", "--surrogate", "arctan"], "through time; here"),
        (["--quantise", "b"], "no deployment"),
        (["--quantise", "none.safetensors"], "is neither a file nor a shipped name"),
        (["--start", "b", "--config", "tiny"], "holds a float DnCNN; give --model ann"),
        (["--start", "b", "--model", "ann"], r"4 layers of 4 channels, --config compact has 17 of"),
        (["--start", "d", "--model", "ann"], "cannot be read as a baseline .* holds a deployment"),
        (["--start", "none.safetensors", "--model", "ann"], "none.safetensors does not exist"),
    ],
)
def test_mistakes_get_one_sentence(data, frozen, tmp_path, words, told):
    files = dict(zip("db", map(str, frozen), strict=True))
    with pytest.raises(UsageError, match=told):
        command(data, *[files.get(word, word) for word in words], "-o", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_layers_of_no_configuration_are_refused():
    spec = CONFIGURATIONS["tiny"]
    other = dataclasses.replace(spec.layers[2], weight_bits=3)  # than the hidden layer before it
    spec = dataclasses.replace(spec, layers=(*spec.layers[:2], other, *spec.layers[3:]))
    with pytest.raises(UsageError, match="no configuration has the layers of"):
        configuration_of(random_deployment(spec, seed=1))


# A run that could not be resumed, or would tell of a beginning that it did not have.
def test_runs_of_the_provenance(data, frozen, tmp_path):
    deployment = load_deployment(frozen[0])
    path = tmp_path / "other.safetensors"
    for runs in (None, "x", ["x"], [{"steps": 4}], [{"command": "x", "steps": "4"}]):
        dataclasses.replace(deployment, provenance={"runs": runs}).save(path)
        with pytest.raises(UsageError, match=r"'runs' in the provenance of .* is not a list"):
            command(data, *STILL, "--quantise", path, "-o", tmp_path / "none")
    dataclasses.replace(deployment, provenance={}).save(path)
    command(data, *STILL, "--quantise", path, "-o", tmp_path / "more")
    runs = Checkpoint.load(tmp_path / "more/checkpoint.pt").runs()
    assert [run["command"].split(" --config")[0] for run in runs] == [
        "unknown",
        "python -m sw_model train --quantise CHECKPOINT",
    ]


# The commands of a history are ones that `train` takes: what is quantised is not quantised again.
def test_the_history_tells_how_each_run_began(data, frozen, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    widths = ["--encoding-shift", "1"]
    command(data, *STILL, "--quantise", frozen[0], *widths, "-o", first)
    command(data, *STILL, "--start", first / "checkpoint.pt", "-o", second)
    *_, narrowed, last = [
        run["command"] for run in Checkpoint.load(second / "checkpoint.pt").runs()
    ]
    assert "--quantise CHECKPOINT" in narrowed
    assert narrowed.endswith(" ".join(widths))
    assert "--start CHECKPOINT" in last
    assert "--encoding-shift" not in last
