"""The hidden layers' pipeline for some of the output channels, and the chain of such groups."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.vectors import extended, lanes
from sw_model.spec import TAPS, Deployment, NeuronSpec

from .encoding_layer import EncodingLayer
from .hidden_weights import group_weights
from .layouts import NeuronConstants, NeuronWidths, Plane, WeightRequest
from .lif_array import LifArray
from .loading import LoadChunk, LoadPlace, connect_load, load_members
from .scatter import Scatter
from .synapse_array import SynapseArray
from .weight_memory import WeightMemory


class ChannelGroup(wiring.Component):
    """Weights, lanes, scatter, neurons and encoding tables of a group of channels.

    All groups do the same, each one cycle after the group before it: each has its own counters and
    flags and forwards its inputs, so that no signal has to reach all of a large array in one cycle.

    Latency: nine cycles from the request of a word's last event to the output word, five from the
    last plane of a window to its first word.

    Parameters
    ----------
    deployment
        The frozen network.
    channels
        The output channels of this group.
    neurons
        Kinds of neuron, as in `LayerConstants`.
    max_width
        Widest frame, in pixels.
    hidden, encoding
        Place of its chunks in the weights of the hidden layers and of the encoding layer; None for
        constant weights.
    shared_weights
        Whether the hidden layers' weights come from a shared memory outside the group.

    Members
    -------
    width, timesteps : In
        Of the frame, constant while a layer runs.
    encoding : In(1)
        The encoding layer runs.
    kind : In
        Index of the layer's kind of neuron.
    constants : In(ArrayLayout(NeuronConstants, len(channels)))
        Constants of the layer's neurons.
    restart : In(1)
        A layer begins.
    requests : In(stream.Signature(WeightRequest(...), always_ready=True))
        Rows of all hidden layers.
    planes : In(stream.Signature(Plane(inputs), always_ready=True))
    words : Out(stream.Signature(len(channels), always_ready=True))
    load : In(LOAD_STREAM)
        Absent where the weights are constant.
    fetch : Out(WeightSignature(...))
        Requests to the shared weight memory; absent where the group has its own memory.

    Attributes
    ----------
    weights
        The group's weight memory, or `fetch`.
    """

    def __init__(
        self,
        *,
        deployment: Deployment,
        channels: Sequence[int],
        neurons: Sequence[NeuronSpec],
        max_width: int,
        hidden: LoadPlace | None = None,
        encoding: LoadPlace | None = None,
        shared_weights: bool = False,
    ):
        spec, widths = deployment.spec, deployment.widths.layers
        max_timesteps = spec.timesteps_max
        self._binary = spec.code == "binary"
        hidden_weights = group_weights(deployment, [channels])[0]
        bits = hidden_weights.weight_bits
        lane_bits = max(layer.lane for layer in widths[1:-1])
        sum_bits = max(layer.sum for layer in widths[1:-1])
        self.channels = tuple(channels)
        self._array = SynapseArray(
            lanes=TAPS * len(self.channels),
            weight_bits=bits,
            lane_bits=lane_bits,
            binary=self._binary,
        )
        self._scatter = Scatter(
            channels=len(self.channels),
            lane_bits=lane_bits,
            sum_bits=sum_bits,
            max_width=max_width,
            # With the few-spike code a pixel has one sum: the lanes add up its words.
            max_timesteps=1 if self._binary else max_timesteps,
        )
        self._encoding = EncodingLayer(
            weights=[deployment.weights[0][channel].reshape(-1).tolist() for channel in channels],
            sum_bits=widths[0].sum,
            weight_bits=spec.layers[0].weight_bits,
            load=encoding,
        )
        neuron_widths = NeuronWidths.of(deployment)
        self._neurons = LifArray(
            channels=len(self.channels),
            neurons=neurons,
            max_timesteps=max_timesteps,
            encoding_shift=spec.layers[0].shift,
            widths=neuron_widths,
            binary=self._binary,
        )
        super().__init__(
            {
                "width": In(range(max_width + 1)),
                "timesteps": In(range(max_timesteps + 1)),
                "encoding": In(1),
                "kind": In(range(len(neurons))),
                "constants": In(
                    data.ArrayLayout(NeuronConstants(neuron_widths), len(self.channels))
                ),
                "restart": In(1),
                "requests": In(
                    stream.Signature(
                        WeightRequest(hidden_weights.row_count, binary=self._binary),
                        always_ready=True,
                    )
                ),
                "planes": In(stream.Signature(Plane(spec.inputs), always_ready=True)),
                "words": Out(stream.Signature(len(self.channels), always_ready=True)),
                **load_members(hidden or encoding),
                **({"fetch": Out(hidden_weights.signature)} if shared_weights else {}),
            }
        )
        self.weights = (
            self.fetch
            if shared_weights
            else WeightMemory(
                rows=hidden_weights.rows(deployment),
                weight_bits=bits,
                load=hidden,
                binary=self._binary,
            )
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        weights, array, scatter = self.weights, self._array, self._scatter
        encoding, neurons = self._encoding, self._neurons
        if isinstance(weights, WeightMemory):
            m.submodules.weight_memory = weights
            connect_load(m, self, weights)
        m.submodules.array = array
        m.submodules.scatter = scatter
        m.submodules.encoding = encoding
        m.submodules.neurons = neurons
        connect_load(m, self, encoding)
        # A register in each group, because this select signal has a large fan-out.
        encodes = Signal()
        m.d.sync += encodes.eq(self.encoding)
        sums = lanes(scatter.o.payload, scatter.sum_bits)
        m.d.comb += [
            weights.requests.valid.eq(self.requests.valid),
            weights.requests.payload.eq(self.requests.payload),
            array.weights.eq(weights.weights),
            array.take.eq(weights.take),
            array.last.eq(weights.last),
            scatter.width.eq(self.width),
            scatter.timesteps.eq(1 if self._binary else self.timesteps),
            scatter.restart.eq(self.restart),
            neurons.kind.eq(self.kind),
            neurons.timesteps.eq(self.timesteps),
            neurons.constant.eq(encodes),
            neurons.constants.eq(self.constants),
            neurons.i.valid.eq(Mux(encodes, encoding.o.valid, scatter.o.valid)),
            neurons.i.payload.eq(
                Mux(
                    encodes,
                    extended(lanes(encoding.o.payload, encoding.sum_bits), neurons.widths.sum),
                    extended(sums, neurons.widths.sum),
                )
            ),
        ]
        if self._binary:
            m.d.comb += array.first.eq(weights.first)
        wiring.connect(m, array.sums, scatter.i)
        wiring.connect(m, wiring.flipped(self.planes), encoding.i)
        wiring.connect(m, neurons.o, wiring.flipped(self.words))
        return m


def pass_on(m: Module, groups: Sequence[ChannelGroup]) -> None:
    """Forward events, planes and the kind of layer from each group to the next, a cycle later."""
    for before, group in pairwise(groups):
        m.d.sync += [
            group.requests.valid.eq(before.requests.valid),
            group.requests.payload.eq(before.requests.payload),
            group.planes.valid.eq(before.planes.valid),
            group.planes.payload.eq(before.planes.payload),
            group.encoding.eq(before.encoding),
        ]


def pass_on_loads(m: Module, groups: Sequence[ChannelGroup]) -> None:
    """Forward loaded chunks from each group to the next, a cycle later."""
    for before, group in pairwise(groups):
        valid, chunk = Signal(), Signal(LoadChunk(), reset_less=True)
        m.d.sync += [valid.eq(before.load.valid), chunk.eq(before.load.payload)]
        m.d.comb += [group.load.valid.eq(valid), group.load.payload.eq(chunk)]


def words_together(m: Module, groups: Sequence[ChannelGroup]) -> Value:
    """Return the words of all channels; those of earlier groups are delayed to the last one's."""
    parts = []
    for index, group in enumerate(groups):
        part = group.words.payload
        for age in range(len(groups) - 1 - index):
            later = Signal.like(part, name=f"words_{index}_{age}", reset_less=True)
            m.d.sync += later.eq(part)
            part = later
        parts.append(part)
    return Cat(parts)
