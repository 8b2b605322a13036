"""The objective of a training step: the residual's error, and optional further losses."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn, stack, zeros
from torch.nn import functional as F

from sw_model.network.dncnn import PIXEL_SCALE, DnCNN, initial_weight
from sw_model.network.folded import FoldedDnCNN
from sw_model.spec import NetworkSpec

FEATURES_EVERY = 3
"""Layers from one feature loss to the next; the last spiking layer has one."""
TINY = 1e-12


class DeepSupervision(nn.Module):
    """Outputs at intermediate layers, for training only: residuals, and a teacher's features.

    A surrogate gradient loses its direction on its way back through many spiking layers. A residual
    read out after every few layers gives the layers before it a nearby loss. So do the features of
    the teacher's layer, predicted by a learnt linear map of each pixel's rates (the "hints" of
    Romero et al., FitNets, 2015), because the teacher may have a different number of channels.

    Parameters
    ----------
    spec
        Spec of the supervised network.
    every
        Layers from one output to the next.
    teacher_channels
        Channels of the teacher whose features are learnt; 0 without one.
    """

    def __init__(self, spec: NetworkSpec, every: int, teacher_channels: int = 0) -> None:
        super().__init__()
        self.loss_layers = range(every, len(spec.spiking_layers) - 1, every)
        self.weights = nn.ParameterList(initial_weight(spec.layers[-1]) for _ in self.loss_layers)
        self.biases = nn.ParameterList(zeros(1) for _ in self.loss_layers)
        last = len(spec.spiking_layers) - 1
        self.feature_layers = range(last % FEATURES_EVERY, last + 1, FEATURES_EVERY)
        self.maps = nn.ModuleList(
            nn.Conv2d(spec.channels, teacher_channels, 1)
            for _ in (self.feature_layers if teacher_channels else ())
        )

    def forward(self, spikes: list[Tensor]) -> list[Tensor]:
        """Residuals in pixels, each (B, 1, H, W), from the spikes of all spiking layers."""
        return [
            PIXEL_SCALE * F.conv2d(spikes[index].float().mean(0), weight, bias, padding=1)
            for index, weight, bias in zip(self.loss_layers, self.weights, self.biases, strict=True)
        ]

    def feature_loss(self, spikes: list[Tensor], features: list[Tensor]) -> Tensor:
        """Squared error of the teacher's features over their mean square, averaged over layers.

        Parameters
        ----------
        spikes
            Spikes of all spiking layers.
        features
            Outputs (B, C_teacher, H, W) of the same number of layers of the teacher.
        """
        losses = []
        for index, learnt in zip(self.feature_layers, self.maps, strict=True):
            wanted = features[index].float()
            error = (learnt(spikes[index].float().mean(0)) - wanted).square().mean()
            losses.append(error / wanted.square().mean().clamp(min=TINY))
        return stack(losses).mean()


class Objective(nn.Module):
    """The objective of a training step.

    Parameters
    ----------
    model
        The network.
    supervision
        Its outputs at intermediate layers.
    """

    def __init__(self, model: nn.Module, supervision: DeepSupervision) -> None:
        super().__init__()
        self.model = model
        self.supervision = supervision

    def forward(
        self,
        pixels: Tensor,
        target: Tensor,
        *,
        early: float,
        activity: float,
        partial: float = 0.0,
        hint: float = 0.0,
        features: list[Tensor] | None = None,
        **options: Any,
    ) -> tuple[Tensor, Tensor]:
        """The objective, and the residual.

        Parameters
        ----------
        pixels
            Input of the network, see `sw_model.network.inference.network_input`.
        target
            Target of the residual, (B, 1, H, W): the noise, or a teacher's residual.
        early, activity, partial, hint
            Weights of the losses at intermediate layers, of the sum of the layers' mean rates, of
            the residuals after fewer timesteps, and of the teacher's features.
        features
            The teacher's features, see
            `sw_model.training.objective.DeepSupervision.feature_loss`.
        options
            Options of the network's forward pass.
        """
        recorded = early or activity or partial or hint
        outputs: list[Tensor] | None = [] if recorded else None
        residual = self.model(pixels, record=outputs, **options)
        objective = (residual - target).square().mean()
        if outputs is not None and activity:
            rates = torch.stack([output.float().mean() for output in outputs])
            objective = objective + activity * rates.sum()
        if outputs is not None and early:
            for other in self.supervision(outputs):
                objective = objective + early * (other - target).square().mean()
        if outputs is not None and partial:
            for other in self.partial_residuals(outputs[-1]):
                weight = partial / (len(outputs[-1]) - 1)
                objective = objective + weight * (other - target).square().mean()
        if outputs is not None and hint:
            assert features is not None
            objective = objective + hint * self.supervision.feature_loss(outputs, features)
        return objective, residual.detach()

    def partial_residuals(self, spikes: Tensor) -> list[Tensor]:
        """Residuals (B, 1, H, W) after 1, 2, ... T - 1 timesteps of spikes (T, B, C, H, W)."""
        sums = spikes.float().cumsum(0)[:-1]
        assert isinstance(self.model, DnCNN | FoldedDnCNN)
        return [self.model.read_out(total / (t + 1)) for t, total in enumerate(sums)]
