"""What a training step minimises: the residual's error, and what may be learnt besides."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sw_model.network.dncnn import DnCNN
from sw_model.network.folded import FoldedDnCNN

from .supervision import DeepSupervision


class Objective(nn.Module):
    """What a step minimises.

    Parameters
    ----------
    model
        The network.
    supervision
        What it learns in mid-network.
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
            What the network gets, see `sw_model.network.inference.network_input`.
        target
            What the residual should be, (B, 1, H, W): the noise, or a teacher's residual.
        early, activity, partial, hint
            Weights of the losses in mid-network, of the sum of the layers' mean rates, of the
            residuals after fewer timesteps, and of the teacher's features.
        features
            The teacher's, see `sw_model.training.supervision.DeepSupervision.feature_loss`.
        options
            Of the network's forward pass.
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
        """Residuals (B, 1, H, W) of the first 1, 2, ... T - 1 of spikes (T, B, C, H, W)."""
        sums = spikes.float().cumsum(0)[:-1]
        assert isinstance(self.model, DnCNN | FoldedDnCNN)
        return [self.model.read_out(total / (t + 1)) for t, total in enumerate(sums)]
