"""Control of the layers of a frame."""

from collections.abc import Sequence

from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.core.layouts import FrameSignature, LayerSignature, PrepareSignature
from rtl.stream.checks import check_positive
from sw_model.spec.fixed_point import LEVEL_BITS

COUNTER_BITS = 32


class Sequencer(wiring.Component):
    """Runs the layers of a frame one after the other, and counts cycles and events.

    A layer begins with loading its neurons' constants, followed by one cycle with ``restart``
    set. It ends with the cycle in which ``layer_done`` is set. A frame takes exactly the sum of
    its layers' cycles.

    Parameters
    ----------
    layers
        Number of layers, 3 or more.
    channels
        Channels C: rows of hidden weights per layer.
    timesteps
        The allowed numbers of timesteps.
    max_height, max_width
        Largest frame, in pixels.
    levels
        Lowest and highest noise level, in sixteenths of a grey level; None for a network that
        takes none.

    Members
    -------
    start : In(1)
        Start a frame of the given size and timesteps; ignored while ``busy`` is 1.
    height, width, timesteps, level : In
        Of the frame; sampled at ``start``. ``level`` and ``frame_level`` are absent where there are
        no ``levels``.
    busy : Out(1)
    error : Out(1)
        The last ``start`` was refused: size 0 or beyond the maximum, or T or level not allowed.
    frame : Out(FrameSignature(max_height, max_width))
    frame_timesteps, frame_level : Out
        Of the frame in progress.
    layer : Out(LayerSignature(layers, channels))
    prepare : Out(PrepareSignature())
        Not for the output layer, which has no neurons.
    restart, layer_done : Out(1)
        The datapath begins the layer; last cycle of the layer.
    words_complete, pixels_complete : In(1)
        The layer's last event word, or the frame's last denoised pixel, has been written.
    event : In(1)
        The synapse array accepts an event.
    cycles, events : Out(32)
        Cycles and events of the frame so far, including this cycle.
    """

    def __init__(
        self,
        *,
        layers: int,
        channels: int,
        timesteps: Sequence[int],
        max_height: int,
        max_width: int,
        levels: tuple[int, int] | None = None,
    ):
        check_positive(layers=layers, channels=channels, max_height=max_height, max_width=max_width)
        check_positive(**{f"timesteps_{t}": t for t in timesteps})
        self.layers = layers
        self.channels = channels
        self.timesteps_allowed = tuple(timesteps)
        self.max_height = max_height
        self.max_width = max_width
        self.levels = levels
        largest = range(max(timesteps) + 1)
        super().__init__(
            {
                "start": In(1),
                "height": In(range(max_height + 1)),
                "width": In(range(max_width + 1)),
                "timesteps": In(largest),
                "busy": Out(1),
                "error": Out(1),
                "frame": Out(FrameSignature(max_height, max_width)),
                "frame_timesteps": Out(largest),
                **(
                    {}
                    if levels is None
                    else {"level": In(LEVEL_BITS), "frame_level": Out(LEVEL_BITS)}
                ),
                "layer": Out(LayerSignature(layers, channels)),
                "prepare": Out(PrepareSignature()),
                "restart": Out(1),
                "layer_done": Out(1),
                "words_complete": In(1),
                "pixels_complete": In(1),
                "event": In(1),
                "cycles": Out(COUNTER_BITS),
                "events": Out(COUNTER_BITS),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        counted = Signal(COUNTER_BITS)
        m.d.comb += [
            self.layer.encoding.eq(self.layer.index == 0),
            self.layer.output.eq(self.layer.index == self.layers - 1),
            self.events.eq(counted + self.event),
        ]
        acceptable = Signal()
        possible = (
            (self.height > 0)
            & _at_most(self.height, self.max_height)
            & (self.width > 0)
            & _at_most(self.width, self.max_width)
            & self.timesteps.matches(*self.timesteps_allowed)
        )
        if self.levels is not None:
            low, high = self.levels
            possible &= self.level <= high
            if low > 0:
                possible &= self.level >= low
        m.d.comb += acceptable.eq(possible)
        with m.If(self.busy):
            m.d.sync += [self.cycles.eq(self.cycles + 1), counted.eq(self.events)]
        with m.FSM() as states:
            with m.State("idle"), m.If(self.start):
                m.d.sync += self.error.eq(~acceptable)
                with m.If(acceptable):
                    m.d.sync += [
                        self.frame.height.eq(self.height),
                        self.frame.width.eq(self.width),
                        self.frame_timesteps.eq(self.timesteps),
                        self.layer.index.eq(0),
                        self.cycles.eq(1),
                        counted.eq(0),
                    ]
                    if self.levels is not None:
                        m.d.sync += self.frame_level.eq(self.level)
                    m.next = "prepare"
            with m.State("prepare"):
                m.d.comb += self.prepare.start.eq(1)
                m.next = "wait"
            with m.State("wait"), m.If(self.prepare.done):
                m.next = "begin"
            with m.State("begin"):
                m.d.comb += self.restart.eq(1)
                m.next = "run"
            with m.State("run"):
                complete = (self.layer.output & self.pixels_complete) | (
                    ~self.layer.output & self.words_complete
                )
                with m.If(complete):
                    m.d.comb += self.layer_done.eq(1)
                    with m.If(self.layer.output):
                        m.next = "idle"
                    with m.Else():
                        m.d.sync += [
                            self.layer.index.eq(self.layer.index + 1),
                            self.layer.row_base.eq(self.layer.row_base + self.channels),
                        ]
                        with m.If(self.layer.encoding):
                            m.d.sync += self.layer.row_base.eq(0)
                        m.next = "prepare"
                        with m.If(self.layer.index == self.layers - 2):
                            # The output layer has no neurons.
                            m.next = "begin"
        m.d.comb += self.busy.eq(~states.ongoing("idle"))
        return m


def _at_most(value: Value, maximum: int) -> Value:
    """Whether a value is at most `maximum`; constant where the value's width ensures it."""
    # Verilator warns about a comparison that is always true.
    return Const(1) if maximum == (1 << len(value)) - 1 else value <= maximum
