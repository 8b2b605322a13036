"""The text of the benchmark: `docs/log/performance.md` is a copy of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sw_model.spec import Deployment
from sw_model.studies.coding.sections import paragraphs
from sw_model.studies.coding.tables import Cell, Table

from .contenders import BFLOAT16, CONTENDERS, EVENTS, FLOAT32, REFERENCE
from .measure import Agreement, Timing
from .memory import Memory

REPORT = "performance.md"
FIGURES = "performance"
"""Folder of the figures, below the report's."""
TIMES = "time.png"
MIB = 1 << 20
DENSE = (FLOAT32, BFLOAT16)
HALVES = (1.7, 2.4)
"""Ratios of measured thetas that count as a halving."""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """All that was measured, and on what."""

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
    """The whole text, as Markdown."""
    sections = [
        _introduction(benchmark),
        _size_section(benchmark),
        _theta_section(benchmark),
        _memory_section(benchmark),
        _agreement_section(benchmark),
    ]
    return "\n\n".join(sections) + "\n"


def summary(benchmark: Benchmark) -> str:
    """The most important times in a few lines."""
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


def _introduction(benchmark: Benchmark) -> str:
    about, options = benchmark.machine, benchmark.options
    versions = ", ".join(f"{name} {v}" for name, v in about["versions"].items() if v is not None)
    spec = benchmark.deployment.spec
    flags = about["bfloat16_instructions"]
    bfloat16 = (
        f"has instructions that multiply bfloat16 ({', '.join(flags)}), so that oneDNN's bfloat16 "
        "is native"
        if flags
        else "has no known instructions that multiply bfloat16, so that oneDNN emulates it"
    )
    return paragraphs(
        "# Time and memory in software",
        """The golden model, which computes the hardware's integers, beside the float DnCNN that it
        competes with and beside the same spiking network in two libraries. This text, its figures
        and bench.json with all numbers come from""",
        f"    {benchmark.command}\n"
        f"    cp build/bench/{REPORT} docs/log/ && "
        f"cp build/bench/{FIGURES}/*.png docs/log/{FIGURES}/",
        f"""(`make bench` installs the libraries of `requirements-bench.lock` and runs it with its
        defaults.) Processor: {about["cpu"]}, {about["processors"]} processors, threads of
        every contender: {options["threads"]}, load average when it started:
        {about["load_average"]}. It {bfloat16}. Versions: Python {about["python"]}, {versions}.""",
        f"""Picture: {benchmark.picture}, mirrored at its edges up to the size, with noise of σ =
        25 (seed {options["seed"]}). Spiking network: `{spec.name}`, {len(spec.layers)} layers of
        {spec.channels} channels, T = {spec.timesteps_max}, hash {benchmark.deployment.hash[:16]}.
        The float DnCNN is the shipped one with 17 layers of 64 channels, batch norm folded,
        channels last, in inference mode; with bfloat16 its hidden layers are in it. Times are
        medians over the rounds ({options["repeats"]}) after one pass to warm up; in a round every
        contender denoises the picture once, one after the other. A contender, but for the golden
        model's events, is not measured where
        its time at the size before, times the growth in pixels, is above {options["limit"]:g}
        s.""",
    )


def _size_section(benchmark: Benchmark) -> str:
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
    thetas = ", ".join(f"{at[EVENTS, size].theta:.3f}" for size in sizes)
    reasons = dict.fromkeys(
        f"{CONTENDERS[t.contender].label} at {t.size}×{t.size}: {t.reason}"
        for t in benchmark.sizes
        if t.reason
    )
    texts = [
        "## Time against size",
        f"Seconds a picture at the network's own activity: θ is {thetas} at these sizes.",
        Table(columns, tuple(rows)).markdown(3),
    ]
    if reasons:
        texts.append(f"Not measured (n. m.): {'; '.join(reasons)}.")
    equal = [size for size in sizes if at[REFERENCE, size].seconds]
    if equal:
        texts.append(
            f"""The two engines of the golden model gave equal integers at every size that both
            were measured at: {", ".join(f"{size}×{size}" for size in equal)}; the command fails
            where they do not."""
        )
    texts += [
        "The same as multiples of the time of the golden model's events (above 1: slower than it):",
        Table(columns, tuple(ratios)).markdown(2),
        f"The widest spread of a contender's rounds, (longest − shortest) / median, is "
        f"{_spread(benchmark):.0%}.",
        f"![Seconds against size and against theta]({FIGURES}/{TIMES})",
    ]
    return paragraphs(*texts)


def _theta_section(benchmark: Benchmark) -> str:
    wanted = list(dict.fromkeys(timing.wanted for timing in benchmark.thetas))
    at = {(timing.contender, timing.wanted): timing for timing in benchmark.thetas}
    names = [name for name in CONTENDERS if any(at[name, theta].seconds for theta in wanted)]
    rows: list[tuple[Cell, ...]] = []
    for theta in wanted:
        first = at[EVENTS, theta]
        times = (_time(at[name, theta]) for name in names)
        ratios = (_ratio(first, at[name, theta]) for name in DENSE)
        rows.append((f"{theta:g}", first.theta, first.factor, *times, *ratios))
    size = benchmark.options["theta_size"]
    return paragraphs(
        "## Time against activity",
        f"""θ is varied at {size}×{size} by multiplying the network's thresholds and initial
        membranes with a factor, found by bisection on a crop of 64×64 pixels; θ is measured on the
        whole picture. What such a network denoises is of no interest here. All values of θ take
        part in every round. Seconds, and in the last columns the golden model's time over the
        float DnCNN's (below 1: the golden model is faster):""",
        Table(
            (
                *("θ wanted", "θ measured", "factor"),
                *(CONTENDERS[name].label for name in names),
                *(f"events / {name}" for name in DENSE),
            ),
            tuple(rows),
        ).markdown(3),
        _halving([at[EVENTS, theta] for theta in wanted]),
    )


def _halving(timings: list[Timing]) -> str:
    """Whether half the spikes take half the time, of the golden model's events."""
    timings = sorted(timings, key=lambda timing: timing.theta)
    pairs = [
        (low, high)
        for low in timings
        for high in timings
        if low.theta > 0 and HALVES[0] <= high.theta / low.theta <= HALVES[1]
    ]
    if not pairs:
        return "**Does halving θ halve the time?** No two measured θ are a halving apart."
    parts, gains = [], []
    for low, high in pairs:
        assert low.median is not None and high.median is not None, "events are never left out"
        gain = high.median / low.median
        gains.append(gain / (high.theta / low.theta))
        parts.append(
            f"by a factor of {gain:.2f} from θ = {high.theta:.2f} to {low.theta:.2f}, which is a "
            f"factor of {high.theta / low.theta:.2f}"
        )
    verdict = "Yes, within a tenth" if min(gains) >= 0.9 else "Not quite"
    return f"""**Does halving θ halve the time?** {verdict}: the golden model's time falls
    {"; ".join(parts)}. What is left is work for every neuron and timestep, spike or not. The other
    contenders compute every product whatever θ is."""


def _memory_section(benchmark: Benchmark) -> str:
    *rest, frame = benchmark.memory
    sizes = list(dict.fromkeys(memory.height for memory in rest))
    at = {(memory.contender, memory.height): memory for memory in rest}
    rows: list[tuple[Cell, ...]] = []
    for name, contender in CONTENDERS.items():
        found = [at.get((name, size)) for size in sizes]
        if measured := [memory for memory in found if memory]:
            cells = ("n. m." if m is None else f"{m.peak / MIB:.0f}" for m in found)
            rows.append((contender.label, f"{measured[0].before / MIB:.0f}", *cells))
    below = "below" if frame.peak < 2048 * MIB else "**not** below"
    return paragraphs(
        "## Memory",
        """Peak resident memory in MiB of a fresh process that denoises one picture, and what it
        holds before: the interpreter, its libraries and the network. (Peaks are VmHWM of
        /proc/self/status; ru_maxrss of a child begins with its parent's peak on Linux. All
        processes load PyTorch, which the golden model alone does not need.)""",
        Table(("", "before", *(f"{size}×{size}" for size in sizes)), tuple(rows)).markdown(),
        f"""The golden model works in tiles, so that its memory grows only with the picture itself:
        a picture of {frame.width}×{frame.height} takes {frame.peak / MIB:.0f} MiB, {below} 2
        GiB.""",
    )


def _agreement_section(benchmark: Benchmark) -> str:
    rows: list[tuple[Cell, ...]] = [
        (
            CONTENDERS[row.contender].label,
            "yes" if row.raised else "no",
            f"{row.spikes} of {row.of_spikes}",
            f"{row.pixels} of {row.of_pixels}",
        )
        for row in benchmark.agreement
    ]
    heading = "## Is it the same network?"
    if not rows:
        return paragraphs(heading, "Neither snnTorch nor SpikingJelly took part.")
    size = benchmark.agreement[0].size
    columns = ("", "half a unit up", "spikes that differ, of the golden model's", "R that differs")
    return paragraphs(
        heading,
        f"""snnTorch fires where the membrane is above its threshold, the paper and this project
        where it is at least equal. With small integers equality is frequent, and each spike more
        or less changes others in the layers behind. SpikingJelly fires as the paper does but has
        one threshold a layer, so that weights are divided by the channels' thresholds, and
        rounding decides ties. Membranes that start half a unit higher (after a hard reset:
        thresholds half a unit lower) change no decision between integers and settle both. Networks
        with a leak differ all the same, since only integers round it down. Timed are the networks
        with half a unit. Differences at {size}×{size}:""",
        Table(columns, tuple(rows)).markdown(),
    )


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
