"""Sub-command ``cost``: operations, memory traffic and energy, compared with the dense DnCNN."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from sw_model.pictures.options import (
    DEFAULT_SIGMA,
    add_network_options,
    add_noise_options,
    network,
    noise,
)
from sw_model.pictures.sets import add_picture_options, picture_set
from sw_model.spec.deployment import HARDWARE_DEPLOYMENT
from sw_model.support.files import check_output, write_atomically

from .cost_report import report, tables
from .cost_study import study


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Denoise pictures with a frozen network, count its synaptic operations (SOP) and memory "
        "traffic from the spikes, and compare an estimate of their energy with the dense DnCNN "
        "of the same layers and channels with 8-bit weights and activations. Reports the theta "
        "(spikes per neuron) at which the spiking network stops paying off. docs/log/cost.md "
        "describes the model."
    )
    parser.epilog = (
        "examples: python -m sw_model cost --set set12 --json cost.json; "
        "python -m sw_model cost photo.png --noise 25 --deployment compact"
    )
    add_picture_options(parser)
    parser.add_argument(
        "--json", metavar="FILE", help="write the figures as JSON; - prints only the JSON"
    )
    add_network_options(parser, HARDWARE_DEPLOYMENT)
    add_noise_options(parser, sigma=DEFAULT_SIGMA)


def main(args: argparse.Namespace) -> int:
    """Run the sub-command."""
    chosen = noise(args)
    assert chosen is not None, "--noise has a default"
    output = None if args.json in (None, "-") else Path(args.json)
    if output is not None:
        check_output(output)
    deployment, timesteps = network(args)
    deployment.spec.check_plain("the cost model")
    pictures = picture_set(args)

    result = study(deployment, timesteps, chosen, pictures.files, pictures.name)
    content = json.dumps(report(result), indent=2, sort_keys=True, allow_nan=False) + "\n"
    if output is not None:
        write_atomically(output, content.encode())
    if args.json == "-":
        sys.stdout.write(content)
    else:
        print(tables(result))
    return 0
