"""The noisy image's words on their way to the datapath, for a network of four planes."""

from amaranth.hdl import Module, signed
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.stream.register_slice import RegisterSlice
from sw_model.spec import PIXEL_BITS
from sw_model.spec.hardware.buffers import NOISY_PIXELS

from .plane_unpacker import PLANES, SIDE, PlaneUnpacker
from .signature import DATA_BITS


class PlaneInput(wiring.Component):
    """Keeps the words of upper and lower lines apart until a position has both.

    The lines come one after the other. A queue for either holds three lines: the output layer needs
    a row's pixels only after it has read the map a row and a position further on. One position per
    cycle; latency five cycles.

    Parameters
    ----------
    max_columns
        Most positions per row.

    Members
    -------
    restart, lane, columns, copied : In
        As in `PlaneUnpacker`.
    upper, lower : In(stream.Signature(64))
    o : Out(stream.Signature(signed(40)))
    """

    def __init__(self, *, max_columns: int):
        line_words = SIDE * max_columns // NOISY_PIXELS + 2
        self._unpacker = PlaneUnpacker(max_columns=max_columns)
        self._depth = 3 * line_words
        words = stream.Signature(DATA_BITS)
        super().__init__(
            {
                **{
                    name: self._unpacker.signature.members[name]
                    for name in ("restart", "lane", "columns", "copied")
                },
                "upper": In(words),
                "lower": In(words),
                "o": Out(stream.Signature(signed(PLANES * PIXEL_BITS))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        m.submodules.unpacker = unpacker = self._unpacker
        m.d.comb += [
            getattr(unpacker, name).eq(getattr(self, name))
            for name in ("restart", "lane", "columns", "copied")
        ]
        for name in ("upper", "lower"):
            queue = fifo.SyncFIFOBuffered(width=DATA_BITS, depth=self._depth)
            # The output of a block RAM comes late in its cycle, see `StripEngine`.
            words = RegisterSlice(DATA_BITS)
            m.submodules[f"{name}_queue"] = queue
            m.submodules[f"{name}_slice"] = words
            wiring.connect(m, wiring.flipped(getattr(self, name)), queue.w_stream)
            wiring.connect(m, queue.r_stream, words.i)
            wiring.connect(m, words.o, getattr(unpacker, name))
        m.submodules.positions = positions = RegisterSlice(signed(PLANES * PIXEL_BITS))
        wiring.connect(m, unpacker.o, positions.i)
        wiring.connect(m, positions.o, wiring.flipped(self.o))
        return m
