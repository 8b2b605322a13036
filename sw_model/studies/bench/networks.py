"""The contenders' networks in PyTorch: the dense DnCNN, and the spiking network in two libraries.

The spiking networks compute the deployment in floats: its integer weights, biases, thresholds and
initial membranes as float32, exact below 2^24. Only the floor of a leak and the rounding of an
encoding layer's sums are missing. snnTorch fires at membrane > threshold; the paper, SpikingJelly
and this project fire at >=. SpikingJelly has one threshold for all channels of a layer, so all
numbers are divided by their channel's threshold, which rounds them.
"""

from __future__ import annotations

import importlib
import logging
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from sw_model.network.baseline import Baseline
from sw_model.pictures.arrays import Pixels
from sw_model.spec import Deployment, NeuronSpec

Record = list[list[Tensor]]
"""Spikes (1, C, H, W) of each layer and timestep."""
Run = Callable[[Pixels], npt.NDArray[np.int64]]
"""The timed function, from noisy pixels (H, W) to the residual or R."""


def dense(dtype: torch.dtype) -> Run:
    """The shipped float DnCNN; hidden layers in ``dtype``, channels last."""
    baseline = Baseline.load()
    last = len(baseline.layers) - 1
    layers = [
        tuple(tensor.to(dtype if 0 < n < last else torch.float32) for tensor in layer)
        for n, layer in enumerate(baseline.layers)
    ]
    ready = Baseline([(w, b) for w, b in layers], baseline.provenance).to("cpu")

    @torch.inference_mode()
    def run(pixels: Pixels) -> npt.NDArray[np.int64]:
        noisy = _batch(pixels)
        return ready.residual(noisy, dtype)[0, 0].round().long().numpy()

    return run


def _batch(pixels: Pixels) -> Tensor:
    """(1, 1, H, W), channels last."""
    batch = torch.from_numpy(pixels).float()[None, None]
    return batch.to(memory_format=torch.channels_last)


class SpikingNetwork(ABC):
    """The deployment in floats; subclasses provide a library's neurons.

    Parameters
    ----------
    deployment
        The network.
    timesteps
        T.
    raised
        Whether membranes are half a unit higher relative to their thresholds. With integers,
        neither > instead of >= nor the rounding of floats then changes a decision.
    """

    def __init__(self, deployment: Deployment, timesteps: int, *, raised: bool = False) -> None:
        self.timesteps = timesteps
        self.layers = deployment.spec.layers
        self.weights, self.biases = [], []
        for layer, weight, bias in zip(
            self.layers, deployment.weights, deployment.biases, strict=True
        ):
            # Weights and biases in the membrane's unit.
            gain = 1 << layer.neuron.fractional_bits if layer.neuron else 1
            shift = layer.shift if layer.kind == "encoding" else 0  # without its rounding
            values = torch.from_numpy(weight.astype(np.float32)) * (gain / (1 << shift))
            self.weights.append(values.to(memory_format=torch.channels_last))
            self.biases.append(torch.from_numpy(bias.astype(np.float32)) * gain)
        self.thresholds = [_per_channel(values) for values in deployment.thresholds]
        self.inits = [_per_channel(values) for values in deployment.inits]
        if raised:
            for index, layer in enumerate(deployment.spec.spiking_layers):
                # A hard reset clears an offset of the membrane, a soft one keeps it.
                if layer.neuron is not None and layer.neuron.reset == "soft":
                    self.inits[index] = self.inits[index] + 0.5
                else:
                    self.thresholds[index] = self.thresholds[index] - 0.5
        self.nodes = [
            self.node(layer.neuron, threshold)
            for layer, threshold in zip(self.layers, self.thresholds, strict=False)
            if layer.neuron is not None
        ]

    @abstractmethod
    def node(self, neuron: NeuronSpec, threshold: Tensor) -> Any:
        """A layer of the library's neurons."""

    @abstractmethod
    def start(self, index: int, shape: torch.Size) -> None:
        """Sets a layer's membranes (1, C, H, W) to their initial values."""

    @abstractmethod
    def stop(self, index: int) -> None:
        """Frees a layer's membranes, which the library would keep until the next picture."""

    @abstractmethod
    def fire(self, index: int, current: Tensor) -> Tensor:
        """Spikes of a layer's currents, (1, C, H, W) or, in multi-step mode, (T, 1, C, H, W)."""

    def currents(self, index: int, x: Tensor) -> Tensor:
        """Input currents of a layer's neurons, in the membrane's unit."""
        return F.conv2d(x, self.weights[index], self.biases[index], padding=1)

    def output(self, spikes: Tensor) -> npt.NDArray[np.int64]:
        """R (H, W) from the last layer's spikes, summed over the timesteps, (1, C, H, W)."""
        bias = self.timesteps * self.biases[-1]
        total = F.conv2d(spikes, self.weights[-1], bias, padding=1)
        return total[0, 0].round().long().numpy()

    @torch.inference_mode()
    def run(self, pixels: Pixels, record: Record | None = None) -> npt.NDArray[np.int64]:
        """R (H, W) of noisy pixels (H, W), one timestep after the other through all layers."""
        encoded = self.currents(0, _batch(pixels))  # the same in all timesteps
        for index in range(len(self.nodes)):
            self.start(index, encoded.shape)
        total = torch.zeros_like(encoded)
        for _ in range(self.timesteps):
            x = self.fire(0, encoded)
            if record is not None:
                record[0].append(x)
            for index in range(1, len(self.nodes)):
                x = self.fire(index, self.currents(index, x))
                if record is not None:
                    record[index].append(x)
            total += x
        for index in range(len(self.nodes)):
            self.stop(index)
        return self.output(total)


def _per_channel(values: npt.NDArray[np.integer]) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))[:, None, None]


def library(name: str) -> Any:
    """An optional library's module; raises `ImportError` if it is missing."""
    # Warnings of the libraries' imports are hidden, such as torch's about a missing GPU compiler.
    logging.getLogger("torch._library.triton").setLevel(logging.ERROR)
    with warnings.catch_warnings(action="ignore"):
        return importlib.import_module(name)


class SnnTorch(SpikingNetwork):
    """snnTorch's ``Leaky``, step by step."""

    def node(self, neuron: NeuronSpec, threshold: Tensor) -> Any:
        """See `SpikingNetwork`."""
        if neuron.leak is not None and neuron.reset == "soft":
            raise ImportError("snnTorch's leaky neuron applies a soft reset one timestep late")
        return library("snntorch").Leaky(
            beta=1.0 if neuron.leak is None else 1 - 2.0**-neuron.leak,
            threshold=threshold,
            reset_mechanism="subtract" if neuron.reset == "soft" else "zero",
        )

    def start(self, index: int, shape: torch.Size) -> None:
        """See `SpikingNetwork`."""
        self.nodes[index].mem = self.inits[index].expand(shape)

    def stop(self, index: int) -> None:
        """See `SpikingNetwork`."""
        self.nodes[index].mem = torch.zeros(0)

    def fire(self, index: int, current: Tensor) -> Tensor:
        """See `SpikingNetwork`."""
        spikes, _ = self.nodes[index](current)
        assert isinstance(spikes, Tensor)
        return spikes


class SpikingJelly(SpikingNetwork):
    """SpikingJelly's ``IFNode`` and ``LIFNode``, step by step."""

    mode = "s"

    def __init__(self, deployment: Deployment, timesteps: int, *, raised: bool = False) -> None:
        super().__init__(deployment, timesteps, raised=raised)
        for index, threshold in enumerate(self.thresholds):
            self.weights[index] = self.weights[index] / threshold[..., None]
            self.biases[index] = self.biases[index] / threshold[:, 0, 0]
            self.inits[index] = self.inits[index] / threshold

    def node(self, neuron: NeuronSpec, threshold: Tensor) -> Any:
        """See `SpikingNetwork`."""
        module = library("spikingjelly.activation_based.neuron")
        reset = None if neuron.reset == "soft" else 0.0
        if neuron.leak is None:
            node = module.IFNode(v_reset=reset, step_mode=self.mode)
        else:
            tau = float(1 << neuron.leak)
            node = module.LIFNode(tau, decay_input=False, v_reset=reset, step_mode=self.mode)
        return node.eval()

    def start(self, index: int, shape: torch.Size) -> None:
        """See `SpikingNetwork`."""
        self.nodes[index].reset()
        self.nodes[index].v = self.inits[index].expand(shape).contiguous()

    def stop(self, index: int) -> None:
        """See `SpikingNetwork`."""
        self.nodes[index].reset()

    def fire(self, index: int, current: Tensor) -> Tensor:
        """See `SpikingNetwork`."""
        spikes = self.nodes[index](current)
        assert isinstance(spikes, Tensor)
        return spikes


class SpikingJellyMulti(SpikingJelly):
    """SpikingJelly in multi-step mode: layer by layer, all timesteps of a layer at once."""

    mode = "m"

    @torch.inference_mode()
    def run(self, pixels: Pixels, record: Record | None = None) -> npt.NDArray[np.int64]:
        """See `SpikingNetwork`; timesteps form the batch of a convolution."""
        encoded = self.currents(0, _batch(pixels))
        current = encoded.expand(self.timesteps, *encoded.shape)  # (T, 1, C, H, W)
        spikes = current  # replaced in the first pass of the loop
        for index in range(len(self.nodes)):
            if index:
                current = self.currents(index, spikes.flatten(0, 1))[:, None]
            self.start(index, encoded.shape)
            spikes = self.fire(index, current)
            self.stop(index)
            if record is not None:
                record[index].extend(spikes)
        return self.output(spikes.sum(0))
