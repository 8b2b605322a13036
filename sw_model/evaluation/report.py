"""Results of `sw_model.evaluation.command` as JSON and as tables for the terminal."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from sw_model.pictures.metrics import Quality
from sw_model.pictures.options import describe

from .figures import Evaluation, Measured
from .published import published

DECIMALS = 6
"""Decimals of the report's numbers; few enough to be equal on every machine."""


def report(evaluations: Sequence[Evaluation], set_name: str | None = None) -> dict[str, Any]:
    """The evaluations as JSON values; several noise settings are listed in ``runs``.

    PSNR is in dB and null if it is infinite. SSIM is null for pictures too small for it, and so is
    a mean that includes one of them. Theta of a set is over the neurons of all its pictures.
    ``summary`` has, for each protocol, mean and spread of the set's values over the seeds; the
    spread is the standard deviation (n - 1), null for one seed.

    Parameters
    ----------
    evaluations
        One or more evaluations of the same network and pictures.
    set_name
        Name of the picture set, if it is a known one.
    """
    deployment = evaluations[0].deployment
    runs = [_run(evaluation) for evaluation in evaluations]
    return {
        "deployment": {"name": deployment.spec.name, "hash": deployment.hash},
        "timesteps": evaluations[0].timesteps,
        "set": set_name,
        "summary": [_summary(group) for group in by_protocol(evaluations)],
    } | (runs[0] if len(runs) == 1 else {"runs": runs})


def by_protocol(evaluations: Iterable[Evaluation]) -> list[list[Evaluation]]:
    """The evaluations of each protocol, in their original order."""
    groups: dict[str, list[Evaluation]] = {}
    for evaluation in evaluations:
        groups.setdefault(evaluation.noise.protocol, []).append(evaluation)
    return list(groups.values())


def table(evaluations: Sequence[Evaluation], set_name: str | None = None) -> str:
    """The evaluations as text for the terminal; parameters as in `report`."""
    first = evaluations[0]
    lines = [f"deployment  {describe(first.deployment, first.timesteps)}"]
    for group in by_protocol(evaluations):
        lines += [*_one_seed(group[0])] if len(group) == 1 else [*_several_seeds(group)]
        thetas = zip(*(run.activity.layer_thetas for run in group), strict=True)
        lines += [
            "",
            "theta (spikes per neuron) by layer, the encoding layer first; "
            "over all neurons of all pictures:",
            " ".join(f"{statistics.fmean(layer):.3f}" for layer in thetas),
            "",
        ]
    return "\n".join([*lines, *_published(set_name, first.noise.sigma)]).rstrip()


def _one_seed(evaluation: Evaluation) -> list[str]:
    names = [picture.name for picture in evaluation.pictures]
    width = max(map(len, [*names, "picture"]))
    head = (
        f"{'picture':{width}}        size   PSNR noisy denoised   SSIM noisy denoised    theta"
        "  spikes/px"
    )
    lines = [f"noise       {evaluation.noise} (the same seed for every picture)", "", head]
    lines += [
        f"{picture.name:{width}} {_size(picture):>11}" + _row(picture)
        for picture in evaluation.pictures
    ]
    return [
        *lines,
        f"{'mean':{width}} {'':11}" + _row(evaluation),
    ]


def _several_seeds(group: Sequence[Evaluation]) -> list[str]:
    first = group[0]
    names = [picture.name for picture in first.pictures]
    width = max(map(len, [*names, "picture"]))
    seeds = ", ".join(str(run.noise.seed) for run in group)
    lines = [
        f"noise       sigma {first.noise.sigma:g}, seeds {seeds}, protocol {first.noise.protocol} "
        "(the same seeds for every picture)",
        "values      mean over the seeds ± standard deviation (n - 1)",
        "",
        f"{'picture':{width}}        size   PSNR noisy         denoised   SSIM noisy           "
        "denoised             theta          spikes/px",
    ]
    rows: list[tuple[str, str, Sequence[Measured] | Sequence[Evaluation]]] = [
        (runs[0].name, _size(runs[0]), runs)
        for runs in zip(*(run.pictures for run in group), strict=True)
    ]
    for name, size, runs in (*rows, ("mean", "", group)):
        noisy, denoised = [run.noisy for run in runs], [run.denoised for run in runs]
        lines.append(
            f"{name:{width}} {size:>11}   {_spread(_psnrs(noisy), 2, False):>10} "
            f"{_spread(_psnrs(denoised), 3):>16}   {_spread(_ssims(noisy), 4, False):>10} "
            f"{_spread(_ssims(denoised), 4):>18} "
            f"{_spread([run.activity.theta for run in runs], 4):>17} "
            f"{_spread([run.spikes_per_pixel for run in runs], 1):>18}"
        )
    return lines


def _published(set_name: str | None, sigma: float) -> list[str]:
    figures = published(set_name, sigma)
    if not figures:
        return []
    lines = [f"published by others (not measured here), sigma {sigma:g}, not clipped, PSNR in dB:"]
    for picture in dict.fromkeys(figure.picture for figure in figures):
        values = [f"{f.method} {f.psnr:.2f}" for f in figures if f.picture == picture]
        lines.append(f"  {picture or 'mean of the set'}: {', '.join(values)}")
    return lines


def _run(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "noise": {
            "sigma": evaluation.noise.sigma,
            "seed": evaluation.noise.seed,
            "protocol": evaluation.noise.protocol,
        },
        "pictures": [
            {"name": picture.name, "shape": list(picture.shape)}
            | _figures(picture.noisy, picture.denoised)
            | {"theta": _rounded(picture.activity.theta)}
            | {"spikes_per_pixel": _rounded(picture.spikes_per_pixel)}
            for picture in evaluation.pictures
        ],
        "mean": _figures(evaluation.noisy, evaluation.denoised),
        "theta": _rounded(evaluation.activity.theta),
        "spikes_per_pixel": _rounded(evaluation.spikes_per_pixel),
        "layer_thetas": [_rounded(theta) for theta in evaluation.activity.layer_thetas],
    }


def _summary(group: Sequence[Evaluation]) -> dict[str, Any]:
    noisy, denoised = [run.noisy for run in group], [run.denoised for run in group]
    values: dict[str, Sequence[float | None]] = {
        "psnr_noisy": _psnrs(noisy),
        "psnr": _psnrs(denoised),
        "ssim_noisy": _ssims(noisy),
        "ssim": _ssims(denoised),
        "theta": [run.activity.theta for run in group],
        "spikes_per_pixel": [run.spikes_per_pixel for run in group],
    }
    return {
        "protocol": group[0].noise.protocol,
        "sigma": group[0].noise.sigma,
        "seeds": [run.noise.seed for run in group],
        "pictures": len(group[0].pictures),
    } | {
        name: dict(zip(("mean", "spread"), map(_rounded, mean_and_spread(of)), strict=True))
        for name, of in values.items()
    }


def mean_and_spread(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    """Mean and standard deviation (n - 1), or None.

    Both are None if a value is None; the deviation also for an infinite or a single value.
    """
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None, None
    if len(known) < 2 or not all(map(math.isfinite, known)):
        return statistics.fmean(known), None
    return statistics.fmean(known), statistics.stdev(known)


def _spread(values: Sequence[float | None], decimals: int, with_spread: bool = True) -> str:
    mean, spread = mean_and_spread(values)
    if mean is None:
        return "none"
    return f"{mean:.{decimals}f}" + (
        f" ± {spread:.{decimals}f}" if with_spread and spread is not None else ""
    )


def _psnrs(qualities: Iterable[Quality]) -> list[float | None]:
    return [quality.psnr for quality in qualities]


def _ssims(qualities: Iterable[Quality]) -> list[float | None]:
    return [quality.ssim for quality in qualities]


def _figures(noisy: Quality, denoised: Quality) -> dict[str, float | None]:
    return {
        "psnr_noisy": _rounded(noisy.psnr),
        "psnr": _rounded(denoised.psnr),
        "ssim_noisy": _rounded(noisy.ssim),
        "ssim": _rounded(denoised.ssim),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else round(value, DECIMALS)


def _size(picture: Measured) -> str:
    return "x".join(map(str, (picture.shape[1], picture.shape[0], *picture.shape[2:])))


def _row(found: Measured | Evaluation) -> str:
    def ssim(value: float | None) -> str:
        return "none" if value is None else f"{value:.4f}"

    return (
        f"   {found.noisy.psnr:10.2f} {found.denoised.psnr:8.2f}   {ssim(found.noisy.ssim):>10} "
        f"{ssim(found.denoised.ssim):>8} {found.activity.theta:8.3f} {found.spikes_per_pixel:10.1f}"
    )
