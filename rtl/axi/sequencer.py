"""Control of a frame's layers and strips."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.core.layouts import FrameSignature, LayerSignature, PrepareSignature
from rtl.stream.checks import check_positive
from sw_model.spec.hardware.buffers import ADDRESS_BITS, WORD_ADDRESS_BITS
from sw_model.spec.hardware.registers import (
    FRAME_HEIGHT_MAX,
    FRAME_WIDTH_MAX,
    REGISTERS,
    error_code,
)

from .geometry import LATENCY, BuffersSignature
from .signature import SIZE
from .status import StatusSignature


class StripSequencer(wiring.Component):
    """Runs the strips of all layers of a frame one after the other.

    A strip begins when the memory has confirmed all writes of the one before it. Before a strip,
    `LATENCY` cycles pass for `StripGeometry`, and the constants of the layer's neurons are
    prepared.

    Parameters
    ----------
    layers, channels, timesteps
        Of the network; ``timesteps`` lists the allowed T.

    Members
    -------
    start, abort : In(1)
        Start a frame, ignored while ``busy`` is 1; end the frame.
    height, width, timesteps : In
    buffers : In(BuffersSignature(32))
        Of the frame; sampled at ``start``.
    busy, done : Out(1)
        A frame is in progress; it ends, for whatever reason, or is refused.
    error : Out
        Why the last frame failed, as in `sw_model.spec.hardware.registers.ERRORS`.
    layer : Out(LayerSignature(layers, channels))
    x : Out
        First output column of the strip in progress.
    outputs, last : In
        Number of its output columns; it is the last strip of the layer.
    prepare : Out(PrepareSignature())
        Before the first strip of each layer except the output layer.
    restart, layer_done : Out(1)
        A strip begins; last cycle of a layer.
    frame : Out(FrameSignature(...))
    frame_timesteps : Out
    frame_buffers : Out(BuffersSignature(29))
        Of the frame in progress; addresses in words.
    status : In(StatusSignature())
        Of all engines together.
    stop, clear : Out(1)
        The memory ports finish the bursts they have issued; all other components are reset.
    """

    def __init__(self, *, layers: int, channels: int, timesteps: Sequence[int]):
        check_positive(layers=layers, channels=channels)
        self.layers = layers
        self.channels = channels
        self.timesteps_allowed = tuple(timesteps)
        columns = range(FRAME_WIDTH_MAX + 1)
        super().__init__(
            {
                "start": In(1),
                "abort": In(1),
                "height": In(REGISTERS["HEIGHT"].bits),
                "width": In(REGISTERS["WIDTH"].bits),
                "timesteps": In(REGISTERS["TIMESTEPS"].bits),
                "buffers": In(BuffersSignature(ADDRESS_BITS)),
                "busy": Out(1),
                "done": Out(1),
                "error": Out(REGISTERS["STATUS"].field("error").bits),
                "layer": Out(LayerSignature(layers, channels)),
                "x": Out(columns),
                "outputs": In(columns),
                "last": In(1),
                "prepare": Out(PrepareSignature()),
                "restart": Out(1),
                "layer_done": Out(1),
                "frame": Out(FrameSignature(FRAME_HEIGHT_MAX, FRAME_WIDTH_MAX)),
                "frame_timesteps": Out(range(max(timesteps) + 1)),
                "frame_buffers": Out(BuffersSignature(WORD_ADDRESS_BITS)),
                "status": In(StatusSignature()),
                "stop": Out(1),
                "clear": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        settled = Signal(range(LATENCY + 1))
        trouble, failed = Signal(), Signal()
        m.d.comb += trouble.eq(
            self.status.read_failed | self.status.write_failed | self.status.beyond | self.abort
        )
        # Signals that reach the whole design come from registers.
        m.d.sync += self.restart.eq(0)
        with m.FSM() as states:
            with m.State("idle"), m.If(self.start):
                self._sample_frame(m)
                m.d.sync += [failed.eq(0), settled.eq(0)]
                m.d.comb += self.done.eq(self._refusal() != error_code("none"))
                with m.If(~self.done):
                    m.next = "set up"
            with m.State("set up"):
                m.d.sync += settled.eq(settled + 1)
                with m.If(settled == LATENCY):
                    with m.If((self.x == 0) & ~self.layer.output):
                        m.next = "prepare"
                    with m.Else():
                        m.d.sync += self.restart.eq(1)
                        m.next = "begin"
            with m.State("prepare"):
                m.d.comb += self.prepare.start.eq(1)
                m.next = "wait"
            with m.State("wait"), m.If(self.prepare.done):
                m.d.sync += self.restart.eq(1)
                m.next = "begin"
            with m.State("begin"):
                m.next = "run"
            with m.State("run"):
                with m.If(failed):
                    m.d.sync += self.stop.eq(1)
                    m.next = "stop"
                with m.Elif(self.status.complete):
                    m.next = "drain"
            with m.State("drain"):
                with m.If(failed):
                    m.d.sync += self.stop.eq(1)
                    m.next = "stop"
                with m.Elif(self.status.writer_idle & self.status.reader_idle):
                    m.d.sync += [self.x.eq(self.x + self.outputs), settled.eq(0)]
                    m.next = "set up"
                    with m.If(self.last):
                        m.d.comb += self.layer_done.eq(1)
                        m.d.sync += [
                            self.x.eq(0),
                            self.layer.index.eq(self.layer.index + 1),
                            self.layer.encoding.eq(0),
                            self.layer.output.eq(self.layer.index == self.layers - 2),
                            self.layer.row_base.eq(
                                Mux(self.layer.encoding, 0, self.layer.row_base + self.channels)
                            ),
                        ]
                        with m.If(self.layer.output):
                            m.d.comb += self.done.eq(1)
                            m.next = "idle"
            with m.State("stop"), m.If(self.status.reader_idle & self.status.writer_idle):
                m.d.sync += self.stop.eq(0)
                m.next = "clear"
            with m.State("clear"):
                m.d.comb += self.done.eq(1)
                m.next = "idle"
        m.d.sync += self.clear.eq(states.ongoing("clear"))
        m.d.comb += self.busy.eq(~states.ongoing("idle"))
        # The first error is the one that is reported.
        with m.If(self.busy & trouble & ~failed):
            m.d.sync += [
                failed.eq(1),
                self.error.eq(
                    Mux(self.status.read_failed, error_code("read"), 0)
                    | Mux(
                        ~self.status.read_failed & self.status.write_failed, error_code("write"), 0
                    )
                    | Mux(
                        ~self.status.read_failed & ~self.status.write_failed,
                        Mux(self.status.beyond, error_code("address"), error_code("aborted")),
                        0,
                    )
                ),
            ]
        return m

    def _sample_frame(self, m: Module) -> None:
        """Sample size, T and addresses of the frame."""
        sampled, requested = self.frame_buffers, self.buffers
        m.d.sync += [
            self.frame.height.eq(self.height),
            self.frame.width.eq(self.width),
            self.frame_timesteps.eq(self.timesteps),
            sampled.noisy.eq(requested.noisy >> SIZE),
            sampled.denoised.eq(requested.denoised >> SIZE),
            sampled.map_a.eq(requested.map_a >> SIZE),
            sampled.map_b.eq(requested.map_b >> SIZE),
            self.error.eq(self._refusal()),
            self.layer.index.eq(0),
            self.layer.encoding.eq(1),
            self.layer.output.eq(0),
            self.layer.row_base.eq(0),
            self.x.eq(0),
        ]

    def _refusal(self) -> Value:
        """Error code of the frame that is asked for."""
        acceptable = (
            (self.height != 0)
            & (self.width != 0)
            & (self.width <= FRAME_WIDTH_MAX)
            & self.timesteps.matches(*self.timesteps_allowed)
        )
        buffers = self.buffers
        addresses = buffers.noisy | buffers.denoised | buffers.map_a | buffers.map_b
        return Mux(
            acceptable,
            Mux(addresses[:SIZE].any(), error_code("address"), error_code("none")),
            error_code("size"),
        )
