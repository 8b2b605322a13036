"""The accelerator with standard buses: AXI4 to memory, AXI4-Lite to software."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from sw_model.spec import Deployment
from sw_model.spec.registers import (
    ADDRESS_BITS,
    COUNTERS,
    HASH_REGISTERS,
    IDENTITY,
    REGISTER_BITS,
    REGISTERS,
    VERSION,
)
from sw_model.spec.strips import strip_columns

from .axi import AxiLiteSignature, AxiSignature
from .performance import PerformanceCounters
from .register_file import RegisterFile
from .strip_engine import StripEngine
from .strip_geometry import BUFFERS
from .strip_sequencer import StripSequencer


class System(wiring.Component):
    """Denoises frames up to 4096 pixels wide that lie in external memory.

    Software writes the frame's size and addresses and the start bit, then waits for the interrupt
    or polls the status. Cycles: `sw_model.spec.system_cycles`.

    Parameters
    ----------
    deployment
        The frozen network. Another one of the same shape can be loaded later.
    columns
        Input columns of the widest strip; by default as many as fit block RAM.

    Members
    -------
    s_axi : In(AxiLiteSignature(8))
        Registers.
    m_axi : Out(AxiSignature())
        External memory.
    irq : Out(1)
        High while a frame has ended and the interrupt is enabled, until software clears it.
    layer, layer_done : Out
        The layer under way, and its last cycle; for benches.
    """

    def __init__(self, *, deployment: Deployment, columns: int | None = None):
        self.deployment = deployment
        spec = deployment.spec
        self.columns = strip_columns(spec.timesteps_max) if columns is None else columns
        super().__init__(
            {
                "s_axi": In(AxiLiteSignature(ADDRESS_BITS)),
                "m_axi": Out(AxiSignature()),
                "irq": Out(1),
                "layer": Out(range(len(spec.layers))),
                "layer_done": Out(1),
            }
        )
        digits = 2 * REGISTER_BITS // 8
        self._registers = RegisterFile(
            initial={
                f"HASH_{index}": int(deployment.hash[index * digits : (index + 1) * digits], 16)
                for index in range(HASH_REGISTERS)
            }
        )
        self._sequencer = StripSequencer(
            layers=len(spec.layers), channels=spec.channels, timesteps=spec.timesteps
        )
        self._engine = StripEngine(deployment=deployment, columns=self.columns)
        self._counters = PerformanceCounters()

    @property
    def ports(self) -> dict[str, tuple]:
        """Ports by the names that tools know AXI by, as `amaranth.back.verilog.convert` wants."""
        return {
            "_".join(map(str, path)): (Value.cast(value), None)
            for path, _, value in self.signature.flatten(self)
        }

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        m.submodules.registers = self._registers
        m.submodules.sequencer = self._sequencer
        m.submodules.engine = self._engine
        m.submodules.counters = self._counters
        self._connect_engine(m)
        self._connect_registers(m)
        self._connect_counters(m)
        return m

    def _connect_engine(self, m: Module) -> None:
        sequencer, engine, geometry = self._sequencer, self._engine, self._engine.geometry
        for name in [
            "complete",
            "reader_idle",
            "writer_idle",
            "read_failed",
            "write_failed",
            "beyond",
        ]:
            m.d.comb += getattr(sequencer, name).eq(getattr(engine, name))
        for name in ["restart", "stop", "clear", "layer", "encoding", "output", "row_base"]:
            m.d.comb += getattr(engine, name).eq(getattr(sequencer, name))
        for name in ["x", "encoding", "output"]:
            m.d.comb += getattr(geometry, name).eq(getattr(sequencer, name))
        for name in BUFFERS:
            m.d.comb += getattr(geometry, name).eq(getattr(sequencer, f"frame_{name}"))
        m.d.comb += [
            engine.height.eq(sequencer.frame_height),
            engine.steps.eq(sequencer.frame_steps),
            geometry.width.eq(sequencer.frame_width),
            geometry.steps.eq(sequencer.frame_steps),
            geometry.odd.eq(sequencer.layer[0]),
            sequencer.outputs.eq(geometry.outputs),
            sequencer.last.eq(~geometry.skip_last),
            self.layer.eq(sequencer.layer),
            self.layer_done.eq(sequencer.layer_done),
        ]
        for port in (engine.axi_read, engine.axi_write):
            for name, member in port.signature.members.items():
                inner, outer = getattr(port, name), getattr(self.m_axi, name)
                m.d.comb += outer.eq(inner) if member.flow == Out else inner.eq(outer)

    def _connect_registers(self, m: Module) -> None:
        registers, sequencer = self._registers, self._sequencer
        wiring.connect(m, wiring.flipped(self.s_axi), registers.bus)
        control = REGISTERS["CONTROL"]
        action = {
            field.name: registers.control_written & registers.control[field.low]
            for field in control.fields
        }
        done = Signal()
        spec = self.deployment.spec
        m.d.comb += [
            sequencer.start.eq(action["start"] & ~sequencer.busy),
            sequencer.abort.eq(action["abort"]),
            registers.locked.eq(sequencer.busy),
            registers.identity.eq(IDENTITY),
            registers.version.eq(VERSION),
            registers.columns.eq(self.columns),
            self.irq.eq(done & registers.interrupt),
        ]
        for name in ("height", "width", "timesteps", *BUFFERS):
            m.d.comb += getattr(sequencer, name).eq(getattr(registers, name))
        values = {
            "STATUS": {
                "busy": sequencer.busy,
                "done": done,
                "error": sequencer.error,
                "layer": sequencer.layer,
            },
            "SHAPE": {
                "channels": spec.channels,
                "layers": len(spec.layers),
                "timesteps_max": spec.timesteps_max,
            },
        }
        for name, fields in values.items():
            register = getattr(registers, name.lower())
            for field in REGISTERS[name].fields:
                m.d.comb += register[field.low : field.low + field.bits].eq(fields[field.name])
        with m.If(action["clear"] | sequencer.start):
            m.d.sync += done.eq(0)
        with m.If(sequencer.done):
            m.d.sync += done.eq(1)

        load = self._engine.load
        m.d.comb += [load.valid.eq(registers.load_data_written), load.data.eq(registers.load_data)]
        for field in REGISTERS["LOAD_ADDRESS"].fields:
            m.d.comb += getattr(load, field.name).eq(
                registers.load_address[field.low : field.low + field.bits]
            )

    def _connect_counters(self, m: Module) -> None:
        counters, engine = self._counters, self._engine
        for name in ["beat", "held", "event", "waiting", "read", "written"]:
            m.d.comb += getattr(counters, name).eq(getattr(engine, name))
        m.d.comb += [
            counters.start.eq(self._sequencer.start),
            counters.running.eq(self._sequencer.busy),
            counters.encoding.eq(self._sequencer.encoding),
        ]
        for name in COUNTERS:
            halves = (
                getattr(self._registers, f"{name.lower()}_{half}") for half in ("low", "high")
            )
            m.d.comb += Cat(*halves).eq(getattr(counters, name.lower()))
