"""Contents of the accelerator's memories, for loading another deployment at run time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from sw_model.spec.deployment import Deployment
from sw_model.spec.encoding_tables import encoding_rows, table_bits
from sw_model.spec.network import TAPS
from sw_model.spec.packing import channel_groups, weight_row
from sw_model.support.errors import UsageError

from .cycles import GROUP_CHANNELS
from .registers import HASH_REGISTERS, REGISTER_BITS, REGISTERS, load_memory


@dataclass(frozen=True)
class LoadRow:
    """A row of one of the memories.

    Attributes
    ----------
    memory
        Its name in `sw_model.spec.hardware.registers.LOAD_MEMORIES`.
    chunks
        The row's bits, 32 at a time, from the lowest.
    """

    memory: str
    row: int
    chunks: tuple[int, ...]


def check_fits(hardware: Deployment, deployment: Deployment) -> None:
    """Raise `UsageError` unless hardware made for one deployment can run another one.

    Both must have the same network, and the numbers must fit the hardware's widths, which follow
    from the first deployment.
    """
    if replace(deployment.spec, name=hardware.spec.name) != hardware.spec:
        raise UsageError(
            f"deployment {deployment.hash[:16]} has another network than {hardware.hash[:16]}, "
            f"which the hardware was made for; layers, channels, timesteps, neurons, weight "
            f"widths and shifts must be the same"
        )
    needed = _hardware_widths(deployment)
    for name, offered in _hardware_widths(hardware).items():
        wanted = needed[name]
        if wanted > offered:
            raise UsageError(
                f"deployment {deployment.hash[:16]} needs {wanted} bits for its {name}; the "
                f"hardware has {offered}"
            )


def load_rows(hardware: Deployment, deployment: Deployment) -> Iterator[LoadRow]:
    """Yield all rows that load ``deployment`` into hardware that was made for another one.

    Raises
    ------
    UsageError
        The deployment does not fit, see `check_fits`.
    """
    check_fits(hardware, deployment)
    spec, widths = hardware.spec, hardware.widths
    hidden_bits = max(layer.weight_bits for layer in spec.layers[1:-1])
    channels = range(spec.channels)
    groups = channel_groups(spec.channels, GROUP_CHANNELS)
    for layer, weights in enumerate(deployment.weights[1:-1]):
        for channel in channels:
            row = layer * spec.channels + channel
            lanes = weight_row(weights, channel)
            chunks: list[int] = []
            for group in groups:
                # Each group of output channels has a memory of its own.
                group_lanes = [lanes[tap * spec.channels + c] for tap in range(TAPS) for c in group]
                chunks += _row(group_lanes, hidden_bits)
            yield LoadRow("hidden", row, tuple(chunks))
    for channel in channels:
        last = weight_row(deployment.weights[-1], channel)
        yield LoadRow("output", channel, _row(last, spec.layers[-1].weight_bits))
    bits = table_bits(spec.layers[0].weight_bits)
    taps = deployment.weights[0].reshape(spec.channels, -1).tolist()
    for index, numbers in enumerate(encoding_rows(taps)):
        parts = [_row([numbers[c] for c in group], bits) for group in groups]
        yield LoadRow("encoding", index, tuple(chunk for part in parts for chunk in part))
    for layer, constants in enumerate(
        zip(deployment.biases[:-1], deployment.thresholds, deployment.inits, strict=True)
    ):
        for channel, values in enumerate(zip(*constants, strict=True)):
            # Bias, threshold and init.
            fields = (widths.bias, widths.threshold, widths.membrane)
            packed = _pack(zip(map(int, values), fields, strict=True))
            yield LoadRow("neurons", layer * spec.channels + channel, _chunks(packed))
    bias = int(deployment.biases[-1][0])
    for index, steps in enumerate(spec.timesteps):
        mult = deployment.mult(steps)
        total_bits = widths.layers[-1].current
        offset = bias if spec.code == "binary" else steps * bias
        packed = _pack([(mult, REGISTER_BITS), (offset, total_bits)])
        yield LoadRow("scaling", index, _chunks(packed))


def load_writes(hardware: Deployment, deployment: Deployment) -> Iterator[tuple[int, int]]:
    """Yield register writes, (offset, value), that load a deployment and then its hash."""
    address = REGISTERS["LOAD_ADDRESS"]
    for row in load_rows(hardware, deployment):
        yield (
            address.offset,
            load_memory(row.memory) << address.field("memory").low
            | row.row << address.field("row").low,
        )
        for chunk in row.chunks:
            yield REGISTERS["LOAD_DATA"].offset, chunk
    digits = REGISTER_BITS // 4
    for index in range(HASH_REGISTERS):
        part = deployment.hash[index * digits : (index + 1) * digits]
        yield REGISTERS[f"HASH_{index}"].offset, int(part, 16)


def _hardware_widths(deployment: Deployment) -> dict[str, int]:
    """Widths of hardware that is made for a deployment."""
    widths = deployment.widths
    first, *hidden, last = widths.layers
    return {
        "bias": widths.bias,
        "threshold": widths.threshold,
        "current": widths.current,
        "membrane": widths.membrane,
        "encoding sum": first.sum,
        "hidden lane": max(layer.lane for layer in hidden),
        "hidden sum": max(layer.sum for layer in hidden),
        "output lane": last.lane,
        "output sum": last.sum,
        "output total": last.current,
    }


def _row(numbers: Sequence[int], bits: int) -> tuple[int, ...]:
    return _chunks(_pack((number, bits) for number in numbers))


def _pack(fields: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Pack numbers, the first in the lowest bits; return the value and its width."""
    value = position = 0
    for number, bits in fields:
        value |= (number & ((1 << bits) - 1)) << position
        position += bits
    return value, position


def _chunks(packed: tuple[int, int]) -> tuple[int, ...]:
    value, bits = packed
    mask = (1 << REGISTER_BITS) - 1
    return tuple(value >> low & mask for low in range(0, bits, REGISTER_BITS))
