"""Sub-command ``twin``: compare spiking network and plain DnCNN, both as hls4ml projects."""

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
"""Default reuse factor of the dense network's layers."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Denoise a picture with the spiking network and with the float DnCNN in 8-bit weights and "
        "activations, both in C simulation of their hls4ml projects, and compare operations, bits, "
        "time and PSNR."
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
        help="hls4ml reuse factor of the dense network's layers (default: %(default)s)",
    )
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write"
    )


def main(args: argparse.Namespace) -> int:
    """Run the sub-command."""
    check_compiler()
    if args.reuse_factor < 1:
        raise UsageError(f"--reuse-factor {args.reuse_factor} is not an integer of 1 or more")
    # PyTorch takes seconds to load, so check the user's input first.
    frame_job = job.make_plain_job(args, CROP)
    from sw_model.network.baseline import SHIPPED, Baseline

    baseline = Baseline.load(args.baseline or SHIPPED)
    with replacing_folder(args.output, "HLS twin") as folder, phases() as phase:
        phase("spiking network")
        figures = {"spiking": spiking(frame_job)}
        phase("dense network")
        figures["dense"] = dense(frame_job, baseline, args, folder)
        content = json.dumps(figures, indent=2, sort_keys=True, allow_nan=False) + "\n"
        (folder / REPORT).write_text(content, encoding="utf-8")
    print(f"picture     {frame_job.picture.name}, {frame_job.crop}; noise {frame_job.noise}")
    print(f"{'':26}{'spiking':>14}{'dense':>14}")
    for name, value in figures["spiking"].items():
        print(f"{name.replace('_', ' '):26}{_text(value):>14}{_text(figures['dense'][name]):>14}")
    print(f"\nwritten     {args.output}")
    return 0 if figures["spiking"]["mismatches"] == 0 else 1


def spiking(frame_job: job.Job) -> dict[str, Any]:
    """Figures of the spiking network, including the comparison with the golden model."""
    spec = frame_job.deployment.spec
    size = (frame_job.pixels.shape[0], frame_job.pixels.shape[1])
    # Not in the build cache: a cached build would have no compile time.
    with temporary_folder() as root:
        start = cpu_seconds()
        build_project(frame_job.deployment, size, frame_job.timesteps, build_root=root)
        compiled = cpu_seconds()
        (result,) = simulate_jobs([frame_job], build_root=root)
        simulated = cpu_seconds()
    golden = frame_job.golden
    compared = compare(frame_job.words, golden.denoised, result.trace, result.pixels)
    counts = golden.activity.spike_counts
    additions = sum(
        count * TAPS * layer.out_channels
        for count, layer in zip(counts, spec.layers[1:], strict=True)
    )
    return {
        "layers": len(spec.layers),
        "multiplications": TAPS * spec.channels * frame_job.pixels.size,
        "additions_of_weights": additions,
        "weight_bits": sum(
            layer.weight_bits * weight.size
            for layer, weight in zip(spec.layers, frame_job.deployment.weights, strict=True)
        ),
        "activation_bits_a_pixel": spec.channels * frame_job.timesteps,
        "cpu_seconds_to_compile": round(compiled - start, 2),
        "cpu_seconds_to_simulate": round(simulated - compiled, 2),
        "psnr": round(psnr(frame_job.clean, result.pixels.reshape(size).astype(np.uint8)), 2),
        "mismatches": compared.mismatches,
    }


def dense(
    frame_job: job.Job, baseline: Any, args: argparse.Namespace, folder: Path
) -> dict[str, Any]:
    """Figures of the dense network."""
    import torch

    from hls.dense_twin import ACTIVATION_BITS, WEIGHT_BITS, run_twin

    pixels = torch.from_numpy(frame_job.pixels.astype(np.int64))
    result = run_twin(baseline.layers, pixels, args.reuse_factor, folder)
    denoised = (pixels - result.residual).round().clamp(0, GREY_MAX).to(torch.uint8).numpy()
    weights = sum(weight.numel() for weight, _ in baseline.layers)
    multiplications = weights * frame_job.pixels.size
    return {
        "layers": len(baseline.layers),
        "multiplications": multiplications,
        "additions_of_weights": 0,
        "weight_bits": WEIGHT_BITS * weights,
        "activation_bits_a_pixel": ACTIVATION_BITS * len(baseline.layers[0][1]),
        "cpu_seconds_to_compile": round(result.compile_seconds, 2),
        "cpu_seconds_to_simulate": round(result.simulation_seconds, 2),
        "psnr": round(psnr(frame_job.clean, denoised), 2),
        "psnr_in_float": round(psnr(frame_job.clean, baseline.denoise(frame_job.pixels)), 2),
        "mismatches": None,
    }


def _text(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}"
