"""The paper's figures 3 and 4 as PNG and CSV, from the measured points."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from sw_model.pictures.arrays import Picture, Pixels
from sw_model.pictures.metrics import psnr
from sw_model.spec import GREY_MAX, NetworkSpec
from sw_model.studies.coding.figures import STYLES, WIDTH, label_axes, png
from sw_model.studies.coding.quality import LIF_HARD, RATE
from sw_model.studies.coding.tables import Cell, Table

DNCNN = "dncnn"
"""The coding of a point for DnCNN, the network with ReLU."""
CURVES = {"direct": LIF_HARD.name, "bernoulli": RATE}
"""The codings' names in the study of neural coding, which defines their colours and markers."""
FIG4_TIMESTEPS = 7
"""T of Fig. 4."""


@dataclass(frozen=True)
class Point:
    """The parameters of a point of Fig. 3.

    Attributes
    ----------
    coding
        Input coding: a key of `CURVES`, or `DNCNN`.
    timesteps
        T; None for DnCNN.
    steps
        Training steps of the network, including those before fine-tuning.
    """

    coding: str
    timesteps: int | None
    steps: int


@dataclass(frozen=True)
class Pictures:
    """Clean and noisy pictures, (H, W) each, and the index of the picture in Fig. 4."""

    clean: tuple[Picture, ...]
    noisy: tuple[Pixels, ...]
    shown: int


@dataclass(frozen=True)
class Measured:
    """A point of Fig. 3.

    Attributes
    ----------
    psnrs
        PSNR of every picture in dB.
    theta
        Spikes per neuron over T (eq. 9); None for DnCNN.
    shown
        The denoised picture of Fig. 4.
    """

    point: Point
    psnrs: tuple[float, ...]
    theta: float | None
    shown: Picture

    @property
    def psnr(self) -> float:
        """Mean PSNR of the pictures in dB."""
        return sum(self.psnrs) / len(self.psnrs)


@dataclass(frozen=True)
class Study:
    """All points of the figures; the last one is DnCNN."""

    spec: NetworkSpec
    pictures: Pictures
    points: tuple[Measured, ...]

    def curve(self, coding: str) -> list[Measured]:
        """The points of a coding in ascending order of T."""
        return [measured for measured in self.points if measured.point.coding == coding]

    def fig4_point(self, coding: str) -> Measured:
        """The point of a coding that Fig. 4 shows."""
        return next(m for m in self.curve(coding) if m.point.timesteps == FIG4_TIMESTEPS)


def files(study: Study) -> dict[str, bytes]:
    """All files by name."""
    return {
        "fig3.png": png(_fig3(study)),
        "fig3.csv": fig3_table(study).csv(),
        "fig4.png": png(_fig4(study)),
        "fig4.csv": fig4_table(study).csv(),
    }


def fig3_table(study: Study) -> Table:
    """The points of Fig. 3: PSNR in dB, mean of the pictures; theta over all their neurons."""
    return Table(
        ("coding", "T", "psnr_db", "theta", "training_steps", "config"),
        tuple(
            (
                *(m.point.coding, m.point.timesteps, _rounded(m.psnr), _rounded(m.theta)),
                *(m.point.steps, study.spec.name),
            )
            for m in study.points
        ),
    )


def fig4_table(study: Study) -> Table:
    """The pictures of Fig. 4, with PSNR in dB except for the clean one."""
    rows: list[tuple[Cell, ...]] = [
        ("clean", None, None),
        ("noisy", None, _rounded(_noisy_psnr(study))),
    ]
    rows += [
        (coding, FIG4_TIMESTEPS, _rounded(_shown_psnr(study, study.fig4_point(coding))))
        for coding in CURVES
    ]
    return Table(("picture", "T", "psnr_db"), tuple(rows))


def _rounded(value: float | None) -> str | None:
    # More decimals differ between machines, because sums of floats have no fixed order.
    return None if value is None or math.isinf(value) else f"{value:.3f}"


def _noisy_psnr(study: Study) -> float:
    shown = study.pictures.shown
    return psnr(study.pictures.clean[shown], study.pictures.noisy[shown])


def _shown_psnr(study: Study, measured: Measured) -> float:
    return measured.psnrs[study.pictures.shown]


def _names(study: Study) -> dict[str, str]:
    """The codings' names in legends and captions."""
    neuron = study.spec.layers[0].neuron
    assert neuron is not None
    kind = "IF" if neuron.leak is None else "LIF"
    return {"direct": f"{kind}, constant current", "bernoulli": "rate coding"}


def _network(study: Study) -> str:
    spec = study.spec
    return f"{spec.name}: {len(spec.layers)} layers × {spec.layers[0].out_channels} channels"


def _fig3(study: Study) -> Figure:
    figure = Figure(figsize=(WIDTH, 3.3), layout="constrained")
    quality, theta = figure.subplots(1, 2)
    figure.suptitle(
        f"{_network(study)}, {len(study.pictures.clean)} pictures of Set12, σ = 25", fontsize=9
    )
    for coding, name in _names(study).items():
        curve = study.curve(coding)
        colour, marker = STYLES[CURVES[coding]]
        timesteps = [m.point.timesteps for m in curve]
        look = {"color": colour, "marker": marker, "markersize": 4, "label": name}
        quality.plot(timesteps, [m.psnr for m in curve], **look)
        theta.plot(timesteps, [m.theta for m in curve], **look)
    (dncnn,) = study.curve(DNCNN)
    quality.axhline(dncnn.psnr, color="black", linestyle=":", label="DnCNN, float")
    label_axes(quality, "T (timesteps)", "PSNR (dB)")
    label_axes(theta, "T (timesteps)", "θ (spikes per neuron in T)")
    theta.set_ylim(bottom=0)
    quality.legend(fontsize=7)
    return figure


def _fig4(study: Study) -> Figure:
    figure = Figure(figsize=(WIDTH, 8.2), layout="constrained")
    axes = figure.subplots(2, 2).flat
    shown = study.pictures.shown
    panels: list[tuple[str, np.ndarray]] = [
        ("(a) clean", study.pictures.clean[shown]),
        (f"(b) noisy, σ = 25 ({_noisy_psnr(study):.2f} dB)", study.pictures.noisy[shown]),
    ]
    for letter, (coding, name) in zip("cd", _names(study).items(), strict=True):
        point = study.fig4_point(coding)
        quality = _shown_psnr(study, point)
        panels.append((f"({letter}) {name}, T = {FIG4_TIMESTEPS} ({quality:.2f} dB)", point.shown))
    figure.suptitle(f"C.man, {_network(study)}", fontsize=9)
    for axis, (caption, picture) in zip(axes, panels, strict=True):
        axis.imshow(picture, cmap="gray", vmin=0, vmax=GREY_MAX)
        axis.set_axis_off()
        axis.set_title(caption, fontsize=9, y=-0.08)
    return figure


def summary(study: Study) -> str:
    """The points of Fig. 3 as text for the terminal."""
    lines = ["coding      T  PSNR, dB  theta"]
    for m in study.points:
        t, theta = m.point.timesteps or "", _rounded(m.theta) or ""
        lines.append(f"{m.point.coding:9} {t:3} {m.psnr:9.2f}  {theta}")
    return "\n".join(line.rstrip() for line in lines)
