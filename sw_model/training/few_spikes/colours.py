"""Starts a network for three colours from the weights of the same network for grey pictures."""

from __future__ import annotations

import torch
from torch import Tensor

from sw_model.spec import NetworkSpec

ENCODING, OUTPUT = "layers.0.weight", ("output_weight", "output_bias")


def with_colours(
    state: dict[str, Tensor], source: NetworkSpec, target: NetworkSpec
) -> dict[str, Tensor]:
    """Weights for ``target`` made of those for ``source``, both by name as in `FewSpikeDnCNN`.

    Encoding channel i takes the colour i mod the number of colours, each of which is noisy like a
    grey picture; their mean would be less noisy, and would leave the network no means to tell
    colours apart. Every colour gets the output of the grey picture.

    Parameters
    ----------
    state
        Returned as it is unless ``target`` has more input planes than ``source``, by a whole
        factor.
    """
    colours = target.inputs // source.inputs
    if source.inputs == target.inputs or target.inputs % source.inputs:
        return state
    changed = {name: torch.cat([state[name]] * colours) for name in OUTPUT}
    weight = state[ENCODING]
    chosen = torch.arange(len(weight)) % colours
    mask = (chosen[:, None] == torch.arange(colours)).repeat_interleave(source.inputs, 1)
    changed[ENCODING] = torch.cat([weight] * colours, 1) * mask[:, :, None, None]
    return state | changed
