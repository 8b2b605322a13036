"""Peak memory of one contender on one picture, in a process of its own."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sw_model.spec import load_deployment
from sw_model.support.processes import run

from .machine import peak_memory


@dataclass(frozen=True)
class Task:
    """Task of the process; see the options of `sw_model.studies.bench.command`."""

    contender: str
    height: int
    width: int
    deployment: str
    threads: int
    seed: int
    data: str | None


@dataclass(frozen=True)
class Memory:
    """Peak memory in bytes: ``before`` denoising, with everything loaded, and at the end."""

    contender: str
    height: int
    width: int
    before: int
    peak: int


def measure(task: Task, program: Sequence[str] = ("-m", __name__)) -> Memory:
    """Run ``program``, by default `main`, in a fresh process.

    Raises
    ------
    OSError
        The process failed or was killed.
    """
    command = [sys.executable, *program, json.dumps(asdict(task))]
    # The child finds this package from any working folder.
    path = [str(Path(__file__).parents[3]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path)}
    done = run(command, env=environment)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise OSError(
            f"measuring the memory of {task.contender} at {task.width}x{task.height} ended with "
            f"code {done.returncode}: {last}"
        )
    before, peak = json.loads(done.stdout.splitlines()[-1])
    return Memory(task.contender, task.height, task.width, before, peak)


def main(argument: str) -> None:
    """Denoise once, and print the peaks as JSON."""
    import torch

    from sw_model.studies.coding.quality import load_pictures

    from .contenders import CONTENDERS, noisy

    task = Task(**json.loads(argument))
    torch.set_num_threads(task.threads)
    deployment = load_deployment(task.deployment)
    pixels = noisy(load_pictures(task.data).pictures[0], task.height, task.width, task.seed)
    make = CONTENDERS[task.contender].make
    run = make(deployment, deployment.spec.timesteps_max, task.threads)
    before = peak_memory()
    run(pixels)
    print(json.dumps([before, peak_memory()]))


if __name__ == "__main__":
    main(sys.argv[1])
