"""The registers that software sees, behind AXI4-Lite."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sw_model.spec.hardware.registers import ADDRESS_BITS, REGISTER_BITS, REGISTERS

from .signature import OKAY, SLAVE_ERROR, AxiLiteSignature

_STROBES = (1 << REGISTER_BITS // 8) - 1
_BYTE_BITS = 2


class RegisterFile(wiring.Component):
    """The registers of `sw_model.spec.hardware.registers`.

    One access at a time; writes and reads are independent. A write waits until the response to
    the one before it has been accepted. These writes change nothing and get an error response: of
    fewer than all four bytes, to an address without a register, to a read-only register, to a
    locked one while ``locked`` is set, and of a number with more bits than the register. So does a
    read of an address without a register.

    A reset keeps the deployment's hash, as it keeps the loaded memories. The hash is 0 from the
    first load until software writes the new one.

    Parameters
    ----------
    initial
        Initial values by register; 0 for the others.

    Members
    -------
    bus : In(AxiLiteSignature(ADDRESS_BITS))
    locked : In(1)
    identity, ... : In or Out
        One member per register, in lower case: the value to read (access "read"), the stored value
        ("read-write"), or the data just written ("write").
    control_written, ... : Out(1)
        For registers with access "write": the data are valid.
    """

    def __init__(self, *, initial: Mapping[str, int] | None = None):
        self.initial = dict(initial or {})
        members = {}
        for name, register in REGISTERS.items():
            if register.access == "read":
                members[name.lower()] = In(register.bits)
            else:
                members[name.lower()] = Out(register.bits, init=self.initial.get(name, 0))
            if register.access == "write":
                members[f"{name.lower()}_written"] = Out(1)
        super().__init__({"bus": In(AxiLiteSignature(ADDRESS_BITS)), "locked": In(1), **members})

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        self._writes(m)
        self._reads(m)
        return m

    def _writes(self, m: Module) -> None:
        bus = self.bus
        # Address and data may come in any order; each waits for the other.
        write, refused = Signal(), Signal()
        m.d.comb += [
            write.eq(bus.awvalid & bus.wvalid & ~bus.bvalid),
            bus.awready.eq(write),
            bus.wready.eq(write),
            refused.eq(1),
        ]
        with m.If(bus.bready):
            m.d.sync += bus.bvalid.eq(0)
        with m.If(write):
            m.d.sync += [bus.bvalid.eq(1), bus.bresp.eq(Mux(refused, SLAVE_ERROR, OKAY))]
        kept = {
            name: Signal(register.bits, init=self.initial.get(name, 0), reset_less=True)
            for name, register in REGISTERS.items()
            if register.kept
        }
        m.d.comb += [getattr(self, name.lower()).eq(signal) for name, signal in kept.items()]
        with m.If(self.load_data_written):
            m.d.sync += [signal.eq(0) for signal in kept.values()]
            chunk = REGISTERS["LOAD_ADDRESS"].field("chunk")
            address_field = self.load_address[chunk.low : chunk.low + chunk.bits]
            m.d.sync += address_field.eq(address_field + 1)
        with m.Switch(bus.awaddr[_BYTE_BITS:]):
            for name, register in REGISTERS.items():
                if register.access == "read":
                    continue
                member = kept.get(name, getattr(self, name.lower()))
                with m.Case(register.offset >> _BYTE_BITS):
                    allowed = (bus.wstrb == _STROBES) & ~(self.locked & register.locked)
                    if register.access == "read-write":
                        allowed &= ~bus.wdata[register.bits :].any()
                    m.d.comb += refused.eq(~allowed)
                    if register.access == "write":
                        m.d.comb += [
                            member.eq(bus.wdata),
                            getattr(self, f"{name.lower()}_written").eq(write & allowed),
                        ]
                    else:
                        with m.If(write & allowed):
                            m.d.sync += member.eq(bus.wdata)

    def _reads(self, m: Module) -> None:
        bus = self.bus
        value, known = Signal(REGISTER_BITS), Signal()
        m.d.comb += bus.arready.eq(~bus.rvalid | bus.rready)
        with m.Switch(bus.araddr[_BYTE_BITS:]):
            for name, register in REGISTERS.items():
                with m.Case(register.offset >> _BYTE_BITS):
                    m.d.comb += known.eq(1)
                    if register.access != "write":
                        m.d.comb += value.eq(getattr(self, name.lower()))
        with m.If(bus.arready):
            m.d.sync += bus.rvalid.eq(bus.arvalid)
        with m.If(bus.arready & bus.arvalid):
            m.d.sync += [bus.rdata.eq(value), bus.rresp.eq(Mux(known, OKAY, SLAVE_ERROR))]
