"""Sub-command ``twin``: the spiking network against the plain DnCNN, both as hls4ml projects."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from hls.compile import check_compiler, cpu_seconds
from sim.compare import job
from sim.compare.scoreboard import compare
from sim.targets.hls import build_project, simulate_jobs
from sw_model.pictures.metrics import psnr
from sw_model.pictures.options import DEFAULT_SIGMA
from sw_model.spec import GREY_MAX, TAPS, UsageError
from sw_model.support.files import replacing_folder
from sw_model.support.progress import phases
from sw_model.support.temporary import temporary_folder

REPORT = "report.json"
CROP = "138,242,16,16"
REUSE_FACTOR = 64
"""Of the dense network's layers, unless another one is asked for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Denoise a picture with the spiking network and with the float DnCNN in 8-bit weights and "
        "activations, both in C simulation of their hls4ml projects, and hold operations, bits, "
        "time and PSNR side by side."
    )
    parser.epilog = "example: python -m sim twin --deployment best-s25 -o build/twin"
    job.add_arguments(parser, DEFAULT_SIGMA)
    parser.add_argument(
        "--baseline", type=Path, metavar="FILE", help="float DnCNN (default: the shipped one)"
    )
    parser.add_argument(
        "--reuse-factor",
        type=int,
        default=REUSE_FACTOR,
        metavar="N",
        help="hls4ml's, of the dense network's layers (default: %(default)s)",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write"
    )


def main(args: argparse.Namespace) -> int:
    """Run the sub-command."""
    check_compiler()
    if args.reuse_factor < 1:
        raise UsageError(f"--reuse-factor {args.reuse_factor} is not an integer of 1 or more")
    # PyTorch loads for seconds: a mistake of the user must show before.
    mine = job.make_job(args, CROP)
    from sw_model.network.baseline import SHIPPED, Baseline

    baseline = Baseline.load(args.baseline or SHIPPED)
    with replacing_folder(args.output, "HLS twin") as folder, phases() as phase:
        phase("spiking network")
        figures = {"spiking": spiking(mine)}
        phase("dense network")
        figures["dense"] = dense(mine, baseline, args, folder)
        content = json.dumps(figures, indent=2, sort_keys=True, allow_nan=False) + "\n"
        (folder / REPORT).write_text(content, encoding="utf-8")
    print(f"picture     {mine.picture.name}, {mine.crop}; noise {mine.noise}")
    print(f"{'':26}{'spiking':>14}{'dense':>14}")
    for name, value in figures["spiking"].items():
        print(f"{name.replace('_', ' '):26}{_text(value):>14}{_text(figures['dense'][name]):>14}")
    print(f"\nwritten     {args.output}")
    return 0 if figures["spiking"]["mismatches"] == 0 else 1


def spiking(mine: job.Job) -> dict[str, Any]:
    """Figures of the spiking network, compared with the golden model on the way."""
    spec = mine.deployment.spec
    size = (mine.pixels.shape[0], mine.pixels.shape[1])
    # Not where builds are kept: what was built before would take no time.
    with temporary_folder() as root:
        start = cpu_seconds()
        build_project(mine.deployment, size, mine.timesteps, build_root=root)
        compiled = cpu_seconds()
        (result,) = simulate_jobs([mine], build_root=root)
        simulated = cpu_seconds()
    golden = mine.golden
    compared = compare(mine.words, golden.denoised, result.trace, result.pixels)
    counts = golden.activity.spike_counts
    additions = sum(
        count * TAPS * layer.out_channels
        for count, layer in zip(counts, spec.layers[1:], strict=True)
    )
    return {
        "layers": len(spec.layers),
        "multiplications": TAPS * spec.channels * mine.pixels.size,
        "additions_of_weights": additions,
        "weight_bits": sum(
            layer.weight_bits * weight.size
            for layer, weight in zip(spec.layers, mine.deployment.weights, strict=True)
        ),
        "activation_bits_a_pixel": spec.channels * mine.timesteps,
        "cpu_seconds_to_compile": round(compiled - start, 2),
        "cpu_seconds_to_simulate": round(simulated - compiled, 2),
        "psnr": round(psnr(mine.clean, result.pixels.reshape(size).astype(np.uint8)), 2),
        "mismatches": compared.mismatches,
    }


def dense(mine: job.Job, baseline: Any, args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Figures of the dense network."""
    import torch

    from hls.dense_twin import ACTIVATION_BITS, WEIGHT_BITS, run_twin

    pixels = torch.from_numpy(mine.pixels.astype(np.int64))
    result = run_twin(baseline.layers, pixels, args.reuse_factor, folder)
    denoised = (pixels - result.residual).round().clamp(0, GREY_MAX).to(torch.uint8).numpy()
    weights = sum(weight.numel() for weight, _ in baseline.layers)
    multiplications = weights * mine.pixels.size
    return {
        "layers": len(baseline.layers),
        "multiplications": multiplications,
        "additions_of_weights": 0,
        "weight_bits": WEIGHT_BITS * weights,
        "activation_bits_a_pixel": ACTIVATION_BITS * len(baseline.layers[0][1]),
        "cpu_seconds_to_compile": round(result.compile_seconds, 2),
        "cpu_seconds_to_simulate": round(result.simulation_seconds, 2),
        "psnr": round(psnr(mine.clean, denoised), 2),
        "psnr_in_float": round(psnr(mine.clean, baseline.denoise(mine.pixels)), 2),
        "mismatches": None,
    }


def _text(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}"
