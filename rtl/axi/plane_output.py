"""The denoised positions on their way to memory, for a network of four planes."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from sw_model.spec.hardware.buffers import DENOISED_PIXELS

from .line_merger import LineMerger
from .plane_packer import GREY_BITS, PlanePacker
from .plane_unpacker import PLANES, SIDE
from .writer import StrobedWord


class PlaneOutput(wiring.Component):
    """Makes lines of the picture of positions; as the picture was, in raster order.

    One position per cycle; latency two cycles from a word's last position to the word.

    Parameters
    ----------
    max_columns
        Most positions per row.

    Members
    -------
    restart, lane, columns, copied : In
        As in `PlanePacker`.
    words, lines : In
        As in `LineMerger`.
    i : In(stream.Signature(32))
    o : Out(stream.Signature(StrobedWord()))
    """

    def __init__(self, *, max_columns: int):
        self._packer = PlanePacker(max_columns=max_columns)
        self._merger = LineMerger(max_words=SIDE * max_columns // DENOISED_PIXELS + 2)
        self._shared = {
            name: component
            for component, names in (
                (self._packer, ("lane", "columns", "copied")),
                (self._merger, ("words", "lines")),
            )
            for name in names
        }
        super().__init__(
            {
                "restart": In(1),
                **{
                    name: component.signature.members[name]
                    for name, component in self._shared.items()
                },
                "i": In(stream.Signature(PLANES * GREY_BITS)),
                "o": Out(stream.Signature(StrobedWord())),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        m.submodules.packer = packer = self._packer
        m.submodules.merger = merger = self._merger
        m.d.comb += [packer.restart.eq(self.restart), merger.restart.eq(self.restart)]
        for name, component in self._shared.items():
            m.d.comb += getattr(component, name).eq(getattr(self, name))
        wiring.connect(m, wiring.flipped(self.i), packer.i)
        wiring.connect(m, packer.o, merger.i)
        wiring.connect(m, merger.o, wiring.flipped(self.o))
        return m
