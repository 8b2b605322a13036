"""All arithmetic of the accelerator, without the memories of the activation maps."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.checks import check_positive
from rtl.stream.credit_queue import CatchQueue
from sw_model.spec import GREY_MAX, PIXEL_BITS, Deployment
from sw_model.spec.encoding_tables import table_bits
from sw_model.spec.fixed_point import LEVEL_BITS, unsigned_width
from sw_model.spec.hardware.cycles import datapath_latency

from .channel_group import ChannelGroup, pass_on, pass_on_loads, words_together
from .event_encoder import EventEncoder
from .hidden_weights import fetch_members, group_weights
from .layer_constants import LayerConstants
from .layouts import FrameSignature, FrameWord, LayerSignature, PrepareSignature
from .loading import CHUNK_BITS, LoadPlace, connect_load, load_members
from .output_path import OutputPath
from .pixel_window import PixelWindow


class Datapath(wiring.Component):
    """Event words in, event words out; pixels at both ends of the network.

    It computes one layer at a time; the input `layer` selects it. Inputs and outputs have
    handshakes, the pipeline between them has none: two queues behind it stop its inputs before
    they are full.

    Parameters
    ----------
    deployment
        The frozen network. Its weights, constants and derived widths become part of the netlist.
    max_height, max_width
        Of a frame, in pixels.
    loadable
        Whether other weights and constants can be loaded. The memories then hold those of the
        deployment at first.
    shared_weights
        Whether the hidden layers' weights come from memories outside the datapath, which other
        datapaths read too.

    Members
    -------
    frame : In(FrameSignature(max_height, max_width))
    timesteps : In
        T of the frame, constant while a layer runs.
    level : In(12)
        Noise level of the frame; absent where the network takes none.
    layer : In(LayerSignature(...))
        The layer under way, constant while it runs.
    prepare : In(PrepareSignature())
    restart : In(1)
        A layer begins; the pipeline is empty.
    pixels : In(stream.Signature(signed(inputs * 10)))
        Noisy pixels, those of all input planes side by side, for the encoding layer.
    words : In(stream.Signature(FrameWord(channels)))
        Event words for the other layers in raster order, followed by the row and the pixel of
        zeros that `Scatter` needs.
    written : Out(stream.Signature(channels))
        Event words of a spiking layer.
    noisy : In(stream.Signature(FrameWord(inputs * 10)))
        Noisy pixels once more, for the output layer.
    denoised : Out(stream.Signature(inputs * 8))
    event : Out(1)
        An event goes to the synapse arrays.
    beat, held : Out(1)
        Anything goes to them; nothing does, because of back-pressure at the pipeline's end.
    load : In(LOAD_STREAM)
        Absent where not ``loadable``.
    fetch_0, fetch_1, ... : Out(WeightSignature(...))
        Requests of each channel group to the shared weight memories; only with ``shared_weights``.
    """

    def __init__(
        self,
        *,
        deployment: Deployment,
        max_height: int,
        max_width: int,
        loadable: bool = False,
        shared_weights: bool = False,
    ):
        check_positive(max_height=max_height, max_width=max_width)
        self.deployment = deployment
        self.max_height = max_height
        self.max_width = max_width
        self.loadable = loadable
        self.shared_weights = shared_weights
        spec = deployment.spec
        self._binary = spec.code == "binary"
        super().__init__(
            {
                "frame": In(FrameSignature(max_height, max_width)),
                "timesteps": In(range(spec.timesteps_max + 1)),
                "layer": In(LayerSignature(len(spec.layers), spec.channels)),
                "prepare": In(PrepareSignature()),
                "restart": In(1),
                "pixels": In(stream.Signature(signed(spec.inputs * PIXEL_BITS))),
                "words": In(stream.Signature(FrameWord(spec.channels))),
                "written": Out(stream.Signature(spec.channels)),
                "noisy": In(stream.Signature(FrameWord(spec.inputs * PIXEL_BITS))),
                "denoised": Out(stream.Signature(spec.inputs * unsigned_width(GREY_MAX))),
                "event": Out(1),
                "beat": Out(1),
                "held": Out(1),
                **({} if spec.noise_levels is None else {"level": In(LEVEL_BITS)}),
                **load_members(self._place("output")),
                **(fetch_members(deployment) if shared_weights else {}),
            }
        )
        self._make_components()

    def memory_contents(self) -> dict[str, list[str]]:
        """Return the contents of the initialised memories, a hexadecimal string for each row.

        As in the netlist, the first value of a row is in the least significant bits.
        """
        memories = {
            f"hidden_weights_{index}": group.weights for index, group in enumerate(self._groups)
        }
        memories |= {
            "output_weights": self._output.weights,
            "neuron_constants": self._layer_constants,
        }
        if self._layer_constants.level_weights is not None:
            memories["level_weights"] = self._layer_constants.level_weights
        return {
            name: [f"{row:0{-(-memory.row_bits // 4)}x}" for row in memory.rows]
            for name, memory in memories.items()
        }

    def _make_components(self) -> None:
        spec = self.deployment.spec
        self._layer_constants = LayerConstants(deployment=self.deployment, loadable=self.loadable)
        self._pixel_window = PixelWindow(
            max_height=self.max_height,
            max_width=self.max_width,
            max_timesteps=spec.timesteps_max,
            inputs=spec.inputs,
        )
        self._event_encoder = EventEncoder(channels=spec.channels, binary=self._binary)
        self._groups = []
        encoding_bits = table_bits(spec.layers[0].weight_bits)
        encoding = 0  # chunks of the groups so far
        for weights in group_weights(self.deployment):
            group = ChannelGroup(
                deployment=self.deployment,
                channels=weights.channels,
                neurons=self._layer_constants.neurons,
                max_width=self.max_width,
                hidden=weights.place if self.loadable and not self.shared_weights else None,
                encoding=self._place("encoding", encoding),
                shared_weights=self.shared_weights,
            )
            self._groups.append(group)
            encoding += -(-len(weights.channels) * encoding_bits // CHUNK_BITS)
        self._output = OutputPath(
            deployment=self.deployment, max_width=self.max_width, load=self._place("output")
        )
        in_flight = datapath_latency(spec.channels)
        late = 1  # cycles until `hold` takes effect
        # A window that has begun gives T words; the window before it may still give some.
        words = max(in_flight, 2 * spec.timesteps_max + in_flight // 2)
        if self._binary:
            # T words in flight give T words once the last of them is there; so may those before.
            words = in_flight + 2 * spec.timesteps_max
        self._word_queue = CatchQueue(width=spec.channels, reserve=words + late)
        self._sum_queue = CatchQueue(width=self._output.sum_bits, reserve=in_flight + late)

    def _place(self, name: str, chunk: int = 0) -> LoadPlace | None:
        return LoadPlace(name, chunk=chunk) if self.loadable else None

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        m.submodules.layer_constants = self._layer_constants
        m.submodules.pixel_window = self._pixel_window
        m.submodules.event_encoder = self._event_encoder
        self._output.add_to(m)
        m.submodules.word_queue = self._word_queue
        m.submodules.sum_queue = self._sum_queue
        connect_load(m, self, self._layer_constants, self._output.weights)
        if self.loadable:
            connect_load(m, self, self._groups[0])
            pass_on_loads(m, self._groups)
        hold = Signal()
        # A register, because the wires from the queues to the pipeline's inputs are long.
        m.d.sync += hold.eq(self._word_queue.hold | self._sum_queue.hold)
        self._connect_inputs(m, hold)
        self._connect_groups(m)
        self._connect_output_layer(m)
        return m

    def _connect_inputs(self, m: Module, hold: Signal) -> None:
        encoder, window = self._event_encoder, self._pixel_window
        wiring.connect(m, wiring.flipped(self.pixels), window.i)
        wiring.connect(m, wiring.flipped(self.frame), window.frame)
        m.d.comb += [
            window.timesteps.eq(self.timesteps),
            window.restart.eq(self.restart & self.layer.encoding),
            window.hold.eq(hold),
            encoder.i.payload.eq(self.words.payload),
            encoder.i.valid.eq(self.words.valid & ~hold),
            self.words.ready.eq(encoder.i.ready & ~hold),
            encoder.spacing.eq(1),
            self.event.eq(encoder.o.valid & encoder.o.p.present),
            self.beat.eq(encoder.o.valid | window.o.valid),
            self.held.eq(hold & ~self.beat),
        ]
        # As `sw_model.spec.hardware.cycles.spacing`: a row takes three cycles or more.
        with m.If((self.frame.width == 1) & (self.timesteps == 1)):
            m.d.comb += encoder.spacing.eq(3)
        with m.Elif(
            ((self.frame.width == 1) & (self.timesteps == 2))
            | ((self.frame.width == 2) & (self.timesteps == 1))
        ):
            m.d.comb += encoder.spacing.eq(2)

    def _connect_groups(self, m: Module) -> None:
        events, constants = self._event_encoder.o, self._layer_constants
        m.d.comb += [
            constants.layer.eq(self.layer.index),
            constants.timesteps.eq(self.timesteps),
        ]
        if self.deployment.spec.noise_levels is not None:
            m.d.comb += constants.level.eq(self.level)
        wiring.connect(m, wiring.flipped(self.prepare), constants.prepare)
        requests = self._groups[0].requests
        m.d.comb += [
            requests.valid.eq(events.valid & ~self.layer.output),
            requests.p.row.eq(self.layer.row_base + events.p.channel),
            requests.p.present.eq(events.p.present),
            requests.p.last.eq(events.p.last),
            self._groups[0].encoding.eq(self.layer.encoding),
        ]
        if self._binary:
            m.d.comb += requests.p.first.eq(events.p.first)
        wiring.connect(m, self._pixel_window.o, self._groups[0].planes)
        pass_on(m, self._groups)
        for index, group in enumerate(self._groups):
            m.submodules[f"group_{index}"] = group
            if self.shared_weights:
                fetch = getattr(self, f"fetch_{index}")
                wiring.connect(m, group.fetch, wiring.flipped(fetch))
            first = group.channels[0]
            m.d.comb += [
                group.width.eq(self.frame.width),
                group.timesteps.eq(self.timesteps),
                group.restart.eq(self.restart & ~self.layer.encoding & ~self.layer.output),
                group.kind.eq(constants.kind),
                group.constants.eq(
                    Cat(constants.neuron[first + c].as_value() for c in range(len(group.channels)))
                ),
            ]
        queue = self._word_queue
        m.d.comb += [
            queue.i.valid.eq(self._groups[-1].words.valid),
            queue.i.payload.eq(words_together(m, self._groups)),
        ]
        wiring.connect(m, queue.o, wiring.flipped(self.written))

    def _connect_output_layer(self, m: Module) -> None:
        self._output.connect(
            m,
            self._event_encoder.o,
            self._layer_constants,
            self.layer.output,
            self.frame.width,
            self.restart,
        )
        wiring.connect(m, self._output.scatter.o, self._sum_queue.i)
        self._output.connect_pixels(
            m, self._sum_queue.o, wiring.flipped(self.noisy), wiring.flipped(self.denoised)
        )
