"""AXI4 and AXI4-Lite ports."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

DATA_BITS = 64
"""Width of the AXI4 data channels."""
WORD_BYTES = DATA_BITS // 8
ADDRESS_BITS = 32
SIZE = WORD_BYTES.bit_length() - 1
"""AxSIZE: log2 of the bytes of a beat."""
INCREMENTING = 1
"""AxBURST of ascending addresses."""
CACHE = 0b0011
"""AxCACHE: normal, non-cacheable, bufferable."""
OKAY, SLAVE_ERROR = 0, 2
"""Responses; both errors of AXI have bit 1 set."""


def _channel(
    name: str, flow: type[In] | type[Out], fields: Mapping[str, int]
) -> dict[str, wiring.Member]:
    """Members of one channel whose payload goes in the direction of ``flow``."""
    back = In if flow is Out else Out
    return {
        f"{name}valid": flow(1),
        f"{name}ready": back(1),
        **{f"{name}{field}": flow(bits) for field, bits in fields.items()},
    }


_ADDRESS = {
    "id": 1,
    "addr": ADDRESS_BITS,
    "len": 8,
    "size": 3,
    "burst": 2,
    "lock": 1,
    "cache": 4,
    "prot": 3,
}


class AxiReadSignature(wiring.Signature):
    """Read channels of AXI4 as a manager sees them, 64-bit data, 32-bit addresses, one ID."""

    def __init__(self) -> None:
        super().__init__(
            {
                **_channel("ar", Out, _ADDRESS),
                **_channel("r", In, {"id": 1, "data": DATA_BITS, "resp": 2, "last": 1}),
            }
        )


class AxiWriteSignature(wiring.Signature):
    """Write channels of AXI4, as `AxiReadSignature` describes them."""

    def __init__(self) -> None:
        super().__init__(
            {
                **_channel("aw", Out, _ADDRESS),
                **_channel("w", Out, {"data": DATA_BITS, "strb": WORD_BYTES, "last": 1}),
                **_channel("b", In, {"id": 1, "resp": 2}),
            }
        )


class AxiSignature(wiring.Signature):
    """All channels of AXI4.

    Members
    -------
    write : Out(AxiWriteSignature())
    read : Out(AxiReadSignature())
    """

    def __init__(self) -> None:
        super().__init__({"write": Out(AxiWriteSignature()), "read": Out(AxiReadSignature())})


class AxiLiteSignature(wiring.Signature):
    """AXI4-Lite as a manager sees it, 32-bit data.

    Parameters
    ----------
    address_bits
        Width of the byte addresses.
    """

    def __init__(self, address_bits: int) -> None:
        address = {"addr": address_bits, "prot": 3}
        super().__init__(
            {
                **_channel("aw", Out, address),
                **_channel("w", Out, {"data": 32, "strb": 4}),
                **_channel("b", In, {"resp": 2}),
                **_channel("ar", Out, address),
                **_channel("r", In, {"data": 32, "resp": 2}),
            }
        )
