"""Area and speed of some components in another version of `rtl/`, for docs/log/synthesis.md.

Usage: python scripts/compare_parts.py [FOLDER]

FOLDER holds another version of the package `rtl`, such as
`git archive COMMIT rtl | tar -x -C FOLDER`
leaves it; without it, the components of this version are measured.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
if len(sys.argv) > 1:
    # The components of the other version, the tools of this one.
    sys.path.insert(0, str(Path(sys.argv[1]).resolve()))
import rtl.netlist  # noqa: E402

import rtl  # noqa: E402 - from the folders above, as all imports below


def load(name: str) -> ModuleType:
    """A module of this version's `rtl`, in the place of the other's."""
    spec = importlib.util.spec_from_file_location(f"rtl.{name}", ROOT / "rtl" / f"{name}.py")
    module = sys.modules[f"rtl.{name}"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# The components build on their own version's `rtl.stream.vectors`, the tools on this one's.
netlist = rtl.netlist
netlist.ports = load("netlist").ports
sys.modules["rtl.stream.vectors"] = netlist
for module in ("errors", "registered_pins", "tool_process", "synth_tools", "placement"):
    load(module)

from rtl.event_encoder import EventEncoder  # noqa: E402
from rtl.lif_array import LifArray  # noqa: E402
from rtl.placement import place_and_route  # noqa: E402
from rtl.registered_pins import RegisteredPins  # noqa: E402
from rtl.scatter import Scatter  # noqa: E402
from rtl.synapse_array import SynapseArray  # noqa: E402
from rtl.synth_tools import design_text, synthesise  # noqa: E402

from sw_model.spec import load_deployment  # noqa: E402

DEPLOYMENT = "best-s25"
CHANNELS = 4


def main() -> None:
    """Measure and print a row a component."""
    deployment = load_deployment(DEPLOYMENT)
    spec, widths = deployment.spec, deployment.widths
    shared = len(sys.argv) > 1  # the other version has one array for all layers
    layers = slice(None) if shared else slice(1, -1)
    weight_bits = max(layer.weight_bits for layer in spec.layers[layers])
    lane_bits = max(layer.lane for layer in widths.layers[layers])
    sum_bits = max(layer.sum for layer in widths.layers[layers])
    steps = spec.timesteps_max
    later = inspect.signature(LifArray).parameters  # than the first version with such an array
    current = {"current_bits": widths.current} if "current_bits" in later else {}
    parts = {
        f"event encoder, {spec.channels} channels": EventEncoder(channels=spec.channels),
        f"synapse array, {9 * CHANNELS} lanes": SynapseArray(
            lanes=9 * CHANNELS, weight_bits=weight_bits, lane_bits=lane_bits
        ),
        f"scatter, {CHANNELS} channels": Scatter(
            channels=CHANNELS,
            lane_bits=lane_bits,
            sum_bits=sum_bits,
            max_width=512 // steps,
            max_steps=steps,
        ),
        f"LIF array, {CHANNELS} channels": LifArray(
            channels=CHANNELS,
            neurons=list(dict.fromkeys(layer.neuron for layer in spec.spiking_layers)),
            max_steps=steps,
            encoding_shift=spec.layers[0].shift,
            sum_bits=widths.sum,
            bias_bits=widths.bias,
            threshold_bits=widths.threshold,
            membrane_bits=widths.membrane,
            **current,
        ),
    }
    print(f"{Path(rtl.__file__).parent}: {DEPLOYMENT}, LFE5U-85F-8, seed 0")
    for name, part in parts.items():
        wrapper = RegisteredPins({"part": part})
        folder = synthesise(design_text(wrapper))
        placed = place_and_route(folder, device="LFE5U-85F", speed=8, seed=0)
        print(
            f"{name:30} {placed.used['TRELLIS_COMB']:6} LUT4 {placed.used['TRELLIS_FF']:6} FF "
            f"{placed.used['DP16KD']:3} RAM {placed.fmax_mhz:7.1f} MHz  "
            f"{placed.path['from']} to {placed.path['to']}",
            flush=True,
        )


if __name__ == "__main__":
    main()
