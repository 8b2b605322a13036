"""Sub-command ``bench``: time and memory of the golden model, PyTorch and SNN libraries."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sw_model.pictures.options import DEFAULT_SEED
from sw_model.pictures.sets import DATA_VARIABLE
from sw_model.spec import UsageError
from sw_model.spec.deployment import HARDWARE_DEPLOYMENT, load_plain_deployment
from sw_model.studies.coding.quality import load_pictures
from sw_model.support.files import replacing_folder
from sw_model.support.machine import processors
from sw_model.support.options import add_deployment_option
from sw_model.support.progress import progress

from .contenders import CONTENDERS, EVENTS, noisy
from .figures import figures
from .machine import machine
from .measure import Setting, Timing, agreement, over_sizes, over_thetas
from .memory import Memory, Task, measure
from .report import FIGURES, REPORT, Benchmark, report, summary, values

OUTPUT = Path("build/bench")
"""Default folder."""
SIZES = "64,128,256,512,1024"
THETAS = "0.1,0.2,0.4,0.7,1.0"
THETA_SIZE = 256
FRAME = "3840x2160"
SIDE_MAX = 16384
REPEATS = 5
LIMIT = 30.0
DEPLOYMENT = "best-s25"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Time the golden model, PyTorch's float DnCNN, and the same spiking network in snnTorch "
        "and SpikingJelly on the same pictures, one after the other in each round, and measure "
        "their peak memory. Libraries that are not installed are left out."
    )
    parser.epilog = "example: python -m sw_model bench -o build/bench --sizes 64,256 --repeats 3"
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=OUTPUT,
        metavar="DIR",
        help="folder for text, figures and bench.json (default: %(default)s)",
    )
    parser.add_argument("--sizes", default=SIZES, metavar="N,N,...", help="default: %(default)s")
    parser.add_argument("--thetas", default=THETAS, metavar="X,X,...", help="default: %(default)s")
    parser.add_argument(
        "--theta-size",
        type=int,
        default=THETA_SIZE,
        metavar="N",
        help="side of the picture that theta is varied on (default: %(default)s)",
    )
    parser.add_argument(
        "--frame",
        default=FRAME,
        metavar="WxH",
        help="size of a further picture for the golden model's memory (default: %(default)s)",
    )
    parser.add_argument(
        "--repeats", type=int, default=REPEATS, metavar="N", help="rounds (default: %(default)s)"
    )
    parser.add_argument(
        "--limit",
        type=float,
        default=LIMIT,
        metavar="S",
        help="leave out a contender at sizes where a pass would take more than S seconds "
        "(default: %(default)g)",
    )
    parser.add_argument(
        "--threads",
        type=int,
        metavar="N",
        help="threads of all contenders (default: one per processor)",
    )
    add_deployment_option(parser, HARDWARE_DEPLOYMENT)
    parser.set_defaults(deployment=DEPLOYMENT)
    parser.add_argument(
        "--seed", type=int, default=DEFAULT_SEED, help="seed of the noise (default: %(default)s)"
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        help=f"folder that holds set12 (default: the variable {DATA_VARIABLE}; without either "
        "a photograph of scikit-image)",
    )


@dataclass(frozen=True)
class _Choices:
    """Checked options."""

    sizes: list[int]
    thetas: list[float]
    frame: tuple[int, int]
    threads: int


def main(args: argparse.Namespace) -> int:
    """Run the sub-command."""
    choices = _check(args)
    deployment = load_plain_deployment(args.deployment, "this study")
    clean = load_pictures(args.data)
    pictures = {
        size: noisy(clean.pictures[0], size, size, args.seed)
        for size in sorted({*choices.sizes, args.theta_size})
    }
    about = machine()  # first, so that the load average excludes the benchmark
    torch.set_num_threads(choices.threads)
    # The folder is opened first, so that an unusable one is refused before the work.
    with replacing_folder(args.output, REPORT) as folder, progress("starting") as bar:
        setting = Setting(
            deployment=deployment,
            threads=choices.threads,
            repeats=args.repeats,
            limit=args.limit,
            describe=bar.describe,
        )
        timings = list(over_sizes(setting, {size: pictures[size] for size in choices.sizes}))
        series = _thetas(setting, choices, args.theta_size, pictures[args.theta_size], timings)
        agreed = list(agreement(setting, pictures[choices.sizes[0]]))
        memory = list(_memory(args, choices, timings, setting))
        benchmark = Benchmark(
            machine=about,
            options=_options(args, choices),
            command=_command(args),
            deployment=deployment,
            picture=f"{clean.names[0]} of {clean.source}",
            sizes=tuple(timings),
            thetas=tuple(series),
            agreement=tuple(agreed),
            memory=tuple(memory),
        )
        (folder / FIGURES).mkdir()
        for name, content in figures(benchmark).items():
            (folder / FIGURES / name).write_bytes(content)
        (folder / "bench.json").write_text(
            json.dumps(values(benchmark), indent=1) + "\n", encoding="utf-8"
        )
        (folder / REPORT).write_text(report(benchmark), encoding="utf-8")
    print(summary(benchmark))
    print(f"written     {args.output}")
    return 0


def _thetas(
    setting: Setting, choices: _Choices, size: int, pixels: Any, timings: list[Timing]
) -> list[Timing]:
    own = {timing.contender: timing for timing in timings if timing.size == size}
    if not own:  # not one of the sizes: measure all available contenders
        own = {timing.contender: timing for timing in over_sizes(setting, {size: pixels})}
    return list(over_thetas(setting, choices.thetas, pixels, own))


def _memory(
    args: argparse.Namespace, choices: _Choices, timings: list[Timing], setting: Setting
) -> list[Memory]:
    """Memory of the timed contenders at each size, and of the golden model on the large frame."""
    width, height = choices.frame
    tasks = [(t.contender, t.size, t.size) for t in timings if t.seconds]
    results = []
    for name, rows, columns in [*tasks, (EVENTS, height, width)]:
        setting.describe(f"memory of {CONTENDERS[name].label}, {columns}x{rows}")
        task = Task(name, rows, columns, args.deployment, choices.threads, args.seed, args.data)
        results.append(measure(task))
    return results


def _check(args: argparse.Namespace) -> _Choices:
    if args.seed < 0:
        raise UsageError(f"seed {args.seed} is not 0 or more")
    if args.repeats < 1:
        raise UsageError(f"--repeats {args.repeats} is not 1 or more")
    if args.threads is not None and args.threads < 1:
        raise UsageError(f"--threads {args.threads} is not 1 or more")
    if not args.limit > 0:
        raise UsageError(f"--limit {args.limit:g} is not above 0 seconds")
    if not 1 <= args.theta_size <= SIDE_MAX:
        raise UsageError(f"--theta-size {args.theta_size} is not 1..{SIDE_MAX}")
    sizes = _numbers(args.sizes, int)
    if not sizes or not all(1 <= size <= SIDE_MAX for size in sizes):
        raise UsageError(
            f"--sizes {args.sizes!r} is not a list of different integers 1..{SIDE_MAX} with commas "
            "between them, such as 64,256"
        )
    thetas = _numbers(args.thetas, float)
    if not thetas or not all(0 < theta < float("inf") for theta in thetas):
        raise UsageError(
            f"--thetas {args.thetas!r} is not a list of different numbers above 0 with commas "
            "between them, such as 0.1,0.4"
        )
    frame = _numbers(args.frame.replace("x", ","), int, different=False)
    if len(frame) != 2 or not all(1 <= side <= SIDE_MAX for side in frame):
        raise UsageError(
            f"--frame {args.frame!r} is not a width and a height of 1..{SIDE_MAX}, such as {FRAME}"
        )
    return _Choices(
        sizes=sorted(sizes),
        thetas=sorted(thetas),
        frame=(frame[0], frame[1]),
        threads=args.threads or len(processors()),
    )


def _numbers(text: str, kind: Any, *, different: bool = True) -> list[Any]:
    """Numbers separated by commas; an empty list if the text is not such a list."""
    try:
        values = [kind(part) for part in text.split(",")]
    except ValueError:
        return []
    return [] if different and len(set(values)) < len(values) else values


def _command(args: argparse.Namespace) -> str:
    """The command with all options that differ from the defaults, without local folders."""
    defaults = {
        "sizes": SIZES,
        "thetas": THETAS,
        "theta_size": THETA_SIZE,
        "frame": FRAME,
        "repeats": REPEATS,
        "limit": LIMIT,
        "threads": None,
        "deployment": DEPLOYMENT,
        "seed": DEFAULT_SEED,
    }
    words = [f"python -m sw_model bench -o {OUTPUT}"]
    for name, default in defaults.items():
        if (value := getattr(args, name)) != default:
            shown = Path(value).name if name == "deployment" else value
            words.append(f"--{name.replace('_', '-')} {shown}")
    return " ".join([*words, "--data DIR"] if args.data else words)


def _options(args: argparse.Namespace, choices: _Choices) -> dict[str, Any]:
    return {
        "sizes": choices.sizes,
        "thetas": choices.thetas,
        "theta_size": args.theta_size,
        "frame": list(choices.frame),
        "repeats": args.repeats,
        "limit": args.limit,
        "threads": choices.threads,
        "seed": args.seed,
    }
