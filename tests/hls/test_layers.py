"""The PyTorch layers compute the golden model's integers."""

import pytest
import torch

from hls.network import FrozenDnCNN
from sw_model.spec import UsageError
from tests.rtl.networks import NETWORKS

from .networks import CASES


@pytest.mark.parametrize("case", CASES, ids=str)
def test_torch_equals_golden(case):
    network = FrozenDnCNN(case.deployment, case.timesteps)
    frames = case.frames
    batch = torch.stack([torch.from_numpy(pixels) for pixels in frames]).unsqueeze(-1)
    denoised = network(batch)
    for pixels, picture in zip(frames, denoised, strict=True):
        assert (picture[..., 0].numpy() == case.golden(pixels).denoised).all()


def test_every_layer_spikes_as_in_the_golden_model():
    case = CASES[0]
    network = FrozenDnCNN(case.deployment, case.timesteps)
    pixels = case.frames[-1]
    x = torch.from_numpy(pixels)[None, ..., None]
    for index, layer in enumerate(case.golden(pixels).layers):
        x = network.get_submodule(f"lif{index}")(network.get_submodule(f"conv{index}")(x))
        # (1, H, W, T, C) against (T, C, H, W)
        assert (x[0].permute(2, 3, 0, 1).numpy() == layer.spikes).all()
        assert x.any()


def test_timesteps_that_are_not_allowed_are_refused():
    with pytest.raises(UsageError, match="T = 5 is not allowed"):
        FrozenDnCNN(NETWORKS["mixed"].deployment, 5)
