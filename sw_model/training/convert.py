"""A float DnCNN's weights as the start of a spiking network: scales matched, means calibrated.

A neuron without leak and with soft reset fires at a rate of 0 to 1, a rectified sum has no upper
end. Dividing what a channel gives by what it hardly ever exceeds, and multiplying the next layer's
weights by it, changes nothing else (Rueckauer et al., 2017). What clipping and rounding still move
is then corrected layer by layer, each behind those that are corrected already: offsets bring every
channel's mean back to that of the float network (after Li et al., 2021). Batch norms get the
statistics of what now comes in, and gains and offsets that make up for it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sw_model.network.dncnn import PIXEL_SCALE, DnCNN, NormalisedLayer, SpikingDnCNN
from sw_model.spec import NeuronSpec, UsageError

CEILING = 0.99
"""Share of a channel's values that do not exceed what becomes a rate of 1. With eight levels a
higher one costs more by rounding than it saves by clipping, see docs/log/training.md."""
ROUNDS = 4
"""Corrections of the offsets: the mean of clipped rates is no linear function of them."""


@torch.no_grad()
def convert(source: DnCNN, target: SpikingDnCNN, pixels: Tensor, calibration: str) -> None:
    """Put a float DnCNN's weights into a spiking network of the same layers.

    Parameters
    ----------
    source
        With ReLU, in evaluation mode.
    target
        Spikes or rates; its weights change.
    pixels
        Noisy patches (B, 1, H, W), whose activations are matched.
    calibration
        ``"none"``: weights as they are; ``"scales"``: so that rates of 0 to 1 hold the float
        network's values; ``"layers"``: with the means corrected layer by layer as well.

    Raises
    ------
    UsageError
        The two have other layers, or the neurons' rates are no rectified sums.
    """
    if source.spec.channels != target.spec.channels or len(source.layers) != len(target.layers):
        raise UsageError(
            f"--convert: the float DnCNN has {len(source.layers) + 1} layers of "
            f"{source.spec.channels} channels, --config {target.spec.name} has "
            f"{len(target.layers) + 1} of {target.spec.channels}"
        )
    if target.spec.layers[0].neuron != NeuronSpec(leak=None, reset="soft"):
        raise UsageError(
            f"--convert is for neurons without leak and with soft reset, not those of "
            f"--config {target.spec.name}"
        )
    target.eval()
    x = y = pixels / PIXEL_SCALE
    incoming = torch.ones(())
    for theirs, ours in zip(source.layers, target.layers, strict=True):
        assert isinstance(theirs, NormalisedLayer)
        assert isinstance(ours, NormalisedLayer)
        x = theirs(x, torch.float32, False)
        ceiling = torch.ones_like(theirs.beta) if calibration == "none" else channel_ceiling(x)
        ours.weight.copy_(theirs.weight * incoming)
        ours.running_mean.copy_(theirs.running_mean)
        ours.running_var.copy_(theirs.running_var)
        ours.gamma.copy_(theirs.gamma / ceiling)
        ours.beta.copy_(theirs.beta / ceiling)
        if calibration == "layers":
            wanted = (x / ceiling[:, None, None]).mean((0, 1, 3, 4))
            for _ in range(ROUNDS):
                rates = ours(y, torch.float32, False).mean((0, 1, 3, 4))
                ours.beta.add_(wanted - rates)
        ours.rebase(y)
        y = ours(y, torch.float32, False)
        incoming = ceiling[:, None, None]
    target.output_weight.copy_(source.output_weight * incoming)
    target.output_bias.copy_(source.output_bias)
    if calibration == "layers":
        residuals = source.read_out(x.mean(0)), target.read_out(y.mean(0))
        target.output_bias.add_((residuals[0].mean() - residuals[1].mean()) / PIXEL_SCALE)
    target.train()


def channel_ceiling(activations: Tensor) -> Tensor:
    """What `CEILING` of each channel's values (1, B, C, H, W) do not exceed, (C,).

    Zeros count: a channel that is hardly ever above zero is clipped most. 1 where all but zero.
    """
    values = activations[0].transpose(0, 1).flatten(1)
    rank = max(1, round(CEILING * values.shape[1]))
    ceiling = values.kthvalue(rank, 1).values
    return torch.where(ceiling > 0, ceiling, 1.0)
