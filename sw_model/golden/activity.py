"""How much a network spikes, on which its work and energy depend."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Activity:
    """Spikes of one or more denoised pictures; two activities of the same network can be added.

    Parameters
    ----------
    spike_counts
        Spikes of each spiking layer over all T timesteps.
    neurons
        Neurons of one layer: channels times pixels.
    """

    spike_counts: tuple[int, ...]
    neurons: int

    @property
    def layer_thetas(self) -> tuple[float, ...]:
        """Theta of each spiking layer: spikes over T timesteps per neuron (paper, eq. 9)."""
        return tuple(count / self.neurons for count in self.spike_counts)

    @property
    def theta(self) -> float:
        """Theta of the network: over the neurons of all spiking layers."""
        return sum(self.spike_counts) / (self.neurons * len(self.spike_counts))

    def __add__(self, other: Activity) -> Activity:
        return Activity(
            spike_counts=tuple(map(sum, zip(self.spike_counts, other.spike_counts, strict=True))),
            neurons=self.neurons + other.neurons,
        )
