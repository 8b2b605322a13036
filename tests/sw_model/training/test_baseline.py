"""The float DnCNN: folded as trained, measured as spiking networks are, and its file."""

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from sw_model.network.baseline import Baseline
from sw_model.pictures.metrics import psnr
from sw_model.pictures.noise import add_noise
from sw_model.spec import UsageError
from sw_model.training import baseline_command
from sw_model.training.baseline_command import baseline_of
from sw_model.training.checkpoint import Checkpoint
from sw_model.training.objective import Objective

from .commands import FEW, command, parse


@pytest.fixture
def checkpoint(data, tmp_path):
    command(data, *FEW, "--model", "ann", "--steps", 4, "-o", tmp_path / "ann")
    return tmp_path / "ann/checkpoint.pt"


# What is written and read again denoises as the trained network does.
def test_is_the_trained_network(checkpoint, tmp_path):
    path = tmp_path / "b.safetensors"
    assert baseline_command.main(parse(baseline_command, "--export", checkpoint, "-o", path)) == 0
    network = Checkpoint.load(checkpoint).network()
    pixels = np.random.default_rng(0).integers(-60, 320, (13, 9))
    noisy = torch.from_numpy(pixels).float()[None, None]
    with torch.no_grad():
        expected = (noisy - network(noisy)).clamp(0, 255)[0, 0].numpy()
    ours = Baseline.load(path)
    assert np.abs(ours.denoise(pixels) - expected).max() < 0.51
    assert ours.provenance["runs"][0]["steps"] == 4
    assert expected.std() > 1


def test_measures(checkpoint, tmp_path, capsys):
    path = tmp_path / "b.safetensors"
    baseline_command.main(parse(baseline_command, "--export", checkpoint, "-o", path))
    clean = np.random.default_rng(1).integers(0, 256, (20, 17)).astype(np.uint8)
    Image.fromarray(clean).save(tmp_path / "p.png")
    words = [tmp_path / "p.png", "--network", path, "--noise", 15, "--seed", 3]
    assert baseline_command.main(parse(baseline_command, *words)) == 0
    value = psnr(clean, Baseline.load(path).denoise(add_noise(clean, 15.0, 3)))
    assert capsys.readouterr().out.splitlines()[-1].split() == ["mean", f"{value:.2f}"]


# A network that learns from a teacher sees the teacher's residual, and resumes with it alone.
def test_teacher(data, checkpoint, tmp_path, monkeypatch):
    path = tmp_path / "b.safetensors"
    baseline_command.main(parse(baseline_command, "--export", checkpoint, "-o", path))
    teacher = Baseline.load(path)
    few = [*FEW, "--steps", 3, "--fp32", "-o", tmp_path / "pupil", "--teacher", path]
    targets = []
    forward = Objective.forward

    def spy(self, pixels, target, **options):
        targets.append((pixels, target))
        return forward(self, pixels, target, **options)

    monkeypatch.setattr(Objective, "forward", spy)
    command(data, *few, "--minutes", 0)
    resume = ["--resume", tmp_path / "pupil/checkpoint.pt", "--every", 2]
    with pytest.raises(UsageError, match="the run to resume learns from a teacher; give its file"):
        command(data, *resume)
    assert command(data, *resume, "--teacher", path) == 0
    assert len(targets) == 3
    for pixels, target in targets:
        assert torch.allclose(target, teacher.residual(pixels), atol=1e-3), "order of sums"
        assert target.abs().max() > 0.1
    runs = Checkpoint.load(tmp_path / "pupil/checkpoint.pt").runs()
    assert "--teacher BASELINE" in runs[0]["command"]
    other = Baseline([(w + 1, b) for w, b in teacher.layers], {})
    other.save(tmp_path / "other")
    with pytest.raises(UsageError, match="does not fit the run to resume"):
        command(data, *resume, "--teacher", tmp_path / "other")


def test_mistakes(data, checkpoint, tmp_path):
    with pytest.raises(UsageError, match="-o FILE is missing"):
        baseline_command.main(parse(baseline_command, "--export", checkpoint))
    with pytest.raises(UsageError, match=r"none\.safetensors does not exist"):
        baseline_command.main(parse(baseline_command, "--network", tmp_path / "none.safetensors"))
    (tmp_path / "text").write_text("no baseline at all, none")
    with pytest.raises(UsageError, match="text cannot be read as a baseline"):
        baseline_command.main(parse(baseline_command, "--network", tmp_path / "text"))
    command(data, *FEW, "--steps", 1, "-o", tmp_path / "snn")
    with pytest.raises(UsageError, match="a network of model 'snn'; the baseline is one of"):
        baseline_command.main(
            parse(baseline_command, "--export", tmp_path / "snn/checkpoint.pt", "-o", "x")
        )


# A file that would be found out in the middle of the work, or not at all.
@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda layers: [], "0 layers"),
        (lambda layers: layers[:-1], "the last one of 4 channels"),
        (lambda layers: [(w[:, :, 0], b) for w, b in layers], "layer 0 has weights"),
        (lambda layers: [(w, b[:1]) for w, b in layers], "layer 0 has weights"),
        (lambda layers: [(w, b * np.nan) for w, b in layers], "layer 0 holds a value"),
        (lambda layers: [(w, b[0]) for w, b in layers], "0-d tensor"),
        (lambda layers: [(w[:0], b[:0]) for w, b in layers], "layer 0 has weights"),
        (lambda layers: [(w.int(), b) for w, b in layers], "torch.int32 and torch.float32"),
        (lambda layers: [(w, b.bfloat16()) for w, b in layers], "torch.float32 and torch.bfloat16"),
        (lambda layers: [(w + 1j, b) for w, b in layers], "layer 0 has torch.complex64"),
        (
            lambda layers: [*layers, tuple(tensor.clone() for tensor in layers[-1])],
            "layer 4 has weights",
        ),
    ],
)
def test_layers_of_no_network(checkpoint, tmp_path, change, told):
    path = tmp_path / "b.safetensors"
    layers = baseline_of(Checkpoint.load(checkpoint)).layers
    Baseline([(w.contiguous(), b.contiguous()) for w, b in change(layers)], {}).save(path)
    with pytest.raises(UsageError, match=f"cannot be read as a baseline .*{told}"):
        Baseline.load(path)
    with pytest.raises(UsageError, match="is a folder, not a baseline"):
        Baseline.load(tmp_path)


def test_odd_provenance(tmp_path):
    path = tmp_path / "b.safetensors"
    for provenance, told in (("[" * 9999, "more than 50 deep"), ("[NaN]", "NaN is no number")):
        save_file({"weight.0": torch.zeros(1)}, path, {"provenance": provenance})
        with pytest.raises(UsageError, match=f"cannot be read as a baseline .*{told}"):
            Baseline.load(path)
