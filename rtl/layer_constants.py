"""What changes from layer to layer besides the hidden weights."""

from amaranth.hdl import Array, Module, signed, unsigned
from amaranth.lib import data, memory, wiring
from amaranth.lib.wiring import In, Out

from sw_model.spec import MULT_BITS, Deployment

from .lif_array import NeuronConstants
from .netlist import memory_row


class LayerConstants(wiring.Component):
    """Holds the neurons' constants of every layer and the output layer's for every T.

    Latency: one cycle from ``layer`` to the neurons' constants, none for the rest.

    Parameters
    ----------
    deployment
        The frozen network.

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

    Attributes
    ----------
    neurons
        Kinds of neuron that occur, in order of appearance.
    layout
        Shape of `neuron`.
    row_bits, rows
        Width and contents of the memory, a spiking layer a row.
    """

    def __init__(self, *, deployment: Deployment):
        spec, widths = deployment.spec, deployment.widths
        self.deployment = deployment
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
        super().__init__(
            {
                "layer": In(range(len(spec.layers))),
                "steps": In(range(spec.timesteps_max + 1)),
                "kind": Out(range(len(self.neurons))),
                "neuron": Out(self.layout),
                "offset": Out(signed(widths.layers[-1].current)),
                "mult": Out(unsigned(MULT_BITS)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        spec = self.deployment.spec
        # Very wide and a row a layer: tables of logic, where block RAM would be all but empty.
        m.submodules.memory = constants = memory.Memory(
            shape=unsigned(self.row_bits),
            depth=len(self.rows),
            init=self.rows,
            attrs={"rom_style": "logic"},
        )
        port = constants.read_port()
        kinds = [self.neurons.index(layer.neuron) for layer in spec.spiking_layers]
        m.d.comb += [
            port.addr.eq(self.layer),
            self.neuron.eq(port.data),
            self.kind.eq(Array([*kinds, 0])[self.layer]),
        ]
        bias = int(self.deployment.biases[-1][0])
        with m.Switch(self.steps):
            for steps in spec.timesteps:
                with m.Case(steps):
                    m.d.comb += [
                        self.offset.eq(steps * bias),
                        self.mult.eq(self.deployment.mult(steps)),
                    ]
        return m
