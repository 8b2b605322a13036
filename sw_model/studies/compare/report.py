"""The text and the JSON values of the comparison."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from sw_model.pictures.arrays import Picture
from sw_model.spec import Deployment
from sw_model.studies.coding.tables import Cell, Table
from sw_model.support.templates import Templates

from .measure import Case, Clean
from .methods import BM3D, CLASSICAL, DISTANCE, H_OF_SIGMA, PATCH, TOLD, TOLERANCE, TV, Method
from .noises import LEVEL_MIN, PEAK, QUALITY, Noise
from .strip import Strip
from .weights import COARSE, FINE, SIDE, TRAINING, Weights

TEXTS = Templates(Path(__file__).parent / "compare.md")
REPORT = "compare.md"
VALUES = "compare.json"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All that was measured, and on what.

    Attributes
    ----------
    training
        Pictures on which total variation's weight was chosen, with names, by their dimensions.
    """

    machine: dict[str, Any]
    options: dict[str, Any]
    command: str
    networks: Mapping[str, Deployment]
    methods: tuple[Method, ...]
    noises: tuple[Noise, ...]
    cleans: tuple[Clean, ...]
    cases: tuple[Case, ...]
    training: Mapping[int, Sequence[tuple[str, Picture]]]
    weights: Weights
    strip: Strip | None = None

    @property
    def sets(self) -> list[str]:
        """Names of the sets, in their order."""
        return list(dict.fromkeys(clean.set_name for clean in self.cleans))

    def of(self, set_name: str, noise: Noise | None = None) -> list[Case]:
        """Cases of a set, with one noise or with all."""
        return [
            case
            for case in self.cases
            if case.clean.set_name == set_name and noise in (None, case.noise)
        ]


def report(comparison: Comparison) -> str:
    """The whole text, as Markdown: that of `compare.md` beside this module, filled in."""
    about = comparison.machine
    networks = [
        TEXTS.phrase(
            "network", name=name, timesteps=network.spec.timesteps_max, hash=network.hash[:16]
        )
        for name, network in comparison.networks.items()
    ]
    text = TEXTS.text(
        "report",
        command=comparison.command,
        report=REPORT,
        versions=", ".join(f"{n} {v}" for n, v in about["versions"].items() if v is not None),
        networks="\n\n".join(networks),
        methods=_methods(comparison),
        sets="\n\n".join(_set(comparison, name) for name in comparison.sets),
        protocol=TEXTS.text(
            "protocol",
            peak=PEAK,
            quality=QUALITY,
            seed=comparison.options["seed"],
            least=LEVEL_MIN,
        ),
        weights=_weights(comparison),
        **{name: about[name] for name in ("cpu", "processors", "load_average", "python")},
    )
    return f"{text}\n"


def summary(comparison: Comparison) -> str:
    """Mean PSNR of every method in a few lines, and what a megapixel takes."""
    lines = []
    for name in comparison.sets:
        lines.append(f"{name}, dB at {', '.join(noise.name for noise in comparison.noises)}")
        for method in comparison.methods:
            psnrs = (_mean_psnr(comparison.of(name, n), method) for n in comparison.noises)
            shown = " ".join(f"{value:6.2f}" for value in psnrs)
            speed = _rate(comparison.of(name), method)
            last = "" if speed is None else f"   {speed:.3f} megapixels a CPU second"
            lines.append(f"  {method.label:<28}{shown}{last}")
    if comparison.strip is not None:
        panels = (f"{label} {value:.2f} dB" for label, value in comparison.strip.psnr.items())
        lines.append(f"strip       {' | '.join(panels)}")
    return "\n".join(lines)


def values(comparison: Comparison) -> dict[str, Any]:
    """Everything as plain JSON values; a PSNR that is infinite is null."""
    return {
        "machine": comparison.machine,
        "command": comparison.command,
        "options": comparison.options,
        "networks": [
            {"name": name, "hash": network.hash, "timesteps": network.spec.timesteps_max}
            for name, network in comparison.networks.items()
        ],
        "methods": {method.name: method.label for method in comparison.methods},
        "noises": {noise.name: noise.label for noise in comparison.noises},
        "tv_weights": [
            {
                "noise": noise,
                "weight": weight,
                "set": TRAINING[dimensions],
                "pictures": [name for name, _ in comparison.training[dimensions]],
            }
            for (dimensions, noise), weight in comparison.weights.items()
        ],
        "means": [row for name in comparison.sets for row in _mean_rows(comparison, name)],
        "cases": [_case(case) for case in comparison.cases],
        "strip": None if comparison.strip is None else comparison.strip.psnr,
    }


def _case(case: Case) -> dict[str, Any]:
    clean = case.clean
    return {
        "set": clean.set_name,
        "picture": clean.name,
        "shape": list(clean.picture.shape),
        "noise": case.noise.name,
        "level": case.level,
        "psnr_noisy": _finite(case.noisy),
        "methods": {
            name: {
                "psnr": _finite(result.psnr),
                "cpu_seconds": result.cpu,
                "wall_seconds": result.wall,
            }
            for name, result in case.results.items()
        },
    }


def _mean_rows(comparison: Comparison, set_name: str) -> list[dict[str, Any]]:
    """A row for each method: PSNR by noise, and times over all of them."""
    cases = comparison.of(set_name)
    return [
        {
            "set": set_name,
            "method": method.name,
            "psnr": {
                noise.name: _finite(_mean_psnr(comparison.of(set_name, noise), method))
                for noise in comparison.noises
            },
            "cpu_seconds": _mean(cases, method, "cpu"),
            "wall_seconds": _mean(cases, method, "wall"),
            "megapixels_per_cpu_second": _rate(cases, method),
        }
        for method in comparison.methods
    ]


def _methods(comparison: Comparison) -> str:
    """What the classical methods are."""
    fields = {"patch": PATCH, "distance": DISTANCE, "h": H_OF_SIGMA, "tolerance": TOLERANCE}
    chosen = [method.name for method in comparison.methods]
    return "\n\n".join(TEXTS.text(name, **fields) for name in CLASSICAL if name in chosen)


def _set(comparison: Comparison, name: str) -> str:
    """The section of a set."""
    pictures = [clean for clean in comparison.cleans if clean.set_name == name]
    side = comparison.options["crop"]
    methods = comparison.methods
    qualities: list[tuple[Cell, ...]] = []
    for noise in comparison.noises:
        cases = comparison.of(name, noise)
        level, noisy = fmean(c.level for c in cases), fmean(c.noisy for c in cases)
        qualities.append((noise.label, level, noisy, *(_mean_psnr(cases, m) for m in methods)))
    cases = comparison.of(name)
    speeds: list[tuple[Cell, ...]] = [
        (m.label, _mean(cases, m, "cpu"), _mean(cases, m, "wall"), _rate(cases, m)) for m in methods
    ]
    labels = tuple(method.label for method in methods)
    return TEXTS.text(
        "set",
        name=name,
        pictures=TEXTS.text(
            "pictures",
            count=len(pictures),
            crop="" if side is None else TEXTS.phrase("crop", side=side),
            names=", ".join(clean.name for clean in pictures),
        ),
        beside="\n\n".join(_beside(comparison, name)),
        psnr=Table(("noise", "mean σ told", "noisy", *labels), tuple(qualities)).markdown(2),
        speed=Table(
            ("", "CPU s a picture", "wall s a picture", "megapixels a CPU s"), tuple(speeds)
        ).markdown(3),
    )


def _beside(comparison: Comparison, set_name: str) -> list[str]:
    """How each network that is told the level differs from BM3D."""
    by_name = {method.name: method for method in comparison.methods}
    if BM3D not in by_name:
        return []
    bm3d, cases = by_name[BM3D], comparison.of(set_name)
    found = []
    for network in comparison.networks:
        method = by_name[f"{network}, {TOLD}"]
        differences = []
        for noise in comparison.noises:
            of_noise = comparison.of(set_name, noise)
            gain = _mean_psnr(of_noise, method) - _mean_psnr(of_noise, bm3d)
            differences.append(f"{gain:+.2f} dB ({noise.label})")
        seconds = _mean(cases, method, "cpu")
        ratio = _mean(cases, bm3d, "cpu") / seconds if seconds else float("inf")
        fields = {"label": method.label, "differences": ", ".join(differences), "ratio": ratio}
        found.append(TEXTS.text("beside", **fields))
    return found


def _weights(comparison: Comparison) -> str:
    """Total variation's weights; nothing where it takes no part."""
    if TV not in (method.name for method in comparison.methods):
        return ""
    training = comparison.training
    names = [
        f"{' and '.join(name for name, _ in training[kind])} of {TRAINING[kind]}"
        for kind in training
    ]
    rows: list[tuple[Cell, ...]] = [
        (noise.label, *(comparison.weights[kind, noise.name] for kind in training))
        for noise in comparison.noises
    ]
    columns = ("noise", *(f"weight, {'grey' if kind == 2 else 'colour'}" for kind in training))
    return TEXTS.text(
        "weights",
        side=SIDE,
        count=len(next(iter(training.values()))),
        names=" (grey) and ".join(names) + (" (colour)" if len(names) > 1 else ""),
        coarse=len(COARSE),
        low=COARSE[0],
        high=COARSE[-1],
        fine=len(FINE),
        table=Table(columns, tuple(rows)).markdown(4),
    )


def _mean_psnr(cases: Sequence[Case], method: Method) -> float:
    return fmean(case.results[method.name].psnr for case in cases)


def _mean(cases: Sequence[Case], method: Method, what: str) -> float:
    return fmean(getattr(case.results[method.name], what) for case in cases)


def _rate(cases: Sequence[Case], method: Method) -> float | None:
    """Megapixels a second of processor time; None where no time was seen to pass."""
    seconds = sum(case.results[method.name].cpu for case in cases)
    return sum(case.clean.megapixels for case in cases) / seconds if seconds > 0 else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
