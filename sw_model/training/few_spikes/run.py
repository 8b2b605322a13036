"""One training of the few-spike code: its steps, its moving average, its evaluation."""

from __future__ import annotations

import copy
import dataclasses
import io
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sw_model.network.dncnn import BATCH_NORM_MOMENTUM
from sw_model.network.few_spikes import FewSpikeDnCNN, FewSpikeLayer, spikes_of
from sw_model.pictures.arrays import Picture
from sw_model.pictures.metrics import psnr
from sw_model.pictures.noise import add_noise, join_planes, planes
from sw_model.spec import GREY_MAX, Deployment, UsageError
from sw_model.support.files import write_atomically
from sw_model.support.reading import reading
from sw_model.training.optimizer import Optimizer

from .colours import with_colours
from .data import Batch, WholePictures
from .freeze import freeze_few_spikes
from .options import LEVELS, Options
from .teacher import Teacher

FORMAT = 1
RISE = (0.55, 0.9)
"""Shares of the minutes between which the price rises."""
FIXED = 0.75
"""Share of the minutes after which batch norm's statistics, and with them thresholds, are fixed;
the rest of the training adapts the weights to the rounded thresholds."""
STATISTICS_BATCHES = 100
WARMUP = 100
"""Steps over which the learning rates rise at the start of a call."""
EMA = 0.999
WEIGHT_DECAY = 1e-4
EVALUATED = (5, 15, 25, 50)
"""Noise levels of an evaluation, in grey levels."""
NOISE_SEED = 0
EVALUATED_SIDE = 192
"""Largest side in pixels of the evaluated crop of a picture; whole pictures would take minutes."""
WEIGHT_OFFSET, WEIGHT_SCALE = 3.0, 28.0
"""The weight of a squared error is WEIGHT_SCALE / (sigma + WEIGHT_OFFSET): 1 at sigma 25, and about
the inverse of the error of the best networks, so that no noise level dominates the loss."""


class FewSpikeRun:
    """A network in training.

    Parameters
    ----------
    options, pictures
        Options and pictures of the training.
    teacher
        Network whose residual is learnt; None for the noise alone.
    compiled, bf16
        Whether to compile the neurons' kernels; whether to convolve hidden layers in bfloat16.
    """

    def __init__(
        self,
        options: Options,
        pictures: WholePictures,
        *,
        teacher: Teacher | None = None,
        compiled: bool = False,
        bf16: bool = True,
    ) -> None:
        self.options, self.pictures, self.teacher = options, pictures, teacher
        self.compiled, self.dtype = compiled, torch.bfloat16 if bf16 else torch.float32
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            self.model = FewSpikeDnCNN(options.spec).train()
        self.averaged = copy.deepcopy(self.model).eval()
        hidden = [layer.weight for layer in self._layers(self.model)[1:]]
        self.optimizer = Optimizer(
            self.model.parameters(),
            hidden,
            lr=options.lr,
            weight_decay=WEIGHT_DECAY,
            muon=options.muon,
        )
        self.history: list[dict[str, Any]] = []
        self.started = False
        self.completed, self.seconds, self._own_steps = 0, 0.0, 0

    @property
    def result(self) -> FewSpikeDnCNN:
        """The network to evaluate and to freeze.

        It is the moving average until the thresholds are fixed. Rounded weights change between two
        integers, and their average lies between both: with fixed thresholds and low learning rates
        the network itself is better.
        """
        return self.model if self._layers(self.model)[0].fixed else self.averaged

    @property
    def share(self) -> float:
        """Share of the options' minutes that is over."""
        return self.seconds / (60 * self.options.minutes)

    @property
    def rate(self) -> float:
        """Learning rate over its peak."""
        warm = min(1.0, (self._own_steps + 1) / WARMUP)
        return warm * (1 + math.cos(math.pi * min(1.0, self.share))) / 2

    @property
    def price(self) -> float:
        """Weight of the spikes in the loss."""
        progress = min(1.0, max(0.0, (self.share - RISE[0]) / (RISE[1] - RISE[0])))
        return self.options.price + progress * (self.options.final_price - self.options.price)

    def step(self) -> float:
        """Do one step and return its weighted squared error, pixels^2."""
        start = time.perf_counter()
        if self.share >= FIXED and not self._layers(self.model)[0].fixed:
            self.fix()
        batch = self.batch(self.completed)
        target = batch.noise
        if self.teacher is not None:
            taught = self.teacher.residual(batch.noisy, batch.sigma, self.dtype)
            target = torch.lerp(target, taught, self.options.teaching)
        residual = self.model(
            batch.noisy, batch.sigma, price=self.price, dtype=self.dtype, compiled=self.compiled
        )
        errors = (residual - target).square().mean((1, 2, 3))
        loss = (errors * WEIGHT_SCALE / (batch.sigma + WEIGHT_OFFSET)).mean()
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step(self.rate)
        self.completed += 1
        self._own_steps += 1
        # In the first steps a shorter average keeps the initial weights from dominating.
        decay = min(EMA, self.completed / (self.completed + 10))
        with torch.no_grad():
            pairs = zip(
                self.averaged.state_dict().values(), self.model.state_dict().values(), strict=True
            )
            for mean, value in pairs:
                mean.lerp_(value, 1 - decay)
        self.seconds += time.perf_counter() - start
        return float(loss.detach())

    def batch(self, step: int) -> Batch:
        """The patches of a step."""
        options = self.options
        return self.pictures.batch(
            seed=options.seed, step=step, size=options.batch, patch=options.patch, levels=LEVELS
        )

    def fix(self) -> None:
        """Fix batch norm's statistics to those of many batches."""
        self.recalibrate(self.model)
        for layer, mean in zip(self._layers(self.model), self._layers(self.averaged), strict=True):
            layer.fixed = mean.fixed = True
            mean.running_mean.copy_(layer.running_mean)
            mean.running_var.copy_(layer.running_var)

    @torch.no_grad()
    def recalibrate(self, model: FewSpikeDnCNN) -> None:
        """Measure the batch-norm statistics of a network, whose weights may be an average."""
        layers = self._layers(model)
        if layers[0].fixed:
            return
        was_training = model.training
        model.train()
        for k in range(STATISTICS_BATCHES):
            for layer in layers:
                layer.momentum = 1 / (k + 1)
            batch = self.batch(self.completed + k)
            model(batch.noisy, batch.sigma, dtype=self.dtype, compiled=self.compiled)
        for layer in layers:
            layer.momentum = BATCH_NORM_MOMENTUM
        model.train(was_training)

    @torch.no_grad()
    def evaluate(self) -> dict[str, Any]:
        """Mean PSNR (dB) and spikes per pixel of the held-out pictures' centres, by noise level."""
        model = self.result
        self.recalibrate(model)
        was_training = model.training
        model.eval()
        found = {}
        for sigma in EVALUATED:
            values, spikes = [], []
            for clean in map(_centre, self.pictures.held_out):
                noisy = list(planes(add_noise(clean, sigma, NOISE_SEED)))
                pixels = torch.from_numpy(np.stack(noisy)).float()[None]
                record: list[torch.Tensor] = []
                residual = model(pixels, torch.tensor([float(sigma)]), record=record)
                denoised = (pixels - residual)[0].round().clamp(0, GREY_MAX).to(torch.uint8)
                values.append(psnr(clean, join_planes(list(denoised.numpy()))))
                spikes.append(sum(float(spikes_of(v).sum()) for v in record) / pixels[0, 0].numel())
            found[str(sigma)] = [round(float(np.mean(x)), 3) for x in (values, spikes)]
        model.train(was_training)
        return found

    def freeze(self) -> Deployment:
        """The `result` in integers, with its provenance."""
        self.recalibrate(self.result)
        record = {
            "command": self.options.command(self.started, self.teacher is not None),
            "steps": self.completed,
        }
        provenance = {
            "runs": [*self.history, record],
            "seed": self.options.seed,
            "data": f"{self.pictures.count} images, {len(self.pictures.held_out)} held out",
        }
        if self.teacher is not None:
            provenance["teacher"] = self.teacher.hash
        return freeze_few_spikes(self.result, provenance)

    def save(self, path: Path) -> None:
        """Write the state of the training atomically."""
        content = {
            "format": FORMAT,
            "options": dataclasses.asdict(self.options),
            "model": self.model.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": self.history,
            "started": self.started,
            "taught": self.teacher is not None,
            "step": self.completed,
            "seconds": self.seconds,
            "fixed": self._layers(self.model)[0].fixed,
        }
        buffer = io.BytesIO()
        torch.save(content, buffer)
        write_atomically(path, buffer.getvalue())

    def resume(self, content: dict[str, Any]) -> None:
        """Continue a training with the same options from its state, as `load` returns it."""
        self._load(content)
        self.optimizer.load_state_dict(content["optimizer"])
        self.history, self.started = content["history"], content["started"]
        self.completed, self.seconds = content["step"], content["seconds"]
        for layer in (*self._layers(self.model), *self._layers(self.averaged)):
            layer.fixed = content["fixed"]

    def start(self, content: dict[str, Any]) -> None:
        """Start from the weights of another training of the same network, or of it for grey."""
        before = Options.from_dict(content["options"])
        source = content["model"] if content["fixed"] else content["averaged"]
        source = with_colours(source, before.spec, self.options.spec)
        self._load(content | {"model": source, "averaged": source})
        record = {
            "command": before.command(content["started"], content["taught"]),
            "steps": content["step"],
        }
        self.history, self.started = [*content["history"], record], True

    def _load(self, content: dict[str, Any]) -> None:
        try:
            self.model.load_state_dict(content["model"])
            self.averaged.load_state_dict(content["averaged"])
        except RuntimeError:
            raise UsageError(
                f"the checkpoint's network is not the one of --config {self.options.config}"
            ) from None

    @staticmethod
    def _layers(model: FewSpikeDnCNN) -> list[FewSpikeLayer]:
        return [layer for layer in model.layers if isinstance(layer, FewSpikeLayer)]


def _centre(picture: Picture) -> Picture:
    """The centre of a picture, with sides of `EVALUATED_SIDE` pixels at most."""
    rows, columns = (
        slice((side - min(side, EVALUATED_SIDE)) // 2, (side + min(side, EVALUATED_SIDE)) // 2)
        for side in picture.shape[:2]
    )
    return picture[rows, columns]


def load(path: Path) -> dict[str, Any]:
    """Read a file that `FewSpikeRun.save` wrote; raises `UsageError` if it is not one."""
    accepted = "give a checkpoint.pt that `train-few-spikes` wrote"
    with reading(path, "a checkpoint", accepted) as file:
        content = torch.load(file, weights_only=True, map_location="cpu")
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise ValueError(f"its format is not version {FORMAT}")
        Options.from_dict(content["options"])
    return dict(content)
