"""Options that several sub-commands share."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from sw_model.spec import Deployment, load_deployment
from sw_model.spec.deployment import DEFAULT_DEPLOYMENT, TRAINED_SIGMA
from sw_model.support.options import add_deployment_option, parse_seeds

from .noise import PROTOCOLS, Protocol

DEFAULT_SIGMA = TRAINED_SIGMA
"""Default of the noise that is added, in grey levels."""
DEFAULT_SEED = 0
BOTH = "both"
"""Value of ``--protocol`` that means all protocols, if it may take several."""


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Noise that the user requested; see `sw_model.pictures.noise.add_noise`."""

    sigma: float
    seed: int
    protocol: Protocol

    def __str__(self) -> str:
        return f"sigma {self.sigma:g}, seed {self.seed}, protocol {self.protocol}"


def add_network_options(parser: argparse.ArgumentParser, default: str = DEFAULT_DEPLOYMENT) -> None:
    """Add the options that choose a frozen network and its T."""
    add_deployment_option(parser, default)
    parser.add_argument(
        "--timesteps",
        type=int,
        metavar="T",
        help="one of those that the deployment allows (default: the largest)",
    )


def network(args: argparse.Namespace) -> tuple[Deployment, int]:
    """Return the chosen deployment and T; raise `UsageError` if they do not exist."""
    deployment = load_deployment(args.deployment)
    timesteps = deployment.spec.timesteps_max if args.timesteps is None else args.timesteps
    deployment.mult(timesteps)
    return deployment, timesteps


def describe(deployment: Deployment, timesteps: int) -> str:
    """The chosen network in one line."""
    return f"{deployment.spec.name}, T = {timesteps}, hash {deployment.hash}"


def add_noise_options(
    parser: argparse.ArgumentParser, sigma: float | None, *, several: bool = False
) -> None:
    """Add the options that describe noise.

    Parameters
    ----------
    sigma
        Default of ``--noise``.
    several
        Also take several seeds and both protocols; see `noises`.
    """
    parser.add_argument(
        "--noise",
        type=float,
        metavar="SIGMA",
        default=sigma,
        help="standard deviation in grey levels (default: "
        + ("no noise is added)" if sigma is None else "%(default)g)"),
    )
    parser.add_argument(
        "--seed",
        type=int,
        help=f"seed of every picture's noise (default: {DEFAULT_SEED})",
    )
    if several:
        parser.add_argument(
            "--seeds",
            metavar="N,N,...",
            help="several seeds, such as 0,1,2: mean and spread over them are reported",
        )
    parser.add_argument(
        "--protocol",
        choices=(*PROTOCOLS, BOTH) if several else PROTOCOLS,
        help="paper: not clipped, camera: clipped to 0..255"
        + (", both: one after the other" if several else "")
        + f" (default: {PROTOCOLS[0]})",
    )


def noise(args: argparse.Namespace) -> Noise | None:
    """Return the requested noise, or None."""
    if args.noise is None:
        return None
    return Noise(
        sigma=args.noise,
        seed=DEFAULT_SEED if args.seed is None else args.seed,
        protocol=args.protocol or PROTOCOLS[0],
    )


def noises(args: argparse.Namespace) -> list[Noise]:
    """Return every requested noise: seeds within protocols.

    Raises
    ------
    UsageError
        ``--seeds`` lists no different seeds, or ``--seed`` is given too.
    """
    seeds = parse_seeds(args.seed, args.seeds, default=DEFAULT_SEED)
    protocols = PROTOCOLS if args.protocol == BOTH else (args.protocol or PROTOCOLS[0],)
    return [
        Noise(sigma=args.noise, seed=seed, protocol=protocol)
        for protocol in protocols
        for seed in seeds
    ]
