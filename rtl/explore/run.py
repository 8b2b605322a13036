"""Parallel syntheses: in processes of this machine or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rtl.flow.area import AREA, Area, area_folder, kept_area, measure_area
from rtl.flow.errors import SynthesisFailure
from rtl.flow.nextpnr import SPEED, place_and_route, placement_name
from rtl.flow.parallel import Tell, run_side_by_side
from rtl.flow.yosys import (
    COMPLETE,
    NETLISTS,
    check_tools,
    result_folder,
    synthesis_script,
    synthesise,
)
from sw_model.support.files import write_atomically
from sw_model.support.temporary import temporary_folder

AHEAD = 2
"""Designs submitted at a time for each thread of a cluster."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A design to synthesise.

    Parameters
    ----------
    label
        Description of the design for the progress display.
    text
        RTLIL.
    device
        One of `rtl.flow.nextpnr.DEVICES` to place and route it in; None for its area alone.
    """

    label: str
    text: str
    device: str | None = None

    def run(self, cache: Path) -> Area | float:
        """Return the design's area, or its clock frequency in MHz; cached results are reused."""
        if self.device is None:
            return measure_area(self.text, cache=cache)
        folder = synthesise(self.text, cache=cache)
        return place_and_route(folder, device=self.device, speed=SPEED, seed=0).fmax_mhz

    def kept(self, cache: Path) -> bool:
        """Return whether the cache has the result."""
        if self.device is None:
            return kept_area(area_folder(self.text, cache)) is not None
        script = synthesis_script("ecp5", *NETLISTS)
        folder = result_folder(self.text, script, cache, kind="netlist")
        report = folder / f"{placement_name(self.device, SPEED, 0)}.json"
        return (folder / COMPLETE).exists() and report.exists()


def run_here(tasks: Iterable[Task], *, cache: Path, jobs: int, tell: Tell) -> dict[str, Any]:
    """Run tasks on this machine, see `rtl.flow.parallel.run_side_by_side`."""
    work = ((task.label, partial(task.run, cache)) for task in tasks)
    return run_side_by_side(work, jobs=jobs, tell=tell)


def run_cluster(tasks: Iterable[Task], *, cache: Path, client: Any, tell: Tell) -> dict[str, Any]:
    """Run tasks on a cluster, to which designs and results are sent: it needs no shared files.

    Parameters
    ----------
    client
        From `sw_model.support.cluster.connect`; closed at the end. Others as in `run_here`.
    """
    from distributed import wait

    pending: dict[Any, Task] = {}
    results: dict[str, Any] = {}

    def collect(most: int) -> None:
        while len(pending) > most:
            tell(", ".join(task.label for task in pending.values()), len(results))
            with client.as_current():
                wait(list(pending), return_when="FIRST_COMPLETED")
            for future in [future for future in pending if future.done()]:
                task = pending.pop(future)
                try:
                    _keep(future.result(), cache)
                except Exception as error:  # such as a killed worker
                    raise SynthesisFailure(f"{task.label}, on the cluster: {error}") from None
                if not task.kept(cache):
                    tools = ", ".join(f"{name} {which}" for name, which in check_tools().items())
                    raise SynthesisFailure(
                        f"{task.label}: the cluster's tools are not those of this machine, {tools}"
                    )
                results[task.label] = task.run(cache)

    try:
        for task in tasks:
            if task.kept(cache):
                results[task.label] = task.run(cache)
                continue
            pending[client.submit(_remote, task, pure=False)] = task
            collect(AHEAD * max(1, sum(client.nthreads().values())))
        collect(0)
    finally:
        client.cancel(list(pending))
        client.close()
    return results


Files = dict[str, dict[str, bytes]]
"""Contents of files, by name, of folders, by name."""


def _remote(task: Task) -> Files:
    """Run a task on a worker and return all files that it wrote."""
    with temporary_folder() as cache:
        try:
            task.run(cache)
        except SynthesisFailure as error:
            # Without the path of the log, which is deleted with the folder.
            raise SynthesisFailure(str(error).partition("; see ")[0]) from None
        return {
            folder.name: {path.name: path.read_bytes() for path in folder.iterdir()}
            for folder in cache.iterdir()
        }


def _keep(result: Files, cache: Path) -> None:
    """Put a result into the cache, where it is valid only when complete."""
    for name, files in result.items():
        folder = cache / name
        folder.mkdir(parents=True, exist_ok=True)
        # These files mark a result as complete.
        last = (AREA, COMPLETE)
        for file in sorted(files, key=lambda file: file in last):
            write_atomically(folder / file, files[file])
