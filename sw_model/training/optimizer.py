"""The optimizer of a training run: AdamW, and on request Muon for the hidden layers' weights.

Muon makes every step an orthogonal matrix, so that no direction of a layer dies out beside the
strongest one; its size is scaled to that of AdamW's steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

MOMENTS = ("exp_avg", "exp_avg_sq", "momentum_buffer")
"""What the optimizers keep of a parameter in that parameter's shape."""
BETAS = (0.9, 0.99)
"""AdamW's, where Muon has the hidden layers."""


def matrix_view(weight: Tensor) -> Tensor:
    """Weight (C_out, C_in, 3, 3) as the matrix (C_out, 9 * C_in) in the same memory."""
    return weight.detach().permute(0, 2, 3, 1).view(len(weight), -1)


class Optimizer:
    """One or two of PyTorch's optimizers as one.

    Parameters
    ----------
    parameters
        All that is trained.
    matrices
        Those among them that Muon gets; each (C_out, C_in, 3, 3) with channels innermost.
    lr, weight_decay
        AdamW's.
    muon
        Peak rate of Muon; 0 leaves the matrices to AdamW.
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
        """Forgets all gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    def step(self, factor: float) -> None:
        """One step at ``factor`` times the peak rates."""
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
        """Whether what is kept of every parameter has its shape."""
        for part in self.parts.values():
            for parameter, state in part.state.items():
                kept = [state[name] for name in MOMENTS if name in state]
                if not kept or any(moment.shape != parameter.shape for moment in kept):
                    return False
        return True
