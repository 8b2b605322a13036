"""Every method on every picture with every noise: PSNR, processor time, and time on the clock."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from threadpoolctl import threadpool_limits

from sw_model.pictures.arrays import Picture
from sw_model.pictures.metrics import psnr
from sw_model.support.machine import processors

from .methods import Method, Sample, eight_bit
from .noises import Noise
from .weights import Weights

WARM = 32
"""Side of the crop on which a method is called once before it is measured."""


@dataclass(frozen=True, kw_only=True)
class Clean:
    """A clean picture, and the set that it is of."""

    set_name: str
    name: str
    picture: Picture

    @property
    def megapixels(self) -> float:
        """Millions of pixels; one of three colours is one pixel."""
        return self.picture.shape[0] * self.picture.shape[1] / 1e6


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a method made of a noisy picture.

    Attributes
    ----------
    psnr
        dB, of the result rounded to 8 bits; infinite where nothing is wrong.
    cpu
        Seconds of processor time, of all threads and child processes, in user mode and system.
    wall
        Seconds on the clock, which depend on whatever else the machine does.
    """

    psnr: float
    cpu: float
    wall: float
    picture: Picture


@dataclass(frozen=True, kw_only=True)
class Case:
    """A picture with a noise, and what the methods made of it, by their names.

    Attributes
    ----------
    level
        What methods were told, in grey levels.
    noisy
        PSNR of the noisy picture in dB, its pixels as they are.
    """

    clean: Clean
    noise: Noise
    level: float
    noisy: float
    results: Mapping[str, Result]


def cpu_seconds() -> float:
    """Processor time of this process, all its threads, and its children that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(of.ru_utime + of.ru_stime for of in used)


@contextmanager
def one_thread() -> Iterator[None]:
    """Numerical libraries have one thread in the block, and the process one processor.

    The golden model has a thread for each processor that its process may use.
    """
    own = processors()
    with threadpool_limits(1):
        if not hasattr(os, "sched_setaffinity"):  # only Linux has it
            yield
            return
        os.sched_setaffinity(0, own[-1:])
        try:
            yield
        finally:
            os.sched_setaffinity(0, own)


def run(method: Method, sample: Sample, clean: Picture) -> Result:
    """One measured call."""
    cpu, wall = cpu_seconds(), time.perf_counter()
    values = method.run(sample)
    cpu, wall = cpu_seconds() - cpu, time.perf_counter() - wall
    picture = eight_bit(values)
    return Result(psnr=psnr(clean, picture), cpu=cpu, wall=wall, picture=picture)


def sample_of(clean: Picture, noise: Noise, seed: int, weights: Weights) -> Sample:
    """What all methods get of a picture."""
    pixels = noise.put(clean, seed)
    weight = weights.get((clean.ndim, noise.name), 0.0)
    return Sample(pixels=pixels, level=noise.level(pixels), gain=noise.gain, weight=weight)


def measure(
    cleans: Sequence[Clean],
    noises: Sequence[Noise],
    methods: Sequence[Method],
    seed: int,
    weights: Weights,
    told: Callable[[int, int, str], None],
) -> Iterator[Case]:
    """All pictures with all noises, one method after the other on each.

    Parameters
    ----------
    seed
        Of every picture's noise.
    told
        Gets the calls done, how many there are, and what is next.
    """
    whole = len(cleans) * len(noises) * len(methods)
    done = 0
    with one_thread():
        for clean in {clean.picture.ndim: clean for clean in reversed(cleans)}.values():
            # Once each, for all that is compiled or loaded by a first call.
            for method in methods:
                told(done, whole, f"warming up {method.label}")
                small = clean.picture[:WARM, :WARM]
                method.run(sample_of(small, noises[0], seed, weights))
        for clean in cleans:
            for noise in noises:
                sample = sample_of(clean.picture, noise, seed, weights)
                results = {}
                for method in methods:
                    told(done, whole, f"{clean.name}, {noise.label}: {method.label}")
                    results[method.name] = run(method, sample, clean.picture)
                    done += 1
                yield Case(
                    clean=clean,
                    noise=noise,
                    level=sample.level,
                    noisy=psnr(clean.picture, sample.pixels),
                    results=results,
                )
