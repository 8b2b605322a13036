"""Sub-command ``denoise``: pictures in, pictures out."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np

from sw_model.pictures.arrays import DEEP_MAX, check_white
from sw_model.pictures.files import STANDARD
from sw_model.pictures.noise import add_noise
from sw_model.pictures.options import add_network_options, add_noise_options, network, noise
from sw_model.pictures.output import SUFFIXES
from sw_model.spec import UsageError
from sw_model.support.cli import MISTAKE, complain
from sw_model.support.files import check_output, staging_folder, write_atomically
from sw_model.support.machine import processors
from sw_model.support.packages import require_package
from sw_model.support.progress import progress

from .job import REPLACE, Progress, Settings, check_absent, denoise_file
from .noise_level import check_level, check_strength
from .outcome import Done, Failure, Outcome
from .plan import Plan, plan
from .poisson import check_gain
from .report import report, shown, single, table
from .workers import run_here, run_processes

EXAMPLES = """\
examples:
  python -m sw_model denoise castle.png -o denoised.png
  python -m sw_model denoise castle.png -o denoised.png --noise 25   (add noise, measure PSNR)
  python -m sw_model denoise photos -o denoised --jobs 4             (a folder and all below it)
  python -m sw_model denoise 'photos/*.tif' more -o denoised --json report.json
  python -m sw_model denoise photos -o denoised --resume             (those that are missing)
  python -m sw_model denoise photos -o denoised --dask tcp://host:8786
  python -m sw_model denoise camera.tif -o denoised.tif --white 4095   (12 bits, stored as 16)
  camera | python -m sw_model denoise - -o - --format .png | viewer

exit code: 0 if all files were done; 2 for a mistake or a file that cannot be read or written over,
1 if only the system failed (disk, memory); of several files, the others are still done.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = (
        "Denoise pictures with a frozen network, whatever the level of their noise.\n\n"
        f"Files: {', '.join(SUFFIXES)}.\n"
        "Colour is denoised channel by channel, pages one by one; transparency is kept. PNG,\n"
        "TIFF, PGM and PPM of 16 bits keep their depth: the network sees 0..255, and the noise\n"
        "that it finds is subtracted from the 16-bit values. Arrays (.npy): uint8, uint16 as\n"
        "16-bit pictures, other integers as noisy pixels -512..511.\n"
        "With --noise, pictures must be clean and are used as 8-bit: noise is added first, to a\n"
        "colour picture with SEED, SEED + 1 and SEED + 2, and PSNR and SSIM before and after are\n"
        "printed."
    )
    parser.epilog = EXAMPLES
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="IN",
        help="file; folder, its structure is kept; a pattern in quotes, such as 'a/**/*.png'; or - "
        "for standard input",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="file for one input file; else a folder, which is made if it does not exist (a name "
        "that ends in / is a folder); - for standard output",
    )
    parser.add_argument(
        "--white",
        type=int,
        metavar="N",
        help=f"full scale of 16-bit values, 4095 for 12 bits (default: what the file says, else "
        f"{DEEP_MAX}; files whose values are all far below it need this option)",
    )
    parser.add_argument(
        "--format",
        metavar="SUFFIX",
        help="format on standard output, .png for example (default: the input's)",
    )
    parser.add_argument("--force", action="store_true", help="replace outputs that exist")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="of several files, do those whose outputs do not exist yet",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        help="number of files in parallel, a process each, which share the processors "
        "(default: one per processor; a single file uses all of them)",
    )
    parser.add_argument(
        "--dask", metavar="ADDRESS", help="use the Dask cluster with this scheduler instead"
    )
    parser.add_argument(
        "--json", metavar="FILE", help="write the figures as JSON; - prints only them"
    )
    add_network_options(parser)
    parser.add_argument(
        "--level",
        type=float,
        metavar="SIGMA",
        help="standard deviation of the pictures' noise in grey levels (default: estimated for "
        "each channel); networks that take no level are for 25: there pixels are not scaled, as in "
        "the hardware",
    )
    parser.add_argument(
        "--strength",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="multiply the noise level by this: above 1 smooths more (default: 1)",
    )
    parser.add_argument(
        "--poisson",
        type=float,
        nargs="?",
        const=0.0,
        metavar="GAIN",
        help="the noise grows with brightness, as that of photons: GAIN grey levels for each "
        "photon (default: estimated)",
    )
    add_noise_options(parser, sigma=None)


def main(args: argparse.Namespace) -> int:
    """Run the sub-command."""
    added = noise(args)
    if added is None and (args.seed is not None or args.protocol is not None):
        raise UsageError(
            "--seed and --protocol describe the noise that --noise SIGMA adds; give it too"
        )
    if added is not None:
        require_package("skimage")  # needed for the figures, at the end
        # Invalid noise is one mistake, not one per file.
        add_noise(np.zeros((1, 1), np.uint8), added.sigma, added.seed, added.protocol)
    check_level(args.level)
    check_strength(args.strength)
    check_gain(args.poisson or None)
    if args.poisson is not None and args.level is not None:
        raise UsageError("give either --level or --poisson, not both: one noise or the other")
    if args.jobs is not None and args.jobs < 1:
        raise UsageError(f"--jobs {args.jobs} is not 1 or more")
    if args.jobs is not None and args.dask is not None:
        raise UsageError("give either --jobs or --dask, not both: a cluster has its own workers")
    if args.resume and args.force:
        raise UsageError("give either --resume or --force, not both: one keeps what is there")
    try:
        check_white(args.white)
    except ValueError as error:
        raise UsageError(f"--{error}") from None
    todo = plan(args.inputs, args.output)
    to_standard = todo.tasks[0].target == STANDARD
    if args.format is not None and not to_standard:
        raise UsageError("--format is for -o -; elsewhere the name of the output says its format")
    if to_standard and args.json == "-":
        raise UsageError("--json - and -o - cannot both go to standard output; give one a file")
    json_file = None if args.json in (None, "-") else Path(args.json)
    if json_file is not None and json_file in {task.target for task in todo.tasks}:
        raise UsageError(f"--json and -o both name {json_file}; give different files")
    for option, given in (("--dask", args.dask is not None), ("--resume", args.resume)):
        if todo.folder is None and given:
            raise UsageError(f"{option} is for several files; give a folder, or leave it out")
    for path in [json_file, None if todo.folder or to_standard else todo.tasks[0].target]:
        if path is not None:
            check_output(path)
            advice = "give --json another name" if args.resume else REPLACE
            check_absent(path, args.force, advice)
    todo = todo.resumed() if args.resume else todo
    deployment, timesteps = network(args)
    settings = Settings(
        deployment=deployment,
        timesteps=timesteps,
        noise=added,
        level=args.level,
        strength=args.strength,
        poisson=args.poisson,
        force=args.force,
        white=args.white,
        suffix=args.format and args.format.lower(),
    )

    started = time.monotonic()
    if todo.folder is None:
        outcomes: list[Outcome] = [_one(todo, settings)]
    else:
        outcomes = _many(todo, settings, todo.folder, args.jobs, args.dask)
    content = (
        json.dumps(report(outcomes, settings, todo), indent=2, sort_keys=True, allow_nan=False)
        + "\n"
    )
    if json_file is not None:
        write_atomically(json_file, content.encode())
    if args.json == "-":
        sys.stdout.write(content)
    elif todo.folder is None and isinstance(outcomes[0], Done):
        # Standard output is for the picture alone.
        print(single(outcomes[0], settings), file=sys.stderr if to_standard else sys.stdout)
    else:
        print(table(outcomes, settings, todo, time.monotonic() - started))
    sys.stdout.flush()
    return _complain(outcomes)


def _one(todo: Plan, settings: Settings) -> Done:
    """Denoise a single file, whose errors are the command's."""
    task = todo.tasks[0]
    # Progress counts pixels times layers.
    scale = 1e-6 / len(settings.deployment.spec.layers)
    with progress(f"denoising {shown(task.source)}", unit="Mpixel", scale=scale) as bar:
        try:
            return denoise_file(task, settings, bar)
        except MemoryError:
            raise MemoryError(task.source) from None


def _many(
    todo: Plan, settings: Settings, folder: Path, jobs: int | None, dask: str | None
) -> list[Outcome]:
    """Denoise several files; return the outcomes in the order of the plan."""
    client = None
    if dask is not None:
        from sw_model.support.cluster import connect

        client = connect(dask)
    with ExitStack() as stack:
        staging = stack.enter_context(staging_folder(folder, folder))
        label = f"denoising {len(todo.tasks)} files"
        bar = stack.enter_context(progress(label, unit="files", scale=1))
        # In any case, the workers end before their folder is removed.
        running = stack.enter_context(closing(_run(todo, settings, staging, bar, jobs, client)))
        outcomes = {outcome.task: outcome for outcome in running}
    return [outcomes[task] for task in todo.tasks]


def _run(
    todo: Plan,
    settings: Settings,
    staging: Path,
    progress: Progress,
    jobs: int | None,
    client: object,
) -> Generator[Outcome, None, None]:
    if client is not None:
        from .dask import run_cluster

        return run_cluster(todo.tasks, settings, staging, progress, client)
    count = min(len(processors()) if jobs is None else jobs, len(todo.tasks))
    if count <= 1:
        return run_here(todo.tasks, settings, staging, progress)
    return run_processes(todo.tasks, settings, staging, progress, count)


def _complain(outcomes: Sequence[Outcome]) -> int:
    """Print all failures and return the exit code."""
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    for failed in failures:
        complain("python -m sw_model", failed.reason)
    if any(failed.mistake for failed in failures):
        return MISTAKE
    return 1 if failures else 0
