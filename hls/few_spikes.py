"""PyTorch layers of the few-spike code and of the noise level; see `hls.layers`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from hls4ml.utils.torch import HLS4MLModule
from torch import Tensor

from sw_model.spec import LayerSpec, LayerWidths


class FrozenFewSpikes(HLS4MLModule):
    """Few-spike neurons, see `sw_model.spec.neuron.BINARY_EQUATION`.

    They map sums (B, H, W, C) to spikes (B, H, W, T, C).

    Parameters
    ----------
    index
        Number of the spiking layer, 0 the encoding layer.
    layer
        Its shift is that of the encoding layer's sums.
    bias
        (C,) integers; None if the biases are an input.
    threshold, init
        (C,) integers.
    widths
        Derived widths of the layer.
    timesteps
        T.
    """

    def __init__(
        self,
        index: int,
        layer: LayerSpec,
        bias: npt.NDArray[np.integer] | None,
        threshold: npt.NDArray[np.integer],
        init: npt.NDArray[np.integer],
        widths: LayerWidths,
        timesteps: int,
    ) -> None:
        super().__init__()
        self.index, self.layer, self.widths, self.timesteps = index, layer, widths, timesteps
        self.bias_is_input = bias is None
        tables = {"threshold": threshold, "init": init} | ({} if bias is None else {"bias": bias})
        for name, values in tables.items():
            self.register_buffer(name, torch.from_numpy(values.astype(np.int64)))

    def forward(self, sums: Tensor, biases: Tensor | None = None) -> Tensor:
        """Charge once, then compare and subtract T times; biases (B, C) if they are an input."""
        if self.layer.shift:
            sums = (sums + (1 << (self.layer.shift - 1))) >> self.layer.shift
        bias = self.get_buffer("bias") if biases is None else biases[:, None, None]
        membrane = sums + bias + self.get_buffer("init")
        spikes = []
        for step in range(self.timesteps):
            value = self.get_buffer("threshold") << (self.timesteps - 1 - step)
            fired = membrane >= value
            membrane = torch.where(fired, membrane - value, membrane)
            spikes.append(fired.long())
        return torch.stack(spikes, 3)


class FrozenLevelBias(HLS4MLModule):
    """The encoding layer's biases at a noise level.

    Parameters
    ----------
    bias, noise_weight
        (C,) integers.
    shift
        Rounding right shift of the level's product.
    widths
        Derived widths of the encoding layer.
    """

    def __init__(
        self,
        bias: npt.NDArray[np.integer],
        noise_weight: npt.NDArray[np.integer],
        shift: int,
        widths: LayerWidths,
    ) -> None:
        super().__init__()
        self.shift, self.widths = shift, widths
        for name, values in (("bias", bias), ("noise_weight", noise_weight)):
            self.register_buffer(name, torch.from_numpy(values.astype(np.int64)))

    def forward(self, level: Tensor) -> Tensor:
        """Biases (B, C) of levels (B, 1) in sixteenths of a grey level."""
        product = self.get_buffer("noise_weight") * level + (1 << (self.shift - 1))
        return self.get_buffer("bias") + (product >> self.shift)
