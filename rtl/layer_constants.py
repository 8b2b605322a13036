"""What changes from layer to layer besides the hidden weights."""

from amaranth.hdl import Array, Module, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from sw_model.spec import MULT_BITS, Deployment

from .lif_array import NeuronConstants
from .loading import CHUNK_BITS, LoadableMemory, LoadPlace, connect_load, load_members
from .netlist import memory_row


class LayerConstants(wiring.Component):
    """Holds the neurons' constants of every layer and the output layer's for every T.

    Latency: one cycle from ``layer`` to the neurons' constants, none for the rest.

    Parameters
    ----------
    deployment
        The frozen network.
    loadable
        Whether other constants can be loaded.

    Members
    -------
    layer, steps : In
        The layer under way, and T.
    kind : Out
        Index of the layer's kind of neuron in `neurons`.
    neuron : Out(ArrayLayout(NeuronConstants, channels))
        Constants of the layer's neurons.
    offset, mult : Out
        T * bias and the multiplier of the output layer.
    load : In(LoadSignature())
        Absent where not ``loadable``.

    Attributes
    ----------
    neurons
        Kinds of neuron that occur, in order of appearance.
    layout
        Shape of `neuron`.
    row_bits, rows
        Width and contents of the memory, a spiking layer a row.
    scaling_bits, scaling_rows
        Of the output layer: offset above mult, a row for each T that is allowed.
    """

    def __init__(self, *, deployment: Deployment, loadable: bool = False):
        spec, widths = deployment.spec, deployment.widths
        self.deployment = deployment
        self.loadable = loadable
        self.neurons = tuple(
            dict.fromkeys(layer.neuron for layer in spec.spiking_layers if layer.neuron)
        )
        self.layout = data.ArrayLayout(
            NeuronConstants(widths.bias, widths.threshold, widths.membrane), spec.channels
        )
        self.row_bits = self.layout.size
        self.rows = [
            memory_row(
                self.layout,
                [
                    {"bias": int(bias), "threshold": int(threshold), "init": int(init)}
                    for bias, threshold, init in zip(*arrays, strict=True)
                ],
            )
            for arrays in zip(
                deployment.biases[:-1], deployment.thresholds, deployment.inits, strict=True
            )
        ]
        self.offset_bits = widths.layers[-1].current
        bias = int(deployment.biases[-1][0])
        scaling = data.StructLayout(
            {"mult": unsigned(CHUNK_BITS), "offset": signed(self.offset_bits)}
        )
        self.scaling_bits = scaling.size
        self.scaling_rows = [
            memory_row(scaling, {"mult": deployment.mult(steps), "offset": steps * bias})
            for steps in spec.timesteps
        ]
        super().__init__(
            {
                "layer": In(range(len(spec.layers))),
                "steps": In(range(spec.timesteps_max + 1)),
                "kind": Out(range(len(self.neurons))),
                "neuron": Out(self.layout),
                "offset": Out(signed(self.offset_bits)),
                "mult": Out(unsigned(MULT_BITS)),
                **load_members(LoadPlace("neurons") if loadable else None),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        spec = self.deployment.spec
        # Very wide and a row a layer: tables of logic, where block RAM would be all but empty.
        m.submodules.memory = constants = LoadableMemory(
            rows=self.rows,
            row_bits=self.row_bits,
            place=LoadPlace("neurons") if self.loadable else None,
            logic=True,
        )
        m.submodules.scaling = scaling = LoadableMemory(
            rows=self.scaling_rows,
            row_bits=self.scaling_bits,
            read="comb",
            place=LoadPlace("scaling") if self.loadable else None,
            logic=True,
        )
        connect_load(m, self, constants, scaling)
        kinds = [self.neurons.index(layer.neuron) for layer in spec.spiking_layers]
        m.d.comb += [
            constants.address.eq(self.layer),
            constants.enable.eq(1),
            self.neuron.eq(constants.data),
            self.kind.eq(Array([*kinds, 0])[self.layer]),
            self.mult.eq(scaling.data[:MULT_BITS]),
            self.offset.eq(scaling.data[CHUNK_BITS:]),
        ]
        with m.Switch(self.steps):
            for index, steps in enumerate(spec.timesteps):
                with m.Case(steps):
                    m.d.comb += scaling.address.eq(index)
        return m
