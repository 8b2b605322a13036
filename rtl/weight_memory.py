"""Weight rows, one read an event."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Module, Signal, signed, unsigned
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from .checks import check_positive
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

    Members
    -------
    requests : In(stream.Signature(WeightRequest(len(rows))))
    responses : Out(stream.Signature(WeightRow(len(rows[0]), weight_bits)))

    Attributes
    ----------
    row_bits, rows
        Width and contents of the memory.
    """

    def __init__(self, *, rows: Sequence[Sequence[int]], weight_bits: int):
        check_positive(rows=len(rows), lanes=len(rows[0]), weight_bits=weight_bits)
        layout = data.ArrayLayout(signed(weight_bits), len(rows[0]))
        self.row_bits = layout.size
        self.rows = [memory_row(layout, list(row)) for row in rows]
        super().__init__(
            {
                "requests": In(stream.Signature(WeightRequest(len(rows)))),
                "responses": Out(stream.Signature(WeightRow(len(rows[0]), weight_bits))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        m.submodules.memory = rows = memory.Memory(
            shape=unsigned(self.row_bits), depth=len(self.rows), init=self.rows
        )
        # The read port holds its last row while a response waits to be taken.
        port = rows.read_port()
        advance = self.requests.ready
        present, last = Signal(), Signal()
        m.d.comb += [
            advance.eq(~self.responses.valid | self.responses.ready),
            port.en.eq(advance & self.requests.valid),
            port.addr.eq(self.requests.p.row),
            # In the order of the fields of `WeightRow`.
            self.responses.payload.as_value().eq(whole(Cat(port.data, present, last))),
        ]
        with m.If(advance):
            m.d.sync += [
                self.responses.valid.eq(self.requests.valid),
                present.eq(self.requests.p.present),
                last.eq(self.requests.p.last),
            ]
        return m
