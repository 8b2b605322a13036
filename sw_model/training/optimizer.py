"""The optimizer of a training run: AdamW, and optionally Muon for the hidden layers' weights.

Muon makes every update an orthogonal matrix, so that no direction of a layer is dominated by the
strongest one. Its size is scaled to that of AdamW's updates.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

MOMENTS = ("exp_avg", "exp_avg_sq", "momentum_buffer")
"""State of the optimizers that has the shape of its parameter."""
BETAS = (0.9, 0.99)
"""AdamW's betas when Muon trains the hidden layers."""


def matrix_view(weight: Tensor) -> Tensor:
    """Weight (C_out, C_in, 3, 3) as a matrix (C_out, 9 * C_in) that shares its memory."""
    return weight.detach().permute(0, 2, 3, 1).view(len(weight), -1)


class Optimizer:
    """One or two of PyTorch's optimizers as one.

    Parameters
    ----------
    parameters
        All trained parameters.
    matrices
        The parameters for Muon, each (C_out, C_in, 3, 3) in channels-last order.
    lr, weight_decay
        Peak learning rate and weight decay of AdamW.
    muon
        Peak learning rate of Muon; with 0 AdamW trains the matrices too.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        matrices: Iterable[nn.Parameter] = (),
        *,
        lr: float,
        weight_decay: float,
        muon: float = 0.0,
    ) -> None:
        self.matrices = list(matrices) if muon else []
        taken = {id(matrix) for matrix in self.matrices}
        self.parameters = list(parameters)
        rest = [p for p in self.parameters if id(p) not in taken]
        betas = BETAS if muon else (0.9, 0.999)
        self.peaks = {"adamw": lr}
        self.parts: dict[str, torch.optim.Optimizer] = {
            "adamw": torch.optim.AdamW(
                rest, lr=lr, weight_decay=weight_decay, betas=betas, foreach=True
            )
        }
        self.views = [nn.Parameter(matrix_view(matrix)) for matrix in self.matrices]
        if muon:
            self.peaks["muon"] = muon
            self.parts["muon"] = torch.optim.Muon(
                self.views, lr=muon, weight_decay=0.0, adjust_lr_fn="match_rms_adamw"
            )

    def zero_grad(self) -> None:
        """Clears all gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    def step(self, factor: float) -> None:
        """One step at ``factor`` times the peak learning rates."""
        for matrix, view in zip(self.matrices, self.views, strict=True):
            view.grad = None if matrix.grad is None else matrix_view(matrix.grad).contiguous()
        for name, part in self.parts.items():
            for group in part.param_groups:
                group["lr"] = self.peaks[name] * factor
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """State of each part by its name."""
        return {name: part.state_dict() for name, part in self.parts.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Inverse of `state_dict`."""
        for name, part in self.parts.items():
            part.load_state_dict(state[name])

    def fits(self) -> bool:
        """Whether the state of every parameter has the parameter's shape."""
        for part in self.parts.values():
            for parameter, state in part.state.items():
                kept = [state[name] for name in MOMENTS if name in state]
                if not kept or any(moment.shape != parameter.shape for moment in kept):
                    return False
        return True
