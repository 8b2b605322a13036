"""The text of the benchmark: `docs/log/performance.md` is a copy of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sw_model.spec import Deployment
from sw_model.studies.coding.tables import Cell, Table
from sw_model.support.templates import Templates

from .contenders import BFLOAT16, CONTENDERS, EVENTS, FLOAT32, REFERENCE
from .measure import Agreement, Timing
from .memory import Memory

TEXTS = Templates(Path(__file__).parent / "performance.md")
REPORT = "performance.md"
FIGURES = "performance"
"""Folder of the figures, inside the report's folder."""
TIMES = "time.png"
MIB = 1 << 20
DENSE = (FLOAT32, BFLOAT16)
HALVES = (1.7, 2.4)
"""Ratios of measured thetas that count as a halving."""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """All measurements, with the machine, the options and the picture."""

    machine: dict[str, Any]
    options: dict[str, Any]
    command: str
    deployment: Deployment
    picture: str
    sizes: tuple[Timing, ...]
    thetas: tuple[Timing, ...]
    agreement: tuple[Agreement, ...]
    memory: tuple[Memory, ...]


def report(benchmark: Benchmark) -> str:
    """The report as Markdown: the template `performance.md` next to this module, filled in."""
    fields = (
        _setting(benchmark)
        | _by_size(benchmark)
        | _by_theta(benchmark)
        | _peaks(benchmark)
        | {"agreement": _agreement(benchmark)}
    )
    return TEXTS.text("report", report=REPORT, figures=FIGURES, times=TIMES, **fields) + "\n"


def summary(benchmark: Benchmark) -> str:
    """The main times in a few lines."""
    lines = [f"processor   {benchmark.machine['cpu']}, {benchmark.options['threads']} threads"]
    for timing in benchmark.sizes:
        shown = timing.reason if timing.median is None else f"{timing.median:.3f} s"
        label = CONTENDERS[timing.contender].label
        lines.append(f"{timing.size:>5}x{timing.size:<5} {label:<30} {shown}")
    frame = benchmark.memory[-1]
    lines.append(
        f"memory      {frame.peak / MIB:.0f} MiB, golden model, {frame.width}x{frame.height}"
    )
    return "\n".join(lines)


def values(benchmark: Benchmark) -> dict[str, Any]:
    """Everything as plain JSON values."""

    def rows(items: tuple[Timing | Agreement | Memory, ...]) -> list[dict[str, Any]]:
        return [
            asdict(item) | ({"median": item.median} if isinstance(item, Timing) else {})
            for item in items
        ]

    deployment = benchmark.deployment
    return {
        "machine": benchmark.machine,
        "command": benchmark.command,
        "options": benchmark.options,
        "deployment": {
            "name": deployment.spec.name,
            "hash": deployment.hash,
            "timesteps": deployment.spec.timesteps_max,
        },
        "picture": benchmark.picture,
        "contenders": {name: contender.label for name, contender in CONTENDERS.items()},
        "sizes": rows(benchmark.sizes),
        "thetas": rows(benchmark.thetas),
        "agreement": rows(benchmark.agreement),
        "memory": rows(benchmark.memory),
    }


def _setting(benchmark: Benchmark) -> dict[str, Any]:
    """Fields of the introduction."""
    about, options, deployment = benchmark.machine, benchmark.options, benchmark.deployment
    flags = about["bfloat16_instructions"]
    return {
        "command": benchmark.command,
        "picture": benchmark.picture,
        "bfloat16": TEXTS.phrase("bfloat16_native", flags=", ".join(flags))
        if flags
        else TEXTS.phrase("bfloat16_emulated"),
        "versions": ", ".join(
            f"{name} {v}" for name, v in about["versions"].items() if v is not None
        ),
        "network": deployment.spec.name,
        "layers": len(deployment.spec.layers),
        "channels": deployment.spec.channels,
        "timesteps": deployment.spec.timesteps_max,
        "hash": deployment.hash[:16],
        **{name: about[name] for name in ("cpu", "processors", "load_average", "python")},
        **{name: options[name] for name in ("threads", "seed", "repeats", "limit", "theta_size")},
    }


def _by_size(benchmark: Benchmark) -> dict[str, Any]:
    """Fields of the section of sizes."""
    sizes = list(dict.fromkeys(timing.size for timing in benchmark.sizes))
    at = {(timing.contender, timing.size): timing for timing in benchmark.sizes}
    rows: list[tuple[Cell, ...]] = []
    for name, contender in CONTENDERS.items():
        rows.append((contender.label, *(_time(at[name, size]) for size in sizes)))
    ratios: list[tuple[Cell, ...]] = [
        (contender.label, *(_ratio(at[name, size], at[EVENTS, size]) for size in sizes))
        for name, contender in CONTENDERS.items()
        if name != EVENTS
    ]
    columns = ("", *(f"{size}×{size}" for size in sizes))
    reasons = dict.fromkeys(
        f"{CONTENDERS[t.contender].label} at {t.size}×{t.size}: {t.reason}"
        for t in benchmark.sizes
        if t.reason
    )
    equal = [f"{size}×{size}" for size in sizes if at[REFERENCE, size].seconds]
    return {
        "thetas": ", ".join(f"{at[EVENTS, size].theta:.3f}" for size in sizes),
        "times_by_size": Table(columns, tuple(rows)).markdown(3),
        "not_measured": TEXTS.text("not_measured", reasons="; ".join(reasons)) if reasons else "",
        "equal": TEXTS.text("equal", sizes=", ".join(equal)) if equal else "",
        "ratios_by_size": Table(columns, tuple(ratios)).markdown(2),
        "spread": _spread(benchmark),
    }


def _by_theta(benchmark: Benchmark) -> dict[str, Any]:
    """Fields of the section of activities."""
    wanted = list(dict.fromkeys(timing.wanted for timing in benchmark.thetas))
    at = {(timing.contender, timing.wanted): timing for timing in benchmark.thetas}
    names = [name for name in CONTENDERS if any(at[name, theta].seconds for theta in wanted)]
    rows: list[tuple[Cell, ...]] = []
    for theta in wanted:
        first = at[EVENTS, theta]
        times = (_time(at[name, theta]) for name in names)
        ratios = (_ratio(first, at[name, theta]) for name in DENSE)
        rows.append((f"{theta:g}", first.theta, first.factor, *times, *ratios))
    columns = (
        *("θ wanted", "θ measured", "factor"),
        *(CONTENDERS[name].label for name in names),
        *(f"events / {name}" for name in DENSE),
    )
    return {
        "times_by_theta": Table(columns, tuple(rows)).markdown(3),
        "halving": _halving([at[EVENTS, theta] for theta in wanted]),
    }


def _halving(timings: list[Timing]) -> str:
    """Whether half the spikes take half the time, for the golden model's events."""
    timings = sorted(timings, key=lambda timing: timing.theta)
    pairs = [
        (low, high)
        for low in timings
        for high in timings
        if low.theta > 0 and HALVES[0] <= high.theta / low.theta <= HALVES[1]
    ]
    if not pairs:
        return TEXTS.phrase("halving_unknown")
    parts, gains = [], []
    for low, high in pairs:
        assert low.median is not None and high.median is not None, "events are never left out"
        gain, ratio = high.median / low.median, high.theta / low.theta
        gains.append(gain / ratio)
        fields = {"gain": gain, "ratio": ratio, "high": high.theta, "low": low.theta}
        parts.append(TEXTS.phrase("halving_factor", **fields))
    verdict = "Yes, within a tenth" if min(gains) >= 0.9 else "Not quite"
    return TEXTS.phrase("halving", verdict=verdict, factors="; ".join(parts))


def _peaks(benchmark: Benchmark) -> dict[str, Any]:
    """Fields of the section of memory."""
    *rest, frame = benchmark.memory
    sizes = list(dict.fromkeys(memory.height for memory in rest))
    at = {(memory.contender, memory.height): memory for memory in rest}
    rows: list[tuple[Cell, ...]] = []
    for name, contender in CONTENDERS.items():
        found = [at.get((name, size)) for size in sizes]
        if measured := [memory for memory in found if memory]:
            cells = ("n. m." if m is None else f"{m.peak / MIB:.0f}" for m in found)
            rows.append((contender.label, f"{measured[0].before / MIB:.0f}", *cells))
    columns = ("", "before", *(f"{size}×{size}" for size in sizes))
    return {
        "peaks": Table(columns, tuple(rows)).markdown(),
        "frame_width": frame.width,
        "frame_height": frame.height,
        "frame_mib": frame.peak / MIB,
        "below": "below" if frame.peak < 2048 * MIB else "**not** below",
    }


def _agreement(benchmark: Benchmark) -> str:
    """Differences of the libraries' networks from the golden model."""
    rows: list[tuple[Cell, ...]] = [
        (
            CONTENDERS[row.contender].label,
            "yes" if row.raised else "no",
            f"{row.spikes} of {row.of_spikes}",
            f"{row.pixels} of {row.of_pixels}",
        )
        for row in benchmark.agreement
    ]
    if not rows:
        return TEXTS.text("agreement_none")
    columns = ("", "half a unit up", "spikes that differ, of the golden model's", "R that differs")
    table = Table(columns, tuple(rows)).markdown()
    return TEXTS.text("agreement", size=benchmark.agreement[0].size, table=table)


def _time(timing: Timing) -> Cell:
    return "n. m." if timing.median is None else timing.median


def _ratio(one: Timing, other: Timing) -> Cell:
    return "n. m." if one.median is None or other.median is None else one.median / other.median


def _spread(benchmark: Benchmark) -> float:
    return max(
        (max(t.seconds) - min(t.seconds)) / t.median
        for t in (*benchmark.sizes, *benchmark.thetas)
        if t.median is not None
    )
