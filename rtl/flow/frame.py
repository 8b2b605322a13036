"""Performance of a synthesised accelerator on a frame: frames per second, area per SOP."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from sw_model.spec import Deployment, UsageError
from sw_model.spec.fixed_point import PIXEL_BITS
from sw_model.support.reading import parse_json, reading

TEXTS = {"deployment", "picture"}
COUNTS = {"height", "width", "timesteps", "engines"}
CASE_COUNTS = {"cycles", "useful_operations"}


def load_frame(path: Path, deployment: Deployment, engines: int) -> dict[str, Any]:
    """Read figures of a frame; raises `UsageError` if invalid or for other hardware."""
    hint = "give a file that `python -m sim frame --predict --figures FILE` wrote"
    with reading(path, "figures of a frame", hint) as file:
        frame: dict[str, Any] = parse_json(file.read())
        if not _is_frame(frame):
            raise ValueError("it holds other content")
    if frame["deployment"] != deployment.hash:
        raise UsageError(
            f"--frame {path} is of deployment {frame['deployment'][:16]}, not of "
            f"{deployment.hash[:16]}; {hint} for this one"
        )
    if frame["engines"] != engines:
        raise UsageError(
            f"--frame {path} is of {frame['engines']} engine(s), not of {engines}; {hint} with "
            f"--engines {engines}"
        )
    return frame


def _is_frame(frame: object) -> bool:
    return (
        isinstance(frame, dict)
        and all(isinstance(frame.get(key), str) for key in TEXTS)
        and all(_is_count(frame.get(key)) for key in COUNTS)
        and isinstance(frame.get("cases"), list)
        and bool(frame["cases"])
        and all(map(_is_case, frame["cases"]))
    )


def _is_case(case: object) -> bool:
    return (
        isinstance(case, dict)
        and isinstance(case.get("name"), str)
        and all(_is_count(case.get(key)) for key in CASE_COUNTS)
        and isinstance(case.get("theta"), (int, float))
        and 0 < case["theta"] < math.inf
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 63


def frame_performance(
    report: dict[str, Any], frame: dict[str, Any], deployment: Deployment
) -> dict[str, Any]:
    """Figures of each case of a frame, at the report's area and median clock frequency.

    The event bound is the fewest cycles in which one engine can process a frame: one per bit of
    each pixel in the encoding layer, and one per spike.
    """
    spec = deployment.spec
    pixels = frame["height"] * frame["width"]
    luts, hertz = report["area"]["LUT4"]["used"], report["fmax_mhz"] * 1e6
    cases = []
    for case in frame["cases"]:
        spikes = len(spec.spiking_layers) * spec.channels * case["theta"]
        bound = pixels * (PIXEL_BITS + spikes) / report["engines"]
        useful = case["useful_operations"] / case["cycles"]
        cases.append(
            {
                "name": case["name"],
                "theta": round(case["theta"], 3),
                "cycles": case["cycles"],
                "frames_per_second": round(hertz / case["cycles"], 3),
                "share_of_event_bound": round(bound / case["cycles"], 4),
                "useful_sop_per_cycle": round(useful, 1),
                "useful_gsop_per_second": round(useful * hertz / 1e9, 2),
                "lut4_per_useful_sop": round(luts / useful, 2),
            }
        )
    size = f"{frame['height']}x{frame['width']}"
    return {"size": size, "timesteps": frame["timesteps"], "cases": cases}


def frame_text(frame: dict[str, Any]) -> list[str]:
    """The figures as lines of text."""
    lines = [f"frame of {frame['size']} pixels, T = {frame['timesteps']}"]
    for case in frame["cases"]:
        lines += [
            f"  {case['name']}, theta {case['theta']}: {case['cycles']} cycles, "
            f"{case['frames_per_second']} frames/s",
            f"    {case['share_of_event_bound']:.1%} of the event bound, "
            f"{case['useful_sop_per_cycle']} useful SOP per cycle, "
            f"{case['useful_gsop_per_second']} GSOP/s",
            f"    {case['lut4_per_useful_sop']} LUT4 per useful SOP per cycle, all logic counted",
        ]
    return lines
