"""A trained network as the start of a wider one.

The wider network computes the same function: its first channels are those of the narrow network,
and their weights, like those of the output layer, are zero for the other channels. The other
channels start with usual initial weights. A narrow network trains several times faster, because
the cost of a step grows with the square of the channels.
"""

from __future__ import annotations

import torch

from sw_model.network.dncnn import DnCNN, NormalisedLayer
from sw_model.spec import UsageError


@torch.no_grad()
def widen(narrow: DnCNN, wide: DnCNN) -> None:
    """Copies the trained network ``narrow`` into the untrained, wider ``wide``.

    Raises
    ------
    UsageError
        The depths differ, or ``wide`` has fewer channels.
    """
    channels, others = narrow.spec.channels, wide.spec.channels
    if len(narrow.layers) != len(wide.layers) or channels > others:
        raise UsageError(
            f"a network of {len(narrow.layers) + 1} layers of {channels} channels cannot start one "
            f"of {len(wide.layers) + 1} layers of {others}; the depth must be the same and the "
            "channels as many or more"
        )
    for target, source in zip(wide.layers, narrow.layers, strict=True):
        assert isinstance(target, NormalisedLayer) and isinstance(source, NormalisedLayer)
        if not target.encoding:
            target.weight[:channels, channels:] = 0
        inputs = source.weight.shape[1]
        target.weight[:channels, :inputs] = source.weight
        for name in ("gamma", "beta", "running_mean", "running_var"):
            getattr(target, name)[:channels] = getattr(source, name)
    wide.output_weight.zero_()
    wide.output_weight[:, :channels] = narrow.output_weight
    wide.output_bias.copy_(narrow.output_bias)
