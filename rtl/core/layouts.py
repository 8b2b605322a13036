"""Payloads and interfaces between the components of the datapath."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from amaranth.hdl import signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from sw_model.spec import TAPS, Deployment


class FrameWord(data.StructLayout):
    """A word; ``final`` marks the last word of a sum."""

    def __init__(self, word_bits: int):
        super().__init__({"word": unsigned(word_bits), "final": 1})


class Event(data.StructLayout):
    """One event: a channel number; ``present`` is 0 for the beat that a zero word costs.

    Parameters
    ----------
    channels
        Bits of a word.
    binary
        The few-spike code: ``first`` marks the first event of a word, or the beat of a zero word.
    """

    def __init__(self, channels: int, *, binary: bool = False):
        super().__init__({"channel": range(max(2, channels)), **_flags(binary)})


class Plane(data.StructLayout):
    """One bit of the nine pixels around a pixel, of each input plane of the network.

    ``bits`` has the bit of input p and tap (ky, kx) at p * 9 + ky * 3 + kx. The ``first`` plane
    holds the signs, whose bits are inverted; the ``last`` plane is the least significant one.
    """

    def __init__(self, inputs: int = 1) -> None:
        super().__init__({"bits": inputs * TAPS, "first": 1, "last": 1})


class FrameSignature(wiring.Signature):
    """Size of a frame, or of a strip of one, in pixels; constant while a layer runs.

    Members
    -------
    height, width : Out
    """

    def __init__(self, max_height: int, max_width: int):
        super().__init__({"height": Out(range(max_height + 1)), "width": Out(range(max_width + 1))})


class LayerSignature(wiring.Signature):
    """The layer under way, as seen by the sequencer.

    Parameters
    ----------
    layers
        Number of layers.
    channels
        Channels C: rows of hidden weights per layer.

    Members
    -------
    index : Out(range(layers))
        Its number.
    encoding, output : Out(1)
        It is the encoding layer, the output layer.
    row_base : Out
        First row of its hidden weights.
    """

    def __init__(self, layers: int, channels: int):
        super().__init__(
            {
                "index": Out(range(layers)),
                "encoding": Out(1),
                "output": Out(1),
                "row_base": Out(range(max(2, (layers - 2) * channels))),
            }
        )


class PrepareSignature(wiring.Signature):
    """Prepares the constants of a layer's neurons, as seen by the sequencer.

    Members
    -------
    start : Out(1)
        Prepare those of the layer under way.
    done : In(1)
        They are ready; valid from one cycle after ``start``.
    """

    def __init__(self) -> None:
        super().__init__({"start": Out(1), "done": In(1)})


def _flags(binary: bool) -> dict[str, int]:
    """Flags of an event; ``last`` marks the last one of a sum."""
    return {"present": 1, "last": 1, **({"first": 1} if binary else {})}


class WeightRequest(data.StructLayout):
    """The row that an event reads, and the event's flags."""

    def __init__(self, rows: int, *, binary: bool = False):
        super().__init__({"row": range(max(2, rows)), **_flags(binary)})


class WeightSignature(wiring.Signature):
    """Requests and their answers, as seen by the reader.

    Members
    -------
    requests : Out(stream.Signature(WeightRequest(rows, binary=binary), always_ready=True))
    weights : In(row_bits)
        The row in lane order; zeros for a request that is not ``present``.
    take, last : In(1)
        The row is valid; its request was the ``last`` one. After a reset, ``last`` without
        ``take`` clears the accumulators.
    first : In(1)
        Its request was the ``first`` one of a word. Only with the few-spike code.
    """

    def __init__(self, rows: int, row_bits: int, *, binary: bool = False):
        super().__init__(
            {
                "requests": Out(
                    stream.Signature(WeightRequest(rows, binary=binary), always_ready=True)
                ),
                "weights": In(row_bits),
                "take": In(1),
                "last": In(1, init=1),
                **({"first": In(1)} if binary else {}),
            }
        )


@dataclass(frozen=True, kw_only=True)
class NeuronWidths:
    """Widths of a neuron's numbers in bits; all but the threshold are signed.

    The caller guarantees that no current and no membrane exceeds its width.

    Attributes
    ----------
    sum
        The convolution's result for a timestep.
    bias, threshold
        The constants.
    current
        The neuron's input of a timestep.
    membrane
        The membrane, and its value before the first timestep.
    """

    sum: int
    bias: int
    threshold: int
    current: int
    membrane: int

    def __post_init__(self) -> None:
        check_positive(**asdict(self))

    @classmethod
    def of(cls, deployment: Deployment) -> NeuronWidths:
        """Return the widths that fit all spiking layers of a deployment."""
        widths = deployment.widths
        return cls(
            sum=max(layer.sum for layer in widths.layers[:-1]),
            bias=widths.bias,
            threshold=widths.threshold,
            current=widths.current,
            membrane=widths.membrane,
        )


class NeuronConstants(data.StructLayout):
    """Constants of one channel's neuron."""

    def __init__(self, widths: NeuronWidths):
        super().__init__(
            {
                "bias": signed(widths.bias),
                "threshold": unsigned(widths.threshold),
                "init": signed(widths.membrane),
            }
        )
