"""The output layer's pipeline, from events to denoised pixels."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Value
from amaranth.lib import wiring

from rtl.stream.vectors import lanes
from sw_model.spec import TAPS, Deployment, weight_row

from .layer_constants import LayerConstants
from .loading import LoadPlace
from .output_layer import OutputLayer
from .scatter import Scatter
from .synapse_array import SynapseArray
from .weight_memory import WeightMemory


class OutputPath:
    """Weights, lanes, scatter and scaling of the output layer, which become parts of a module.

    The lanes are its own, because they add up all words of a pixel and so are wider than those of
    the hidden layers.

    Parameters
    ----------
    deployment
        The frozen network.
    max_width
        Widest frame, in pixels.
    load
        Place of its chunks when the weights are loaded; None for constant weights.

    Attributes
    ----------
    sum_bits
        Width of the scatter's sums, of all output planes together.
    """

    def __init__(self, *, deployment: Deployment, max_width: int, load: LoadPlace | None):
        spec, widths = deployment.spec, deployment.widths.layers[-1]
        bits = spec.layers[-1].weight_bits
        self._binary = spec.code == "binary"
        outputs = spec.inputs
        self.sum_bits = outputs * widths.sum
        self.weights = WeightMemory(
            rows=[weight_row(deployment.weights[-1], channel) for channel in range(spec.channels)],
            weight_bits=bits,
            load=load,
            binary=self._binary,
        )
        self.array = SynapseArray(
            lanes=outputs * TAPS, weight_bits=bits, lane_bits=widths.lane, binary=self._binary
        )
        self.scatter = Scatter(
            channels=outputs,
            lane_bits=widths.lane,
            sum_bits=widths.sum,
            max_width=max_width,
            max_timesteps=1,
        )
        # One for each output plane; they move together.
        self._layers = [
            OutputLayer(sum_bits=widths.sum, total_bits=widths.current, shift=spec.layers[-1].shift)
            for _ in range(outputs)
        ]

    def add_to(self, m: Module) -> None:
        """Make the components submodules."""
        m.submodules.output_weights = self.weights
        m.submodules.output_array = self.array
        m.submodules.output_scatter = self.scatter
        for index, layer in enumerate(self._layers):
            name = f"output_layer_{index}" if len(self._layers) > 1 else "output_layer"
            m.submodules[name] = layer

    def connect(
        self,
        m: Module,
        events: wiring.PureInterface,
        constants: LayerConstants,
        output: Value,
        width: Value,
        restart: Value,
    ) -> None:
        """Connect all but the scatter's output and the streams of the scaling.

        Parameters
        ----------
        events
            The event encoder's output.
        constants
            They contain those of the output layer.
        output
            The layer under way is the output layer.
        width
            Of the frame.
        restart
            A layer begins.
        """
        weights, array, scatter = self.weights, self.array, self.scatter
        m.d.comb += [
            weights.requests.valid.eq(events.valid & output),
            weights.requests.p.row.eq(events.p.channel),
            weights.requests.p.present.eq(events.p.present),
            weights.requests.p.last.eq(events.p.last),
            array.weights.eq(weights.weights),
            array.take.eq(weights.take),
            array.last.eq(weights.last),
            scatter.width.eq(width),
            # One sum per pixel for all timesteps.
            scatter.timesteps.eq(1),
            scatter.restart.eq(restart & output),
        ]
        for layer, offset in zip(self._layers, self._parts(constants.offset), strict=True):
            m.d.comb += [layer.offset.eq(offset), layer.mult.eq(constants.mult)]
        if self._binary:
            m.d.comb += [
                weights.requests.p.first.eq(events.p.first),
                array.first.eq(weights.first),
            ]
        wiring.connect(m, array.sums, scatter.i)

    def connect_pixels(
        self,
        m: Module,
        sums: wiring.PureInterface,
        noisy: wiring.PureInterface,
        denoised: wiring.PureInterface,
    ) -> None:
        """Connect the streams of the scaling.

        Parameters
        ----------
        sums
            The scatter's sums, from the queue.
        noisy, denoised
            Pixels, seen from inside.
        """
        first, *others = self._layers
        if not others:
            wiring.connect(m, sums, first.sums)
            wiring.connect(m, noisy, first.pixels)
            wiring.connect(m, first.denoised, denoised)
            return
        m.d.comb += [
            sums.ready.eq(first.sums.ready),
            noisy.ready.eq(first.pixels.ready),
            denoised.valid.eq(first.denoised.valid),
            denoised.payload.eq(Cat(layer.denoised.payload for layer in self._layers)),
        ]
        numbers = zip(
            self._layers, self._parts(sums.payload), self._parts(noisy.p.word), strict=True
        )
        for layer, weighted, pixel in numbers:
            m.d.comb += [
                layer.sums.valid.eq(sums.valid),
                layer.sums.payload.eq(weighted),
                layer.pixels.valid.eq(noisy.valid),
                layer.pixels.p.word.eq(pixel),
                layer.denoised.ready.eq(denoised.ready),
            ]

    def _parts(self, vector: Value) -> list[Value]:
        """Return the number of each output plane."""
        count = len(self._layers)
        return [vector] if count == 1 else lanes(vector, len(vector) // count)
