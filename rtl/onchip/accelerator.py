"""The whole accelerator: it runs a network layer by layer on one synapse array."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.datapath import Datapath
from rtl.core.raster import Raster
from rtl.stream.checks import check_frame_size
from sw_model.spec import GREY_MAX, PIXEL_BITS, Deployment
from sw_model.spec.fixed_point import LEVEL_BITS, unsigned_width
from sw_model.spec.network import NOISE_UNITS

from .frame_memory import FrameMemory
from .plane_memory import PlaneMemory
from .sequencer import COUNTER_BITS, Sequencer


class Accelerator(wiring.Component):
    """Denoises frames up to a size, with all activation maps on chip.

    After ``start`` the frame's noisy pixels go in and its denoised pixels come out, both in raster
    order. The first pixel comes out when all layers but the last are finished, or the last one too
    if the network has planes. Cycles: `sw_model.spec.hardware.cycles`.

    Parameters
    ----------
    deployment
        The frozen network. Its weights, constants and derived widths become part of the netlist.
    max_height, max_width
        Largest frame, in pixels.

    Members
    -------
    start, height, width, timesteps, level, busy, error, layer, layer_done, cycles, events
        As in `Sequencer`.
    pixels : In(stream.Signature(signed(10)))
    denoised : Out(stream.Signature(8))
    trace : Out
        Every event word of the spiking layers when it is written: ``valid``, ``layer``, ``word``;
        raster order, time innermost, bit c is channel c.
    """

    def __init__(self, *, deployment: Deployment, max_height: int, max_width: int):
        check_frame_size(max_height, max_width)
        self.deployment = deployment
        self.max_height = max_height
        self.max_width = max_width
        spec = deployment.spec
        self._binary = spec.code == "binary"
        self._levels: tuple[int, int] | None = None
        if spec.noise_levels is not None:
            low, high = spec.noise_levels
            self._levels = low * NOISE_UNITS, high * NOISE_UNITS
        layers = range(len(spec.layers))
        super().__init__(
            {
                "start": In(1),
                "height": In(range(max_height + 1)),
                "width": In(range(max_width + 1)),
                "timesteps": In(range(spec.timesteps_max + 1)),
                **({} if self._levels is None else {"level": In(LEVEL_BITS)}),
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
        """Contents of the initialised memories, as `Datapath.memory_contents` returns them."""
        return self._datapath.memory_contents()

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        m.submodules.sequencer = self._sequencer
        m.submodules.pixel_memory = self._pixel_memory
        m.submodules.activation_memory = self._activation_memory
        m.submodules.datapath = self._datapath
        m.submodules.output_raster = self._output_raster
        self._connect_control(m)
        self._connect_streams(m)
        return m

    def _make_components(self) -> None:
        spec = self.deployment.spec
        size = {"max_height": self.max_height, "max_width": self.max_width}
        self._sequencer = Sequencer(
            layers=len(spec.layers),
            channels=spec.channels,
            timesteps=spec.timesteps,
            levels=self._levels,
            **size,
        )
        height, width = (-(-side // spec.planes) for side in size.values())
        self._pixel_memory = (
            FrameMemory(word_bits=PIXEL_BITS, max_timesteps=1, **size)
            if spec.planes == 1
            else PlaneMemory(**size)
        )
        self._activation_memory = FrameMemory(
            word_bits=spec.channels,
            max_timesteps=spec.timesteps_max,
            max_height=height,
            max_width=width,
        )
        self._datapath = Datapath(deployment=self.deployment, max_height=height, max_width=width)
        self._output_raster = Raster(max_timesteps=1, **size)

    def _connect_control(self, m: Module) -> None:
        sequencer, datapath = self._sequencer, self._datapath
        m.d.comb += [
            sequencer.start.eq(self.start),
            sequencer.height.eq(self.height),
            sequencer.width.eq(self.width),
            sequencer.timesteps.eq(self.timesteps),
            sequencer.event.eq(datapath.event),
            self.busy.eq(sequencer.busy),
            self.error.eq(sequencer.error),
            self.layer.eq(sequencer.layer.index),
            self.layer_done.eq(sequencer.layer_done),
            self.cycles.eq(sequencer.cycles),
            self.events.eq(sequencer.events),
            datapath.restart.eq(sequencer.restart),
        ]
        if self._levels is not None:
            m.d.comb += [
                sequencer.level.eq(self.level),
                datapath.level.eq(sequencer.frame_level),
            ]
        wiring.connect(m, sequencer.layer, datapath.layer)
        wiring.connect(m, sequencer.prepare, datapath.prepare)
        self._connect_frame(m)
        m.d.comb += [
            self._activation_memory.timesteps.eq(sequencer.frame_timesteps),
            datapath.timesteps.eq(sequencer.frame_timesteps),
            self._output_raster.timesteps.eq(1),
            # With the few-spike code, all layers add up the words of a pixel.
            self._activation_memory.merge.eq(1 if self._binary else sequencer.layer.output),
            self._activation_memory.restart_write.eq(sequencer.restart & ~sequencer.layer.output),
            self._activation_memory.restart_read.eq(sequencer.restart & ~sequencer.layer.encoding),
            self._pixel_memory.restart_write.eq(sequencer.restart & sequencer.layer.encoding),
            self._pixel_memory.restart_read.eq(sequencer.restart & sequencer.layer.output),
            self._output_raster.restart.eq(sequencer.restart & sequencer.layer.output),
            sequencer.words_complete.eq(self._activation_memory.complete),
            sequencer.pixels_complete.eq(~self._output_raster.inside),
        ]

    def _connect_frame(self, m: Module) -> None:
        frame, pixel_memory, datapath = self._sequencer.frame, self._pixel_memory, self._datapath
        maps, raster = self._activation_memory, self._output_raster
        if isinstance(pixel_memory, FrameMemory):
            wiring.connect(m, frame, pixel_memory.frame, maps.frame, datapath.frame, raster.frame)
            m.d.comb += pixel_memory.timesteps.eq(1)
            return
        wiring.connect(m, frame, pixel_memory.picture, raster.frame)
        for positions in (pixel_memory.positions, maps.frame, datapath.frame):
            m.d.comb += [
                positions.height.eq((frame.height + 1) >> 1),
                positions.width.eq((frame.width + 1) >> 1),
            ]

    def _connect_planes(self, m: Module, pixel_memory: PlaneMemory) -> None:
        datapath, layer = self._datapath, self._sequencer.layer
        wiring.connect(m, wiring.flipped(self.pixels), pixel_memory.pixels)
        wiring.connect(m, pixel_memory.denoised, wiring.flipped(self.denoised))
        wiring.connect(m, datapath.denoised, pixel_memory.replaced)
        words = pixel_memory.words
        m.d.comb += [
            datapath.pixels.valid.eq(words.valid & layer.encoding),
            datapath.pixels.payload.eq(words.payload),
            datapath.noisy.valid.eq(words.valid & layer.output),
            datapath.noisy.p.word.eq(words.payload),
            words.ready.eq(
                Mux(layer.encoding, datapath.pixels.ready, datapath.noisy.ready & layer.output)
            ),
        ]

    def _connect_streams(self, m: Module) -> None:
        pixel_memory = self._pixel_memory
        if isinstance(pixel_memory, PlaneMemory):
            self._connect_planes(m, pixel_memory)
            self._connect_maps(m)
        else:
            self._connect_pixels(m, pixel_memory)
        m.d.comb += self._output_raster.step.eq(self.denoised.valid & self.denoised.ready)

    def _connect_pixels(self, m: Module, pixel_memory: FrameMemory) -> None:
        datapath = self._datapath
        m.d.comb += [
            datapath.pixels.valid.eq(self.pixels.valid),
            datapath.pixels.payload.eq(self.pixels.payload),
            self.pixels.ready.eq(datapath.pixels.ready),
            pixel_memory.i.valid.eq(self.pixels.valid & self.pixels.ready),
            pixel_memory.i.payload.eq(self.pixels.payload),
        ]
        self._connect_maps(m)
        wiring.connect(m, pixel_memory.o, datapath.noisy)
        wiring.connect(m, datapath.denoised, wiring.flipped(self.denoised))

    def _connect_maps(self, m: Module) -> None:
        datapath = self._datapath
        wiring.connect(m, self._activation_memory.o, datapath.words)
        wiring.connect(m, datapath.written, self._activation_memory.i)
        m.d.comb += [
            self.trace.valid.eq(datapath.written.valid & datapath.written.ready),
            self.trace.layer.eq(self._sequencer.layer.index),
            self.trace.word.eq(datapath.written.payload),
        ]
