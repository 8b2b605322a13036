"""What goes into the accelerator's memories when another deployment is loaded at run time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from .deployment import Deployment
from .errors import UsageError
from .packing import weight_row
from .registers import HASH_REGISTERS, REGISTER_BITS, REGISTERS, load_memory

_WIDTHS = ("lane", "sum", "bias", "threshold", "membrane")


@dataclass(frozen=True)
class LoadRow:
    """A row of one of the memories.

    Attributes
    ----------
    memory
        Its name in `sw_model.spec.registers.LOAD_MEMORIES`.
    chunks
        The row's bits, 32 at a time, from the lowest.
    """

    memory: str
    row: int
    chunks: tuple[int, ...]


def check_fits(hardware: Deployment, deployment: Deployment) -> None:
    """Raise `UsageError` unless the hardware made for one deployment can run another one.

    Both must have the same network, and the numbers must fit the widths that the first one's
    numbers gave the hardware.
    """
    if replace(deployment.spec, name=hardware.spec.name) != hardware.spec:
        raise UsageError(
            f"deployment {deployment.hash[:16]} has another network than {hardware.hash[:16]}, "
            f"which the hardware was made for; layers, channels, timesteps, neurons, weight "
            f"widths and shifts must be the same"
        )
    pair = (deployment, hardware)
    needed = {name: [getattr(d.widths, name) for d in pair] for name in _WIDTHS}
    needed["current"] = [d.widths.layers[-1].current for d in pair]
    for name, (wanted, offered) in needed.items():
        if wanted > offered:
            raise UsageError(
                f"deployment {deployment.hash[:16]} needs {wanted} bits for its {name}; the "
                f"hardware has {offered}"
            )


def load_rows(hardware: Deployment, deployment: Deployment) -> Iterator[LoadRow]:
    """All rows that bring ``deployment`` into hardware that was made for another one.

    Raises
    ------
    UsageError
        It does not fit, see `check_fits`.
    """
    check_fits(hardware, deployment)
    spec, widths = hardware.spec, hardware.widths
    hidden_bits = max(layer.weight_bits for layer in spec.layers[1:-1])
    array_bits = max(layer.weight_bits for layer in spec.layers)
    channels = range(spec.channels)
    for layer, weights in enumerate(deployment.weights[1:-1]):
        for channel in channels:
            row = layer * spec.channels + channel
            yield _row("hidden", row, weight_row(weights, channel), hidden_bits)
    for channel in channels:
        last = weight_row(deployment.weights[-1], channel)
        yield _row("output", channel, last, spec.layers[-1].weight_bits)
    encoding = weight_row(deployment.weights[0], 0)
    yield _row("encoding", 0, encoding, array_bits)
    yield _row("encoding", 1, [-weight for weight in encoding], array_bits)
    for layer, constants in enumerate(
        zip(deployment.biases[:-1], deployment.thresholds, deployment.inits, strict=True)
    ):
        # Bias, threshold and init of each channel in turn.
        numbers = [int(value) for channel in zip(*constants, strict=True) for value in channel]
        bits = [widths.bias, widths.threshold, widths.membrane] * spec.channels
        yield LoadRow("neurons", layer, _chunks(_pack(zip(numbers, bits, strict=True))))
    bias = int(deployment.biases[-1][0])
    for index, steps in enumerate(spec.timesteps):
        mult = deployment.mult(steps)
        total_bits = widths.layers[-1].current
        packed = _pack([(mult, REGISTER_BITS), (steps * bias, total_bits)])
        yield LoadRow("scaling", index, _chunks(packed))


def load_writes(hardware: Deployment, deployment: Deployment) -> Iterator[tuple[int, int]]:
    """Register writes, (offset, value) each, that load a deployment and then its hash."""
    place = REGISTERS["LOAD_ADDRESS"]
    for row in load_rows(hardware, deployment):
        yield (
            place.offset,
            load_memory(row.memory) << place.field("memory").low
            | row.row << place.field("row").low,
        )
        for chunk in row.chunks:
            yield REGISTERS["LOAD_DATA"].offset, chunk
    digits = REGISTER_BITS // 4
    for index in range(HASH_REGISTERS):
        part = deployment.hash[index * digits : (index + 1) * digits]
        yield REGISTERS[f"HASH_{index}"].offset, int(part, 16)


def _row(memory: str, row: int, weights: Sequence[int], bits: int) -> LoadRow:
    return LoadRow(memory, row, _chunks(_pack((weight, bits) for weight in weights)))


def _pack(fields: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Numbers side by side, the first in the lowest bits, and how many bits that is."""
    value = position = 0
    for number, bits in fields:
        value |= (number & ((1 << bits) - 1)) << position
        position += bits
    return value, position


def _chunks(packed: tuple[int, int]) -> tuple[int, ...]:
    value, bits = packed
    mask = (1 << REGISTER_BITS) - 1
    return tuple(value >> low & mask for low in range(0, bits, REGISTER_BITS))
