"""Results of `sw_model.evaluation.cost_study` as JSON and as tables for the terminal."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

from rich.console import Console
from rich.table import Table

from sw_model.pictures.options import describe
from sw_model.spec.cost.energy import ACCESS_PJ, ADD_PJ, MULTIPLY_8_PJ, SOURCE
from sw_model.spec.cost.layer import ARITHMETIC, MEMORY, LayerCost, Scope

from .cost_study import CostStudy, FrameCost

DECIMALS = 6
MICROJOULE = 1e6
"""In picojoules."""
BYTE = 8
"""In bits."""
TRAFFIC = {
    "weights": "weight_traffic",
    "line_buffers": "line_buffer_traffic",
    "maps": "map_traffic",
}
BREAK_EVENS: dict[str, tuple[Scope, bool]] = {
    "arithmetic": ("arithmetic", False),
    "arithmetic_and_memory": ("all", False),
    "arithmetic_and_memory_no_reuse": ("all", True),
}
"""Scope of each break-even, and whether the dense network reads its weights for every pixel."""
MEANING = {
    "arithmetic": "arithmetic alone",
    "arithmetic_and_memory": "arithmetic and memory, dense weights read once a tile",
    "arithmetic_and_memory_no_reuse": "arithmetic and memory, dense weights read for every pixel",
}
WIDTH_MIN = 100
"""Least width of the tables in columns; also their width without a terminal."""


def report(study: CostStudy) -> dict[str, Any]:
    """The study as JSON values: energies in microjoules, traffic in bytes.

    ``per_image`` and ``layers`` are means over the pictures.
    """
    count, total = len(study.pictures), study.total
    return {
        "deployment": {"name": study.deployment.spec.name, "hash": study.deployment.hash},
        "timesteps": study.timesteps,
        "set": study.set_name,
        "noise": {
            "sigma": study.noise.sigma,
            "seed": study.noise.seed,
            "protocol": study.noise.protocol,
        },
        "energy_source": SOURCE,
        "energy_pj": {
            "add": {str(bits): energy for bits, energy in ADD_PJ.items()},
            "multiply_8": MULTIPLY_8_PJ,
            "access_64_bits_by_bytes": {str(size): energy for size, energy in ACCESS_PJ.items()},
        },
        "pictures": [
            {"name": picture.name, "shape": list(picture.shape)} | _networks(picture.cost, 1)
            for picture in study.pictures
        ],
        "per_image": _networks(total, count),
        "layers": [
            {
                "kind": layer.kind,
                "theta": _rounded(thetas),
                "spiking": _figures(spiking, count),
                "dense": _figures(dense, count),
            }
            for layer, thetas, spiking, dense in zip(
                study.deployment.spec.layers,
                (*total.activity.layer_thetas, None),
                total.spiking,
                total.dense,
                strict=True,
            )
        ],
        "break_even_theta": {key: _rounded(theta) for key, theta in break_evens(total).items()},
    }


def break_evens(cost: FrameCost) -> dict[str, float | None]:
    """Break-even theta for each key of `BREAK_EVENS`."""
    return {
        key: cost.break_even(scope, no_reuse=no_reuse)
        for key, (scope, no_reuse) in BREAK_EVENS.items()
    }


def tables(study: CostStudy) -> str:
    """The study as text for the terminal."""
    total, count = study.total, len(study.pictures)
    what = "a picture" if count == 1 else f"the mean of {count} pictures"
    console = Console(width=max(WIDTH_MIN, shutil.get_terminal_size((WIDTH_MIN, 1)).columns))
    with console.capture() as capture:
        console.print(_layer_table(study), _item_table(total, count))
    text = "\n".join(
        [
            f"deployment  {describe(study.deployment, study.timesteps)}",
            f"noise       {study.noise}",
            f"cost        of {what}; energies: {SOURCE}",
            capture.get().rstrip(),
            "",
            f"theta, measured: {total.activity.theta:.3f} spikes per neuron",
            "theta at which the spiking network stops paying off (docs/log/cost.md):",
            *(_sentence(study, key, theta) for key, theta in break_evens(total).items()),
        ]
    )
    # rich pads the lines of a table's title with spaces.
    return "\n".join(line.rstrip() for line in text.splitlines())


def _sentence(study: CostStudy, key: str, theta: float | None) -> str:
    if theta is None:
        value, note = "none", "no activity pays off"
        if study.total.activity.theta == 0:
            note = "no neuron spiked, so the layers' shares are unknown"
    else:
        value = f"{theta:.3f}"
        note = "pays off" if study.total.activity.theta <= theta else "does not pay off here"
        if theta > study.timesteps:
            note = f"always pays off: theta cannot exceed T = {study.timesteps}"
    return f"  {value:>7}  {MEANING[key]}: {note}"


def _layer_table(study: CostStudy) -> Table:
    total, count = study.total, len(study.pictures)
    table = Table(title="by layer, per image", box=None, pad_edge=False, title_justify="left")
    for head in (
        "layer",
        "theta in",
        "SOP, M",
        "useful",
        "MAC, M",
        "spiking: arithm., uJ",
        "memory, uJ",
        "dense: arithm., uJ",
        "memory, uJ",
    ):
        table.add_column(head, justify="left" if head == "layer" else "right")
    entering = (None, *total.activity.layer_thetas)
    kinds = [layer.kind for layer in study.deployment.spec.layers]
    rows = zip(kinds, entering, total.spiking, total.dense, strict=True)
    for number, (kind, theta, spiking, dense) in enumerate(rows):
        label = f"{number} {kind}"
        _add_row(table, label, theta, spiking, dense, count)
    table.add_section()
    _add_row(
        table, "total", total.activity.theta, _total(total.spiking), _total(total.dense), count
    )
    return table


def _add_row(
    table: Table, label: str, theta: float | None, spiking: LayerCost, dense: LayerCost, count: int
) -> None:
    def energies(cost: LayerCost) -> list[str]:
        arithmetic = cost.energy("arithmetic")
        values = arithmetic, cost.energy() - arithmetic
        return [f"{value / count / MICROJOULE:.1f}" for value in values]

    table.add_row(
        label,
        "pixels" if theta is None else f"{theta:.3f}",
        f"{spiking.operations / count / 1e6:.1f}",
        f"{spiking.useful / spiking.operations:.2%}" if spiking.operations else "",
        f"{dense.operations / count / 1e6:.1f}",
        *energies(spiking),
        *energies(dense),
    )


def _item_table(cost: FrameCost, count: int) -> Table:
    table = Table(title="\nby item, per image", box=None, pad_edge=False, title_justify="left")
    table.add_column("")
    for head in ("spiking, uJ", "MB moved", "dense, uJ", "MB moved", "dense, no reuse, uJ"):
        table.add_column(head, justify="right")
    sums = [_total(layers) for layers in (cost.spiking, cost.dense, cost.dense_no_reuse)]
    for item in (*ARITHMETIC, *MEMORY):
        energies = [f"{getattr(each, item) / count / MICROJOULE:.1f}" for each in sums]
        moved = [
            f"{getattr(each, TRAFFIC[item]) / count / BYTE / 1e6:.1f}" if item in TRAFFIC else ""
            for each in sums
        ]
        name = item.replace("_", " ")
        table.add_row(name, energies[0], moved[0], energies[1], moved[1], energies[2])
    table.add_section()
    energies = [f"{each.energy() / count / MICROJOULE:.1f}" for each in sums]
    table.add_row("total", energies[0], "", energies[1], "", energies[2])
    return table


def _networks(cost: FrameCost, count: int) -> dict[str, Any]:
    return {
        "theta": _rounded(cost.activity.theta),
        "spiking": _figures(_total(cost.spiking), count),
        "dense": _figures(_total(cost.dense), count),
        "dense_no_reuse": _figures(_total(cost.dense_no_reuse), count),
    }


def _figures(cost: LayerCost, count: int) -> dict[str, Any]:
    return {
        "operations": _rounded(cost.operations / count),
        "useful_operations": _rounded(cost.useful / count),
        "energy_uj": {
            item: _rounded(getattr(cost, item) / count / MICROJOULE)
            for item in (*ARITHMETIC, *MEMORY)
        }
        | {
            "arithmetic": _rounded(cost.energy("arithmetic") / count / MICROJOULE),
            "total": _rounded(cost.energy() / count / MICROJOULE),
        },
        "traffic_bytes": {
            item: _rounded(getattr(cost, name) / count / BYTE) for item, name in TRAFFIC.items()
        },
    }


def _total(layers: Sequence[LayerCost]) -> LayerCost:
    return reduce(add, layers)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DECIMALS)
