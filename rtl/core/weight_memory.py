"""Memory of weight rows; each event reads one."""

from collections.abc import Sequence

from amaranth.hdl import Module, Mux, Signal, Value, signed
from amaranth.lib import data, wiring

from rtl.stream.checks import check_positive
from rtl.stream.vectors import memory_row

from .layouts import WeightSignature
from .loading import LoadableMemory, LoadPlace, connect_load, load_members


def answer_requests(m: Module, reader: wiring.PureInterface, row: Value) -> Value:
    """Add an output register to a weight memory, and flags that go along with its rows.

    Parameters
    ----------
    reader
        Interface of `WeightSignature`, seen by the memory.
    row
        The memory's output two cycles after the request.

    Returns
    -------
    Value
        Number of the requested row, to be registered in front of the memory.
    """
    request = reader.requests.p
    binary = "first" in reader.signature.members
    names = ("take", "present", "last", *(["first"] if binary else []))
    # The flags in the cycle of the address register and of the memory's output.
    flags = [
        {name: Signal(name=f"{name}_{stage}") for name in names} for stage in ("address", "memory")
    ]
    valid = reader.requests.valid
    weights = Signal(len(reader.weights), reset_less=True)
    m.d.sync += [
        flags[0]["take"].eq(valid),
        flags[0]["present"].eq(valid & request.present),
        flags[0]["last"].eq(valid & request.last),
        *(flags[1][name].eq(flags[0][name]) for name in flags[0]),
        weights.eq(Mux(flags[1]["present"], row, 0)),
        reader.take.eq(flags[1]["take"]),
        reader.last.eq(flags[1]["last"]),
    ]
    m.d.comb += reader.weights.eq(weights)
    if binary:
        m.d.sync += [
            flags[0]["first"].eq(valid & request.first),
            reader.first.eq(flags[1]["first"]),
        ]
    return request.row


class WeightMemory(wiring.Component):
    """A memory that answers each request with a row of weights.

    One row per cycle; latency three cycles. Address, memory and output have a register each,
    because the wires to all blocks of a large memory and from them each take most of a cycle.

    Parameters
    ----------
    rows
        Weights of each row, lane 0 first.
    weight_bits
        Width of a signed weight.
    load
        Place of its chunks when they are loaded; None for constant weights.
    binary
        The few-spike code: requests and answers have ``first``.

    Members
    -------
    requests, weights, take, last, first : In(WeightSignature(...))
    load : In(LOAD_STREAM)
        Absent where the weights are constant.

    Attributes
    ----------
    row_bits, rows
        Width and contents of the memory.
    """

    def __init__(
        self,
        *,
        rows: Sequence[Sequence[int]],
        weight_bits: int,
        load: LoadPlace | None = None,
        binary: bool = False,
    ):
        check_positive(rows=len(rows), lanes=len(rows[0]), weight_bits=weight_bits)
        layout = data.ArrayLayout(signed(weight_bits), len(rows[0]))
        self.row_bits = layout.size
        self.rows = [memory_row(layout, list(row)) for row in rows]
        self.place = load
        super().__init__(
            {
                **WeightSignature(len(rows), self.row_bits, binary=binary).flip().members,
                **load_members(load),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        m.submodules.memory = rows = LoadableMemory(
            rows=self.rows, row_bits=self.row_bits, place=self.place
        )
        connect_load(m, self, rows)
        address = Signal.like(rows.address)
        m.d.sync += address.eq(answer_requests(m, self, rows.data))
        m.d.comb += rows.address.eq(address)
        return m
