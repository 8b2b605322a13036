"""Simulation of frames on the accelerator, with results as arrays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rtl.generate.onchip import TOP, generate
from rtl.onchip.sequencer import COUNTER_BITS
from sim.compare.scoreboard import Trace, parse_trace, trace_line_length
from sim.simulators.bench import BUILD_ROOT, run_bench
from sim.simulators.errors import BenchFailure
from sw_model.spec import GREY_MAX, PIXEL_BITS, Deployment
from sw_model.spec.fixed_point import unsigned_width
from sw_model.support.progress import Phase, unseen
from sw_model.support.temporary import keep, temporary_folder

HARNESS = Path(__file__).with_name("rtl_harness.v")
BENCH = f"{__package__}.rtl_bench"
LIMIT_FACTOR = 4
"""Cycle limit of a run, relative to the expected cycles without stalls."""
LIMIT_CYCLES = 10_000
"""Additional cycles of the limit, for small frames."""
FRAME_MARK = "frame\n"
"""Line before the lines of each frame in the files that `HARNESS` writes."""
POLL_SECONDS = 0.2

Progress = Callable[[int], None]


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """An accelerator that can be simulated.

    Attributes
    ----------
    deployment
        The network of the hardware.
    max_height, max_width
        Largest frame.
    verilog
        Verilog text.
    library
        Further Verilog sources by file name.
    """

    deployment: Deployment
    max_height: int
    max_width: int
    verilog: str
    library: Mapping[str, str] = field(default_factory=dict)

    @property
    def widths(self) -> dict[str, int]:
        """Bits of the accelerator's ports, by the names of the benches' parameters."""
        spec = self.deployment.spec
        return {
            "CHANNELS": spec.channels,
            "LAYER_BITS": unsigned_width(len(spec.layers) - 1),
            "HEIGHT_BITS": unsigned_width(self.max_height),
            "WIDTH_BITS": unsigned_width(self.max_width),
            "TIMESTEPS_BITS": unsigned_width(spec.timesteps_max),
            "PIXEL_BITS": PIXEL_BITS,
            "GREY_BITS": unsigned_width(GREY_MAX),
            "COUNTER_BITS": COUNTER_BITS,
        }


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Noisy pixels, (H, W) in -512..511, and the T and noise level to denoise them with.

    The level is in sixteenths of a grey level, None for a network that takes none.
    """

    pixels: npt.NDArray[np.integer]
    timesteps: int
    level: int | None = None


@dataclass(frozen=True, kw_only=True)
class FrameResult:
    """The accelerator's results for a frame.

    Attributes
    ----------
    trace
        Event words of all spiking layers.
    pixels
        (N,) int64: denoised pixels in raster order.
    layer_ends
        (layers, 3) int64: layer, cycles and events since the frame's start, at each layer's end.
    """

    trace: Trace
    pixels: npt.NDArray[np.int64]
    layer_ends: npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """Results of all frames.

    Attributes
    ----------
    seconds
        Wall-clock time of the simulation, without building and start-up.
    failure
        Reason why the bench ended early; None if it passed.
    """

    frames: tuple[FrameResult, ...]
    seconds: float
    failure: str | None


def make_hardware(
    deployment: Deployment, max_height: int, max_width: int, phase: Phase = unseen
) -> Hardware:
    """Generate the Verilog of an accelerator; ``phase`` is called when a phase begins."""
    with temporary_folder() as folder:
        verilog = generate(
            deployment,
            max_height=max_height,
            max_width=max_width,
            folder=folder / TOP,
            phase=phase,
        ).read_text(encoding="utf-8")
    return Hardware(
        deployment=deployment, max_height=max_height, max_width=max_width, verilog=verilog
    )


def simulate(
    simulator: str,
    hardware: Hardware,
    frames: Sequence[Frame],
    *,
    expected_cycles: int,
    idle: float = 0.0,
    back_pressure: float = 0.0,
    seed: int = 1,
    waves: Path | None = None,
    progress: Progress = lambda done: None,
    build_root: Path = BUILD_ROOT,
) -> Simulation:
    """Denoise frames, one after the other.

    Parameters
    ----------
    expected_cycles
        Of all frames, without stalls. The simulation is stopped if it takes far more.
    idle, back_pressure
        Probabilities that the bench pauses before a pixel, and that it does not accept one.
    seed
        Seed of the pauses.
    waves
        Write waveforms to this file.
    progress
        Called regularly, from another thread, with the number of event words written so far.

    Raises
    ------
    UsageError
        The simulator is missing.
    BenchFailure
        The Verilog does not build or the simulation did not start.
    """
    widths = hardware.widths
    limit = LIMIT_FACTOR * expected_cycles + LIMIT_CYCLES
    runs = build_root / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    with temporary_folder(runs, prefix=f"denoiser-{simulator}-") as folder:
        for index, frame in enumerate(frames):
            text = "".join(f"{pixel}\n" for pixel in frame.pixels.reshape(-1))
            (folder / f"pixels_{index}.txt").write_text(text, encoding="utf-8")
        trace = folder / "trace.txt"
        ports = {"channels": widths["CHANNELS"], "layer_bits": widths["LAYER_BITS"]}
        line = trace_line_length(**ports)
        failure, seconds = None, 0.0
        try:
            with _polling(lambda: progress(trace.stat().st_size // line if trace.exists() else 0)):
                seconds = run_bench(
                    simulator,
                    {
                        f"{TOP}.v": hardware.verilog,
                        **hardware.library,
                        HARNESS.name: _harness(hardware),
                    },
                    toplevel=HARNESS.stem,
                    module=BENCH,
                    parameters=widths,
                    arguments=_arguments(frames, limit, idle, back_pressure),
                    seed=seed,
                    waves=waves,
                    work_dir=folder,
                    build_root=build_root,
                ).seconds
        except BenchFailure as error:
            keep(folder)
            if not trace.exists():
                raise
            failure = str(error)
        results = tuple(_read_frame(folder, index, ports) for index in range(len(frames)))
    return Simulation(frames=results, seconds=seconds, failure=failure)


def _harness(hardware: Hardware) -> str:
    """The harness, with the ports that this hardware has."""
    text = HARNESS.read_text(encoding="utf-8")
    levels = hardware.deployment.spec.noise_levels is not None
    return "`define TAKES_LEVEL\n" + text if levels else text


def _arguments(
    frames: Sequence[Frame], limit: int, idle: float, back_pressure: float
) -> dict[str, Any]:
    """Arguments of the bench."""
    return {
        "limit": round(limit / (1 - max(idle, back_pressure))),
        "idle": idle,
        "back_pressure": back_pressure,
        "frames": [
            {
                "height": frame.pixels.shape[0],
                "width": frame.pixels.shape[1],
                "timesteps": frame.timesteps,
                **({} if frame.level is None else {"level": frame.level}),
            }
            for frame in frames
        ],
    }


def _read_frame(folder: Path, index: int, ports: dict[str, int]) -> FrameResult:
    """Read the results of harness and bench for a frame, which may be incomplete."""

    def lines(name: str) -> str:
        # Text before the first mark belongs to no frame; the last line may be incomplete.
        frames = (folder / name).read_text(encoding="utf-8").split(FRAME_MARK)[1:]
        return frames[index] if index < len(frames) else ""

    pixels = folder / f"denoised_{index}.txt"
    numbers = pixels.read_text(encoding="utf-8").split() if pixels.exists() else []
    ends = lines("layers.txt")
    ends = ends[: ends.rfind("\n") + 1]
    return FrameResult(
        trace=parse_trace(lines("trace.txt").encode(), **ports),
        pixels=np.array(numbers, dtype=np.int64),
        layer_ends=np.array(ends.split(), dtype=np.int64).reshape(-1, 3),
    )


@contextmanager
def _polling(report: Callable[[], None]) -> Iterator[None]:
    """Call ``report`` every `POLL_SECONDS` from another thread until the block ends."""
    ended = threading.Event()

    def poll() -> None:
        while not ended.wait(POLL_SECONDS):
            report()

    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
