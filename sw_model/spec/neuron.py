"""The leaky integrate-and-fire neuron of one layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..support.errors import UsageError

LEAK_MAX = 8
FRACTIONAL_BITS_MAX = 8

EQUATION = """\
current[t]  = (sum of weight * spike[t] + bias) << F
leaky:        M[t] = M[t-1] - (M[t-1] >> k) + current[t]     (>> floors, negatives too)
no leak:      M[t] = M[t-1] + current[t]
spike[t]    = M[t] >= threshold
hard reset:   M[t] = 0 after a spike
soft reset:   M[t] = M[t] - threshold after a spike
M = init before t = 0 of every pixel"""
"""The neuron as text, for generated files and documentation.

From the paper's eq. 1 with V_reset = 0, tau = 2^k and M = 2^k * V * 2^F / s, where s is the scale
of the channel; without leak M = V * 2^F / s.
"""


BINARY_EQUATION = """\
a spike at step t counts 2^(T-1-t), most significant first
current     = sum over t of 2^(T-1-t) * (sum of weight * spike[t]) + bias, once a pixel
M           = current + init
for t = 0 ... T-1:
    spike[t] = M >= threshold << (T-1-t)
    M        = M - (threshold << (T-1-t)) after a spike"""
"""The few-spike neuron as text: its spikes are the binary digits, from the highest, of
clamp(floor(M / threshold), 0, 2^T - 1).

An IF neuron with soft reset whose membrane doubles every step while its threshold stays (Stöckl and
Maass, 2021).
"""


@dataclass(frozen=True, kw_only=True)
class NeuronSpec:
    """Kind of the neurons of one layer; see `EQUATION`.

    Parameters
    ----------
    leak
        k of the membrane time constant tau = 2^k timesteps, or None for no leak (IF).
        1 is the paper's neuron.
    reset
        ``"hard"`` sets the membrane to zero after a spike, ``"soft"`` subtracts the threshold.
    fractional_bits
        F: bits that currents and membranes carry below the unit of the weighted sum.

    Raises
    ------
    UsageError
        A value is outside of what the datapath supports.
    """

    leak: int | None = 1
    reset: Literal["hard", "soft"] = "hard"
    fractional_bits: int = 0

    def __post_init__(self) -> None:
        if self.leak is not None and not _is_int_in(self.leak, 1, LEAK_MAX):
            raise UsageError(f"neuron leak {self.leak!r} is not None or an integer 1..{LEAK_MAX}")
        if self.reset not in ("hard", "soft"):
            raise UsageError(f"neuron reset {self.reset!r} is not 'hard' or 'soft'")
        if not _is_int_in(self.fractional_bits, 0, FRACTIONAL_BITS_MAX):
            raise UsageError(
                f"neuron fractional_bits {self.fractional_bits!r} is not an integer "
                f"0..{FRACTIONAL_BITS_MAX}"
            )

    @property
    def threshold_unit(self) -> int:
        """Membrane units per unit of V / s: the integer threshold is ceil(Vth / s * this)."""
        return 1 << (self.fractional_bits + (self.leak or 0))


def _is_int_in(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
