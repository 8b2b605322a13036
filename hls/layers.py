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
        to one sum over all timesteps, (B, H, W, P). P is the planes of all colours.
    weight
        (out_channels, in_channels, 3, 3) integers.
    widths
        Derived widths of the layer.
    timesteps
        T.
    binary
        The few-spike code: hidden layers give one sum a pixel too, (B, H, W, C), and a spike at
        step t counts 2^(T-1-t).
    """

    def __init__(
        self,
        layer: LayerSpec,
        weight: npt.NDArray[np.integer],
        widths: LayerWidths,
        timesteps: int,
        *,
        binary: bool = False,
    ) -> None:
        super().__init__()
        self.layer, self.widths, self.timesteps = layer, widths, timesteps
        self.binary = binary
        # hls4ml reads these attributes of every layer with "Conv" in its name.
        self.padding_mode, self.groups = "zeros", 1
        self.register_buffer("weight", torch.from_numpy(weight.astype(np.int64)))

    @property
    def sum_over_time(self) -> bool:
        """Whether a layer over spikes gives one sum a pixel."""
        return self.binary or self.layer.kind == "output"

    def forward(self, x: Tensor) -> Tensor:
        """The sums of weight * input."""
        if self.layer.kind == "encoding":
            return self._convolve(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        batch, height, width, steps, channels = x.shape
        maps = x.permute(0, 3, 4, 1, 2).reshape(batch * steps, channels, height, width)
        sums = self._convolve(maps).reshape(batch, steps, -1, height, width)
        if self.sum_over_time:
            total = sums[:, 0]
            for step in range(1, steps):
                total = (2 if self.binary else 1) * total + sums[:, step]
            return total.permute(0, 2, 3, 1)
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


class FrozenPlanes(HLS4MLModule):
    """Sorts pixels into planes; `sw_model.spec.NetworkSpec` says which pixel goes where.

    Parameters
    ----------
    planes
        r, 2 or more.
    """

    def __init__(self, planes: int) -> None:
        super().__init__()
        self.planes = planes

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, H, W, colours) to (B, ceil(H / r), ceil(W / r), colours * r^2)."""
        r = self.planes
        for axis in (1, 2):
            length = pixels.shape[axis]
            last = pixels.narrow(axis, length - 1, 1)
            pixels = torch.cat([pixels, *[last] * (-length % r)], axis)
        batch, height, width, colours = pixels.shape
        split = pixels.reshape(batch, height // r, r, width // r, r, colours)
        return split.permute(0, 1, 3, 5, 2, 4).reshape(batch, height // r, width // r, -1)


class FrozenResidual(HLS4MLModule):
    """Scales the output layer's sums to the residual and subtracts it from the pixels.

    Parameters
    ----------
    layer
        The output layer; its shift is used.
    bias
        (P,) integers, added T times, once in the few-spike code. P is the planes of all colours.
    mult
        Output multiplier of T.
    widths
        Derived widths of the output layer.
    timesteps
        T.
    largest
        Largest denoised pixel; the smallest is 0.
    binary
        The few-spike code.
    planes
        r, as of `FrozenPlanes`; 1 for pixels that are in no planes.
    """

    def __init__(
        self,
        layer: LayerSpec,
        bias: npt.NDArray[np.integer],
        mult: int,
        widths: LayerWidths,
        timesteps: int,
        largest: int,
        *,
        binary: bool = False,
        planes: int = 1,
    ) -> None:
        super().__init__()
        self.layer, self.mult, self.widths, self.planes = layer, mult, widths, planes
        self.times, self.largest = 1 if binary else timesteps, largest
        self.register_buffer("bias", torch.from_numpy(bias.astype(np.int64)))

    def forward(self, pixels: Tensor, sums: Tensor) -> Tensor:
        """Denoised pixels of pixels (B, H, W, colours) and sums (B, H / r, W / r, P)."""
        r = self.planes
        total = sums + self.times * self.get_buffer("bias")
        half = 1 << (self.layer.shift - 1)
        residual = (total * self.mult + half) >> self.layer.shift
        batch, rows, columns, _ = residual.shape
        split = residual.reshape(batch, rows, columns, -1, r, r).permute(0, 1, 4, 2, 5, 3)
        whole = split.reshape(batch, rows * r, columns * r, -1)
        inside = whole[:, : pixels.shape[1], : pixels.shape[2]]
        return (pixels - inside).clamp(0, self.largest)
