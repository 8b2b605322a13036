"""Sub-command ``board``: Verilog, constraints and bitstream for the ULX3S."""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import IOPort, Value

from rtl.board.ulx3s import DEFAULT_MHZ, Ulx3s, check_clocks
from rtl.board.ulx3s_pins import DEVICE, SPEED, constraints
from rtl.flow.ecp5_cells import declarations
from rtl.flow.errors import SynthesisFailure
from rtl.flow.nextpnr import SEED_MAX, Placement, place_and_pack
from rtl.flow.verilog import verilog_text, verilog_tools
from rtl.flow.yosys import CACHE, check_tools, synthesise
from rtl.flow.yosys import TOP as DESIGN_TOP
from sw_model.spec import Deployment
from sw_model.spec.deployment import load_plain_deployment
from sw_model.spec.hardware.buffers import FrameBuffers
from sw_model.spec.hardware.sdram import BASES, SdramTiming, pixels_max
from sw_model.spec.hardware.serial import BAUD, VERSION
from sw_model.support.files import replacing_folder
from sw_model.support.options import add_deployment_option, parse_seeds
from sw_model.support.progress import Phase, phases, unseen

from .integration import integration_files
from .port_meanings import BOARD

TOP = "spiking_dncnn_ulx3s"
"""Name of the Verilog module and of its files."""
CONSTRAINTS = "ulx3s.lpf"
BUDGET_FRAME = (256, 256)
"""Height and width of the frame for `memory_budget`."""


def generate_board(
    deployment: Deployment,
    folder: Path,
    *,
    mhz: int = DEFAULT_MHZ,
    baud: int = BAUD,
    route: bool = False,
    seed: int = 0,
    cache: Path = CACHE,
    phase: Phase = unseen,
) -> dict[str, Any]:
    """Write the board's top level; the same input gives the same bytes.

    The folder gets ``spiking_dncnn_ulx3s.v``, the files of `rtl.generate.integration`,
    ``ulx3s.lpf`` and ``manifest.json``, with ``route`` also ``spiking_dncnn_ulx3s.bit``.

    Parameters
    ----------
    folder
        Created, or replaced if it was written by this function.
    mhz
        Clock frequency in MHz.
    baud
        Bits per second on the serial line.
    route, seed
        Also place and route, with this seed.
    cache
        Cache of the tools' results.
    phase
        Called with the name of each phase when it begins.

    Returns
    -------
    dict
        The manifest.

    Raises
    ------
    UsageError
        The clock or the line rate is impossible, or the folder cannot be written.
    SynthesisFailure
        The design does not fit, or is slower than its clock.
    """
    # Check first: Amaranth warns about a component that is never elaborated.
    check_clocks(mhz, baud)
    with replacing_folder(folder, "board") as temporary:
        phase("building the components")
        top = Ulx3s(deployment=deployment, mhz=mhz, baud=baud)
        ports = {
            name: (port if isinstance(port, IOPort) else Value.cast(port), None)
            for name, port in top.ports.items()
        }
        text = verilog_text(top, TOP, ports, phase)
        files = {
            f"{TOP}.v": f"// {TOP}: deployment {deployment.hash}\n{text}".encode(),
            CONSTRAINTS: constraints().encode(),
        }
        integration = integration_files(text, TOP, BOARD)
        files |= {name: content.encode() for name, content in integration.items()}
        routed = None
        if route:
            design = rtlil.convert(top, name=DESIGN_TOP, ports=ports, emit_src=False)
            placement, files[f"{TOP}.bit"] = _route(
                declarations() + design, mhz, seed, cache, phase
            )
            routed = _placement(placement)
        manifest = {
            "top": TOP,
            "board": "ULX3S",
            "device": f"{DEVICE}-{SPEED}",
            "deployment": deployment.hash,
            "network": deployment.spec.name,
            "clock_mhz": mhz,
            "baud": baud,
            "protocol": VERSION,
            "columns": top.board.system.columns,
            "memory": {name: f"{address:#x}" for name, address in BASES.items()},
            "pixels_max": {
                str(steps): pixels_max(deployment.spec.channels, steps)
                for steps in deployment.spec.timesteps
            },
            "memory_budget": memory_budget(deployment, mhz, top.board.system.columns),
            "tools": verilog_tools() | (check_tools() if route else {}),
            "routed": routed,
            "sha256": {
                name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())
            },
        }
        for name, content in files.items():
            (temporary / name).write_bytes(content)
        (temporary / "manifest.json").write_text(
            json.dumps(manifest, indent=2) + "\n", encoding="utf-8"
        )
    return manifest


def memory_budget(deployment: Deployment, mhz: int, columns: int) -> dict[str, Any]:
    """SDRAM transfers of a frame of `BUDGET_FRAME` pixels at the largest T.

    Returns
    -------
    dict
        ``words`` of 64 bits that are transferred, fewest ``cycles`` of the SDRAM for them, and two
        rates in MB/s: ``peak`` of the part, ``sustained`` by the controller.
    """
    spec = deployment.spec
    buffers = FrameBuffers(*BUDGET_FRAME, spec.timesteps_max, spec.channels)
    words, cycles = SdramTiming(mhz).frame_cycles(buffers, len(spec.layers), columns)
    return {
        "frame": "{}x{}".format(*BUDGET_FRAME),
        "timesteps": spec.timesteps_max,
        "words": words,
        "cycles": cycles,
        "peak_mb_per_s": 2 * mhz,
        "sustained_mb_per_s": round(8 * words * mhz / cycles, 1),
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Write the top level for the board ULX3S with an LFE5U-85F: the accelerator, with maps in "
        "the board's SDRAM and pictures over its serial line. With --route also a bitstream, by "
        "Yosys and nextpnr: a minute or two for tiny networks, hours for 64 channels."
    )
    parser.epilog = "example: python -m rtl board --deployment best-s25 -o build/board"
    add_deployment_option(parser, "best-s25")
    parser.add_argument(
        "--clock-mhz",
        type=int,
        default=DEFAULT_MHZ,
        metavar="MHZ",
        help="clock frequency (default: %(default)s)",
    )
    parser.add_argument(
        "--baud",
        type=int,
        default=BAUD,
        metavar="N",
        help="bits per second on the serial line (default: %(default)s)",
    )
    parser.add_argument("--route", action="store_true", help="place and route, write a bitstream")
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="seed of the placement (default: %(default)s)",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write"
    )


def main(args: argparse.Namespace) -> None:
    """Run the sub-command."""
    deployment = load_plain_deployment(args.deployment, "the hardware")
    (seed,) = parse_seeds(args.seed, None, largest=SEED_MAX)
    with phases() as phase:
        manifest = generate_board(
            deployment,
            args.output,
            mhz=args.clock_mhz,
            baud=args.baud,
            route=args.route,
            seed=seed,
            phase=phase,
        )
    budget, routed = manifest["memory_budget"], manifest["routed"]
    print(f"{args.output / TOP}.v: {TOP} for deployment {deployment.hash[:16]}")
    print(
        f"{budget['frame']} at T {budget['timesteps']}: {budget['words']} words, "
        f"{budget['cycles']} SDRAM cycles, {budget['sustained_mb_per_s']} of "
        f"{budget['peak_mb_per_s']} MB/s"
    )
    if routed:
        print(
            f"{args.output / TOP}.bit: {routed['fmax_mhz']} MHz for a clock of "
            f"{args.clock_mhz} MHz; critical path from {routed['path']['from']} to "
            f"{routed['path']['to']}"
        )


def _route(design: str, mhz: int, seed: int, cache: Path, phase: Phase) -> tuple[Placement, bytes]:
    """Placement and bitstream of a design."""
    phase("synthesis")
    folder = synthesise(design, cache=cache)
    phase(f"place and route, seed {seed}")
    placement, bitstream = place_and_pack(
        folder, device=DEVICE, speed=SPEED, seed=seed, constraints=constraints()
    )
    if placement.fmax_mhz < mhz:
        raise SynthesisFailure(
            f"the board's clock of {mhz} MHz is not reached: {placement.fmax_mhz:.2f} MHz with "
            f"seed {seed}; try another --seed or a slower --clock-mhz"
        )
    return placement, bitstream


def _placement(placement: Placement) -> dict[str, Any]:
    return {
        "seed": placement.seed,
        "fmax_mhz": round(placement.fmax_mhz, 2),
        "path": placement.path,
        "used": placement.used,
        "available": placement.available,
    }
