"""Sub-command ``compare``: PSNR and processor time beside classical denoisers, in one run."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from sw_model.pictures.eight_bit import check_format, read_picture, write_picture
from sw_model.pictures.options import DEFAULT_SEED
from sw_model.pictures.sets import DATA_VARIABLE, SETS, dataset_files
from sw_model.spec import Deployment, UsageError, load_deployment
from sw_model.spec.deployment import DEFAULT_DEPLOYMENT
from sw_model.studies.bench.machine import machine
from sw_model.support.files import check_output, replacing_folder
from sw_model.support.progress import Bar, progress

from .measure import Clean, measure
from .methods import BM3D, CLASSICAL, TV, Method, classical, of_the_extra, ours
from .noises import JPEG, Noise, parse_noises
from .report import REPORT, VALUES, Comparison, report, summary, values
from .strip import SHAPE, Strip, make_strip
from .weights import middle, search, training_pictures

OUTPUT = Path("build/compare")
"""Default folder."""
DEFAULT_SETS = ("set12", "kodak24")
NOISES = "10,15,25,40,50,poisson,jpeg"
METHODS = ",".join(CLASSICAL)
SIDE_MIN = 16
"""Pixels: BM3D's blocks and the wavelets must fit into a picture."""
PACKAGES = ("numpy", "numba", "scikit-image", "bm3d", "bm4d")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Put noise on clean pictures and denoise them with frozen networks, BM3D, non-local means "
        "and total variation, on one processor; write PSNR, CPU seconds, seconds on the clock and "
        "megapixels a CPU second as Markdown and JSON."
    )
    parser.epilog = (
        "example: python -m sw_model compare -o build/compare --data DIR --set set12 --limit 4 "
        "--noise 15,25,50 --strip build/strip.png"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=OUTPUT,
        metavar="DIR",
        help=f"folder for {REPORT} and {VALUES} (default: %(default)s)",
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        help="folder that holds the sets' folders, and train400 and train400-colour for total "
        f"variation (default: the variable {DATA_VARIABLE})",
    )
    parser.add_argument(
        "--set",
        choices=SETS,
        action="append",
        help="set of pictures in that folder; may be given several times "
        f"(default: {' and '.join(DEFAULT_SETS)})",
    )
    parser.add_argument(
        "--limit", type=int, metavar="N", help="first pictures of each set (default: all)"
    )
    parser.add_argument(
        "--crop",
        type=int,
        metavar="N",
        help="take the middle N x N pixels of each picture (default: all)",
    )
    parser.add_argument(
        "--noise",
        default=NOISES,
        metavar="X,X,...",
        help="standard deviations of Gaussian noise, poisson, jpeg (default: %(default)s)",
    )
    parser.add_argument(
        "--methods",
        default=METHODS,
        metavar="NAME,...",
        help="classical methods to compare with (default: %(default)s)",
    )
    parser.add_argument(
        "--deployment",
        action="append",
        metavar="NAME|FILE",
        help="shipped deployment or deployment file; may be given several times "
        f"(default: {DEFAULT_DEPLOYMENT})",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=DEFAULT_SEED,
        help="seed of every picture's noise (default: %(default)s)",
    )
    parser.add_argument(
        "--strip",
        type=Path,
        metavar="FILE",
        help="also write a photograph noisy, by BM3D, and by the first network, side by side",
    )


def main(args: argparse.Namespace) -> int:
    """Run the sub-command."""
    _check(args)
    noises = parse_noises(args.noise)
    names = _method_names(args.methods)
    networks = _networks(args.deployment or [DEFAULT_DEPLOYMENT])
    if args.strip is not None:
        if BM3D not in names:
            raise UsageError(
                f"--strip shows what {BM3D} does, which --methods {args.methods!r} lacks; add it"
            )
        check_output(args.strip)
        check_format(args.strip, SHAPE)
    methods = [m for name, network in networks.items() for m in ours(name, network)]
    methods += classical(names)
    if any(noise.name == JPEG for noise in noises):
        of_the_extra("pywt", f"{JPEG} by --noise 15,25")
    cleans = _pictures(args)
    training = {
        dimensions: training_pictures(dimensions, args.data)
        for dimensions in sorted({clean.picture.ndim for clean in cleans})
        if TV in names
    }
    about = machine(PACKAGES)  # before there is a load of our own
    # Opened first, so that a folder that cannot be written to is refused before the work.
    with replacing_folder(args.output, REPORT) as folder, progress("starting") as bar:
        weights = search(noises, training, args.seed, bar.describe)
        told = _teller(bar)
        cases = tuple(measure(cleans, noises, methods, args.seed, weights, told))
        comparison = Comparison(
            machine=about,
            options=_options(args, noises, names),
            command=_command(args),
            networks=networks,
            methods=tuple(methods),
            noises=tuple(noises),
            cleans=tuple(cleans),
            cases=cases,
            training=training,
            weights=weights,
            strip=_strip(args, methods, bar),
        )
        content = json.dumps(values(comparison), indent=1, allow_nan=False) + "\n"
        (folder / VALUES).write_text(content, encoding="utf-8")
        (folder / REPORT).write_text(report(comparison), encoding="utf-8")
        if comparison.strip is not None:
            write_picture(args.strip, comparison.strip.picture)
    print(summary(comparison))
    print(f"written     {args.output}" + (f", {args.strip}" if args.strip else ""))
    return 0


def _teller(bar: Bar) -> Any:
    def told(done: int, whole: int, what: str) -> None:
        bar(done, whole)
        bar.describe(what)

    return told


def _strip(args: argparse.Namespace, methods: list[Method], bar: Bar) -> Strip | None:
    if args.strip is None:
        return None
    bar.describe("strip")
    bm3d = next(method for method in methods if method.name == BM3D)
    return make_strip((bm3d, methods[0]), args.seed)


def _check(args: argparse.Namespace) -> None:
    if args.seed < 0:
        raise UsageError(f"seed {args.seed} is not 0 or more")
    if args.limit is not None and args.limit < 1:
        raise UsageError(f"--limit {args.limit} is not 1 picture or more")
    if args.crop is not None and args.crop < SIDE_MIN:
        raise UsageError(f"--crop {args.crop} is not {SIDE_MIN} pixels or more")


def _method_names(text: str) -> list[str]:
    names = text.split(",")
    if not set(names) <= CLASSICAL.keys() or len(set(names)) < len(names):
        raise UsageError(
            f"--methods {text!r} is not a list of different ones of {METHODS} with commas between "
            "them, such as nlm,tv"
        )
    return names


def _networks(sources: list[str]) -> dict[str, Deployment]:
    """Networks by what they are called in tables."""
    found: dict[str, Deployment] = {}
    for source in sources:
        name = Path(source).name.removesuffix(".safetensors")
        if name in found:
            raise UsageError(f"--deployment {source!r} is the second one of the name {name!r}")
        network = load_deployment(source)
        if network.spec.colours != 1:
            raise UsageError(
                f"--deployment {source!r} takes three colours at once, which this study does not; "
                "give a network of one channel"
            )
        found[name] = network
    return found


def _pictures(args: argparse.Namespace) -> list[Clean]:
    """All pictures, read before the work: one that is refused must not be met after hours."""
    found = []
    for name in dict.fromkeys(args.set or DEFAULT_SETS):
        for path in dataset_files(name, args.data)[: args.limit]:
            picture = read_picture(path)
            if min(picture.shape[:2]) < SIDE_MIN:
                raise UsageError(
                    f"{path} is {picture.shape[0]}x{picture.shape[1]}; this study needs at least "
                    f"{SIDE_MIN} pixels in both directions"
                )
            if args.crop is not None:
                picture = middle(picture, args.crop)
            found.append(Clean(set_name=name, name=path.name, picture=picture))
    return found


def _options(args: argparse.Namespace, noises: list[Noise], names: list[str]) -> dict[str, Any]:
    return {
        "sets": list(args.set or DEFAULT_SETS),
        "limit": args.limit,
        "crop": args.crop,
        "noises": [noise.name for noise in noises],
        "methods": names,
        "seed": args.seed,
    }


def _command(args: argparse.Namespace) -> str:
    """The command with all that differs from the defaults, but for the machine's own folders."""
    words = [f"python -m sw_model compare -o {OUTPUT}"]
    words += [f"--set {name}" for name in args.set or ()]
    words += [f"--deployment {Path(source).name}" for source in args.deployment or ()]
    defaults = {
        "limit": None,
        "crop": None,
        "noise": NOISES,
        "methods": METHODS,
        "seed": DEFAULT_SEED,
    }
    for name, default in defaults.items():
        if (value := getattr(args, name)) != default:
            words.append(f"--{name} {value}")
    return " ".join([*words, "--data DIR"] if args.data else words)
