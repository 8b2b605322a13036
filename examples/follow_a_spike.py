"""Follow one spike from the golden model's trace to the waveform of the generated Verilog.

    .venv/bin/python examples/follow_a_spike.py -o build/spike
    .venv/bin/python examples/follow_a_spike.py --image photo.png --crop 10,20,5,4 -o build/spike
    .venv/bin/python examples/follow_a_spike.py --layer 5 --number 100 -o build/spike

The golden model gives the layer, pixel, step and channel of a spike, with the neuron's current,
membrane and threshold. Icarus then runs the Verilog of the same network on the same pixels, and the
event word with that spike is found in the waveform of the stream `trace`. The folder contains the
Verilog, the testbench, the vectors, and `trace.vcd` for a waveform viewer. The example takes about
a minute; larger crops take Icarus much longer.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtl.generate.onchip import TOP
from sim.commands.vectors import BENCH, write_vectors
from sim.compare import job
from sim.targets import TARGETS
from sim.targets.rtl import make_hardware
from sw_model import UsageError, trace
from sw_model.golden.result import LayerTrace
from sw_model.pictures.options import DEFAULT_SIGMA, describe
from sw_model.spec.packing import WORD_BITS
from sw_model.support.cli import run_program
from sw_model.support.errors import Failure
from sw_model.support.files import replacing_folder
from sw_model.support.processes import run
from sw_model.support.progress import phases
from sw_model.support.tools import check_program

WAVES = "trace.vcd"
SIGNALS = ("clk", "trace_valid", "trace_layer", "trace_word", "cycles")
"""Signals of the testbench in the waveform."""
DUMP = f"""\
module dump;
  initial begin
    $dumpfile("{WAVES}");
    $dumpvars(0, {", ".join(f"{BENCH.stem}.{name}" for name in SIGNALS)});
  end
endmodule
"""


@dataclass(frozen=True, kw_only=True)
class Spike:
    """Position and time of a spike; ``word`` is its event word, with bit c for channel c."""

    layer: int
    y: int
    x: int
    t: int
    channel: int
    word: int

    def __str__(self) -> str:
        pixel = f"pixel y {self.y}, x {self.x}"
        return f"layer {self.layer}, {pixel}, step {self.t}, channel {self.channel}"


@dataclass(frozen=True, kw_only=True)
class Beat:
    """A cycle with a word on the stream `trace`; time as in the waveform, ten units per cycle."""

    time: int
    cycle: int
    layer: int
    word: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the example."""
    parser.description = "Follow one spike from the golden model's trace to the Verilog's waveform."
    job.add_arguments(parser, DEFAULT_SIGMA)
    parser.add_argument(
        "--layer", type=int, default=1, help="layer, 0 is the encoding layer; default: %(default)s"
    )
    parser.add_argument(
        "--number", type=int, default=0, help="number of the layer's spike; default: %(default)s"
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")


def main(args: argparse.Namespace) -> None:
    """Follow a spike."""
    check_program("this example", "iverilog", "iverilog", "-V")
    frame = job.make_job(args, TARGETS["icarus"].crop)
    layers = trace(frame.pixels, frame.deployment, frame.timesteps, membranes=True).layers
    spike = find_spike(layers, args.layer, args.number)
    show("picture", f"{frame.picture.name}, {frame.crop}; noise: {frame.noise}")
    show("network", describe(frame.deployment, frame.timesteps))
    show("spike", f"{spike}")
    thresholds = frame.deployment.thresholds[spike.layer]
    show("neuron", neuron_state(layers[spike.layer], spike, thresholds))

    with replacing_folder(args.output, "a spike") as folder, phases() as phase:
        write_vectors(frame, make_hardware(frame.deployment, *job.max_size(args), phase), folder)
        phase("simulating in Icarus")
        simulate(folder)
        beats = parse_waveform((folder / WAVES).read_text(encoding="utf-8"))
        # Golden model and stream have the same order: rows, columns, timesteps.
        position = (spike.y * frame.pixels.shape[1] + spike.x) * frame.timesteps + spike.t
        beat = [beat for beat in beats if beat.layer == spike.layer][position]
    digits = -(-layers[spike.layer].channels // 4)
    source = f"layers[{spike.layer}].words[{spike.y}, {spike.x}, {spike.t}]"
    show("golden word", f"{spike.word:0{digits}x}  {source}, bit {spike.channel} is 1")
    source = f"trace_word at the clock's edge at time {beat.time} of {args.output / WAVES}"
    show("RTL word", f"{beat.word:0{digits}x}  {source}, cycle {beat.cycle} of the frame")
    if beat.word != spike.word:
        raise Failure("the Verilog's word differs from the golden model's")


def show(name: str, text: str) -> None:
    """Print one line with its name."""
    print(f"{name:11} {text}", flush=True)


def find_spike(layers: Sequence[LayerTrace], layer: int, number: int) -> Spike:
    """A spike by its number in a layer, in the stream's order: rows, columns, timesteps, channels.

    Raises
    ------
    UsageError
        There is no such layer, or it has fewer spikes.
    """
    if not 0 <= layer < len(layers):
        raise UsageError(f"--layer {layer} is not in 0..{len(layers) - 1}")
    fired = np.argwhere(layers[layer].spikes.transpose(2, 3, 0, 1))
    if not 0 <= number < len(fired):
        raise UsageError(f"--number {number}: layer {layer} has {len(fired)} spikes, from 0 on")
    y, x, t, channel = map(int, fired[number])
    # Words of 64 channels, the lowest channels first.
    parts = layers[layer].words[y, x, t]
    word = sum(int(part) << (WORD_BITS * index) for index, part in enumerate(parts))
    return Spike(layer=layer, y=y, x=x, t=t, channel=channel, word=word)


def neuron_state(layer: LayerTrace, spike: Spike, thresholds: npt.NDArray[np.integer]) -> str:
    """Current, membrane and threshold of the neuron at its spike."""
    assert layer.currents is not None and layer.charged is not None, "traced with membranes=True"
    index = (spike.t, spike.channel, spike.y, spike.x)
    current, membrane = layer.currents[index], layer.charged[index]
    return f"current {current}, membrane {membrane} >= threshold {thresholds[spike.channel]}"


def simulate(folder: Path) -> None:
    """Run the testbench on the vectors, compare its results, and keep the waveform.

    Raises
    ------
    Failure
        The testbench does not build, or the Verilog differs from the golden model.
    """
    (folder / "dump.v").write_text(DUMP, encoding="utf-8")
    sources = [BENCH.name, f"{TOP}.v", "dump.v"]
    tops = ["-s", BENCH.stem, "-s", "dump"]
    for command in (["iverilog", "-g2005", "-o", "bench", *tops, *sources], ["vvp", "-n", "bench"]):
        done = run(command, cwd=folder)
        message = (done.stdout + done.stderr).strip().rpartition("\n")[2]
        if done.returncode or message.startswith("FAIL"):
            raise Failure(f"{command[0]}: {message or f'exit code {done.returncode}'}")


def parse_waveform(waveform: str) -> list[Beat]:
    """The words on the stream `trace` in a value change dump.

    Like a flip-flop, it samples the values before the clock's rising edge.
    """
    names: dict[str, str] = {}
    values = dict.fromkeys(SIGNALS, "x")
    edge: dict[str, str] | None = None
    time, beats = 0, []
    for line in [*waveform.splitlines(), "#"]:
        if line.startswith("$var"):
            # $var wire 32 ! trace_word [31:0] $end
            names[line.split()[3]] = line.split()[4]
        elif line.startswith("#"):
            if edge is not None and edge["trace_valid"] == "1":
                layer, word, cycle = (int(edge[signal], 2) for signal in SIGNALS[2:])
                beats.append(Beat(time=time, cycle=cycle, layer=layer, word=word))
            before, edge = dict(values), None
            time = int(line[1:] or 0)
        elif line[:1] in "01xz" and (name := names.get(line[1:])):
            if name == "clk" and values[name] == "0" and line[0] == "1":
                edge = before
            values[name] = line[0]
        elif line.startswith("b"):
            value, code = line[1:].split()
            values[names[code]] = value
    return beats


if __name__ == "__main__":
    sys.exit(run_program("examples/follow_a_spike.py", __name__))
