"""The text of the study of neural coding: `docs/log/coding.md` is a copy of it."""

from __future__ import annotations

from typing import Any

from sw_model.support.templates import fill

from .few_spikes import FEW_SPIKES, largest_value, uniform_psnr
from .findings import TEXTS, ahead_from, findings, first_at, psnr_of
from .quality import (
    CENTROID,
    CONVERSIONS,
    DATA_MEAN,
    EQ8,
    IF_SOFT,
    LIF_HARD,
    PAPER_STEPS_MAX,
    RATE,
    WEIGHTED_SUM,
)
from .sections import codes_section, conversion_section, integer_section, ranges_section
from .tables import Cell, Study, Table

REPORT = "coding.md"
_DECODER_WORDS = {EQ8: "eq. 8", CENTROID: "centroid"}


def report(study: Study) -> str:
    """The report as Markdown: the template `coding.md` next to this module, filled in."""
    text = TEXTS.text(
        "report",
        findings="\n".join(f"- {fill(line, 2)}" for line in findings(study)),
        report=REPORT,
        seed=study.seed,
        pictures=len(study.pictures.pictures),
        source=study.pictures.source,
        distortion=_distortion(study).markdown(2),
        conversion=conversion_section(),
        codes=codes_section(),
        few_spikes=_few_spikes_section(study),
        integer=integer_section(study.mismatches),
        ranges=ranges_section(),
        **_fig2_fields(study),
    )
    return f"{text}\n"


def _fig2_fields(study: Study) -> dict[str, Any]:
    """Fields of the section on LIF conversion and rate coding."""
    lif = {p.timesteps: p for p in study.points_of(LIF_HARD.name)}
    rate = {p.timesteps: p for p in study.points_of(RATE)}
    steps = (*range(1, PAPER_STEPS_MAX + 1), 16, 32, 64, 128, 256)
    rows = []
    for t in steps:
        cells: list[Cell] = [t]
        if t in lif:
            cells += [lif[t].psnr[name] for name in (EQ8, CENTROID, DATA_MEAN)] + [lif[t].theta]
        else:
            cells += [None] * 4
        cells += [rate[t].psnr[EQ8], rate[t].psnr[CENTROID], rate[t].theta]
        rows.append(tuple(cells))
    columns = (
        *("T", "LIF eq. 8 (dB)", "LIF centroid (dB)", "LIF data mean (dB)", "LIF θ"),
        *("rate eq. 8 (dB)", "rate centroid (dB)", "rate θ"),
    )
    return {
        "fig2": Table(columns, tuple(rows)).markdown(2),
        "lif8_eq8": lif[8].psnr[EQ8],
        "lif8_centroid": lif[8].psnr[CENTROID],
        "lif8_data_mean": lif[8].psnr[DATA_MEAN],
        "ahead_eq8": ahead_from(study, EQ8),
        "ahead_centroid": ahead_from(study, CENTROID),
        "paper_steps": PAPER_STEPS_MAX,
        "lif_below": max(p.psnr[EQ8] for p in lif.values()) + 0.05,
        "lif_theta": lif[PAPER_STEPS_MAX].theta,
        "rate_theta": rate[PAPER_STEPS_MAX].theta,
    }


def _distortion(study: Study) -> Table:
    """PSNR and theta of every coding at a few T."""
    rows = []
    for name in (*(coding.name for coding in CONVERSIONS), RATE):
        for t in (4, 8, 16, 32):
            theta = next(p.theta for p in study.points_of(name) if p.timesteps == t)
            both = (psnr_of(study, name, t, EQ8), psnr_of(study, name, t, CENTROID))
            rows.append((name, t, theta, *both))
    return Table(("coding", "T", "θ", "PSNR eq. 8 (dB)", "PSNR centroid (dB)"), tuple(rows))


def _few_spikes_section(study: Study) -> str:
    """The few-spike code: its distortion, and what the same quality takes in other codings."""
    others = ((RATE, EQ8), (IF_SOFT.name, EQ8), (IF_SOFT.name, CENTROID))
    distortion: list[tuple[Cell, ...]] = []
    same: list[tuple[Cell, ...]] = []
    for point in study.points_of(FEW_SPIKES):
        t, psnr = point.timesteps, point.psnr[WEIGHTED_SUM]
        quality = (uniform_psnr(t), psnr, point.psnr[CENTROID], point.psnr[DATA_MEAN])
        distortion.append((t, largest_value(t) + 1, t / 2, point.theta, *quality))
        reached = [first_at(study, coding, decoder, psnr) for coding, decoder in others]
        cells = [f"{p.timesteps} / {p.theta:.2f}" if p else None for p in reached]
        same.append((psnr, f"{t} / {point.theta:.2f}", *cells))
    columns = (
        *("T", "values", "θ even", "θ", "PSNR even (dB)", "PSNR weighted sum (dB)"),
        *("PSNR centroid (dB)", "PSNR data mean (dB)"),
    )
    names = (FEW_SPIKES, *(f"{coding} {_DECODER_WORDS[decoder]}" for coding, decoder in others))
    return TEXTS.text(
        "few_spikes",
        source=study.pictures.source,
        few_spike_table=Table(columns, tuple(distortion)).markdown(2),
        same_quality=Table(("PSNR (dB)", *names), tuple(same)).markdown(2),
        rate_steps=study.points_of(RATE)[-1].timesteps,
        if_steps=study.points_of(IF_SOFT.name)[-1].timesteps,
    )
