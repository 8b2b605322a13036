"""PyTorch layers of the frozen network, which hls4ml converts to C++.

Maps have the order of the hardware's streams: channels innermost, then time. The layers compute
the same integers as the hardware, in int64 tensors, so that the model can be tested in PyTorch
before it is converted.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from hls4ml.utils.torch import HLS4MLModule
from torch import Tensor
from torch.nn import functional as F

from sw_model.spec import KERNEL, LayerSpec, LayerWidths, NeuronSpec


class FrozenConv(HLS4MLModule):
    """Integer 3x3 convolution with zero padding, without bias.

    Parameters
    ----------
    layer
        Shape and kind. The encoding layer maps pixels (B, H, W, 1) to sums (B, H, W, C); hidden
        layers map spikes (B, H, W, T, C) to sums of the same shape; the output layer maps spikes
        to one sum over all timesteps, (B, H, W, 1).
    weight
        (out_channels, in_channels, 3, 3) integers.
    widths
        Derived widths of the layer.
    timesteps
        T.
    """

    def __init__(
        self,
        layer: LayerSpec,
        weight: npt.NDArray[np.integer],
        widths: LayerWidths,
        timesteps: int,
    ) -> None:
        super().__init__()
        self.layer, self.widths, self.timesteps = layer, widths, timesteps
        # hls4ml reads these attributes of every layer with "Conv" in its name.
        self.padding_mode, self.groups = "zeros", 1
        self.register_buffer("weight", torch.from_numpy(weight.astype(np.int64)))

    def forward(self, x: Tensor) -> Tensor:
        """The sums of weight * input."""
        if self.layer.kind == "encoding":
            return self._convolve(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        batch, height, width, steps, channels = x.shape
        maps = x.permute(0, 3, 4, 1, 2).reshape(batch * steps, channels, height, width)
        sums = self._convolve(maps).reshape(batch, steps, -1, height, width)
        if self.layer.kind == "output":
            return sums.sum(1).permute(0, 2, 3, 1)
        return sums.permute(0, 3, 4, 1, 2)

    def _convolve(self, maps: Tensor) -> Tensor:
        """(N, C_in, H, W) to (N, C_out, H, W); exact, because float64 holds all 32-bit sums."""
        weight = self.get_buffer("weight").double()
        return F.conv2d(maps.double(), weight, padding=KERNEL // 2).long()


class FrozenLIF(HLS4MLModule):
    """Spiking neurons with bias, see `sw_model.spec.neuron.EQUATION`.

    They map sums (B, H, W, T, C), or the constant sums (B, H, W, C) of the encoding layer, to
    spikes (B, H, W, T, C).

    Parameters
    ----------
    index
        Number of the spiking layer, 0 the encoding layer.
    layer
        Neuron, and shift of the encoding layer's sums.
    bias, threshold, init
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
        bias: npt.NDArray[np.integer],
        threshold: npt.NDArray[np.integer],
        init: npt.NDArray[np.integer],
        widths: LayerWidths,
        timesteps: int,
    ) -> None:
        super().__init__()
        assert layer.neuron is not None, "the output layer has no neuron"
        self.neuron: NeuronSpec = layer.neuron
        self.index, self.layer, self.widths, self.timesteps = index, layer, widths, timesteps
        for name, values in (("bias", bias), ("threshold", threshold), ("init", init)):
            self.register_buffer(name, torch.from_numpy(values.astype(np.int64)))

    @property
    def constant(self) -> bool:
        """Whether a pixel has one sum for all timesteps."""
        return self.layer.kind == "encoding"

    def forward(self, sums: Tensor) -> Tensor:
        """Charge, fire, reset, for T steps."""
        if self.constant:
            sums = sums.unsqueeze(3).expand(-1, -1, -1, self.timesteps, -1)
        if self.layer.shift:
            sums = (sums + (1 << (self.layer.shift - 1))) >> self.layer.shift
        currents = (sums + self.get_buffer("bias")) << self.neuron.fractional_bits
        threshold = self.get_buffer("threshold")
        membrane = self.get_buffer("init").expand_as(currents[..., 0, :])
        spikes = []
        for current in currents.unbind(3):
            if self.neuron.leak is not None:
                membrane = membrane - (membrane >> self.neuron.leak)
            membrane = membrane + current
            fired = membrane >= threshold
            reset = membrane - threshold if self.neuron.reset == "soft" else 0 * membrane
            membrane = torch.where(fired, reset, membrane)
            spikes.append(fired.long())
        return torch.stack(spikes, 3)


class FrozenResidual(HLS4MLModule):
    """Scales the output layer's sums to the residual and subtracts it from the pixels.

    Parameters
    ----------
    layer
        The output layer; its shift is used.
    bias
        (1,) integer, added T times.
    mult
        Output multiplier of T.
    widths
        Derived widths of the output layer.
    timesteps
        T.
    largest
        Largest denoised pixel; the smallest is 0.
    """

    def __init__(
        self,
        layer: LayerSpec,
        bias: npt.NDArray[np.integer],
        mult: int,
        widths: LayerWidths,
        timesteps: int,
        largest: int,
    ) -> None:
        super().__init__()
        self.layer, self.mult, self.widths = layer, mult, widths
        self.timesteps, self.largest = timesteps, largest
        self.register_buffer("bias", torch.from_numpy(bias.astype(np.int64)))

    def forward(self, pixels: Tensor, sums: Tensor) -> Tensor:
        """Denoised pixels (B, H, W, 1) of pixels and sums of the same shape."""
        total = sums + self.timesteps * self.get_buffer("bias")
        half = 1 << (self.layer.shift - 1)
        residual = (total * self.mult + half) >> self.layer.shift
        return (pixels - residual).clamp(0, self.largest)
