"""One engine: strips from memory, through the datapath, back to memory."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, ResetInserter, signed
from amaranth.lib import fifo, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.datapath import Datapath
from rtl.core.hidden_weights import connect_fetch, fetch_members
from rtl.core.layouts import FrameSignature, LayerSignature, PrepareSignature
from rtl.core.loading import LOAD_STREAM
from rtl.stream.register_slice import RegisterSlice
from rtl.stream.skid_buffer import SkidBuffer
from sw_model.spec import GREY_MAX, PIXEL_BITS, Deployment
from sw_model.spec.fixed_point import unsigned_width
from sw_model.spec.hardware.buffers import NOISY_PIXELS, QUEUE_WORDS
from sw_model.spec.hardware.registers import FRAME_HEIGHT_MAX

from .geometry import StripGeometry, row_limits
from .map_feeder import MapFeeder
from .map_splitter import MapSplitter
from .pixel_packer import PixelPacker
from .pixel_unpacker import PixelUnpacker
from .reader import BurstReader
from .row_router import RowRouter
from .signature import DATA_BITS, AxiSignature
from .status import ActivitySignature, StatusSignature
from .strip_filter import StripFilter
from .writer import BurstWriter


class StripEngine(wiring.Component):
    """Runs one strip of one layer at a time: reads it, computes it, writes it.

    Several engines may share the rows of a frame: each then has a band of rows, and reads a row
    of each neighbouring band (halo).

    Parameters
    ----------
    deployment
        The frozen network.
    columns
        Input columns of the widest strip.
    banded
        Whether its rows may begin below the frame's first one.
    shared_weights
        Whether the hidden layers' weights come from a memory outside the engine.

    Members
    -------
    prepare : In(PrepareSignature())
    restart : In(1)
        A strip begins; its description is stable from `rtl.axi.geometry.LATENCY` cycles before.
    stop, clear : In(1)
        As in `StripSequencer`.
    height, own_rows : In
        Number of rows that it reads, and that it writes.
    skip_top, skip_bottom : In(1)
        The first, or the last, row that it reads belongs to another engine.
    timesteps : In
        Of the frame.
    layer : In(LayerSignature(...))
    status : Out(StatusSignature())
    activity : Out(ActivitySignature())
    axi : Out(AxiSignature())
    load : In(LOAD_STREAM)
    fetch_0, fetch_1, ... : Out(WeightSignature(...))
        As in `Datapath`.

    Attributes
    ----------
    geometry : StripGeometry
        Its inputs select the strip; the parent connects them.
    """

    def __init__(
        self,
        *,
        deployment: Deployment,
        columns: int,
        banded: bool = False,
        shared_weights: bool = False,
    ):
        self.deployment = deployment
        spec = deployment.spec
        channels, max_timesteps = spec.channels, spec.timesteps_max
        rows = range(FRAME_HEIGHT_MAX + 1)
        self.geometry = StripGeometry(
            channels=channels, max_timesteps=max_timesteps, columns=columns, banded=banded
        )
        super().__init__(
            {
                "prepare": In(PrepareSignature()),
                "restart": In(1),
                "stop": In(1),
                "clear": In(1),
                "height": In(rows),
                "own_rows": In(rows),
                "skip_top": In(1),
                "skip_bottom": In(1),
                "timesteps": In(range(max_timesteps + 1)),
                "layer": In(LayerSignature(len(spec.layers), channels)),
                "status": Out(StatusSignature()),
                "activity": Out(ActivitySignature()),
                "axi": Out(AxiSignature()),
                "load": In(LOAD_STREAM),
                **(fetch_members(deployment) if shared_weights else {}),
            }
        )
        limits = {"max_rows": FRAME_HEIGHT_MAX, **row_limits(channels, columns, max_timesteps)}
        size = {"max_height": FRAME_HEIGHT_MAX, "max_width": columns}
        self._reader = BurstReader(depth=QUEUE_WORDS, **limits)
        self._writer = BurstWriter(depth=QUEUE_WORDS, **limits)
        self._router = RowRouter(max_words=limits["max_words"])
        self._unpacker = PixelUnpacker(max_columns=columns)
        self._feeder = MapFeeder(channels=channels, max_timesteps=max_timesteps, **size)
        self._map_skid = SkidBuffer(DATA_BITS)
        self._noisy_words_slice = RegisterSlice(DATA_BITS)
        self._noisy_slice = RegisterSlice(signed(PIXEL_BITS))
        self._datapath = Datapath(
            deployment=deployment, loadable=True, shared_weights=shared_weights, **size
        )
        self._word_filter = StripFilter(payload=channels, max_timesteps=max_timesteps, **size)
        self._pixel_slice = RegisterSlice(unsigned_width(GREY_MAX))
        self._pixel_filter = StripFilter(payload=unsigned_width(GREY_MAX), max_timesteps=1, **size)
        self._splitter = MapSplitter(channels=channels)
        self._packer = PixelPacker(max_columns=columns)
        # The output layer needs a row's pixels only after it has read the map a row and a pixel
        # further on.
        row_words = columns // NOISY_PIXELS + 2
        self._pixel_queue = fifo.SyncFIFOBuffered(width=DATA_BITS, depth=3 * row_words)

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        clear = ResetInserter(self.clear)
        m.submodules.geometry = clear(self.geometry)
        m.submodules.reader = clear(self._reader)
        m.submodules.writer = clear(self._writer)
        m.submodules.router = clear(self._router)
        m.submodules.unpacker = clear(self._unpacker)
        m.submodules.feeder = clear(self._feeder)
        m.submodules.map_skid = clear(self._map_skid)
        m.submodules.noisy_words_slice = clear(self._noisy_words_slice)
        m.submodules.noisy_slice = clear(self._noisy_slice)
        m.submodules.datapath = clear(self._datapath)
        m.submodules.word_filter = clear(self._word_filter)
        m.submodules.pixel_slice = clear(self._pixel_slice)
        m.submodules.pixel_filter = clear(self._pixel_filter)
        m.submodules.splitter = clear(self._splitter)
        m.submodules.packer = clear(self._packer)
        m.submodules.pixel_queue = clear(self._pixel_queue)
        self._connect_control(m)
        self._connect_memory(m)
        self._connect_datapath(m)
        return m

    def _connect_control(self, m: Module) -> None:
        geometry, datapath = self.geometry, self._datapath
        spec = self.deployment.spec
        strip = FrameSignature(FRAME_HEIGHT_MAX, self.geometry.columns_max).create(path=("strip",))
        wiring.connect(
            m,
            strip,
            self._feeder.frame,
            datapath.frame,
            self._word_filter.frame,
            self._pixel_filter.frame,
        )
        m.d.comb += [
            strip.height.eq(self.height),
            strip.width.eq(geometry.columns),
            self._feeder.timesteps.eq(self.timesteps),
            datapath.timesteps.eq(self.timesteps),
            self._word_filter.timesteps.eq(self.timesteps),
            self._pixel_filter.timesteps.eq(1),
        ]
        for component in (datapath, self._word_filter, self._pixel_filter):
            m.d.comb += component.restart.eq(self.restart)
        for component in (self._word_filter, self._pixel_filter):
            m.d.comb += [
                component.skip_first.eq(geometry.skip_first),
                component.skip_last.eq(geometry.skip_last),
                component.skip_top.eq(self.skip_top),
                component.skip_bottom.eq(self.skip_bottom),
            ]
        m.d.comb += [
            # The encoding layer reads no map, and nothing behind the feeder waits for one.
            self._feeder.restart.eq(self.restart & ~self.layer.encoding),
            # With the few-spike code, all layers add up the words of a pixel.
            self._feeder.merge.eq(1 if spec.code == "binary" else self.layer.output),
            self._router.restart.eq(self.restart),
            self._router.pixel_words.eq(geometry.pixel_rows.words),
            self._router.map_words.eq(geometry.map_rows.words),
            self._unpacker.restart.eq(self.restart),
            self._unpacker.lane.eq(geometry.noisy_lane),
            self._unpacker.columns.eq(geometry.columns),
            self._packer.restart.eq(self.restart),
            self._packer.lane.eq(geometry.denoised_lane),
            self._packer.columns.eq(geometry.outputs),
            self.status.complete.eq(
                Mux(self.layer.output, self._pixel_filter.complete, self._word_filter.complete)
            ),
            self.activity.beat.eq(datapath.beat),
            self.activity.held.eq(datapath.held),
            self.activity.event.eq(datapath.event),
        ]
        wiring.connect(m, wiring.flipped(self.layer), datapath.layer)
        wiring.connect(m, wiring.flipped(self.prepare), datapath.prepare)
        wiring.connect(m, wiring.flipped(self.load), datapath.load)
        connect_fetch(m, self, datapath)

    def _connect_memory(self, m: Module) -> None:
        geometry, reader, writer = self.geometry, self._reader, self._writer
        for port in (reader, writer):
            m.d.comb += [
                port.start.eq(self.restart),
                port.abort.eq(self.stop),
            ]
        m.d.comb += [reader.rows.eq(self.height), writer.rows.eq(self.own_rows)]
        wiring.connect(m, geometry.pixel_rows, reader.first)
        wiring.connect(m, geometry.map_rows, reader.second)
        wiring.connect(m, geometry.result_rows, writer.place)
        wiring.connect(m, reader.axi, wiring.flipped(self.axi.read))
        wiring.connect(m, writer.axi, wiring.flipped(self.axi.write))
        m.d.comb += [
            self.status.reader_idle.eq(reader.idle),
            self.status.writer_idle.eq(writer.idle),
            self.status.read_failed.eq(reader.failed),
            self.status.write_failed.eq(writer.failed),
            self.status.beyond.eq(reader.beyond | writer.beyond),
            self.activity.read.eq(reader.read),
            self.activity.written.eq(writer.written),
        ]

    def _connect_datapath(self, m: Module) -> None:
        router, queue, unpacker = self._router, self._pixel_queue, self._unpacker
        feeder, datapath = self._feeder, self._datapath
        noisy_words, noisy = self._noisy_words_slice, self._noisy_slice
        wiring.connect(m, self._reader.words, router.words)
        wiring.connect(m, router.pixels, queue.w_stream)
        wiring.connect(m, queue.r_stream, noisy_words.i)
        # The only register of `ready` between the event encoder and the read queue.
        wiring.connect(m, router.map, self._map_skid.i)
        wiring.connect(m, self._map_skid.o, feeder.i)
        wiring.connect(m, feeder.o, datapath.words)
        # The output of a block RAM comes late in its cycle: too late to select a pixel of a word
        # in it, and the selected pixel too late for the window's rows.
        wiring.connect(m, noisy_words.o, unpacker.i)
        wiring.connect(m, unpacker.o, noisy.i)
        pixels = noisy.o
        m.d.comb += [
            datapath.pixels.valid.eq(pixels.valid & self.layer.encoding),
            datapath.pixels.payload.eq(pixels.payload),
            # In the output layer, noisy pixels arrive long before their sums.
            datapath.noisy.valid.eq(pixels.valid & self.layer.output),
            datapath.noisy.p.word.eq(pixels.payload),
            datapath.noisy.p.final.eq(1),
            pixels.ready.eq(
                Mux(
                    self.layer.encoding,
                    datapath.pixels.ready,
                    self.layer.output & datapath.noisy.ready,
                )
            ),
            self.activity.waiting.eq(
                Mux(
                    self.layer.encoding,
                    datapath.pixels.ready & ~pixels.valid,
                    datapath.words.ready & feeder.waiting,
                )
            ),
        ]
        wiring.connect(m, datapath.written, self._word_filter.i)
        # The only register of `ready` between the write queue and the output layer.
        wiring.connect(m, datapath.denoised, self._pixel_slice.i)
        wiring.connect(m, self._pixel_slice.o, self._pixel_filter.i)
        wiring.connect(m, self._word_filter.o, self._splitter.i)
        wiring.connect(m, self._pixel_filter.o, self._packer.i)
        words, stored, packed = self._writer.words, self._splitter.o, self._packer.o
        m.d.comb += [
            words.valid.eq(Mux(self.layer.output, packed.valid, stored.valid)),
            words.payload.eq(Mux(self.layer.output, packed.payload, stored.payload)),
            packed.ready.eq(words.ready & self.layer.output),
            stored.ready.eq(words.ready & ~self.layer.output),
        ]
