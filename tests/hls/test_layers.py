"""The PyTorch layers compute the golden model's integers."""

import numpy as np
import pytest
import torch

from hls.network import FrozenDnCNN, frozen_network
from sw_model.spec import UsageError
from tests.rtl.networks import NETWORKS

from .networks import CASES, FEW_FAULT_CASE


@pytest.mark.parametrize("case", CASES, ids=str)
def test_torch_equals_golden(case):
    network = frozen_network(case.deployment, case.timesteps)
    batch = torch.from_numpy(np.stack(case.frames)).reshape(4, *case.size, -1)
    levels = () if case.level_units is None else (torch.tensor(case.level_units)[:, None],)
    denoised = network(batch, *levels)
    for golden, picture in zip(case.results, denoised, strict=True):
        assert (picture.squeeze(-1).numpy() == golden.denoised).all()


@pytest.mark.parametrize(
    ("case", "neurons"), [(CASES[0], "lif"), (FEW_FAULT_CASE, "few_spikes")], ids=str
)
def test_every_layer_spikes_as_in_the_golden_model(case, neurons):
    network = frozen_network(case.deployment, case.timesteps)
    x = torch.from_numpy(case.frames[-1])[None, ..., None]
    biases = ()
    if case.level_units is not None:
        x = network.get_submodule("planes")(x)
        biases = (network.get_submodule("level_bias")(torch.tensor([case.level_units[-1:]])),)
    for index, layer in enumerate(case.results[-1].layers):
        sums = network.get_submodule(f"conv{index}")(x)
        x = network.get_submodule(f"{neurons}{index}")(sums, *(biases if index == 0 else ()))
        # (1, H, W, T, C) against (T, C, H, W)
        assert (x[0].permute(2, 3, 0, 1).numpy() == layer.spikes).all()
        assert x.any()


def test_timesteps_that_are_not_allowed_are_refused():
    with pytest.raises(UsageError, match="T = 5 is not allowed"):
        FrozenDnCNN(NETWORKS["mixed"].deployment, 5)
