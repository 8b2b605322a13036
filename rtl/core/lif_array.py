"""The neurons of all channels of one pixel."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from rtl.stream.vectors import lanes
from sw_model.spec import NeuronSpec

from .few_spike import FewSpikeProcessingElement
from .layouts import NeuronConstants, NeuronWidths
from .lif import LifProcessingElement


class LifArray(wiring.Component):
    """One processing element per channel; sums in, event words out, time innermost.

    One timestep per cycle. In a layer with constant current (the encoding layer) one input serves
    all timesteps of its pixel, otherwise each timestep takes an input. With the few-spike code one
    input serves all timesteps in every layer. Latency: three cycles. There is no back-pressure: an
    input that serves all timesteps must come `timesteps` cycles or more before the next one.

    Parameters
    ----------
    channels
        Number of neurons.
    neurons
        Kinds of neuron, without repetition.
    max_timesteps
        Largest T.
    encoding_shift
        Rounding right shift of the sums of a layer with constant current.
    widths
        Widths of the neurons' numbers.
    binary
        The neurons are those of the few-spike code, with `max_timesteps` timesteps.

    Members
    -------
    kind : In
        Index of the layer's kind of neuron.
    timesteps : In
        T.
    constant : In(1)
        The layer's current is constant, and its sums take the rounding shift.
    constants : In(ArrayLayout(NeuronConstants, channels))
        Constants of the layer's neurons. These four inputs keep their values while a layer runs.
    i : In(stream.Signature(channels * widths.sum, always_ready=True))
        Signed numbers, channel 0 in the least significant bits.
    o : Out(stream.Signature(channels, always_ready=True))
        Bit c is channel c.
    """

    def __init__(
        self,
        *,
        channels: int,
        neurons: Sequence[NeuronSpec],
        max_timesteps: int,
        encoding_shift: int,
        widths: NeuronWidths,
        binary: bool = False,
    ):
        check_positive(channels=channels, max_timesteps=max_timesteps)
        self.channels = channels
        self.neurons = tuple(neurons)
        self.max_timesteps = max_timesteps
        self.encoding_shift = encoding_shift
        self.widths = widths
        self.binary = binary
        super().__init__(
            {
                "kind": In(range(len(neurons))),
                "timesteps": In(range(max_timesteps + 1)),
                "constant": In(1),
                "constants": In(data.ArrayLayout(NeuronConstants(widths), channels)),
                "i": In(stream.Signature(channels * widths.sum, always_ready=True)),
                "o": Out(stream.Signature(channels, always_ready=True)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        take, enable = Signal(), Signal()
        step, first = Signal(range(self.max_timesteps)), Signal(init=1)
        more = Signal(range(self.max_timesteps))  # timesteps left for this current
        m.d.sync += [take.eq(self.i.valid), self.o.valid.eq(enable)]
        served = self.timesteps - 1
        with m.If(take):
            m.d.sync += enable.eq(1)
            m.d.sync += more.eq(served if self.binary else Mux(self.constant, served, 0))
        with m.Elif(more == 0):
            m.d.sync += enable.eq(0)
        with m.Else():
            m.d.sync += more.eq(more - 1)
        with m.If(enable):
            last = step == self.timesteps - 1
            m.d.sync += [step.eq(Mux(last, 0, step + 1)), first.eq(last)]

        spikes = []
        for channel, total in enumerate(lanes(self.i.payload, self.widths.sum)):
            constants = self.constants[channel]
            shifted, carry = self._shifted(total)
            element = self._element()
            m.submodules[f"neuron_{channel}"] = element
            if isinstance(element, LifProcessingElement):
                m.d.comb += element.kind.eq(self.kind)
            m.d.comb += [element.take.eq(take), element.enable.eq(enable)]
            if isinstance(element, LifProcessingElement):
                m.d.comb += element.first.eq(first)
            m.d.comb += [
                element.sum.eq(shifted),
                element.carry.eq(carry),
                element.bias.eq(constants.bias),
                element.threshold.eq(constants.threshold),
                element.init.eq(constants.init),
            ]
            spikes.append(element.spike)

        m.d.sync += self.o.payload.eq(Cat(spikes))
        return m

    def _element(self) -> LifProcessingElement | FewSpikeProcessingElement:
        if self.binary:
            return FewSpikeProcessingElement(timesteps=self.max_timesteps, widths=self.widths)
        return LifProcessingElement(neurons=self.neurons, widths=self.widths)

    def _shifted(self, value: Value) -> tuple[Value, Value]:
        """Apply the encoding layer's rounding shift (`sw_model.spec.fixed_point.ROUNDING_SHIFT`).

        Returns the shifted value and the highest bit shifted out, which is the rounding carry.
        """
        if self.encoding_shift == 0:
            return value, Const(0, 1)
        half = (value >> (self.encoding_shift - 1))[0]
        shifted = Mux(self.constant, value >> self.encoding_shift, value)
        return shifted, self.constant & half
