"""The figure of a run: pictures side by side, and the activity of each layer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.targets import TARGETS
from sw_model.pictures.arrays import Picture, Pixels
from sw_model.pictures.metrics import psnr
from sw_model.spec import GREY_MAX
from sw_model.support.files import replacing

from .run import Outcome

BAR_COLOUR = "#0072b2"
"""The blue of Okabe and Ito's palette, distinct from grey for all kinds of colour vision."""
MEAN_COLOUR = "#d55e00"
DPI = 200


def write_figure(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Write one row of pictures per target, with PSNR, and the bars of theta below."""
    figure = Figure(figsize=(8.0, 2.4 * len(outcomes) + 2.2), layout="constrained")
    rows = figure.subfigures(
        len(outcomes) + 1, 1, height_ratios=[*([2.4] * len(outcomes)), 2.2], squeeze=False
    )[:, 0]
    for row, outcome in zip(rows, outcomes, strict=False):
        _pictures(row.subplots(1, 4), outcome)
        mismatches = outcome.comparison.mismatches
        row.suptitle(
            f"{outcome.target.capitalize()}, {outcome.job.crop}: {outcome.comparison.words} event "
            f"words and {outcome.comparison.pixels} pixels compared, {mismatches} mismatches",
            fontsize=9,
        )
    _bars(rows[-1].subplots(), outcomes[0])
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=DPI)


def _pictures(axes: Sequence[Axes], outcome: Outcome) -> None:
    job = outcome.job
    panels: list[tuple[str, Picture | Pixels | None]] = [
        ("clean", job.clean),
        ("noisy", job.pixels),
        ("golden model", job.golden.denoised),
        (TARGETS[outcome.target].kind.upper(), outcome.picture),
    ]
    for axis, (name, picture) in zip(axes, panels, strict=True):
        axis.set_axis_off()
        title = f"{name}: incomplete" if picture is None else name
        if picture is not None:
            axis.imshow(picture, cmap="gray", vmin=0, vmax=GREY_MAX, interpolation="nearest")
            if picture is not job.clean:
                title += f", {psnr(job.clean, picture):.2f} dB"
        axis.set_title(title, fontsize=9)


def _bars(axis: Axes, outcome: Outcome) -> None:
    activity = outcome.job.golden.activity
    thetas = activity.layer_thetas
    axis.bar(range(len(thetas)), thetas, color=BAR_COLOUR, width=0.7)
    axis.axhline(activity.theta, color=MEAN_COLOUR, linestyle="--", linewidth=1.2)
    axis.set_xticks(range(len(thetas)))
    axis.set_xlabel("spiking layer (0: encoding)", fontsize=8)
    axis.set_ylabel(f"θ (spikes per neuron in T = {outcome.job.timesteps})", fontsize=8)
    axis.tick_params(labelsize=8)
    axis.set_title(
        f"Activity on {outcome.target.capitalize()}'s frame "
        f"(dashed: all layers, {activity.theta:.2f})",
        fontsize=9,
    )
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
