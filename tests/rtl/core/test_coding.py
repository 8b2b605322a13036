"""The paper's neural coding in hardware: the same codes as by exact arithmetic."""

from dataclasses import asdict

import pytest

from rtl.core.layouts import NeuronWidths
from rtl.core.lif import LifProcessingElement
from sim.simulators.bench import SIMULATORS, component_verilog
from sw_model.coding import code_table
from sw_model.spec.fixed_point import signed_width, unsigned_width
from sw_model.studies.coding.integer import (
    currents,
    guaranteed_width,
    membrane_width,
    neuron_spec,
    threshold_of,
)
from sw_model.studies.coding.quality import CONVERSIONS, GREYS, LIF_HARD
from tests.rtl.running import run_sources

TIMESTEPS = 8
UNITS = 255 << (TIMESTEPS - 1)
"""Units of current for x = 1: currents of all grey levels are integers, and no code can differ."""
HIGHEST = 3 * UNITS
"""Largest current tried: the paper's neuron fires in every timestep from x = 2 on."""


def cases_of(coding):
    """Return current and exact spikes of every grey level."""
    table = code_table(coding.neuron, TIMESTEPS)
    codes = table.encode(255 * coding.low + (coding.high - coding.low) * GREYS, 255)
    spikes = table.spikes[codes].astype(int).tolist()
    return list(zip(currents(coding, 255, UNITS).tolist(), spikes, strict=True))


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_constant_currents_give_the_papers_codes(simulator):
    component = LifProcessingElement(
        neurons=[neuron_spec(coding) for coding in CONVERSIONS],
        widths=NeuronWidths(
            sum=signed_width(0, HIGHEST),
            bias=1,
            threshold=unsigned_width(2 * UNITS),
            current=signed_width(0, HIGHEST),
            # One bit more than grey levels need, for currents beyond the table's last threshold.
            membrane=membrane_width(LIF_HARD, TIMESTEPS, UNITS) + 1,
        ),
    )
    arguments = {
        "units": UNITS,
        "kinds": [
            (str(asdict(neuron_spec(coding))), threshold_of(coding, UNITS), cases_of(coding))
            for coding in CONVERSIONS
        ],
    }
    assert membrane_width(LIF_HARD, TIMESTEPS, UNITS) == guaranteed_width(LIF_HARD, TIMESTEPS, 255)
    sources = component_verilog(component, "lif")
    run_sources(simulator, sources, "lif", "coding_bench", arguments)
