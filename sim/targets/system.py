"""Simulation of a frame on the accelerator with AXI ports and a memory model in C++."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rtl.axi.accelerator import System
from rtl.flow.verilog import verilog_text
from sim.simulators.bench import BUILD_ROOT
from sim.simulators.errors import BenchFailure
from sw_model.host import driver
from sw_model.spec import Deployment
from sw_model.spec.hardware.loading import load_writes
from sw_model.spec.hardware.registers import REGISTERS
from sw_model.spec.hardware.strips import bands, network_columns, strips
from sw_model.spec.hardware.system_cycles import MemoryTiming, network_system_cycles
from sw_model.support.processes import PIPE, child
from sw_model.support.temporary import keep, temporary_folder

from .system_build import TOP, build_system

LIMIT_CYCLES = 100_000
"""Cycle limit of a run beyond twice the expected cycles."""
MEMORY = MemoryTiming(read=20, write=10)
"""Default latencies in cycles, those of a fast SDRAM controller."""

Progress = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class SystemResult:
    """The accelerator's results for a frame.

    Attributes
    ----------
    maps
        Event words of every spiking layer, (H, W, T, words) each.
    denoised
        (H, W) uint8.
    layer_cycles
        Cycles of every layer that ended.
    registers
        Final value of every readable register.
    """

    maps: list[npt.NDArray[np.uint64]]
    denoised: npt.NDArray[np.uint8]
    layer_cycles: list[int]
    registers: dict[str, int]

    @property
    def counters(self) -> dict[str, int]:
        """The performance counters."""
        return {
            name: driver.counter(self.registers[f"{name}_LOW"], self.registers[f"{name}_HIGH"])
            for name in driver.counter_offsets()
        }


@dataclass(frozen=True, kw_only=True)
class SystemRun:
    """A frame, and the memory model's configuration.

    Parameters
    ----------
    pixels
        (H, W) noisy pixels.
    memory
        Latencies.
    spread_seed
        Seed of random pauses and latencies on all channels; 0 for none.
    loaded
        Deployment to load first; by default the hardware's own is used.
    failing
        Byte ranges, (address, bytes), for which the memory returns errors.
    base
        Address of the first buffer.
    """

    pixels: npt.NDArray[np.integer]
    timesteps: int
    memory: MemoryTiming = MEMORY
    spread_seed: int = 0
    loaded: Deployment | None = None
    failing: Sequence[tuple[int, int]] = field(default_factory=tuple)
    base: int = 0x1000


class SystemSimulation:
    """The accelerator of one deployment, built at its first run.

    Parameters
    ----------
    deployment
        The network.
    columns
        Input columns of the widest strip; None for as many as fit block RAM.
    engines
        Number of engines that share a frame's rows, 1 or 2.
    optimisation
        Optimisation option of the C++ compiler.
    """

    def __init__(
        self,
        deployment: Deployment,
        columns: int | None = None,
        *,
        engines: int = 1,
        optimisation: str = "-O3",
        build_root: Path = BUILD_ROOT,
    ):
        self.deployment = deployment
        self.engines = engines
        self.columns = network_columns(deployment.spec) if columns is None else columns
        self._root = build_root
        self._optimisation = optimisation

    @cached_property
    def _program(self) -> Path:
        system = System(deployment=self.deployment, columns=self.columns, engines=self.engines)
        text = verilog_text(system, TOP, system.ports)
        return build_system(text, self._root, self._optimisation, self.engines)

    def build(self) -> None:
        """Build now; raises the same errors as `run`."""
        assert self._program

    def job(self, run: SystemRun) -> driver.FrameJob:
        """The driver's job for the run's frame."""
        height, width = run.pixels.shape
        return driver.frame_job(self.deployment, height, width, run.timesteps, run.base)

    def expected_cycles(self, run: SystemRun, maps: Sequence[npt.NDArray[np.uint64]]) -> list[int]:
        """Cycles of each layer from the cycle model, for a run without pauses.

        Parameters
        ----------
        maps
            Event words of every spiking layer.
        """
        addresses = self.job(run).addresses
        return network_system_cycles(
            self.deployment.spec,
            maps,
            run.pixels.shape,
            self.columns,
            run.memory,
            addresses,
            self.engines,
        )

    def layer_events(self, words: npt.NDArray[np.uint64]) -> int:
        """Number of events of a layer's input that the arrays process; halos count twice."""
        return sum(int(np.bitwise_count(part).sum()) for part in self._parts(words))

    def word_cycles(self, words: npt.NDArray[np.uint64]) -> int:
        """Cycles for the words of a layer's input, without the overhead of strips.

        The sum over all engines.
        """
        events = np.bitwise_count(words).sum(axis=-1, dtype=np.int64)
        costs = np.maximum(events, words.shape[-1])
        return sum(int(part.sum()) for part in self._parts(costs))

    def _parts(self, frame: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
        """Parts of (H, W, ...) that are read, halos included: per strip and engine."""
        height, width = frame.shape[:2]
        for strip in strips(width, self.columns):
            for band in bands(height, self.engines):
                rows = frame[band.start : band.start + band.rows]
                yield rows[:, strip.start : strip.start + strip.columns]

    def run(
        self, run: SystemRun, expected_cycles: int, progress: Progress = lambda layers: None
    ) -> SystemResult:
        """Denoise a frame.

        Parameters
        ----------
        expected_cycles
            Without pauses; the run is stopped if it takes far more.
        progress
            Called with the number of finished layers.

        Raises
        ------
        UsageError
            Verilator is missing.
        BenchFailure
            The accelerator does not build, violated the bus protocol, wrote outside its buffers,
            did not end, or ended with an error.
        """
        (self._root / "runs").mkdir(parents=True, exist_ok=True)
        with temporary_folder(self._root / "runs", "system-") as folder:
            try:
                return self._run(run, expected_cycles, progress, folder)
            except BenchFailure:
                keep(folder)
                raise

    def _run(
        self, run: SystemRun, expected_cycles: int, progress: Progress, folder: Path
    ) -> SystemResult:
        """As `run`, in an empty folder."""
        job = self.job(run)
        layers = len(self.deployment.spec.layers)
        (folder / "noisy.bin").write_bytes(job.buffers.pack_noisy(run.pixels))
        (folder / "job.txt").write_text(self._script(run, job, expected_cycles), encoding="utf-8")
        cycles, registers = [], {}
        offsets = {register.offset: name for name, register in REGISTERS.items()}
        with child([self._program, folder], stdout=PIPE, stderr=PIPE) as process:
            assert process.stdout is not None and process.stderr is not None
            for line in process.stdout:
                key, *numbers = line.split()
                if key == "layer":
                    cycles.append(int(numbers[1]))
                    progress(len(cycles))
                elif key == "register":
                    registers[offsets[int(numbers[0])]] = int(numbers[1])
            error = process.stderr.read().strip()
            process.wait()
        if process.returncode:
            raise BenchFailure(f"{TOP}: {error or process.returncode}; see {folder}")
        status = driver.status(registers["STATUS"])
        if status.error != "none" or not status.done or status.busy:
            raise BenchFailure(f"{TOP} ended with {status}; see {folder}")
        dumps = [(folder / f"layer_{layer:02}.bin").read_bytes() for layer in range(layers)]
        return SystemResult(
            maps=[job.buffers.unpack_map(dump) for dump in dumps[:-1]],
            denoised=job.buffers.unpack_denoised(dumps[-1]),
            layer_cycles=np.diff([0, *cycles]).tolist(),
            registers=registers,
        )

    def _script(self, run: SystemRun, job: driver.FrameJob, expected_cycles: int) -> str:
        sizes, layers = job.buffers.sizes, len(self.deployment.spec.layers)
        end = max(job.addresses[name] + size for name, size in sizes.items())
        # One page more than the buffers, so that writes beyond them are detected.
        lines = [
            f"memory {end + 4096}",
            f"latency {run.memory.read} {run.memory.write}",
            f"load noisy.bin {job.addresses['NOISY']}",
            f"limit {2 * expected_cycles * (4 if run.spread_seed else 1) + LIMIT_CYCLES}",
        ]
        if run.spread_seed:
            lines.append(f"spread {run.spread_seed}")
        lines += [f"fail {address} {size}" for address, size in run.failing]
        for name in ("DENOISED", "MAP_A", "MAP_B"):
            lines.append(f"window {job.addresses[name]} {sizes[name]}")
        for layer in range(layers):
            name = "DENOISED" if layer == layers - 1 else "MAP_B" if layer % 2 else "MAP_A"
            lines.append(f"dump {layer} {job.addresses[name]} {sizes[name]}")
        writes = list(load_writes(self.deployment, run.loaded)) if run.loaded else []
        writes += job.start(interrupt=True)
        lines += [f"write {offset} {value}" for offset, value in writes]
        return "\n".join(lines) + "\n"
