"""Reports of the command ``denoise``, as JSON and for the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sw_model.pictures.options import describe
from sw_model.support.text import one_line

from .job import Settings
from .outcome import Done, Failure, Outcome
from .plan import Plan

if TYPE_CHECKING:
    from sw_model.pictures.metrics import Quality

DECIMALS = 6
NAMED = 5
"""Most files that are named in a line."""


def shown(path: Path) -> str:
    """Return a path as printable text, whatever bytes its name has."""
    return one_line(str(path))


def report(outcomes: Sequence[Outcome], settings: Settings, plan: Plan) -> dict[str, Any]:
    """Return the outcomes as JSON values.

    ``level`` is the given level, or null; ``poisson`` the given gain, 0 for an estimated one, or
    null; a file's ``levels`` are those of its pages and channels,
    given or estimated. PSNR is in dB and null if it is infinite or no noise was added; SSIM is also
    null for pictures smaller than its window. A failed file has only its names and ``error``.
    """
    deployment, noise = settings.deployment, settings.noise
    return {
        "deployment": {"name": deployment.spec.name, "hash": deployment.hash},
        "timesteps": settings.timesteps,
        "level": settings.level,
        "strength": settings.strength,
        "poisson": settings.poisson,
        "noise": noise and {"sigma": noise.sigma, "seed": noise.seed, "protocol": noise.protocol},
        "files": [_values(outcome) for outcome in outcomes],
        "done": sum(isinstance(outcome, Done) for outcome in outcomes),
        "failed": sum(isinstance(outcome, Failure) for outcome in outcomes),
        "skipped": [str(path) for path in plan.skipped],
        "left_out": [str(path) for path in plan.left_out],
    }


def single(done: Done, settings: Settings) -> str:
    """Return a single file's outcome as text."""
    note = f" ({done.note})" if done.note else ""
    lines = [
        f"picture     {shown(done.task.source)}, {_size(done)} {done.kind}",
        f"deployment  {describe(settings.deployment, settings.timesteps)}",
        f"level       {_levels(done)} ({_origin(settings)})",
    ]
    if done.before is not None and done.after is not None:
        before, after = done.before, done.after
        lines += [
            f"noise       {settings.noise}",
            f"PSNR        {before.psnr:.2f} dB noisy, {after.psnr:.2f} dB denoised",
            f"SSIM        {_ssim_line(before, after)}",
        ]
    return "\n".join(
        [
            *lines,
            f"theta       {done.theta:.3f} spikes per neuron",
            f"written     {shown(done.task.target)}{note}",
        ]
    )


def table(outcomes: Sequence[Outcome], settings: Settings, plan: Plan, seconds: float) -> str:
    """Return the outcomes of several files as text.

    Parameters
    ----------
    seconds
        Time for all files.
    """
    names = [shown(outcome.task.source) for outcome in outcomes]
    done = [outcome for outcome in outcomes if isinstance(outcome, Done)]
    width = max(map(len, [*names, "picture"]))
    levels = max(map(len, [*map(_levels, done), "level"]))
    kinds = max(map(len, [*(outcome.kind for outcome in done), "kind"]))
    head = f"{'picture':{width}}  {'size':>11}  {'kind':{kinds}}  {'level':>{levels}}"
    head += "    theta  seconds"
    lines = [
        f"deployment  {describe(settings.deployment, settings.timesteps)}",
        f"level       {_origin(settings)}",
    ]
    if settings.noise is not None:
        lines.append(f"noise       {settings.noise} (the same seed for every picture)")
        head += "   PSNR noisy denoised   SSIM noisy denoised"
    lines += ["", head]
    for name, outcome in zip(names, outcomes, strict=True):
        if isinstance(outcome, Failure):
            lines.append(f"{name:{width}}  {'failed':>11}")
            continue
        note = f"   ({outcome.note})" if outcome.note else ""
        lines.append(
            f"{name:{width}}  {_size(outcome):>11}  {outcome.kind:{kinds}}  "
            f"{_levels(outcome):>{levels}} {outcome.theta:8.3f} {outcome.seconds:8.2f}"
            f"{_quality(outcome)}{note}"
        )
    failed = len(outcomes) - len(done)
    lines += [
        "",
        f"written     {len(done)} of {len(outcomes)} to {shown(plan.folder or Path())} in "
        f"{seconds:.1f} s" + (f"; {failed} failed" if failed else ""),
    ]
    if plan.skipped:
        lines.append(f"skipped     {len(plan.skipped)} that existed already")
    if plan.left_out:
        first = ", ".join(map(shown, plan.left_out[:NAMED]))
        more = len(plan.left_out) - NAMED
        lines.append(
            f"left out    {first}{f' and {more} more' if more > 0 else ''}: "
            f"not a picture by its name, hidden, or the output folder"
        )
    return "\n".join(lines)


def _values(outcome: Outcome) -> dict[str, Any]:
    names = {"input": str(outcome.task.source), "output": str(outcome.task.target)}
    if isinstance(outcome, Failure):
        return names | {"error": outcome.reason}
    return names | {
        "shape": list(outcome.shape),
        "pages": outcome.pages,
        "kind": outcome.kind,
        "levels": [round(level, DECIMALS) for level in outcome.levels],
        "theta": round(outcome.theta, DECIMALS),
        "seconds": round(outcome.seconds, 3),
        "psnr_noisy": None if outcome.before is None else _rounded(outcome.before.psnr),
        "psnr": None if outcome.after is None else _rounded(outcome.after.psnr),
        "ssim_noisy": None if outcome.before is None else _rounded(outcome.before.ssim),
        "ssim": None if outcome.after is None else _rounded(outcome.after.ssim),
        "note": outcome.note,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else round(value, DECIMALS)


def _size(done: Done) -> str:
    return f"{done.shape[1]}x{done.shape[0]}"


def _levels(done: Done) -> str:
    # A given level is the same for all channels.
    levels = list(dict.fromkeys(f"{level:.1f}" for level in done.levels))
    if done.pages > 1 and len(levels) > 1:
        return f"{min(done.levels):.1f} to {max(done.levels):.1f}"
    return "/".join(levels)


def _origin(settings: Settings) -> str:
    origin = "estimated" if settings.level is None and not settings.poisson else "given"
    if settings.poisson is not None:
        origin = f"at mid-grey, growing with brightness, {origin}"
    return origin if settings.strength == 1 else f"{origin}, times {settings.strength:g}"


def _quality(done: Done) -> str:
    if done.before is None or done.after is None:
        return ""
    noisy, denoised = (
        "none" if value.ssim is None else f"{value.ssim:.4f}" for value in (done.before, done.after)
    )
    return f"   {done.before.psnr:10.2f} {done.after.psnr:8.2f}   {noisy:>10} {denoised:>8}"


def _ssim_line(before: Quality, after: Quality) -> str:
    if before.ssim is None or after.ssim is None:
        from sw_model.pictures.metrics import SSIM_WINDOW  # imported already if there are figures

        return f"none: the picture is smaller than the {SSIM_WINDOW}x{SSIM_WINDOW} window"
    return f"{before.ssim:.4f} noisy, {after.ssim:.4f} denoised"
