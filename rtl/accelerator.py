"""The whole accelerator: any deployment's network, layer after layer, on one synapse array."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from sw_model.spec import (
    GREY_MAX,
    PIXEL_BITS,
    TAPS,
    Deployment,
    NetworkSpec,
    weight_row,
)
from sw_model.spec.fixed_point import unsigned_width

from .checks import check_frame_size
from .encoding_layer import EncodingLayer
from .event_encoder import EventEncoder
from .frame_memory import FrameMemory
from .layer_constants import LayerConstants
from .lif_array import LifArray
from .netlist import extended, lanes
from .output_layer import OutputLayer
from .raster import Raster
from .scatter import Scatter
from .sequencer import COUNTER_BITS, Sequencer
from .synapse_array import SynapseArray
from .weight_memory import WeightMemory


class Accelerator(wiring.Component):
    """Denoises frames up to a size, with all activation maps on chip.

    After ``start`` the frame's noisy pixels go in and its denoised pixels come out, both in raster
    order. The first pixel comes out when all layers but the last are through. Cycles:
    `sw_model.spec.cycles`.

    Parameters
    ----------
    deployment
        The frozen network. Its weights, constants and derived widths become part of the netlist.
    max_height, max_width
        Of a frame, in pixels.

    Members
    -------
    start, height, width, timesteps, busy, error, layer, layer_done, cycles, events
        As in `Sequencer`.
    pixels : In(stream.Signature(signed(10)))
    denoised : Out(stream.Signature(8))
    trace : Out
        Every event word of the spiking layers, as it is written: ``valid``, ``layer``, ``word``;
        raster order, time innermost, bit c is channel c.
    """

    def __init__(self, *, deployment: Deployment, max_height: int, max_width: int):
        check_frame_size(max_height, max_width)
        self.deployment = deployment
        self.max_height = max_height
        self.max_width = max_width
        spec = deployment.spec
        layers = range(len(spec.layers))
        super().__init__(
            {
                "start": In(1),
                "height": In(range(max_height + 1)),
                "width": In(range(max_width + 1)),
                "timesteps": In(range(spec.timesteps_max + 1)),
                "busy": Out(1),
                "error": Out(1),
                "pixels": In(stream.Signature(signed(PIXEL_BITS))),
                "denoised": Out(stream.Signature(unsigned_width(GREY_MAX))),
                "trace": Out(
                    wiring.Signature(
                        {"valid": Out(1), "layer": Out(layers), "word": Out(spec.channels)}
                    )
                ),
                "layer": Out(layers),
                "layer_done": Out(1),
                "cycles": Out(COUNTER_BITS),
                "events": Out(COUNTER_BITS),
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
        self._connect_control(m)
        self._connect_datapath(m)
        self._connect_results(m)
        return m

    def _make_components(self) -> None:
        spec, widths = self.deployment.spec, self.deployment.widths
        weights, channels = self.deployment.weights, spec.channels
        size = {"max_height": self.max_height, "max_width": self.max_width}
        steps = spec.timesteps_max
        array_bits = max(layer.weight_bits for layer in spec.layers)

        self._sequencer = Sequencer(
            layers=len(spec.layers), channels=channels, timesteps=spec.timesteps, **size
        )
        self._layer_constants = LayerConstants(deployment=self.deployment)
        self._pixel_memory = FrameMemory(word_bits=PIXEL_BITS, max_steps=1, **size)
        self._activation_memory = FrameMemory(word_bits=channels, max_steps=steps, **size)
        self._encoding_layer = EncodingLayer(
            weights=weight_row(weights[0], 0), weight_bits=array_bits, max_steps=steps, **size
        )
        self._event_encoder = EventEncoder(channels=channels)
        self._hidden_weights = WeightMemory(
            rows=[weight_row(w, c) for w in weights[1:-1] for c in range(channels)],
            weight_bits=_hidden_bits(spec),
        )
        self._output_weights = WeightMemory(
            rows=[weight_row(weights[-1], c) for c in range(channels)],
            weight_bits=spec.layers[-1].weight_bits,
        )
        self._synapse_array = SynapseArray(
            lanes=TAPS * channels, weight_bits=array_bits, lane_bits=widths.lane
        )
        self._scatter = Scatter(
            channels=channels,
            lane_bits=widths.lane,
            sum_bits=widths.sum,
            max_width=self.max_width,
            max_steps=steps,
        )
        self._lif_array = LifArray(
            channels=channels,
            neurons=self._layer_constants.neurons,
            max_steps=steps,
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
        self._output_raster = Raster(max_steps=1, **size)

    def _connect_control(self, m: Module) -> None:
        sequencer = self._sequencer
        m.d.comb += [
            sequencer.start.eq(self.start),
            sequencer.height.eq(self.height),
            sequencer.width.eq(self.width),
            sequencer.timesteps.eq(self.timesteps),
            self.busy.eq(sequencer.busy),
            self.error.eq(sequencer.error),
            self.layer.eq(sequencer.layer),
            self.layer_done.eq(sequencer.layer_done),
            self.cycles.eq(sequencer.cycles),
            self.events.eq(sequencer.events),
        ]
        # The encoding layer has one sum a pixel for all timesteps, and so has the output layer.
        merged = sequencer.encoding | sequencer.output
        for component, steps in (
            (self._pixel_memory, 1),
            (self._activation_memory, sequencer.frame_steps),
            (self._encoding_layer, sequencer.frame_steps),
            (self._output_raster, 1),
        ):
            m.d.comb += [
                component.height.eq(sequencer.frame_height),
                component.width.eq(sequencer.frame_width),
                component.steps.eq(steps),
            ]
        m.d.comb += [
            self._scatter.width.eq(sequencer.frame_width),
            self._scatter.steps.eq(Mux(merged, 1, sequencer.frame_steps)),
            self._scatter.restart.eq(sequencer.restart),
            self._lif_array.steps.eq(sequencer.frame_steps),
            self._lif_array.constant.eq(sequencer.encoding),
            self._activation_memory.merge.eq(sequencer.output),
            self._activation_memory.restart_write.eq(sequencer.restart & ~sequencer.output),
            self._activation_memory.restart_read.eq(sequencer.restart & ~sequencer.encoding),
            self._pixel_memory.restart_write.eq(sequencer.restart & sequencer.encoding),
            self._pixel_memory.restart_read.eq(sequencer.restart & sequencer.output),
            self._encoding_layer.restart.eq(sequencer.restart & sequencer.encoding),
            self._output_raster.restart.eq(sequencer.restart & sequencer.output),
            sequencer.words_complete.eq(self._activation_memory.complete),
            sequencer.pixels_complete.eq(~self._output_raster.inside),
        ]

        constants = self._layer_constants
        m.d.comb += [
            constants.layer.eq(sequencer.layer),
            constants.steps.eq(sequencer.frame_steps),
            self._lif_array.kind.eq(constants.kind),
            self._lif_array.constants.eq(constants.neuron),
            self._output_layer.offset.eq(constants.offset),
            self._output_layer.mult.eq(constants.mult),
        ]

    def _connect_datapath(self, m: Module) -> None:
        sequencer, encoder = self._sequencer, self._event_encoder
        pixels, beats = self._encoding_layer.pixels, self._synapse_array.beats
        m.d.comb += [
            pixels.valid.eq(self.pixels.valid),
            pixels.payload.eq(self.pixels.payload),
            self.pixels.ready.eq(pixels.ready),
            self._pixel_memory.writes.valid.eq(self.pixels.valid & self.pixels.ready),
            self._pixel_memory.writes.payload.eq(self.pixels.payload),
        ]
        wiring.connect(m, self._activation_memory.reads, encoder.words)

        # Events read their row from the memory of the layer's kind.
        for weights, chosen, base in (
            (self._hidden_weights, ~sequencer.output, sequencer.row_base),
            (self._output_weights, sequencer.output, 0),
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
        with m.If(sequencer.encoding):
            m.d.comb += [
                beats.valid.eq(encoding.valid),
                beats.payload.eq(encoding.payload),
                encoding.ready.eq(beats.ready),
            ]
        with m.Elif(sequencer.output):
            m.d.comb += [*_event_beat(output, beats), weights.eq(extended(output_lanes, bits))]
        with m.Else():
            m.d.comb += [*_event_beat(hidden, beats), weights.eq(extended(hidden_lanes, bits))]
        m.d.comb += sequencer.event.eq(
            beats.valid & beats.ready & beats.p.add & ~sequencer.encoding
        )
        wiring.connect(m, self._synapse_array.sums, self._scatter.taps)

    def _connect_results(self, m: Module) -> None:
        sequencer, sums = self._sequencer, self._scatter.sums
        m.d.comb += [
            self._lif_array.sums.payload.eq(sums.payload),
            self._lif_array.sums.valid.eq(sums.valid & ~sequencer.output),
            self._output_layer.sums.payload.eq(sums.payload[: self.deployment.widths.sum]),
            self._output_layer.sums.valid.eq(sums.valid & sequencer.output),
            sums.ready.eq(
                Mux(sequencer.output, self._output_layer.sums.ready, self._lif_array.sums.ready)
            ),
        ]
        words = self._lif_array.words
        wiring.connect(m, words, self._activation_memory.writes)
        m.d.comb += [
            self.trace.valid.eq(words.valid & words.ready),
            self.trace.layer.eq(sequencer.layer),
            self.trace.word.eq(words.payload),
        ]
        wiring.connect(m, self._pixel_memory.reads, self._output_layer.pixels)
        wiring.connect(m, self._output_layer.denoised, wiring.flipped(self.denoised))
        m.d.comb += self._output_raster.step.eq(self.denoised.valid & self.denoised.ready)


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
