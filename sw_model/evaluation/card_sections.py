"""Sections of a model card, as Markdown; `sw_model.evaluation.card` puts them together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from sw_model.spec import Deployment, LayerSpec, NetworkSpec, NeuronSpec
from sw_model.support.templates import Templates

from .cost_report import MEANING
from .published import published

Report = Mapping[str, Any]
PLUS_MINUS = "±"
TEXTS = Templates(Path(__file__).parent / "card.md", width=None)
"""The sentences of a card."""


def network_section(deployment: Deployment) -> str:
    """The network: every field of its spec, its hash, and the derived widths."""
    spec, widths = deployment.spec, deployment.widths
    kinds = ", ".join(_runs(spec.layers, lambda layer: layer.kind))
    weights = sum(weight.size for weight in deployment.weights)
    inits = any(init.any() for init in deployment.inits)
    rows = {
        "hash (SHA-256)": f"`{deployment.hash}`",
        "configuration": spec.name,
        "layers": f"{len(spec.layers)}: {kinds}",
        "channels": str(spec.channels),
        "timesteps T": ", ".join(map(str, spec.timesteps)),
        "code": _code(spec),
        "planes": f"{spec.planes**2} of {spec.colours} colour(s)" if spec.planes > 1 else "1",
        "noise levels": _levels(spec),
        "neuron": ", ".join(_runs(spec.spiking_layers, lambda layer: _neuron(layer.neuron))),
        "membranes start": "at values of their own" if inits else "at 0",
        "weight bits": ", ".join(_runs(spec.layers, lambda layer: str(layer.weight_bits))),
        "shift": ", ".join(_runs(spec.layers, lambda layer: str(layer.shift))),
        "weights": f"{weights}",
        "derived widths": f"accumulator {widths.lane}, sum {widths.sum}, current "
        f"{widths.current}, membrane {widths.membrane} bits at most",
    }
    return _table(("what", "value"), rows.items())


def _code(spec: NetworkSpec) -> str:
    if spec.code == "rate":
        return "rate: every spike counts 1"
    return f"few-spike: spikes count 2^(T-1) … 1, values 0…{2**spec.timesteps_max - 1}"


def _levels(spec: NetworkSpec) -> str:
    if spec.noise_levels is None:
        return "the one of its training"
    low, high = spec.noise_levels
    return f"σ = {low}…{high} grey levels, an input of the network"


def provenance_section(deployment: Deployment) -> str:
    """The provenance of the network, from its file."""
    provenance = dict(deployment.provenance)
    runs = provenance.pop("runs", None)
    facts = [f"- {key}: {value}" for key, value in sorted(provenance.items())]
    if isinstance(runs, list) and all(isinstance(run, dict) for run in runs):
        lines = []
        for number, run in enumerate(runs, 1):
            rest = ", ".join(f"{value} {key}" for key, value in run.items() if key != "command")
            lines.append(f"{number}. `{run.get('command', 'command unknown')}`: {rest}")
        return TEXTS.text("runs", facts="\n".join(facts), runs="\n".join(lines))
    if runs is not None:
        facts.append(f"- runs: {runs}")
    return "\n".join(facts) or TEXTS.text("no_provenance")


def quality_section(name: str, reports: Sequence[Report]) -> str:
    """PSNR, SSIM and theta from reports of ``evaluate``."""
    rows, commands = [], []
    for number, report in enumerate(reports, 1):
        commands.append(f"- ({number}) {evaluate_command(name, report)}")
        label = _pictures(report, len(_evaluated(report)))
        rows += [
            (
                label,
                f"{summary['sigma']:g}, {summary['protocol']}",
                ", ".join(map(str, summary["seeds"])),
                _value(summary["psnr_noisy"], 2),
                f"**{_value(summary['psnr'], 2)}**",
                _value(summary["ssim"], 4),
                _value(summary["theta"], 3),
                _value(summary["spikes_per_pixel"], 0),
                f"({number})",
            )
            for summary in report["summary"]
        ]
        for figure in published(report["set"], report["summary"][0]["sigma"]):
            what = f"{figure.picture or 'mean'}: {figure.method}, published"
            noise = f"{report['summary'][0]['sigma']:g}, paper"
            rows.append((what, noise, "", "", f"{figure.psnr:.2f}", *("",) * 3, "see below"))
    quality = ("noisy, dB", "PSNR, dB", "SSIM", "θ", "spikes a pixel")
    head = ("pictures", "σ, protocol", "seeds", *quality, "from")
    return TEXTS.text("quality", table=_table(head, rows), commands="\n".join(commands))


def picture_section(report: Report) -> str:
    """PSNR, SSIM and theta of every picture, for the first noise setting of a report."""
    first = report["runs"][0] if "runs" in report else report
    noise = first["noise"]
    rows = [
        (
            picture["name"],
            "x".join(map(str, picture["shape"])),
            _number(picture["psnr_noisy"], 2),
            _number(picture["psnr"], 2),
            _number(picture["ssim"], 4),
            _number(picture["theta"], 3),
            _number(picture["spikes_per_pixel"], 0),
        )
        for picture in first["pictures"]
    ]
    head = ("picture", "H x W", "noisy, dB", "PSNR, dB", "SSIM", "θ", "spikes a pixel")
    return TEXTS.text(
        "pictures",
        label=_pictures(report, len(first["pictures"])),
        sigma=noise["sigma"],
        seed=noise["seed"],
        protocol=noise["protocol"],
        table=_table(head, rows),
    )


def cost_section(name: str, report: Report) -> str:
    """Operations and energy from a report of ``cost``."""
    image, breaks = report["per_image"], report["break_even_theta"]
    rows = [
        (
            label,
            f"{image[key]['operations'] / 1e6:.1f}",
            f"{image[key]['useful_operations'] / 1e6:.1f}",
            f"{image[key]['energy_uj']['arithmetic']:.1f}",
            f"{image[key]['energy_uj']['total']:.1f}",
        )
        for label, key in (
            ("spiking (SOP)", "spiking"),
            ("dense DnCNN, 8 bits (MAC)", "dense"),
            ("dense, weights read for every pixel", "dense_no_reuse"),
        )
    ]
    head = ("per image", "operations, M", "of them useful, M", "arithmetic, µJ", "with memory, µJ")
    return TEXTS.text(
        "cost",
        label=_pictures(report, len(report["pictures"])),
        sigma=report["noise"]["sigma"],
        timesteps=report["timesteps"],
        source=report["energy_source"],
        table=_table(head, rows),
        theta=image["theta"],
        break_even="\n".join(
            f"- {_number(theta, 3)}: {MEANING[key]}" for key, theta in breaks.items()
        ),
        command=cost_command(name, report),
    )


def evaluate_command(name: str, report: Report) -> str:
    """The ``evaluate`` command that gives a report of the deployment."""
    summaries = report["summary"]
    seeds = ",".join(map(str, summaries[0]["seeds"]))
    option = f"--seeds {seeds}" if "," in seeds else f"--seed {seeds}"
    protocol = "both" if len(summaries) > 1 else summaries[0]["protocol"]
    noise = f"--noise {summaries[0]['sigma']:g} {option} --protocol {protocol}"
    return _command("evaluate", name, report, noise, _evaluated(report))


def cost_command(name: str, report: Report) -> str:
    """The ``cost`` command that gives a report of the deployment."""
    noise = report["noise"]
    options = f"--noise {noise['sigma']:g} --seed {noise['seed']} --protocol {noise['protocol']}"
    return _command("cost", name, report, options, report["pictures"])


def _command(
    command: str, name: str, report: Report, noise: str, pictures: Sequence[Report]
) -> str:
    which = (
        f"--set {report['set']}"
        if report["set"]
        else " ".join(picture["name"] for picture in pictures)
    )
    steps = f"--timesteps {report['timesteps']}"
    return f"`python -m sw_model {command} --deployment {name} {which} {steps} {noise}`"


def _evaluated(report: Report) -> Sequence[Report]:
    return (report["runs"][0] if "runs" in report else report)["pictures"]


def _pictures(report: Report, count: int) -> str:
    names = {"set12": "Set12", "bsd68": "BSD68"}
    if report["set"]:
        return f"{names.get(report['set'], report['set'])}, mean of {count}"
    return "1 picture" if count == 1 else f"mean of {count} pictures"


def _neuron(neuron: NeuronSpec | None) -> str:
    assert neuron is not None, "spiking layers have one"
    leak = "no leak" if neuron.leak is None else f"leak τ = {1 << neuron.leak}"
    return f"{leak} / {neuron.reset} reset / {neuron.fractional_bits} fractional bits"


def _runs(layers: Sequence[LayerSpec], text: Callable[[LayerSpec], str]) -> list[str]:
    """Texts of the layers, one for each run of layers with equal text, with the layer numbers."""
    parts = []
    for value, group in groupby(enumerate(layers), key=lambda pair: text(pair[1])):
        indices = [index for index, _ in group]
        first, last = indices[0], indices[-1]
        parts.append(f"{value} ({first if first == last else f'{first}–{last}'})")
    return parts


def _value(summary: Mapping[str, float | None], decimals: int) -> str:
    mean = _number(summary["mean"], decimals)
    if summary["spread"] is None:
        return mean
    # The spread gets one more decimal: it is often a hundredth of the mean.
    return f"{mean} {PLUS_MINUS} {summary['spread']:.{decimals + 1}f}"


def _number(value: float | None, decimals: int) -> str:
    return "none" if value is None else f"{value:.{decimals}f}"


def _table(head: Sequence[str], rows: Any) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))
