"""The costs of a layer by item, and the theta at which two networks cost the same.

`sw_model.spec.cost.model` defines the items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

ARITHMETIC = ("synapses", "sums", "neurons")
MEMORY = ("weights", "line_buffers", "maps")
Scope = Literal["arithmetic", "all"]


@dataclass(frozen=True, kw_only=True)
class LayerCost:
    """Cost of a layer; costs of the same layer for several frames can be added.

    Attributes
    ----------
    operations, useful
        SOP of the spiking, MAC of the dense network, and those of them inside the frame. The
        spiking encoding layer has none: it adds pixels' bits, not spikes.
    synapses, sums, neurons
        Energy of arithmetic, pJ.
    weights, line_buffers, maps
        Energy of memory, pJ.
    weight_traffic, line_buffer_traffic, map_traffic
        Bits read and written.
    """

    operations: int
    useful: int
    synapses: float
    sums: float
    neurons: float
    weights: float
    line_buffers: float
    maps: float
    weight_traffic: int
    line_buffer_traffic: int
    map_traffic: int

    def energy(self, scope: Scope = "all") -> float:
        """Energy in pJ, with the memories or without."""
        return sum(getattr(self, item) for item in _items(scope))

    def __add__(self, other: LayerCost) -> LayerCost:
        return LayerCost(**{f.name: getattr(self, f.name) + getattr(other, f.name) for f in FIELDS})


FIELDS = fields(LayerCost)


def break_even_theta(
    spiking: Sequence[LayerCost], dense: Sequence[LayerCost], theta: float, scope: Scope
) -> float | None:
    """The theta from which on the spiking network costs more than the dense one.

    All layers' spikes are scaled alike, so that the shares of the layers stay as measured. The
    spiking network's energy is then a straight line in theta, whose offset is the energy without
    spikes.

    Parameters
    ----------
    spiking, dense
        Costs of the same frames; ``spiking`` measured at ``theta`` spikes per neuron.
    scope
        With the memories or without.

    Returns
    -------
    float or None
        None if there is none: the spiking network costs more even without a spike, or no layer
        spiked, so that their shares are unknown.
    """
    driven = [item for item in ("synapses", "weights") if item in _items(scope)]
    per_theta = sum(getattr(layer, item) for layer in spiking[1:] for item in driven)
    fixed = sum(layer.energy(scope) for layer in spiking) - per_theta
    left = sum(layer.energy(scope) for layer in dense) - fixed
    if per_theta == 0 or left < 0:
        return None
    return theta * left / per_theta


def _items(scope: Scope) -> tuple[str, ...]:
    return ARITHMETIC if scope == "arithmetic" else ARITHMETIC + MEMORY
