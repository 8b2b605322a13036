"""Findings of the study of neural coding, and whether the paper's statements hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from sw_model.spec import GREY_MAX
from sw_model.support.templates import Templates

from .few_spikes import FEW_SPIKES, largest_value
from .integer import FINE, TIMESTEPS, Mismatches, exact_from, guaranteed_width
from .quality import (
    CENTROID,
    EQ8,
    IF_SOFT,
    LIF_HARD,
    LIF_SOFT,
    RATE,
    WEIGHTED_SUM,
    Coding,
    Point,
)
from .tables import Study, codes, ranges

TEXTS = Templates(Path(__file__).parent / "coding.md")
"""The sentences of the study."""
SATURATED = 10
"""The T at which, according to the paper, the LIF's PSNR saturates."""
LEFT_DB = 0.1
"""Largest gain in dB after the saturation of a curve."""
LINEAR = 0.05
"""Largest relative deviation of an "almost linear" curve."""
DOUBLINGS = tuple(1 << i for i in range(9))
"""T = 1 to 256."""
FEW = 3
"""T of the few-spike code in its finding; on Set12 rate coding reaches no larger one's PSNR."""


def psnr_of(study: Study, coding: str, timesteps: int, decoder: str) -> float:
    """PSNR in dB of one point."""
    (point,) = [p for p in study.points_of(coding) if p.timesteps == timesteps]
    return point.psnr[decoder]


def saturation(study: Study, coding: str, decoder: str) -> int:
    """The smallest T whose PSNR is within `LEFT_DB` of the curve's maximum."""
    points = study.points_of(coding)
    best = max(p.psnr[decoder] for p in points)
    return next(p.timesteps for p in points if p.psnr[decoder] >= best - LEFT_DB)


def left_after(study: Study, coding: str, decoder: str, timesteps: int) -> float:
    """Gain in dB of larger T over the best PSNR up to ``timesteps``, at least 0."""
    points = study.points_of(coding)
    best = max(p.psnr[decoder] for p in points if p.timesteps <= timesteps)
    return max(0.0, max(p.psnr[decoder] for p in points) - best)


def ahead(study: Study, decoder: str) -> list[int]:
    """The T at which the LIF neuron with hard reset is better than rate coding."""
    return [
        p.timesteps
        for p in study.points_of(LIF_HARD.name)
        if p.psnr[decoder] > psnr_of(study, RATE, p.timesteps, decoder)
    ]


def ahead_from(study: Study, decoder: str) -> int:
    """The T from which on rate coding is at least as good as the LIF neuron with hard reset."""
    return max(ahead(study, decoder), default=0) + 1


def first_at(study: Study, coding: str, decoder: str, psnr: float) -> Point | None:
    """The point of the smallest measured T that reaches ``psnr`` dB."""
    reached = (p for p in study.points_of(coding) if p.psnr[decoder] >= psnr)
    return next(reached, None)


def slowest_doubling(study: Study) -> float:
    """The smallest gain in dB from doubling T, for rate coding decoded by eq. 8."""
    values = [psnr_of(study, RATE, timesteps, EQ8) for timesteps in DOUBLINGS]
    return min(high - low for low, high in pairwise(values))


def linear_within(study: Study) -> float:
    """The largest relative deviation of rate coding's theta / T from its mean."""
    slopes = [p.theta / p.timesteps for p in study.points_of(RATE)]
    mean = sum(slopes) / len(slopes)
    # The mean is 0 for black pictures, which give no spikes.
    return max(abs(slope - mean) for slope in slopes) / mean if mean else 0.0


def largest_unwasted(coding: Coding) -> int:
    """The largest T up to which 256 grey levels use every code of the usual range."""
    found = 0
    for name, timesteps, *_, wasted in ranges().rows:
        if name == coding.name:
            if wasted:
                break
            found = int(timesteps or 0)
    return found


def exact_widths(
    mismatches: Sequence[Mismatches], coding: Coding, multiple: int, field: str
) -> dict[int, int | None]:
    """The membrane width from which on no code is wrong, for each T."""
    return {
        timesteps: exact_from(
            [
                row
                for row in mismatches
                if (row.coding, row.timesteps, row.multiple) == (coding.name, timesteps, multiple)
            ],
            field,
        )
        for timesteps in TIMESTEPS
    }


def findings(study: Study) -> list[str]:
    """The findings as sentences with numbers."""
    lif = LIF_HARD.name
    points = {p.timesteps: p for p in study.points_of(lif)}
    rates = {str(row[0]): row[3] for row in codes().rows if row[1] == 32}
    grey = exact_widths(study.mismatches, LIF_HARD, GREY_MAX, "grey")
    fine = exact_widths(study.mismatches, LIF_HARD, FINE, "fine")
    left = left_after(study, lif, EQ8, SATURATED)
    far = DOUBLINGS[-1]
    above_30 = first_at(study, RATE, EQ8, 30)
    return [
        TEXTS.phrase(
            "saturates",
            saturated=SATURATED,
            holds=_holds(left <= LEFT_DB),
            at_1=points[1].psnr[EQ8],
            at_4=points[4].psnr[EQ8],
            at_saturated=points[SATURATED].psnr[EQ8],
            largest=max(points),
            left=left,
            left_db=LEFT_DB,
            from_eq8=saturation(study, lif, EQ8),
            from_centroid=saturation(study, lif, CENTROID),
            centroid_32=points[32].psnr[CENTROID],
        ),
        TEXTS.phrase(
            "rate_rises",
            holds=_holds(slowest_doubling(study) > 0),
            slowest=slowest_doubling(study),
            far=far,
            far_psnr=psnr_of(study, RATE, far, EQ8),
            first_30=above_30.timesteps if above_30 else None,
        ),
        TEXTS.phrase(
            "theta_linear",
            holds=_holds(linear_within(study) <= LINEAR),
            percent=100 * linear_within(study),
        ),
        TEXTS.phrase("ahead", eq8=_list(ahead(study, EQ8)), centroid=_list(ahead(study, CENTROID))),
        TEXTS.phrase("few_rates", rates=rates[lif]),
        TEXTS.phrase(
            "hard_reset",
            hard=points[8].psnr[CENTROID],
            soft=psnr_of(study, LIF_SOFT.name, 8, CENTROID),
            no_leak=psnr_of(study, IF_SOFT.name, 8, CENTROID),
            hard_theta=points[8].theta,
            soft_theta=_theta(study, LIF_SOFT),
            no_leak_theta=_theta(study, IF_SOFT),
        ),
        _few_spikes_save(study),
        TEXTS.phrase("all_in_use", unwasted=largest_unwasted(LIF_HARD)),
        TEXTS.phrase(
            "integers",
            steps=_list(grey),
            grey=_list(grey.values()),
            fine=_list(fine.values()),
            grey_proven=_list(guaranteed_width(LIF_HARD, t, GREY_MAX) for t in grey),
            fine_proven=_list(guaranteed_width(LIF_HARD, t, FINE) for t in fine),
        ),
    ]


def _few_spikes_save(study: Study) -> str:
    """The timesteps and spikes of one quality, in the few-spike code and in the others."""
    (point,) = [p for p in study.points_of(FEW_SPIKES) if p.timesteps == FEW]
    psnr = point.psnr[WEIGHTED_SUM]

    def needed(coding: str, decoder: str) -> str:
        other = first_at(study, coding, decoder, psnr)
        if other is None:
            return TEXTS.phrase("not_reached")
        return TEXTS.phrase("reached", steps=other.timesteps, theta=other.theta)

    return TEXTS.phrase(
        "few_spikes_save",
        steps=FEW,
        values=largest_value(FEW) + 1,
        psnr=psnr,
        theta=point.theta,
        rate=needed(RATE, EQ8),
        no_leak=needed(IF_SOFT.name, EQ8),
        no_leak_centroid=needed(IF_SOFT.name, CENTROID),
    )


def _theta(study: Study, coding: Coding) -> float:
    return next(p.theta for p in study.points_of(coding.name) if p.timesteps == 8)


def _holds(true: bool) -> str:
    return "holds" if true else "does not hold here"


def _list(values: Iterable[int | None]) -> str:
    texts = [str(value) for value in values]
    if len(texts) < 2:
        return "".join(texts) or "none"
    return ", ".join(texts[:-1]) + f" and {texts[-1]}"
