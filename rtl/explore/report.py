"""Results of a sweep as a table, CSV, JSON and a figure."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .points import KINDS, Point, point_values

DPI = 150
COLOURS = {"chip": "#0072b2", "memory": "#d55e00"}
"""Two colours of Okabe and Ito's palette, which is safe for colour-blind readers."""
_PLACES = {"chip": "on chip", "memory": "in memory"}
MARKERS = {1: "o", 2: "s"}
PANELS = {"lut4": "LUT4", "block_ram": "block RAM", "energy_uj": "energy per frame, µJ"}
COLUMNS = {
    # Heading and format of each column of the table.
    "maps": ("maps", "{}"),
    "timesteps": ("T", "{}"),
    "weight_bits": ("bits", "{}"),
    "group": ("group", "{}"),
    "engines": ("engines", "{}"),
    "lanes": ("lanes", "{}"),
    "lut4": ("LUT4", "{}"),
    "flip_flops": ("FF", "{}"),
    "block_ram": ("RAM", "{}"),
    "dsp": ("DSP", "{}"),
    "fits": ("fits", "{}"),
    "cycles": ("cycles", "{}"),
    "busy": ("busy", "{:.1%}"),
    "clock_mhz": ("MHz", "{:.1f}"),
    "fps": ("frames/s", "{:.3f}"),
    "energy_uj": ("µJ", "{:.0f}"),
    "front": ("front", "{}"),
}
_LEFT = ("maps",)
VARIANT = "*"
"""Mark of a T or width for which the deployment was not frozen."""
LEGEND = f"{VARIANT:12}not what the deployment was trained and frozen for\n"


def rows(points: Sequence[Point], front: Sequence[bool]) -> list[dict[str, Any]]:
    """Return a row of values for each point."""
    return [point_values(point, on) for point, on in zip(points, front, strict=True)]


def table(values: Sequence[Mapping[str, Any]], *, markdown: bool = False) -> str:
    """Return the rows as aligned text or as Markdown; `legend` explains the mark."""
    lines = [[heading for heading, _ in COLUMNS.values()]]
    lines += [[_cell(row, name) for name in COLUMNS] for row in values]
    if markdown:
        lines.insert(1, ["---"] * len(COLUMNS))
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)
    widths = [max(len(line[place]) for line in lines) for place in range(len(COLUMNS))]
    text = ""
    for line in lines:
        cells = [
            cell.ljust(width) if name in _LEFT else cell.rjust(width)
            for name, cell, width in zip(COLUMNS, line, widths, strict=True)
        ]
        text += "  ".join(cells).rstrip() + "\n"
    return text


def _cell(row: Mapping[str, Any], name: str) -> str:
    if name in ("fits", "front"):
        return {True: "yes", False: "no" if name == "fits" else ""}[row[name]]
    text = COLUMNS[name][1].format(row[name])
    return text + VARIANT if name in row["variant"] else text


def legend(text: str) -> str:
    """Return the explanation of the mark in a table; empty for a table without one."""
    return LEGEND if VARIANT in text else ""


def write_report(
    folder: Path, values: Sequence[Mapping[str, Any]], setting: Mapping[str, Any]
) -> None:
    """Write ``points.csv``, ``points.json``, ``table.md`` and ``front.png`` into a folder.

    Parameters
    ----------
    setting
        Values common to all points, as JSON values.
    """
    content = {**setting, "points": list(values)}
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False)
    (folder / "points.json").write_text(text + "\n", encoding="utf-8")
    stream = io.StringIO()
    flat = [{**row, "variant": " ".join(row["variant"])} for row in values]
    writer = csv.DictWriter(stream, list(flat[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    (folder / "points.csv").write_text(stream.getvalue(), encoding="utf-8")
    (folder / "table.md").write_text(table(values, markdown=True), encoding="utf-8")
    write_figure(folder / "front.png", values, setting)


def write_figure(
    path: Path, values: Sequence[Mapping[str, Any]], setting: Mapping[str, Any]
) -> None:
    """Plot frames per second against each of `PANELS`.

    Points that fit are filled, points on the front have a ring.
    """
    # Loading it takes a second.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(PANELS), 4.4), layout="constrained")
    for axis, (name, label) in zip(figure.subplots(1, len(PANELS)), PANELS.items(), strict=True):
        for row in values:
            colour = COLOURS[row["maps"]]
            axis.plot(
                row["fps"],
                row[name],
                MARKERS[row["engines"]],
                color=colour,
                markerfacecolor=colour if row["fits"] else "none",
                markersize=5,
            )
            if row["front"]:
                axis.plot(row["fps"], row[name], "o", color="black", fillstyle="none", ms=11)
                axis.annotate(
                    f"T {row['timesteps']}, {row['weight_bits']} bits\ngroups of {row['group']}",
                    (row["fps"], row[name]),
                    xytext=(7, 5),
                    textcoords="offset points",
                    fontsize=6,
                )
        available = setting["available"].get(name)
        if available is not None:
            axis.axhline(available, color="grey", linestyle=":", linewidth=1)
        axis.set_xlim(0, 1.25 * max(row["fps"] for row in values))
        axis.set_ylim(0, 1.15 * (max(row[name] for row in values) or 1))
        axis.set_xlabel("frames per second")
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
    handles = [
        axis.plot(
            [],
            [],
            MARKERS[engines],
            color=colour,
            label=f"maps {_PLACES[place]}, {engines} engine(s)",
        )[0]
        for place, colour in COLOURS.items()
        for engines in MARKERS
    ]
    handles += [
        axis.plot([], [], "o", color="grey", fillstyle="none", label="does not fit")[0],
        axis.plot([], [], "o", color="black", fillstyle="none", ms=11, label="on the front")[0],
        axis.plot([], [], ":", color="grey", label=f"available in the {setting['device']}")[0],
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=8)
    figure.suptitle(f"{setting['network']}, {setting['picture']}", fontsize=9)
    figure.savefig(path, dpi=DPI)


def available(resources: Any) -> dict[str, int]:
    """Return the resources of a device, by the names in a row."""
    return {kind: getattr(resources, kind) for kind in KINDS}
