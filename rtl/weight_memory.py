"""Weight rows, one read an event."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .checks import check_positive
from .loading import LoadableMemory, LoadSignature
from .netlist import memory_row, whole


class WeightRequest(data.StructLayout):
    """The row that an event reads; ``present`` and ``last`` go along with it."""

    def __init__(self, rows: int):
        super().__init__({"row": range(max(2, rows)), "present": 1, "last": 1})


class WeightRow(data.StructLayout):
    """The weights of one row in lane order, and what went along with the request."""

    def __init__(self, lanes: int, weight_bits: int):
        super().__init__({"weights": unsigned(lanes * weight_bits), "present": 1, "last": 1})


class WeightMemory(wiring.Component):
    """A memory that answers each request with a row of weights.

    One row a cycle; latency one cycle.

    Parameters
    ----------
    rows
        Weights, a row each, lane 0 first.
    weight_bits
        Width of a signed weight.
    load_index
        Number among the memories that can be loaded; None for constant weights.

    Members
    -------
    requests : In(stream.Signature(WeightRequest(len(rows))))
    responses : Out(stream.Signature(WeightRow(len(rows[0]), weight_bits)))
    load : In(LoadSignature())
        Absent where ``load_index`` is None.

    Attributes
    ----------
    row_bits, rows
        Width and contents of the memory.
    """

    def __init__(
        self, *, rows: Sequence[Sequence[int]], weight_bits: int, load_index: int | None = None
    ):
        check_positive(rows=len(rows), lanes=len(rows[0]), weight_bits=weight_bits)
        layout = data.ArrayLayout(signed(weight_bits), len(rows[0]))
        self.row_bits = layout.size
        self.rows = [memory_row(layout, list(row)) for row in rows]
        self.load_index = load_index
        super().__init__(
            {
                "requests": In(stream.Signature(WeightRequest(len(rows)))),
                "responses": Out(stream.Signature(WeightRow(len(rows[0]), weight_bits))),
                **({} if load_index is None else {"load": In(LoadSignature())}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        m.submodules.memory = rows = LoadableMemory(
            rows=self.rows, row_bits=self.row_bits, index=self.load_index
        )
        if self.load_index is not None:
            wiring.connect(m, wiring.flipped(self.load), rows.load)
        # The memory holds its last row while a response waits to be taken.
        advance = self.requests.ready
        present, last = Signal(), Signal()
        m.d.comb += [
            advance.eq(~self.responses.valid | self.responses.ready),
            rows.enable.eq(advance & self.requests.valid),
            rows.address.eq(self.requests.p.row),
            # In the order of the fields of `WeightRow`.
            self.responses.payload.as_value().eq(whole(Cat(rows.data, present, last))),
        ]
        with m.If(advance):
            m.d.sync += [
                self.responses.valid.eq(self.requests.valid),
                present.eq(self.requests.p.present),
                last.eq(self.requests.p.last),
            ]
        return m
