"""Sub-command ``card``: the model card of a frozen network.

A card describes a deployment and its training, from the deployment's file, and its quality and
cost, from the JSON reports of ``evaluate`` and ``cost``. No number in it is typed by hand.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sw_model.spec import Deployment, UsageError, load_deployment, shipped_deployments
from sw_model.spec.deployment import DEFAULT_DEPLOYMENT, SHIPPED
from sw_model.support.files import check_output, write_atomically
from sw_model.support.options import add_deployment_option
from sw_model.support.reading import parse_json, reading
from sw_model.support.text import one_line

from .card_sections import (
    TEXTS,
    cost_section,
    network_section,
    picture_section,
    provenance_section,
    quality_section,
)

FIGURES = "## Figures"
"""Heading of the part that needs reports; the part before needs only the deployment's file."""


def head(deployment: Deployment, name: str) -> str:
    """The card up to its figures.

    Parameters
    ----------
    name
        Value for ``--deployment``.
    """
    network, provenance = network_section(deployment), provenance_section(deployment)
    grey = "grey pictures (colour ones channel by channel)"
    pictures = grey if deployment.spec.colours == 1 else "colour pictures"
    return (
        TEXTS.text("head", name=name, pictures=pictures, network=network, provenance=provenance)
        + "\n"
    )


def card(deployment: Deployment, name: str, reports: Sequence[Mapping[str, Any]]) -> str:
    """The complete card.

    Parameters
    ----------
    name
        Value for ``--deployment``.
    reports
        Reports of ``evaluate`` and ``cost``, as `read_report` returns them.
    """
    qualities = [report for report in reports if "summary" in report]
    costs = [report for report in reports if "break_even_theta" in report]
    figures = [quality_section(name, qualities)] if qualities else []
    figures += map(picture_section, qualities)
    if not reports:
        figures = [TEXTS.text("no_figures")]
    sections = "\n\n".join(cost_section(name, report) for report in costs)
    text = TEXTS.text(
        "figures",
        figures="\n\n".join(figures),
        costs=TEXTS.text("costs", costs=sections) if costs else "",
    )
    return f"{head(deployment, name)}\n{text}\n"


def read_report(path: Path, deployment: Deployment) -> dict[str, Any]:
    """A JSON report of ``evaluate`` or ``cost`` about the deployment.

    Raises
    ------
    UsageError
        The file is missing, is not such a report, or is about another deployment.
    """
    accepted = "give a file that `evaluate --json` or `cost --json` wrote"
    with reading(path, "a report of a deployment's figures", accepted) as file:
        report: dict[str, Any] = parse_json(file.read())
        measured = report["deployment"]["hash"]
        if "summary" not in report and "break_even_theta" not in report:
            raise ValueError("it has neither a summary nor a break-even")
        card(deployment, "", [report])
    if measured != deployment.hash:
        raise UsageError(
            f"{path} is about the deployment with hash {str(measured)[:16]}…, "
            f"not {deployment.hash[:16]}…; measure again, or give that deployment"
        )
    return report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Write the model card of a frozen network: its description and training, from its file, "
        "and its figures, from JSON reports of `evaluate` and `cost`, each with the command that "
        "gives it."
    )
    parser.epilog = (
        "example: python -m sw_model card --deployment compact --figures set12.json cost.json"
    )
    add_deployment_option(parser, DEFAULT_DEPLOYMENT)
    parser.add_argument(
        "--figures",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="reports of `evaluate --json` or `cost --json` about the deployment",
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="OUT",
        help="Markdown file to write (default: next to the deployment's file, with suffix .md)",
    )


def main(args: argparse.Namespace) -> int:
    """Run the sub-command."""
    deployment = load_deployment(args.deployment)
    stem = Path(args.deployment).stem
    shipped = args.deployment in shipped_deployments()
    default = SHIPPED / stem if shipped else Path(args.deployment).with_suffix("")
    output = args.output or default.with_name(f"{stem}.md")
    check_output(output)
    reports = [read_report(path, deployment) for path in args.figures]
    write_atomically(output, card(deployment, one_line(stem), reports).encode())
    print(f"written     {output}")
    return 0
