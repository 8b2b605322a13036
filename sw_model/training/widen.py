"""A trained network as the start of a wider one.

The wider network computes what the narrow one does: its first channels are the narrow network's,
and what they and the output layer get from the others has no weight yet. The others start as any
new network does. A narrow network learns several times faster, since a step costs the square of
the channels.
"""

from __future__ import annotations

import torch

from sw_model.network.dncnn import DnCNN, NormalisedLayer
from sw_model.spec import UsageError


@torch.no_grad()
def widen(narrow: DnCNN, wide: DnCNN) -> None:
    """Puts the trained network ``narrow`` into the untrained, wider ``wide``.

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
    for ours, theirs in zip(wide.layers, narrow.layers, strict=True):
        assert isinstance(ours, NormalisedLayer) and isinstance(theirs, NormalisedLayer)
        if not ours.encoding:
            ours.weight[:channels, channels:] = 0
        inputs = theirs.weight.shape[1]
        ours.weight[:channels, :inputs] = theirs.weight
        for name in ("gamma", "beta", "running_mean", "running_var"):
            getattr(ours, name)[:channels] = getattr(theirs, name)
    wide.output_weight.zero_()
    wide.output_weight[:, :channels] = narrow.output_weight
    wide.output_bias.copy_(narrow.output_bias)
