"""The figure of the benchmark: time against size, and against theta."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sw_model.studies.coding.figures import WIDTH, label_axes, png

from .contenders import BFLOAT16, CONTENDERS, EVENTS, FLOAT32, REFERENCE, VIDEO
from .measure import Timing
from .report import TIMES, Benchmark

STYLES = {
    EVENTS: ("#d55e00", "o", "-"),
    REFERENCE: ("#e69f00", "v", "-"),
    VIDEO: ("#882255", "*", "-"),
    FLOAT32: ("#000000", "s", "--"),
    BFLOAT16: ("#0072b2", "D", "--"),
    "snntorch": ("#009e73", "^", ":"),
    "spikingjelly": ("#cc79a7", "x", ":"),
    "spikingjelly-multi": ("#56b4e9", "+", ":"),
}
"""Colour, marker and line of each contender."""


def figures(benchmark: Benchmark) -> dict[str, bytes]:
    """All figures by name, as PNG."""
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, contender in CONTENDERS.items():
        _line(left, contender.label, name, [(t.size, t) for t in _of(benchmark.sizes, name)])
        thetas = [(t.theta, t) for t in _of(benchmark.thetas, name)]
        _line(right, contender.label, name, sorted(thetas, key=lambda point: point[0]))
    left.set_xscale("log", base=2)
    sizes = sorted({timing.size for timing in benchmark.sizes})
    left.set_xticks(sizes, labels=[str(size) for size in sizes])
    left.set_yscale("log")
    right.set_yscale("log")
    label_axes(left, "side of the picture (pixels)", "seconds a picture")
    size = benchmark.options["theta_size"]
    label_axes(right, f"θ (spikes per neuron), {size}×{size}", "seconds a picture")
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, fontsize=8)
    return {TIMES: png(figure)}


def _of(timings: tuple[Timing, ...], name: str) -> list[Timing]:
    return [timing for timing in timings if timing.contender == name and timing.seconds]


def _line(axis: Axes, label: str, name: str, points: list[tuple[float, Timing]]) -> None:
    if not points:
        return
    colour, marker, style = STYLES[name]
    seconds = [timing.median or 0.0 for _, timing in points]
    axis.plot(
        [x for x, _ in points],
        seconds,
        color=colour,
        marker=marker,
        linestyle=style,
        markersize=4,
        label=label,
    )
