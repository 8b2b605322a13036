"""The golden model: the integers that every target must give, in whatever order it computes.

It follows `sw_model.spec.neuron.EQUATION` and `sw_model.spec.fixed_point.ROUNDING_SHIFT` and knows
nothing of hardware: no lanes, strips or derived widths. Two engines give the same integers:
`sw_model.golden.reference` is plain and has wide integers, `sw_model.golden.events` is fast.

The package holds the frozen network's arithmetic in software, and its optimisations. It imports
`sw_model.spec` and `sw_model.support`, and no hardware, pictures or PyTorch.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import RLock
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from sw_model.spec import GREY_MAX, PIXEL_MAX, PIXEL_MIN, Deployment
from sw_model.support.forking import hold_while_forking
from sw_model.support.machine import processors

from .activity import Activity
from .arithmetic import rounding_shift
from .planes import from_planes, to_planes
from .result import GoldenResult, LayerTrace, Visit
from .tiling import Progress, Tile, Work, tiles

IntArray = npt.NDArray[np.integer]
Engine = Literal["events", "values", "reference"]

TILE = 1024
"""Side of a tile: its two maps of 64 channels and 8 timesteps take 140 MB."""

_loading = RLock()
hold_while_forking(_loading)


class Network(Protocol):
    """A frozen network on one of the engines."""

    def run(self, planes: npt.NDArray[np.int64], work: Work, visit: Visit) -> npt.NDArray[np.int64]:
        """Return R of every position, (P, H, W), for a picture's planes (P, H, W).

        ``visit`` gets every spiking layer's trace, in order.
        """
        ...


def denoise(
    deployment: Deployment,
    pixels: IntArray,
    timesteps: int | None = None,
    *,
    level: float | None = None,
    trace: bool | Literal["spikes"] = False,
    progress: Progress | None = None,
    engine: Engine | None = None,
    threads: int | None = None,
) -> GoldenResult:
    """Denoise a picture with the frozen network.

    Memory besides the trace: two activation maps of a tile, 8 * T bytes per pixel for each
    64 channels, and a few megabytes per thread. A trace of spikes takes as much for every layer of
    the picture; a full trace takes 24 * T bytes more per neuron and layer, so it is for crops.

    Parameters
    ----------
    pixels
        (H, W) integers in -512..511, at least one; (H, W, 3) for a network of three colours.
    timesteps
        T, one of those that the deployment allows; the largest by default.
    level
        Standard deviation of the noise in grey levels, for a network that takes it; rounded to
        a sixteenth.
    trace
        Keep every layer's spikes (``"spikes"``), and its currents and membranes too (True).
    progress
        Called with the work done and the total, in pixels times layers.
    engine
        For the rate code ``"events"`` or ``"reference"``; by default events if they support the
        request: they trace no currents and membranes, and have no sums beyond 32 bits. For the
        few-spike code ``"values"``, the default, or ``"reference"``; neither traces currents.
    threads
        Number of threads; by default one per processor that the process may use.

    Raises
    ------
    TypeError
        T is not an integer.
    UsageError
        The deployment does not allow this T, or this level.
    ValueError
        The pixels have a wrong shape, type or range, or the engine does not support the request.
    """
    spec = deployment.spec
    timesteps = spec.timesteps_max if timesteps is None else timesteps
    mult = deployment.mult(timesteps)
    timesteps = int(timesteps)  # numpy's may be too narrow to calculate with
    _check_pixels(pixels, spec.colours)
    wide = pixels.astype(np.int64)
    planes = to_planes(wide, spec.planes)
    network = _network(deployment, timesteps, spec.level_units(level), engine, trace is True)

    height, width = planes.shape[1:]
    # Each layer adds a pixel of halo. A full trace is never tiled.
    side = max(height, width) if trace is True else TILE
    parts = tiles(height, width, side, halo=len(spec.layers))
    total = np.empty_like(planes)
    counts = [0] * len(spec.spiking_layers)
    traces: list[LayerTrace] = []
    amount = sum(part.pixels for part in parts) * len(spec.layers)
    with ThreadPoolExecutor(threads or len(processors())) as pool:
        work = Work(pool, amount, progress)
        for part in parts:
            visit = _visit(part, counts, traces if trace else None, (height, width))
            outer, inner, kept = ((slice(None), *s) for s in (part.outer, part.inner, part.kept))
            total[inner] = network.run(planes[outer], work, visit)[kept]
    found = rounding_shift(total * mult, spec.layers[-1].shift)
    residual = from_planes(found, spec.planes, wide.shape)
    return GoldenResult(
        denoised=np.clip(wide - residual, 0, GREY_MAX).astype(np.uint8),
        residual=residual,
        total=total[0] if spec.inputs == 1 else total,
        activity=Activity(spike_counts=tuple(counts), neurons=spec.channels * height * width),
        timesteps=timesteps,
        layers=tuple(traces),
    )


def _network(
    deployment: Deployment, timesteps: int, level: int | None, engine: Engine | None, full: bool
) -> Network:
    if deployment.spec.code == "binary":
        if full or engine == "events":
            raise ValueError(
                "a network of the few-spike code has no engine of events and traces no membranes"
            )
        with _loading:
            from .few_spikes import SpikeNetwork, ValueNetwork

        if engine == "reference":
            return SpikeNetwork(deployment, level)
        with _loading:
            from .values import CompiledValueNetwork, supports_values

        compiled = supports_values(deployment, level)
        return (CompiledValueNetwork if compiled else ValueNetwork)(deployment, level)
    deployment.spec.check_plain("this engine of the rate code")
    if engine == "values":
        raise ValueError("the engine of values is for the few-spike code")
    if engine != "reference" and not full:
        # Compiled code is loaded only if it runs.
        with _loading:
            from .events import EventNetwork, supports

        if supports(deployment, timesteps):
            return EventNetwork(deployment, timesteps)
    if engine == "events":
        raise ValueError(
            "the engine of events gives no currents and membranes; take the reference"
            if full
            else "the engine of events cannot run this deployment: its sums may need more than 32 "
            "bits, or its rows of weights more than 16; or NUMBA_DISABLE_JIT is set"
        )
    with _loading:
        from .reference import ReferenceNetwork

    return ReferenceNetwork(deployment, timesteps, keep=full)


def _visit(
    part: Tile, counts: list[int], traces: list[LayerTrace] | None, shape: tuple[int, int]
) -> Visit:
    """Return a visitor that counts a tile's spikes and copies its events to the traces."""

    def visit(index: int, layer: LayerTrace) -> None:
        words = layer.words[part.kept]
        counts[index] += int(np.bitwise_count(words).sum(dtype=np.int64))
        if traces is None:
            return
        if layer.currents is not None:
            traces.append(layer)
            return
        if index == len(traces):
            empty = np.empty((*shape, *words.shape[2:]), np.uint64)
            traces.append(LayerTrace(channels=layer.channels, words=empty))
        traces[index].words[part.inner] = words

    return visit


def _check_pixels(pixels: IntArray, colours: int) -> None:
    fits = pixels.ndim == 2 if colours == 1 else pixels.ndim == 3 and pixels.shape[2] == colours
    if not fits or not pixels.size or not np.issubdtype(pixels.dtype, np.integer):
        wanted = "[H, W]" if colours == 1 else f"[H, W, {colours}]"
        raise ValueError(
            f"pixels are {pixels.dtype} {list(pixels.shape)}, not integers of shape {wanted}, "
            f"each at least 1"
        )
    if pixels.min() < PIXEL_MIN or pixels.max() > PIXEL_MAX:
        raise ValueError(
            f"pixels reach from {pixels.min()} to {pixels.max()}, "
            f"outside of {PIXEL_MIN}..{PIXEL_MAX}"
        )
