"""All that computes, without the memories that keep activation maps."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from sw_model.spec import GREY_MAX, PIXEL_BITS, TAPS, Deployment, NetworkSpec, weight_row
from sw_model.spec.fixed_point import unsigned_width
from sw_model.spec.registers import load_memory

from .checks import check_positive
from .encoding_layer import EncodingLayer
from .event_encoder import EventEncoder
from .frame_memory import FrameWord
from .layer_constants import LayerConstants
from .lif_array import LifArray
from .loading import LoadSignature
from .netlist import extended, lanes
from .output_layer import OutputLayer
from .scatter import Scatter
from .synapse_array import SynapseArray
from .weight_memory import WeightMemory


class Datapath(wiring.Component):
    """Event words in, event words out; pixels at both ends of the network.

    One layer at a time, as the inputs `encoding`, `output` and `row_base` say.

    Parameters
    ----------
    deployment
        The frozen network. Its derived widths, and its weights and constants as initial values,
        become part of the netlist.
    max_height, max_width
        Of a frame, in pixels.
    loadable
        Whether other weights and constants can be loaded.
    max_pace
        Largest ``pace``; the largest T by default.

    Members
    -------
    height, width, steps : In
        Of the frame, constant while a layer runs.
    pace : In
        Fewest cycles between two pixels of the encoding layer, T or more.
    layer, encoding, output, row_base : In
        As in `Sequencer`; constant while a layer runs.
    restart : In(1)
        A layer begins; nothing is on its way.
    pixels : In(stream.Signature(signed(10)))
        Noisy pixels, of the encoding layer.
    words : In(stream.Signature(FrameWord(channels)))
        Event words of the other layers, raster order, followed by the row and the pixel of zeros
        that `Scatter` needs.
    written : Out(stream.Signature(channels))
        Event words of a spiking layer.
    noisy : In(stream.Signature(FrameWord(10)))
        Noisy pixels once more, of the output layer.
    denoised : Out(stream.Signature(8))
    event : Out(1)
        The synapse array takes an event.
    beat, held : Out(1)
        It takes anything; it is offered something and cannot take it.
    load : In(LoadSignature())
        Absent where not ``loadable``.
    """

    def __init__(
        self,
        *,
        deployment: Deployment,
        max_height: int,
        max_width: int,
        loadable: bool = False,
        max_pace: int | None = None,
    ):
        check_positive(max_height=max_height, max_width=max_width)
        self.deployment = deployment
        self.max_height = max_height
        self.max_width = max_width
        self.loadable = loadable
        spec = deployment.spec
        self.max_pace = max_pace or spec.timesteps_max
        super().__init__(
            {
                "height": In(range(max_height + 1)),
                "width": In(range(max_width + 1)),
                "steps": In(range(spec.timesteps_max + 1)),
                "pace": In(range(self.max_pace + 1)),
                "layer": In(range(len(spec.layers))),
                "encoding": In(1),
                "output": In(1),
                "row_base": In(range(max(2, (len(spec.layers) - 2) * spec.channels))),
                "restart": In(1),
                "pixels": In(stream.Signature(signed(PIXEL_BITS))),
                "words": In(stream.Signature(FrameWord(spec.channels))),
                "written": Out(stream.Signature(spec.channels)),
                "noisy": In(stream.Signature(FrameWord(PIXEL_BITS))),
                "denoised": Out(stream.Signature(unsigned_width(GREY_MAX))),
                "event": Out(1),
                "beat": Out(1),
                "held": Out(1),
                **({"load": In(LoadSignature())} if loadable else {}),
            }
        )
        self._make_components()

    def memory_contents(self) -> dict[str, list[str]]:
        """Contents of the initialised memories, hexadecimal, a string a row.

        The first value of a row is in the least significant bits, as the netlist has it.
        """
        return {
            name: [f"{row:0{-(-memory.row_bits // 4)}x}" for row in memory.rows]
            for name, memory in (
                ("hidden_weights", self._hidden_weights),
                ("output_weights", self._output_weights),
                ("neuron_constants", self._layer_constants),
            )
        }

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        # Every component that `_make_components` made is part of the netlist.
        for name, component in vars(self).items():
            if isinstance(component, wiring.Component):
                m.submodules[name.lstrip("_")] = component
                if self.loadable and "load" in component.signature.members:
                    wiring.connect(m, wiring.flipped(self.load), component.load)
        self._connect_control(m)
        self._connect_inputs(m)
        self._connect_results(m)
        return m

    def _make_components(self) -> None:
        spec, widths = self.deployment.spec, self.deployment.widths
        weights, channels = self.deployment.weights, spec.channels
        array_bits = max(layer.weight_bits for layer in spec.layers)

        self._layer_constants = LayerConstants(deployment=self.deployment, loadable=self.loadable)
        self._encoding_layer = EncodingLayer(
            weights=weight_row(weights[0], 0),
            weight_bits=array_bits,
            max_height=self.max_height,
            max_width=self.max_width,
            max_steps=self.max_pace,
            load_index=self._load_index("encoding"),
        )
        self._event_encoder = EventEncoder(channels=channels)
        self._hidden_weights = WeightMemory(
            rows=[weight_row(w, c) for w in weights[1:-1] for c in range(channels)],
            weight_bits=_hidden_bits(spec),
            load_index=self._load_index("hidden"),
        )
        self._output_weights = WeightMemory(
            rows=[weight_row(weights[-1], c) for c in range(channels)],
            weight_bits=spec.layers[-1].weight_bits,
            load_index=self._load_index("output"),
        )
        self._synapse_array = SynapseArray(
            lanes=TAPS * channels, weight_bits=array_bits, lane_bits=widths.lane
        )
        self._scatter = Scatter(
            channels=channels,
            lane_bits=widths.lane,
            sum_bits=widths.sum,
            max_width=self.max_width,
            max_steps=spec.timesteps_max,
        )
        self._lif_array = LifArray(
            channels=channels,
            neurons=self._layer_constants.neurons,
            max_steps=spec.timesteps_max,
            encoding_shift=spec.layers[0].shift,
            sum_bits=widths.sum,
            bias_bits=widths.bias,
            threshold_bits=widths.threshold,
            membrane_bits=widths.membrane,
        )
        self._output_layer = OutputLayer(
            sum_bits=widths.sum,
            total_bits=widths.layers[-1].current,
            shift=spec.layers[-1].shift,
        )

    def _load_index(self, name: str) -> int | None:
        return load_memory(name) if self.loadable else None

    def _connect_control(self, m: Module) -> None:
        # The encoding layer has one sum a pixel for all timesteps, and so has the output layer.
        merged = self.encoding | self.output
        constants = self._layer_constants
        m.d.comb += [
            self._encoding_layer.height.eq(self.height),
            self._encoding_layer.width.eq(self.width),
            self._encoding_layer.steps.eq(self.pace),
            self._encoding_layer.restart.eq(self.restart & self.encoding),
            self._scatter.width.eq(self.width),
            self._scatter.steps.eq(Mux(merged, 1, self.steps)),
            self._scatter.restart.eq(self.restart),
            self._lif_array.steps.eq(self.steps),
            self._lif_array.constant.eq(self.encoding),
            constants.layer.eq(self.layer),
            constants.steps.eq(self.steps),
            self._lif_array.kind.eq(constants.kind),
            self._lif_array.constants.eq(constants.neuron),
            self._output_layer.offset.eq(constants.offset),
            self._output_layer.mult.eq(constants.mult),
        ]

    def _connect_inputs(self, m: Module) -> None:
        encoder = self._event_encoder
        wiring.connect(m, wiring.flipped(self.pixels), self._encoding_layer.pixels)
        wiring.connect(m, wiring.flipped(self.words), encoder.words)
        beats = self._synapse_array.beats
        # Events read their row from the memory of the layer's kind.
        for weights, chosen, base in (
            (self._hidden_weights, ~self.output, self.row_base),
            (self._output_weights, self.output, 0),
        ):
            m.d.comb += [
                weights.requests.valid.eq(encoder.events.valid & chosen),
                weights.requests.p.row.eq(base + encoder.events.p.channel),
                weights.requests.p.present.eq(encoder.events.p.present),
                weights.requests.p.last.eq(encoder.events.p.last),
            ]
            with m.If(chosen):
                m.d.comb += encoder.events.ready.eq(weights.requests.ready)

        encoding = self._encoding_layer.beats
        hidden, output = self._hidden_weights.responses, self._output_weights.responses
        spec = self.deployment.spec
        hidden_lanes = lanes(hidden.p.weights, _hidden_bits(spec))
        # The output layer has one channel: each of its nine taps uses the tap's first lane.
        output_lanes = [Const(0, 1)] * len(hidden_lanes)
        output_lanes[:: spec.channels] = lanes(output.p.weights, spec.layers[-1].weight_bits)
        weights = beats.p.weights
        bits = len(weights) // len(hidden_lanes)
        with m.If(self.encoding):
            m.d.comb += [
                beats.valid.eq(encoding.valid),
                beats.payload.eq(encoding.payload),
                encoding.ready.eq(beats.ready),
            ]
        with m.Elif(self.output):
            m.d.comb += [*_event_beat(output, beats), weights.eq(extended(output_lanes, bits))]
        with m.Else():
            m.d.comb += [*_event_beat(hidden, beats), weights.eq(extended(hidden_lanes, bits))]
        m.d.comb += [
            self.beat.eq(beats.valid & beats.ready),
            self.held.eq(beats.valid & ~beats.ready),
            self.event.eq(self.beat & beats.p.add & ~self.encoding),
        ]
        wiring.connect(m, self._synapse_array.sums, self._scatter.taps)

    def _connect_results(self, m: Module) -> None:
        sums = self._scatter.sums
        m.d.comb += [
            self._lif_array.sums.payload.eq(sums.payload),
            self._lif_array.sums.valid.eq(sums.valid & ~self.output),
            self._output_layer.sums.payload.eq(sums.payload[: self.deployment.widths.sum]),
            self._output_layer.sums.valid.eq(sums.valid & self.output),
            sums.ready.eq(
                Mux(self.output, self._output_layer.sums.ready, self._lif_array.sums.ready)
            ),
        ]
        wiring.connect(m, self._lif_array.words, wiring.flipped(self.written))
        wiring.connect(m, wiring.flipped(self.noisy), self._output_layer.pixels)
        wiring.connect(m, self._output_layer.denoised, wiring.flipped(self.denoised))


def _event_beat(row: wiring.PureInterface, beats: wiring.PureInterface) -> list:
    """An event's weights, added; a zero word's beat adds nothing."""
    return [
        beats.valid.eq(row.valid),
        beats.p.add.eq(row.p.present),
        beats.p.last.eq(row.p.last),
        row.ready.eq(beats.ready),
    ]


def _hidden_bits(spec: NetworkSpec) -> int:
    return max(layer.weight_bits for layer in spec.layers[1:-1])
