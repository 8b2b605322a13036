"""Conversion of a float DnCNN to a spiking network: scales matched, means calibrated.

A neuron without leak and with soft reset fires at a rate of 0 to 1; a ReLU has no upper bound.
Each channel's output is therefore divided by a high percentile of its values, and the next layer's
weights are multiplied by it, which leaves the function unchanged (Rueckauer et al., 2017). Clipping
and rounding still shift the means. They are corrected from the first layer to the last: offsets
bring every channel's mean back to that of the float network (after Li et al., 2021). Batch norms
then get the statistics of their new inputs, with gains and offsets that compensate the change.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sw_model.network.dncnn import PIXEL_SCALE, DnCNN, NormalisedLayer, SpikingDnCNN
from sw_model.spec import NeuronSpec, UsageError

CEILING = 0.99
"""Share of a channel's values that are at most the value of rate 1. With eight levels a higher
share costs more by rounding than it saves by clipping, see docs/log/training.md."""
ROUNDS = 4
"""Corrections of the offsets; several, because the mean of clipped rates is not linear in them."""


@torch.no_grad()
def convert(source: DnCNN, target: SpikingDnCNN, pixels: Tensor, calibration: str) -> None:
    """Copy a float DnCNN's weights into a spiking network with the same layers.

    Parameters
    ----------
    source
        The ReLU network, in evaluation mode.
    target
        The network of spikes or rates; its weights change.
    pixels
        Noisy patches (B, 1, H, W), whose activations are matched.
    calibration
        ``"none"``: unchanged weights; ``"scales"``: scaled so that the float network's values fit
        rates of 0 to 1; ``"layers"``: with the means corrected layer by layer as well.

    Raises
    ------
    UsageError
        The layers differ, or the neurons have a leak or a hard reset.
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
    for relu, spiking in zip(source.layers, target.layers, strict=True):
        assert isinstance(relu, NormalisedLayer)
        assert isinstance(spiking, NormalisedLayer)
        x = relu(x, torch.float32, False)
        ceiling = torch.ones_like(relu.beta) if calibration == "none" else channel_ceiling(x)
        spiking.weight.copy_(relu.weight * incoming)
        spiking.running_mean.copy_(relu.running_mean)
        spiking.running_var.copy_(relu.running_var)
        spiking.gamma.copy_(relu.gamma / ceiling)
        spiking.beta.copy_(relu.beta / ceiling)
        if calibration == "layers":
            wanted = (x / ceiling[:, None, None]).mean((0, 1, 3, 4))
            for _ in range(ROUNDS):
                rates = spiking(y, torch.float32, False).mean((0, 1, 3, 4))
                spiking.beta.add_(wanted - rates)
        spiking.rebase(y)
        y = spiking(y, torch.float32, False)
        incoming = ceiling[:, None, None]
    target.output_weight.copy_(source.output_weight * incoming)
    target.output_bias.copy_(source.output_bias)
    if calibration == "layers":
        residuals = source.read_out(x.mean(0)), target.read_out(y.mean(0))
        target.output_bias.add_((residuals[0].mean() - residuals[1].mean()) / PIXEL_SCALE)
    target.train()


def channel_ceiling(activations: Tensor) -> Tensor:
    """The `CEILING` quantile of each channel's values (1, B, C, H, W), (C,); 1 where it is 0.

    Zeros count, so a channel that is rarely above zero is clipped most.
    """
    values = activations[0].transpose(0, 1).flatten(1)
    rank = max(1, round(CEILING * values.shape[1]))
    ceiling = values.kthvalue(rank, 1).values
    return torch.where(ceiling > 0, ceiling, 1.0)
