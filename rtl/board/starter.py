"""Start of a frame through the registers, in place of software."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.axi.geometry import BUFFERS
from rtl.axi.signature import AxiLiteSignature
from sw_model.spec.hardware.registers import ADDRESS_BITS, REGISTERS
from sw_model.spec.hardware.sdram import BASES

_CONTROL = REGISTERS["CONTROL"]


class FrameStarter(wiring.Component):
    """Writes size, T and addresses, starts the frame, and reads its status at the end.

    Members
    -------
    start : In(1)
        Begin; ignored unless ``idle``.
    height, width, timesteps : In
        Of the frame; constant while not ``idle``.
    irq : In(1)
        Of the accelerator.
    registers : Out(AxiLiteSignature(8))
    idle, done : Out(1)
        No frame is in progress; pulse when the frame has ended.
    error : Out(1)
        The last frame failed, or an access was refused.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),
                "height": In(REGISTERS["HEIGHT"].bits),
                "width": In(REGISTERS["WIDTH"].bits),
                "timesteps": In(REGISTERS["TIMESTEPS"].bits),
                "irq": In(1),
                "registers": Out(AxiLiteSignature(ADDRESS_BITS)),
                "idle": Out(1),
                "done": Out(1),
                "error": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        bus = self.registers
        clear = 1 << _CONTROL.field("clear").low
        writes = {
            "HEIGHT": self.height,
            "WIDTH": self.width,
            "TIMESTEPS": self.timesteps,
            **{name.upper(): Const(BASES[name.upper()]) for name in BUFFERS},
            "INTERRUPT": Const(1),
            "CONTROL": Const(1 << _CONTROL.field("start").low),
        }
        number = Signal(range(len(writes)))
        ending = Signal()
        m.d.comb += [bus.wstrb.eq(0b1111), bus.bready.eq(1), bus.rready.eq(1)]
        with m.Switch(number):
            for index, (name, value) in enumerate(writes.items()):
                with m.Case(index):
                    m.d.comb += [bus.awaddr.eq(REGISTERS[name].offset), bus.wdata.eq(value)]
        with m.If(ending):
            m.d.comb += [bus.awaddr.eq(_CONTROL.offset), bus.wdata.eq(clear)]
        m.d.comb += bus.araddr.eq(REGISTERS["STATUS"].offset)
        failure = REGISTERS["STATUS"].field("error")
        with m.FSM():
            with m.State("idle"):
                m.d.comb += self.idle.eq(1)
                with m.If(self.start):
                    m.d.sync += [number.eq(0), ending.eq(0), self.error.eq(0)]
                    m.d.sync += Cat(bus.awvalid, bus.wvalid).eq(0b11)
                    m.next = "write"
            with m.State("write"):
                with m.If(bus.awready):
                    m.d.sync += bus.awvalid.eq(0)
                with m.If(bus.wready):
                    m.d.sync += bus.wvalid.eq(0)
                with m.If(bus.bvalid):
                    m.d.sync += [number.eq(number + 1), self.error.eq(self.error | bus.bresp[1])]
                    with m.If(ending):
                        m.next = "done"
                    with m.Elif(number == len(writes) - 1):
                        m.next = "wait"
                    with m.Else():
                        m.d.sync += Cat(bus.awvalid, bus.wvalid).eq(0b11)
            with m.State("wait"), m.If(self.irq | self.error):
                m.d.comb += bus.arvalid.eq(1)
                with m.If(bus.arready):
                    m.next = "read"
            with m.State("read"), m.If(bus.rvalid):
                m.d.sync += [
                    self.error.eq(
                        self.error
                        | bus.rresp[1]
                        | bus.rdata[failure.low : failure.low + failure.bits].any()
                    ),
                    ending.eq(1),
                ]
                m.d.sync += Cat(bus.awvalid, bus.wvalid).eq(0b11)
                m.next = "write"
            with m.State("done"):
                m.d.comb += self.done.eq(1)
                m.next = "idle"
        return m
