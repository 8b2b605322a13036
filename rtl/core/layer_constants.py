"""Constants of each layer, other than the weights."""

from collections.abc import Sequence

from amaranth.hdl import Array, Cat, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.vectors import memory_row
from sw_model.spec import MULT_BITS, Deployment
from sw_model.spec.fixed_point import LEVEL_BITS, NOISE_WEIGHT_BITS
from sw_model.spec.hardware.cycles import GROUP_CHANNELS
from sw_model.spec.packing import channel_groups

from .layouts import NeuronConstants, NeuronWidths, PrepareSignature
from .loading import CHUNK_BITS, LoadableMemory, LoadPlace, connect_load, load_members


class LayerConstants(wiring.Component):
    """Holds the neurons' constants of each layer, and those of the output layer for each T.

    All neurons need their constants in each cycle of a layer. So the constants are in registers,
    which a narrow memory fills before the layer begins, one channel per cycle. Each channel group
    gets them a cycle after the group before it, so that no register has to reach all groups.

    Parameters
    ----------
    deployment
        The frozen network.
    loadable
        Whether other constants can be loaded; not for a network that takes a noise level.

    Members
    -------
    layer, timesteps : In
        The layer under way, and T.
    level : In(12)
        Noise level in sixteenths of a grey level, constant while the first layer is prepared.
        Absent where the network takes none.
    prepare : In(PrepareSignature())
        Fills the registers with the constants of ``layer``, which is the first layer or the one
        after the last prepared one. Takes `sw_model.spec.hardware.cycles.constants_cycles` cycles.
    kind : Out
        Index of the layer's kind of neuron in `neurons`.
    neuron : Out(ArrayLayout(NeuronConstants, channels))
        Constants of the layer's neurons.
    offset, mult : Out
        T * bias, or bias with the few-spike code, of each output plane side by side, and the
        multiplier of the output layer.
    load : In(LOAD_STREAM)
        Absent where not ``loadable``.

    Attributes
    ----------
    neurons
        Kinds of neuron of the spiking layers, without repetition.
    row_bits, rows
        Of the neurons' memory: a row for each channel of each spiking layer.
    scaling_bits, scaling_rows
        Of the output layer's memory: offset above mult, a row for each allowed T.
    level_weights
        Weight of the noise level in the biases of the first layer, a row for each channel; None for
        a network that takes none.
    """

    def __init__(self, *, deployment: Deployment, loadable: bool = False):
        spec, widths = deployment.spec, deployment.widths
        self.deployment = deployment
        self.loadable = loadable
        self.neurons = tuple(
            dict.fromkeys(layer.neuron for layer in spec.spiking_layers if layer.neuron)
        )
        self._layout = constants = NeuronConstants(NeuronWidths.of(deployment))
        self.row_bits = constants.size
        self.rows = [
            memory_row(
                constants, {"bias": int(bias), "threshold": int(threshold), "init": int(init)}
            )
            for arrays in zip(
                deployment.biases[:-1], deployment.thresholds, deployment.inits, strict=True
            )
            for bias, threshold, init in zip(*arrays, strict=True)
        ]
        self.offset_bits = widths.layers[-1].current * spec.inputs
        scaling = data.StructLayout(
            {"mult": unsigned(CHUNK_BITS), "offset": signed(self.offset_bits)}
        )
        self.scaling_bits = scaling.size
        binary = spec.code == "binary"
        self.scaling_rows = [
            memory_row(
                scaling,
                {
                    "mult": deployment.mult(timesteps),
                    "offset": _side_by_side(
                        [
                            int(bias) if binary else timesteps * int(bias)
                            for bias in deployment.biases[-1]
                        ],
                        widths.layers[-1].current,
                    ),
                },
            )
            for timesteps in spec.timesteps
        ]
        self.level_weights = (
            None
            if deployment.noise_weight is None
            else LevelWeights([int(weight) for weight in deployment.noise_weight])
        )
        super().__init__(
            {
                "layer": In(range(len(spec.layers))),
                "timesteps": In(range(spec.timesteps_max + 1)),
                "prepare": In(PrepareSignature()),
                **({} if self.level_weights is None else {"level": In(LEVEL_BITS)}),
                "kind": Out(range(len(self.neurons))),
                "neuron": Out(data.ArrayLayout(constants, spec.channels)),
                "offset": Out(signed(self.offset_bits)),
                "mult": Out(unsigned(MULT_BITS)),
                **load_members(LoadPlace("neurons") if loadable else None),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        spec = self.deployment.spec
        m.submodules.scaling = scaling = LoadableMemory(
            rows=self.scaling_rows,
            row_bits=self.scaling_bits,
            read="comb",
            place=LoadPlace("scaling") if self.loadable else None,
        )
        connect_load(m, self, scaling)
        kinds = [self.neurons.index(layer.neuron) for layer in spec.spiking_layers]
        m.d.comb += [
            self.kind.eq(Array([*kinds, 0])[self.layer]),
            self.mult.eq(scaling.data[:MULT_BITS]),
            self.offset.eq(scaling.data[CHUNK_BITS:]),
        ]
        with m.Switch(self.timesteps):
            for index, timesteps in enumerate(spec.timesteps):
                with m.Case(timesteps):
                    m.d.comb += scaling.address.eq(index)
        self._fill_registers(m)
        return m

    def _fill_registers(self, m: Module) -> None:
        channels = self.deployment.spec.channels
        m.submodules.memory = memory = LoadableMemory(
            rows=self.rows,
            row_bits=self.row_bits,
            place=LoadPlace("neurons") if self.loadable else None,
        )
        connect_load(m, self, memory)
        address = Signal.like(memory.address)
        left = Signal(range(channels + 1))
        present, channel = Signal(), Signal(range(channels))
        m.d.comb += memory.address.eq(address)
        m.d.sync += present.eq(left != 0)
        with m.If(present):
            m.d.sync += channel.eq(channel + 1)
        with m.If(self.prepare.start):
            m.d.sync += [left.eq(channels), channel.eq(0)]
            with m.If(self.layer == 0):
                m.d.sync += address.eq(0)
        with m.Elif(left != 0):
            # After the last channel, `address` is that of the next layer's first row.
            m.d.sync += [left.eq(left - 1), address.eq(address + 1)]
        # No reset: it would have to reach thousands of registers.
        held = [
            Signal(self.row_bits, name=f"constants_{member}", reset_less=True)
            for member in range(channels)
        ]
        busy: list[Value] = [left != 0, present]
        before: tuple[Value, ...] = present, channel, memory.data
        if self.level_weights is not None:
            before = self._with_level(m, address, before, busy)
        for index, group in enumerate(channel_groups(channels, GROUP_CHANNELS)):
            there = (
                Signal(name=f"present_{index}"),
                Signal.like(channel, name=f"channel_{index}", reset_less=True),
                Signal(self.row_bits, name=f"row_{index}", reset_less=True),
            )
            m.d.sync += [now.eq(earlier) for now, earlier in zip(there, before, strict=True)]
            for member in group:
                with m.If(there[0] & (there[1] == member)):
                    m.d.sync += held[member].eq(there[2])
            busy.append(there[0])
            before = there
        m.d.comb += [self.prepare.done.eq(~Cat(busy).any()), self.neuron.eq(Cat(held))]

    def _with_level(
        self, m: Module, address: Value, before: tuple[Value, ...], busy: list[Value]
    ) -> tuple[Value, ...]:
        """Return the constants two cycles later, with the noise level in the first layer's biases.

        So another level needs no other constants. The first cycle multiplies, the second one
        rounds and adds.
        """
        assert self.level_weights is not None
        spec, half = self.deployment.spec, 1 << (self.deployment.spec.noise_shift - 1)
        m.submodules.level_weights = weights = LoadableMemory(
            rows=self.level_weights.rows, row_bits=NOISE_WEIGHT_BITS
        )
        m.d.comb += weights.address.eq(address[: len(weights.address)])
        stages = []
        for name in ("product", "rounded"):
            signals = [
                Signal.like(signal, name=f"{name}_{part}", init=0)
                for part, signal in zip(("present", "channel", "row"), before, strict=True)
            ]
            m.d.sync += [now.eq(old) for now, old in zip(signals, before, strict=True)]
            before = tuple(signals)
            busy.append(signals[0])
            stages.append(signals)
        product = Signal(signed(NOISE_WEIGHT_BITS + LEVEL_BITS), reset_less=True)
        weight = Mux(self.layer == 0, weights.data, 0)[:NOISE_WEIGHT_BITS].as_signed()
        bias = data.View(self._layout, stages[0][2]).bias
        told = Signal(signed(len(Value.cast(bias))))
        m.d.sync += product.eq(weight * self.level)
        m.d.comb += told.eq(bias + ((product + half) >> spec.noise_shift))
        row = data.View(self._layout, stages[1][2])
        m.d.sync += row.bias.eq(told)
        return before


def _side_by_side(values: Sequence[int], bits: int) -> int:
    """Signed numbers of so many bits as one signed number, the first in the lowest bits."""
    *low, high = values
    packed = sum(value % (1 << bits) << (bits * index) for index, value in enumerate(low))
    return packed + (high << (bits * len(low)))


class LevelWeights:
    """Rows of the memory of the noise level's weights, one for each channel."""

    def __init__(self, weights: Sequence[int]):
        self.row_bits = NOISE_WEIGHT_BITS
        self.rows = [weight % (1 << NOISE_WEIGHT_BITS) for weight in weights]
