"""Sub-command ``synth``: run Vitis HLS on the project, report latency and resources."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shutil
from pathlib import Path
from typing import Any

from sw_model.spec import UsageError
from sw_model.support.files import replacing_folder
from sw_model.support.processes import run
from sw_model.support.progress import phases

from .build import add_project_options, write_requested_project
from .errors import CompileFailure

TOOL = "vitis-run"
COMMAND = (TOOL, "--tcl", "build_prj.tcl", "--mode", "hls")
OPTIONS = {
    "reset": 1,
    "csim": 0,
    "synth": 1,
    "cosim": 0,
    "validation": 0,
    "export": 0,
    "vsynth": 0,
    "fifo_opt": 0,
}
"""Steps of hls4ml's project script: synthesis only."""
LOG = "vitis.log"
REPORT = "report.json"
KIND = "HLS synthesis"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Write the hls4ml project, run Vitis HLS on it and report latency, initiation interval "
        "and resources. Exit code 2 if Vitis is not installed."
    )
    parser.epilog = "example: python -m hls synth --deployment compact --size 32,32 -o build/synth"
    add_project_options(parser)
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write"
    )


def main(args: argparse.Namespace) -> None:
    """Run the sub-command."""
    if shutil.which(TOOL) is None:
        raise UsageError(
            f"Vitis HLS is missing ({TOOL} is not on the PATH): install AMD Vitis 2024.1 or later "
            f"and source its settings64.sh"
        )
    with replacing_folder(args.output, KIND) as folder, phases() as phase:
        write_requested_project(args, folder, phase)
        phase("Vitis HLS")
        figures = synthesise(folder)
        content = json.dumps(figures, indent=2, sort_keys=True) + "\n"
        (folder / REPORT).write_text(content, encoding="utf-8")
    for name, value in figures.items():
        print(f"{name:22}{value}")
    print(f"\nwritten     {args.output}")


def synthesise(folder: Path) -> dict[str, Any]:
    """Run Vitis HLS in a project's folder.

    Returns
    -------
    dict
        Figures that hls4ml reads from Vitis' report: latency and interval in cycles, resources.

    Raises
    ------
    CompileFailure
        Vitis failed or wrote no report.
    """
    options = "".join(f"    {name} {value}\n" for name, value in OPTIONS.items())
    (folder / "build_opt.tcl").write_text(f"array set opt {{\n{options}}}\n", encoding="utf-8")
    with (folder / LOG).open("w", encoding="utf-8") as log:
        # Vitis needs the environment variables of its settings64.sh.
        done = run(COMMAND, cwd=folder, env=os.environ, stdout=log, stderr=log)
    report = None if done.returncode else _read_report(folder)
    if not report:
        lines = [
            line
            for line in (folder / LOG).read_text(errors="replace", encoding="utf-8").splitlines()
            if line
        ]
        raise CompileFailure(
            f"{TOOL} ended with exit code {done.returncode} and no readable report: "
            f"{' | '.join(lines[-5:]) or 'no output'}"
        )
    return dict(report)


def _read_report(folder: Path) -> dict[str, Any] | None:
    """The synthesis report as parsed by hls4ml; None if it is missing or incomplete."""
    from hls4ml.report import parse_vivado_report

    with contextlib.redirect_stdout(io.StringIO()):  # it prints about missing files
        try:
            report: dict[str, Any] | None = parse_vivado_report(str(folder))
        except (IndexError, AttributeError):  # no solution; incomplete report
            return None
    return (report or {}).get("CSynthesisReport")
