"""The optimizer and the processes that share a batch."""

import subprocess
import sys

import pytest
import torch

from sw_model.spec import UsageError
from sw_model.training.checkpoint import Checkpoint
from sw_model.training.distributed import Workers
from sw_model.training.optimizer import Optimizer, matrix_view

from .commands import FEW, command


def channels_last(*shape):
    weight = torch.randn(*shape).contiguous(memory_format=torch.channels_last)
    return torch.nn.Parameter(weight)


# Muon's steps are orthogonal matrices of the size of AdamW's; the rest is AdamW's.
def test_muon_steps_are_orthogonal():
    torch.manual_seed(0)
    weight, bias = channels_last(4, 6, 3, 3), torch.nn.Parameter(torch.zeros(5))
    before = weight.detach().clone()
    optimizer = Optimizer([weight, bias], [weight], lr=0.1, weight_decay=0.0, muon=0.01)
    ((weight * torch.randn(4, 6, 3, 3)).sum() + bias.sum()).backward()
    optimizer.step(0.5)
    step = matrix_view((weight - before).contiguous(memory_format=torch.channels_last))
    values = torch.linalg.svdvals(step)
    assert values.max() / values.min() < 2, "Newton-Schulz iterations end near, not at, equality"
    assert step.square().mean().sqrt() == pytest.approx(0.5 * 0.01 * 0.2, rel=0.3)
    assert torch.allclose(bias, torch.full((5,), -0.05))
    optimizer.zero_grad()
    assert weight.grad is None


# Without Muon all is AdamW's, hidden weights too.
def test_adamw_alone():
    weight = channels_last(4, 6, 3, 3)
    optimizer = Optimizer([weight], [weight], lr=0.1, weight_decay=0.0)
    before = weight.detach().clone()
    weight.sum().backward()
    optimizer.step(1.0)
    assert torch.allclose(weight, before - 0.1)
    assert list(optimizer.state_dict()) == ["adamw"]


def test_share_of_a_batch():
    assert [Workers(rank, 3).part(6) for rank in range(3)] == [
        slice(0, 2),
        slice(2, 4),
        slice(4, 6),
    ]
    with pytest.raises(UsageError, match=r"^batch 8 cannot be shared by 3 processes"):
        Workers(0, 3).part(8)


def torchrun(data, *words):
    """`train` in two processes."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    launcher += ["-m", "--", "sw_model", "train"]
    train = ["--data", data, "--no-compile", "--threads", "1", *words]
    return subprocess.run(
        [sys.executable, *launcher, *map(str, train)], capture_output=True, text=True, check=False
    )


# Two processes with half a batch each do what one does; what has no batch norm shows it.
def test_two_processes_do_what_one_does(data, tmp_path):
    command(data, *FEW, "--steps", 4, "-o", tmp_path / "float")
    start = ["--quantise", tmp_path / "float" / "checkpoint.pt", "--gradient", "rate"]
    few = [*FEW, *start, "--batch", 4, "--steps", 6, "--fp32", "--lr", "1e-4"]
    command(data, *few, "-o", tmp_path / "one")
    two = tmp_path / "two"
    process = torchrun(data, *few, "-o", two)
    assert process.returncode == 0, process.stderr
    assert process.stderr.count('"step": 6') == 1, "one process talks"
    a, b = (Checkpoint.load(tmp_path / name / "checkpoint.pt") for name in ("one", "two"))
    for name, tensor in a.model.items():
        assert torch.allclose(tensor, b.model[name], atol=2e-5), name


# Two processes that stop and go on end where they would have ended, bit for bit.
def test_two_processes_resume(data, tmp_path):
    command(data, *FEW, "--steps", 1, "-o", tmp_path / "first")
    few = ["--start", tmp_path / "first/checkpoint.pt"]  # an option that torchrun would take
    few += [*FEW, "--steps", 4, "--supervision", "0.5", "--muon", "0.01"]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    process = torchrun(data, *few, "-o", whole)
    assert process.returncode == 0, process.stderr
    torchrun(data, *few, "-o", parts, "--minutes", 0)
    assert Checkpoint.load(parts / "checkpoint.pt").step == 0
    process = torchrun(data, "--resume", parts / "checkpoint.pt", "--every", 2)
    assert process.returncode == 0, process.stderr
    a, b = (Checkpoint.load(p / "checkpoint.pt") for p in (whole, parts))
    assert a.step == b.step == 4
    assert all(torch.equal(tensor, b.averaged[name]) for name, tensor in a.averaged.items())
