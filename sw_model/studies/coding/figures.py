"""The figures of the study of neural coding.

Colours are Okabe and Ito's, which are distinct for all kinds of colour vision. Markers and line
styles differ too, for print without colour.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sw_model.coding import period_threshold
from sw_model.spec import GREY_MAX

from .few_spikes import FEW_SPIKES
from .integer import TIMESTEPS, WIDTHS
from .quality import (
    CENTROID,
    EQ8,
    IF_SOFT,
    LIF_HARD,
    LIF_SOFT,
    PAPER_STEPS_MAX,
    RATE,
    WEIGHTED_SUM,
    Point,
)
from .tables import PAPER_STEPS, Study, staircase

STYLES = {
    LIF_HARD.name: ("#0072b2", "o"),
    LIF_SOFT.name: ("#d55e00", "s"),
    IF_SOFT.name: ("#009e73", "^"),
    RATE: ("#000000", "x"),
    FEW_SPIKES: ("#cc79a7", "D"),
}
"""Colour and marker of each coding."""
DECODERS = {
    EQ8: ("--", "rate (eq. 8)"),
    WEIGHTED_SUM: ("--", "weighted sum"),
    CENTROID: ("-", "centroid"),
}
"""Line style and words of each decoder."""
DPI = 130
WIDTH = 7.4
"""Inches: two columns of a page."""


def figures(study: Study) -> dict[str, bytes]:
    """All figures by name, as PNG."""
    drawings = {
        "fig1.png": _fig1(),
        "fig2.png": _fig2(study),
        "distortion.png": _distortion(study),
        "integer.png": _integer(study),
    }
    return {name: png(figure) for name, figure in drawings.items()}


def png(figure: Figure) -> bytes:
    """The figure as a PNG file."""
    target = io.BytesIO()
    # Without Matplotlib's version in the metadata, equal figures give equal files.
    figure.savefig(target, format="png", dpi=DPI, metadata={"Software": None})
    return target.getvalue()


def _fig1() -> Figure:
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    axis = figure.subplots()
    axis.step(*staircase(), where="post", color=STYLES[LIF_HARD.name][0], linewidth=1.8)
    for period, style in ((1, "-"), (2, "--"), (4, ":")):
        edge = float(period_threshold(LIF_HARD.neuron, period))
        axis.axvline(edge, color="black", linestyle=style, linewidth=1)
        axis.annotate(
            f"x = {edge:.2f}\nperiod {period}",
            (edge, 0.78),
            xytext=(4, 0),
            textcoords="offset points",
            fontsize=8,
        )
    axis.set_ylim(-0.03, 1.05)
    label_axes(axis, "constant input x (unit of Vth)", "firing rate (spikes per timestep)")
    axis.set_title(f"LIF, τ = 2, Vth = 1, hard reset, T = {PAPER_STEPS}", fontsize=9)
    return figure


def _fig2(study: Study) -> Figure:
    figure = Figure(figsize=(WIDTH, 5.8), layout="constrained")
    (psnr, theta), (far, far_theta) = figure.subplots(2, 2)
    for name in (LIF_HARD.name, RATE):
        paper, measured = study.points_of(name, PAPER_STEPS_MAX), study.points_of(name)
        for decoder in _decoders(measured):
            _curve(psnr, paper, decoder)
            _curve(far, measured, decoder)
        colour, marker = STYLES[name]
        for axis, points in ((theta, paper), (far_theta, measured)):
            axis.plot(
                [p.timesteps for p in points],
                [p.theta for p in points],
                color=colour,
                marker=marker,
                markersize=4,
                markevery=_marked(points),
                label=name,
            )
    psnr.set_title(f"T = 1…{PAPER_STEPS_MAX}, as the paper's Fig. 2", fontsize=9)
    far.set_title("rate coding on to T = 256", fontsize=9)
    for axis in (far, far_theta):
        axis.set_xscale("log", base=2)
        axis.set_xticks([1, 4, 16, 64, 256], ["1", "4", "16", "64", "256"])
    far_theta.set_yscale("log")
    far_theta.set_ylim(bottom=0.2)
    for axis in (psnr, far):
        label_axes(axis, "T (timesteps)", "PSNR (dB)")
    for axis in (theta, far_theta):
        label_axes(axis, "T (timesteps)", "θ (spikes per pixel in T)")
    psnr.legend(fontsize=7)
    theta.legend(fontsize=7)
    return figure


def _distortion(study: Study) -> Figure:
    figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
    by_steps, by_spikes = figure.subplots(1, 2, sharey=True)
    for name in STYLES:
        points = study.points_of(name)
        for decoder in _decoders(points):
            _curve(by_steps, points, decoder)
            _curve(by_spikes, [p for p in points if p.theta > 0], decoder, spikes=True)
    for axis in (by_steps, by_spikes):
        axis.set_xscale("log", base=2)
    by_steps.set_xticks([1, 4, 16, 64, 256], ["1", "4", "16", "64", "256"])
    by_spikes.set_xticks([0.5, 2, 8, 32, 128], ["0.5", "2", "8", "32", "128"])
    by_spikes.set_xlim(0.4, 160)
    label_axes(by_steps, "T (timesteps)", "PSNR (dB)")
    label_axes(by_spikes, "θ (spikes per pixel in T)", "")
    handles, labels = by_spikes.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=len(STYLES),
        fontsize=6.5,
        handlelength=1.7,
        columnspacing=1,
    )
    return figure


def _integer(study: Study) -> Figure:
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    grey, fine = figure.subplots(1, 2)
    colours = dict(zip(TIMESTEPS, STYLES.values(), strict=False))  # one style more than T
    for axis, field, number in ((grey, "grey", "256"), (fine, "fine", "65 536")):
        for timesteps, (colour, marker) in colours.items():
            rows = [
                row
                for row in study.mismatches
                if (row.coding, row.timesteps, row.multiple) == (LIF_HARD.name, timesteps, 1)
                and row.width in WIDTHS
            ]
            axis.plot(
                [row.width for row in rows],
                [getattr(row, field) for row in rows],
                color=colour,
                marker=marker,
                markersize=4,
                linewidth=1,
                label=f"T = {timesteps}",
            )
        axis.set_yscale("symlog", linthresh=1)
        axis.set_ylim(bottom=-0.1)
        axis.set_xticks(WIDTHS[::3])
        axis.set_yticks([0, 1, 10, 100, 1000, 10_000], ["0", "1", "10", "100", "1000", "10 000"])
        axis.set_ylim(top=2 * max(getattr(row, field) for row in rows))
        label_axes(axis, "membrane width (bits)", f"mismatching codes (of {number})")
    grey.set_title(f"grey levels 0…{GREY_MAX}", fontsize=9)
    fine.set_title("intensities of 16 bits", fontsize=9)
    fine.legend(fontsize=7)
    return figure


def _decoders(points: Sequence[Point]) -> list[str]:
    """The drawn decoders of a coding."""
    return [decoder for decoder in DECODERS if decoder in points[0].psnr]


def _curve(axis: Axes, points: Sequence[Point], decoder: str, *, spikes: bool = False) -> None:
    colour, marker = STYLES[points[0].coding]
    style, words = DECODERS[decoder]
    axis.plot(
        [p.theta if spikes else p.timesteps for p in points],
        [p.psnr[decoder] for p in points],
        color=colour,
        linestyle=style,
        linewidth=1.2,
        marker=marker,
        markersize=3.5,
        markevery=_marked(points),
        label=f"{points[0].coding}, {words}",
    )


def _marked(points: Sequence[Point]) -> list[int]:
    """Indices of the points with a marker: all of a short curve, powers of two of a long one."""
    return [
        index
        for index, point in enumerate(points)
        if points[-1].timesteps <= PAPER_STEPS_MAX or point.timesteps.bit_count() == 1
    ]


def label_axes(axis: Axes, x: str, y: str) -> None:
    """Sets the axis labels, and the style that all figures share."""
    axis.set_xlabel(x, fontsize=8)
    axis.set_ylabel(y, fontsize=8)
    axis.tick_params(labelsize=8)
    axis.grid(color="0.9", linewidth=0.6)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
