"""Training: it learns, it resumes bit for bit, and it answers mistakes in one sentence."""

import json
import os
import shlex
import signal
import sys
import sysconfig

import numpy as np
import pytest
import torch
from PIL import Image
from torch._inductor import cpp_builder
from torch.utils import cpp_extension

from sw_model.network import neurons
from sw_model.network.baseline import Baseline
from sw_model.network.neurons import Constants, FloatNeuron, Surrogate, normalised_activation
from sw_model.spec import NeuronSpec, UsageError, load_deployment
from sw_model.support.machine import check_compiler
from sw_model.training import command as train
from sw_model.training import freeze_command as quantize
from sw_model.training.baseline_command import baseline_of
from sw_model.training.checkpoint import Checkpoint, build_model
from sw_model.training.data import TrainingSet
from sw_model.training.folder import RunFolder
from sw_model.training.options import TrainingOptions
from sw_model.training.run import TrainingRun

from .commands import FEW, command, parse


# The loss goes down, of spiking networks, of rates, and of the twin, with either optimizer.
@pytest.mark.parametrize(
    ("model", "how"),
    [
        ("snn", {"supervision": 0.3}),
        ("snn", {"gradient": "levels", "round_weights": True, "muon": 1e-2, "activity": 1.0}),
        ("ann", {}),
        ("ann", {"muon": 1e-2}),
    ],
)
def test_loss_goes_down(pictures, model, how):
    torch.manual_seed(0)
    config = "tiny-if" if how.get("gradient") == "levels" else "tiny"
    options = TrainingOptions(
        config=config, model=model, steps=60, batch=4, lr=1e-2, warmup=5, **how
    )
    run = TrainingRun(options, TrainingSet.split(pictures), build_model(options))
    losses = [run.step() for _ in range(options.steps)]
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:10])
    result = run.evaluate()
    assert result["psnr"] > 15
    assert ("theta" in result) == (model == "snn")


def tensors(state):
    """All tensors of a nested state in order."""
    if isinstance(state, torch.Tensor):
        return [state]
    values = state.values() if isinstance(state, dict) else state if isinstance(state, list) else []
    return [tensor for value in values for tensor in tensors(value)]


# A run that is interrupted, written, read and resumed ends as if nothing had happened, bit for bit.
@pytest.mark.parametrize(
    "kind", ["plain", "supervised", "partial", "features", "quantised", "rate"]
)
def test_resume_is_exact(data, tmp_path, kind):
    options = {"supervised": ["--supervision", "0.5"], "partial": ["--partial-sums", "0.5"]}
    start, teacher = options.get(kind, []), None
    if kind == "features":
        command(data, *FEW, "--model", "ann", "--steps", 1, "-o", tmp_path / "ann")
        baseline_of(Checkpoint.load(tmp_path / "ann/checkpoint.pt")).save(tmp_path / "t.st")
        start = ["--teacher", tmp_path / "t.st", "--features", "5"]
        teacher = Baseline.load(tmp_path / "t.st")
    if kind in ("quantised", "rate"):
        command(data, *FEW, "--steps", 4, "-o", tmp_path / "float")
        start = ["--quantise", tmp_path / "float" / "checkpoint.pt", "--weight-bits", "3"]
    if kind == "rate":
        start += ["--gradient", "rate", "--muon", "0.01", "--timesteps", "2"]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    command(data, *FEW, *start, "--steps", 6, "-o", whole)
    assert command(data, *FEW, *start, "--steps", 6, "-o", parts, "--minutes", 0) == 3
    stops = [Checkpoint.load(parts / "checkpoint.pt").step]
    checkpoint = Checkpoint.load(parts / "checkpoint.pt")
    images = TrainingSet.load(data)
    run = TrainingRun.resume(checkpoint, images, teacher=teacher)
    for _ in range(3):
        run.step()
    run.checkpoint().save(parts / "checkpoint.pt")
    again = ["--resume", parts / "checkpoint.pt", "--every", 2, "--batch", 2]
    again += ["--teacher", tmp_path / "t.st"] if teacher else []
    assert command(data, *again) == 0
    assert command(data, *again, "--minutes", 0) == 0  # there is nothing left to stop
    a, b = (Checkpoint.load(p / "checkpoint.pt") for p in (whole, parts))
    assert stops == [0]
    assert (a.step, b.step) == (6, 6)
    for name in ("model", "averaged", "optimizer", "supervision"):
        ours, theirs = tensors(getattr(a, name)), tensors(getattr(b, name))
        assert len(ours) == len(theirs)
        assert ours or name == "supervision"
        assert all(torch.equal(x, y) for x, y in zip(ours, theirs, strict=True))
    assert a.runs() == b.runs()
    assert [run["steps"] for run in a.runs()] == ([4, 6] if "--quantise" in start else [6])
    assert ("--quantise CHECKPOINT" in a.runs()[-1]["command"]) == ("--quantise" in start)


# A run that starts from another's weights has its own surrogate gradient, as if resumed.
@pytest.mark.parametrize("option", ["--start", "--quantise"])
def test_start_takes_own_surrogate(data, tmp_path, monkeypatch, option):
    command(data, *FEW, "--steps", 1, "-o", tmp_path / "a")
    runs = []
    monkeypatch.setattr(train, "train_run", lambda run, *_, **__: runs.append(run) or "finished")
    start = [option, tmp_path / "a" / "checkpoint.pt", "--surrogate-width", "0.5"]
    own = ["--surrogate", "arctan", "--reset-gradient", "attached"]
    command(data, *FEW, *start, *own, "--steps", 1, "-o", tmp_path / "b")
    (run,) = runs
    expected = Surrogate(shape="arctan", width=0.5, reset="attached")
    if option == "--quantise":
        assert run.model.surrogate == expected
        assert run.model._neuron(run.model.layers[0]).surrogate == expected
    else:
        assert [n.activation.surrogate for n in run.model.layers] == [expected] * 3


# A checkpoint from before an option came is that of a run with the option's default.
def test_options_that_a_checkpoint_lacks(data, tmp_path):
    command(data, *FEW, "--steps", 2, "-o", tmp_path)
    content = torch.load(tmp_path / "checkpoint.pt")
    for name in ("surrogate", "reset_gradient"):
        del content["options"][name]
    torch.save(content, tmp_path / "checkpoint.pt")
    assert command(data, "--resume", tmp_path / "checkpoint.pt", "--steps", 3) == 0
    options = Checkpoint.load(tmp_path / "checkpoint.pt").options
    assert options.spike_gradient == Surrogate()


# The log has a line for each evaluation, and a resumed run leaves no line twice.
def test_log(data, tmp_path):
    command(data, *FEW, "--steps", 4, "-o", tmp_path)
    log = tmp_path / "log.jsonl"
    first = [json.loads(line) for line in log.read_text().splitlines()]
    assert [entry["step"] for entry in first] == [2, 4]
    assert {"loss", "lr", "psnr", "theta", "theta_layers", "minutes"} <= set(first[0])
    assert len(first[0]["theta_layers"]) == 3
    odd = b'{"step": 1, "x": "\xff"}\n' + b"[" * 9999 + b'\n{"step": "1"}\n{"step": 1'
    log.write_bytes(log.read_bytes() + json.dumps({"step": 99}).encode() + b"\n" + odd)
    command(data, "--resume", tmp_path / "checkpoint.pt", "--steps", 6, "--every", 2)
    assert [json.loads(line)["step"] for line in log.read_text().splitlines()] == [2, 4, 6]


def test_a_folder_that_is_a_link_to_itself(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    folder = RunFolder(tmp_path / "loop" / "run", resumed=tmp_path / "checkpoint.pt")
    with pytest.raises(UsageError, match=r"cannot make the folder .*run': Too many levels"):
        folder.make()


# A new run, or one resumed into another folder, does not write over the run that lies there.
def test_no_run_is_lost(data, tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    command(data, *FEW, "--steps", 2, "-o", a)
    command(data, *FEW, "--steps", 2, "--seed", 1, "-o", b)
    content = {path: path.read_bytes() for path in a.iterdir()}
    with pytest.raises(UsageError, match=r"a' already holds a run; continue it with --resume"):
        command(data, *FEW, "--steps", 2, "-o", a)
    with pytest.raises(UsageError, match="already holds a run"):
        command(data, "--resume", b / "checkpoint.pt", "--steps", 4, "-o", a)
    assert {path: path.read_bytes() for path in a.iterdir()} == content
    assert command(data, "--resume", b / "checkpoint.pt", "--steps", 4, "-o", b) == 0
    with pytest.raises(UsageError, match="--steps 3 is less than the 4 completed steps"):
        command(data, "--resume", b / "checkpoint.pt", "--steps", 3)


# Ctrl-C ends a run after the step it is in, with a whole checkpoint.
def test_interrupt(data, tmp_path, monkeypatch):
    step = TrainingRun.step

    def interrupted_step(run):
        os.kill(os.getpid(), signal.SIGINT)
        return step(run)

    monkeypatch.setattr(TrainingRun, "step", interrupted_step)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
    try:
        assert command(data, *FEW, "--steps", 10**6, "-o", tmp_path) == 130
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert Checkpoint.load(tmp_path / "checkpoint.pt").step == 1
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


# A checkpoint becomes a deployment that says where it comes from, and names no folder.
def test_freeze_command(data, tmp_path, capsys):
    run, frozen = tmp_path / "run", tmp_path / "frozen.safetensors"
    command(data, *FEW, "--steps", 2, "--seed", 5, "--sigma", 30, "-o", run)
    words = [run / "checkpoint.pt", "-o", frozen, "--weight-bits", "3"]
    assert quantize.main(parse(quantize, *words)) == 0
    deployment = load_deployment(frozen)
    assert deployment.spec.layers[1].weight_bits == 3
    provenance = deployment.provenance
    assert provenance["seed"] == 5
    assert deployment.sigma == provenance["sigma"] == 30
    assert provenance["runs"] == [
        {
            "command": "python -m sw_model train --config tiny --steps 2 --batch 2 --sigma 30.0 "
            "--seed 5",
            "steps": 2,
        }
    ]
    assert provenance["data"] == "train400: 3 images, 1 held out"
    assert str(tmp_path) not in json.dumps(dict(provenance))
    again = tmp_path / "again.safetensors"
    held_out = data / "train400" / "3.png"
    words = [run / "checkpoint.pt", "-o", again, "--weight-bits", "3", "--float-psnr", held_out]
    quantize.main(parse(quantize, *words))
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert f"{log[-1]['psnr']:.3f} dB" in capsys.readouterr().out
    assert again.read_bytes() == frozen.read_bytes()


# A mistake in the pictures is told before anything is written.
def test_freeze_reads_pictures_first(data, tmp_path):
    command(data, *FEW, "--steps", 1, "-o", tmp_path)
    frozen, colour = tmp_path / "frozen.safetensors", tmp_path / "colour.png"
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(colour)
    for picture, message in [(tmp_path / "missing.png", "does not exist"), (colour, "has colours")]:
        words = [tmp_path / "checkpoint.pt", "-o", frozen, "--float-psnr", picture]
        with pytest.raises(UsageError, match=message):
            quantize.main(parse(quantize, *words))
        assert not frozen.exists()


# Options out of range are named with what would be accepted.
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--steps", "0"], r"--steps 0 is not in 1\.\.1000000000"),
        (["--batch", "100000000"], r"--batch 100000000 is not in 1\.\.1024"),
        (["--lr", "-1"], r"--lr -1.0 is not in 1e-09\.\.1"),
        (["--lr", "nan"], r"--lr nan is not in 1e-09\.\.1"),
        (["--weight-decay", "nan"], r"--weight-decay nan is not in 0\.\.1"),
        (["--weight-decay", "-1"], r"--weight-decay -1.0 is not in 0\.\.1"),
        (["--warmup", "-1"], "--warmup -1 is not in 0"),
        (["--sigma", "inf"], r"--sigma inf is not in 0\.01\.\.255"),
        (["--surrogate-width", "nan"], "--surrogate-width nan is not in 0.001"),
        (["--seed", "-1"], "--seed -1 is not in 0"),
        (["--ema", "1"], r"--ema 1.0 is not below 1"),
        (["--ema", "nan"], r"--ema nan is not in 0\.\.1"),
        (["--supervision", "-1"], r"--supervision -1.0 is not in 0\.\.1000"),
        (["--model", "ann", "--supervision", "1"], "--supervision is for spiking networks"),
        (["--gradient", "levels"], "is for neurons without leak and with soft reset, not those"),
        (["--minutes", "nan"], "--minutes nan is not 0 or more"),
        (["--threads", "0"], r"--threads 0 is not in 1\.\.1024"),
        (["--every", "0"], "--every 0 is not 1 or more"),
        (["--weight-bits", "4"], "are for --quantise only"),
    ],
)
def test_bad_options(data, tmp_path, words, message):
    with pytest.raises(UsageError, match=message):
        command(data, "--config", "tiny", *words, "-o", tmp_path)


# Without a compiler training says how to do without, instead of failing in its first step.
def test_no_compiler(data, tmp_path, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UsageError, match="'no-such-compiler' is not installed; --no-compile"):
        train.main(parse(train, "--data", data, "--config", "tiny", "-o", tmp_path))
    monkeypatch.setenv("CXX", sys.executable)  # something that is installed
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(UsageError, match=r"Python\.h'.* is not installed .*python3-dev"):
        train.main(parse(train, "--data", data, "--config", "tiny", "-o", tmp_path))


def can_compile():
    try:
        check_compiler()
    except UsageError:
        return False
    return True


@pytest.mark.skipif(not can_compile(), reason="no C++ compiler or no Python.h")
def test_kernels_are_linked_where_the_folder_of_packages_has_a_space(monkeypatch):
    monkeypatch.setattr(cpp_extension, "TORCH_LIB_PATH", "/my proj #1/lib")
    neurons._quote_library_folder.__wrapped__()
    options = cpp_builder.CppTorchOptions()
    builder = cpp_builder.CppBuilder(name="k", sources="k.cpp", BuildOption=options)
    assert "-L/my proj #1/lib" in shlex.split(builder.get_command_line())


# The kernels that training runs by default, compiled, are those that the other tests run eagerly.
@pytest.mark.skipif(not can_compile(), reason="no C++ compiler or no Python.h")
@pytest.mark.parametrize(
    "surrogate", [Surrogate(), Surrogate(shape="arctan"), Surrogate(reset="attached")]
)
def test_compiled_neurons_equal_eager_ones(surrogate):
    torch.manual_seed(0)
    neuron = FloatNeuron(spec=NeuronSpec(), timesteps=3, surrogate=surrogate)
    y = 2 * torch.randn(3, 2, 4, 5, 6)
    gamma, beta = torch.rand(4) + 1, torch.rand(4) + 0.3
    inv_std, mean = torch.rsqrt(y.var((0, 1, 3, 4), correction=0)), y.mean((0, 1, 3, 4))
    weight = torch.randn(3, 2, 4, 5, 6)
    results = []
    for compiled in (False, True):
        leaves = [tensor.clone().requires_grad_() for tensor in (y, gamma, beta)]
        spikes = normalised_activation(
            *leaves,
            mean,
            inv_std,
            Constants(torch.ones(len(mean)), torch.zeros(len(mean))),
            activation=neuron,
            through_statistics=True,
            dtype=torch.float32,
            compiled=compiled,
        )
        (spikes * weight).sum().backward()
        results.append((spikes.detach(), [leaf.grad for leaf in leaves]))
    (eager, eager_gradients), (spikes, gradients) = results
    assert 0.1 < eager.mean() < 0.9
    assert torch.equal(spikes, eager)
    for ours, theirs in zip(gradients, eager_gradients, strict=True):
        assert theirs.abs().max() > 0.1
        assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5)


# Checkpoints whose tensors are another network's are named, whatever is to be done with them.
@pytest.mark.parametrize("part", ["config", "model", "averaged", "optimizer", "supervision"])
def test_tensors_that_do_not_fit(data, tmp_path, part):
    command(data, *FEW, "--steps", 1, "-o", tmp_path)
    path = tmp_path / "checkpoint.pt"
    content = torch.load(path)
    if part == "config":
        content["options"]["config"] = "compact"
    elif part == "optimizer":
        content["optimizer"]["adamw"]["state"][0]["exp_avg"] = torch.zeros(3)
    else:
        content[part] = {"weight": torch.zeros(3)}
    torch.save(content, path)
    message = r"checkpoint\.pt cannot be read as a checkpoint \(its tensors do not fit"
    with pytest.raises(UsageError, match=message):
        quantize.main(parse(quantize, path, "-o", tmp_path / "frozen.safetensors"))
    for option in ("--resume", "--start", "--quantise"):
        folder = [] if option == "--resume" else ["-o", tmp_path / "b"]
        with pytest.raises(UsageError, match=message):
            command(data, option, path, *folder)


# Whatever a checkpoint holds in the place of an option or of the run's state.
@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("options", "teacher_channels", b"x"),
        ("options", "teacher_channels", 10**9),
        ("options", "steps", "many"),
        ("options", "bf16", 1),
        ("options", "lr", float("nan")),
        ("options", "teacher", ["a"]),
        ("options", "config", None),
        ("options", "widths", {"weight_bits": "x"}),
        ("options", "widths", 7),
        (None, "step", None),
        (None, "step", 10**6),
        (None, "seconds", "long"),
        (None, "data", 3),
        (None, "history", [7]),
        (None, "history", [{"command": b"x"}]),
        (None, "options", []),
        (None, "more", 1),
    ],
)
def test_odd_checkpoints(data, tmp_path, part, name, value):
    command(data, *FEW, "--steps", 1, "-o", tmp_path)
    path = tmp_path / "checkpoint.pt"
    content = torch.load(path)
    (content if part is None else content[part])[name] = value
    torch.save(content, path)
    with pytest.raises(UsageError):
        Checkpoint.load(path)


# Files that are no checkpoint, or one of the wrong network, are named.
def test_bad_checkpoints(data, tmp_path):
    with pytest.raises(UsageError, match="-o DIR is missing"):
        command(data)
    with pytest.raises(UsageError, match=r"none\.pt does not exist"):
        command(data, "--resume", tmp_path / "none.pt")
    (tmp_path / "text.pt").write_text("no checkpoint")
    with pytest.raises(UsageError, match=r"text\.pt cannot be read as a checkpoint"):
        quantize.main(parse(quantize, tmp_path / "text.pt", "-o", tmp_path / "x"))
    command(data, *FEW, "--model", "ann", "--steps", 1, "-o", tmp_path)
    ann = tmp_path / "checkpoint.pt"
    with pytest.raises(UsageError, match="only 'snn' can be quantised"):
        command(data, "--quantise", ann, "-o", tmp_path / "b")
    with pytest.raises(UsageError, match="only 'snn' and 'quantised' ones can be frozen"):
        quantize.main(parse(quantize, ann, "-o", tmp_path / "x"))
    with pytest.raises(UsageError, match=r"--lr 0.1 does not fit .* which has 0.001; only --steps"):
        command(data, "--resume", ann, "--lr", "0.1")
    with pytest.raises(UsageError, match="--fp32 does not fit the run to resume; "):
        command(data, "--resume", ann, "--fp32")
    with pytest.raises(UsageError, match=r"--model snn does not fit .* has model 'ann'"):
        command(data, "--start", ann, "--model", "snn", "-o", tmp_path / "b")
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot make the folder"):
        command(data, "--config", "tiny", "-o", tmp_path / "file" / "below")
