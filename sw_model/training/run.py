"""One training run: its steps, its moving average, its evaluation on held-out images.

The result of a run depends only on its options, its images and its initial network: patches depend
on seed and step, the schedule on the step. A run resumed from a checkpoint therefore gives the same
result as one without interruption.
"""

from __future__ import annotations

import copy
import math
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sw_model.network.baseline import Baseline
from sw_model.network.inference import denoise_float, network_input
from sw_model.pictures.arrays import Picture
from sw_model.pictures.metrics import psnr
from sw_model.pictures.noise import add_noise

from .checkpoint import Checkpoint, build_model, build_optimizer, build_supervision
from .data import TrainingSet
from .distributed import Workers
from .objective import Objective
from .options import TrainingOptions

NOISE_SEED = 0
"""Seed of every evaluated picture's noise, which is not clipped to 0..255."""
SPIKES = 1
"""Third word of the seed of a step's rate coding. Patches and noise use the first two words; a
third word of 0 would give the same seed."""


class TrainingRun:
    """A network in training.

    Parameters
    ----------
    options
        Options of the run.
    images
        Training images.
    model
        The initial network; its weights change.
    history, data
        See `sw_model.training.checkpoint.Checkpoint`.
    compiled
        Whether to compile the neurons' kernels.
    workers
        The processes that train together.
    device
        PyTorch device to train on.
    teacher
        Network whose residual is learnt, and its features if the options have a weight for them;
        the options hold its hash.
    """

    def __init__(
        self,
        options: TrainingOptions,
        images: TrainingSet,
        model: nn.Module,
        *,
        history: list[dict[str, Any]] | None = None,
        data: str = "",
        compiled: bool = False,
        workers: Workers | None = None,
        device: str = "cpu",
        teacher: Baseline | None = None,
    ) -> None:
        self.options = options
        self.teacher = None if teacher is None else teacher.to(device)
        self.images = images.check(options.patch)
        self.device = device
        self.workers = workers or Workers()
        self.part = self.workers.part(options.batch)
        self.model = model.to(device).train()
        self.averaged = copy.deepcopy(model).eval()
        self.supervision = build_supervision(options).to(device)
        objective = Objective(self.model, self.supervision)
        unused = options.supervision > 0 or options.features > 0
        self.objective = self.workers.wrap(objective, unused=unused)
        self.optimizer = build_optimizer(options, model, self.supervision)
        self.history = history or []
        self.data = data
        self.compiled = compiled
        self.completed = 0
        self.seconds = 0.0

    @classmethod
    def resume(cls, checkpoint: Checkpoint, images: TrainingSet, **settings: Any) -> TrainingRun:
        """The run in the state of a checkpoint; ``settings`` are the other keyword arguments."""
        run = cls(
            checkpoint.options,
            images,
            build_model(checkpoint.options),
            history=checkpoint.history,
            data=checkpoint.data,
            **settings,
        )
        run.model.load_state_dict(checkpoint.model)
        run.averaged.load_state_dict(checkpoint.averaged)
        run.supervision.load_state_dict(checkpoint.supervision)
        run.optimizer.load_state_dict(checkpoint.optimizer)
        run.completed, run.seconds = checkpoint.step, checkpoint.seconds
        return run

    def checkpoint(self) -> Checkpoint:
        """The state of the run."""
        return Checkpoint(
            options=self.options,
            step=self.completed,
            model=self.model.state_dict(),
            averaged=self.averaged.state_dict(),
            supervision=self.supervision.state_dict(),
            optimizer=self.optimizer.state_dict(),
            history=self.history,
            data=self.data,
            seconds=self.seconds,
        )

    def rate_factor(self, step: int) -> float:
        """Learning rate of a step (from 0) over its peak: a linear warm-up, then the schedule."""
        warm = min(1.0, (step + 1) / max(1, self.options.warmup))
        if self.options.schedule == "constant":
            return warm
        return warm * (1 + math.cos(math.pi * step / self.options.steps)) / 2

    def supervision_factor(self, step: int) -> float:
        """Weight of intermediate losses over its initial value; 0 after three quarters of a run."""
        return max(0.0, 1 - step / (0.75 * self.options.steps))

    def step(self) -> float:
        """Does one step and returns its loss: mean squared error of the residual, pixels^2."""
        options = self.options
        start = time.perf_counter()
        noisy, clean = self.images.batch(
            seed=options.seed,
            step=self.completed,
            size=options.batch,
            sigma=options.sigma,
            patch=options.patch,
        )
        noise = torch.from_numpy(noisy[self.part]).float() - torch.from_numpy(clean[self.part])
        inputs = network_input(self.model, noisy, (options.seed, self.completed, SPIKES))
        noise = noise.to(self.device)
        dtype = torch.bfloat16 if options.bf16 else torch.float32
        target = noise
        features: list[Tensor] | None = [] if options.features else None
        if self.teacher is not None:
            pixels = torch.from_numpy(noisy[self.part]).float().to(self.device)
            target = self.teacher.residual(pixels, dtype, features)
        fading = self.supervision_factor(self.completed)
        objective, residual = self.objective(
            inputs[..., self.part, :, :, :].to(self.device),
            target,
            early=options.supervision * fading,
            activity=options.activity,
            partial=options.partial_sums,
            hint=options.features * fading,
            features=features,
            dtype=dtype,
            compiled=self.compiled,
        )
        self.optimizer.zero_grad()
        objective.backward()
        self.optimizer.step(self.rate_factor(self.completed))
        self.completed += 1
        # In the first steps a shorter average keeps the initial weights from dominating.
        decay = min(options.ema, self.completed / (self.completed + 10))
        with torch.no_grad():
            for mean, value in zip(
                self.averaged.state_dict().values(), self.model.state_dict().values(), strict=True
            ):
                if mean.is_floating_point():
                    mean.lerp_(value, 1 - decay)
                else:
                    mean.copy_(value)
        self.seconds += time.perf_counter() - start
        return self.workers.mean(float((residual - noise).square().mean()))

    def evaluate(self) -> dict[str, Any]:
        """Held-out PSNR (dB) and theta of the averaged network, in float32."""
        return evaluate_network(self.averaged, self.images.held_out, self.options.sigma)


def evaluate_network(model: nn.Module, pictures: list[Picture], sigma: float) -> dict[str, Any]:
    """Mean PSNR (dB) and activity of a network on one or more clean grey pictures, (H, W) each.

    Returns
    -------
    dict
        ``psnr``; for a spiking network also ``theta``, the mean over its layers, which have the
        same number of neurons, and ``theta_layers``.
    """
    psnrs, thetas = [], []
    for clean in pictures:
        noisy = add_noise(clean, sigma, NOISE_SEED)
        denoised = denoise_float(model, noisy)
        psnrs.append(psnr(clean, denoised.picture))
        thetas.append(denoised.thetas)
    result: dict[str, Any] = {"psnr": round(float(np.mean(psnrs)), 3)}
    if thetas[0]:
        layers = np.mean(thetas, axis=0)
        result["theta"] = round(float(layers.mean()), 3)
        result["theta_layers"] = [round(float(theta), 3) for theta in layers]
    return result
