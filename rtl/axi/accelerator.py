"""The accelerator with standard buses: AXI4 to memory, AXI4-Lite to software."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, ResetInserter, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from rtl.core.hidden_weights import group_weights
from rtl.core.loading import LOAD_STREAM
from rtl.core.shared_weight_memory import SharedWeightMemory
from sw_model.spec import Deployment
from sw_model.spec.hardware.registers import (
    ADDRESS_BITS,
    COUNTERS,
    HASH_REGISTERS,
    IDENTITY,
    REGISTER_BITS,
    REGISTERS,
    VERSION,
)
from sw_model.spec.hardware.strips import ENGINES_MAX, network_columns

from .band import RowBand
from .counters import PerformanceCounters
from .engine import StripEngine
from .registers import RegisterFile
from .sequencer import StripSequencer
from .signature import AxiLiteSignature, AxiSignature


def memory_ports(engines: int) -> list[str]:
    """Names of the ports to memory, one for each engine."""
    return ["m_axi"] if engines == 1 else [f"m{index}_axi" for index in range(engines)]


class System(wiring.Component):
    """Denoises frames up to 4096 pixels wide that lie in external memory.

    Software writes the frame's size and addresses and the start bit, then waits for the interrupt
    or polls the status. Cycles: `sw_model.spec.hardware.system_cycles`.

    Two engines process the upper and the lower half of every strip's rows at the same time, and
    share one weight memory.

    Parameters
    ----------
    deployment
        The frozen network. Another one of the same shape can be loaded later.
    columns
        Input columns of the widest strip; by default as many as fit block RAM.
    engines
        Number of engines that share a frame's rows, 1 or 2.

    Members
    -------
    s_axi : In(AxiLiteSignature(8))
        Registers.
    m_axi, or m0_axi and m1_axi : Out(AxiSignature())
        External memory, a port for each engine.
    irq : Out(1)
        High from the end of a frame until software clears it, if the interrupt is enabled.
    layer, layer_done : Out
        The layer in progress, and its last cycle; for benches.
    """

    def __init__(self, *, deployment: Deployment, columns: int | None = None, engines: int = 1):
        if not 1 <= engines <= ENGINES_MAX:
            raise ValueError(f"engines {engines} is not 1..{ENGINES_MAX}")
        self.engines = engines
        self.deployment = deployment
        spec = deployment.spec
        self.columns = network_columns(spec) if columns is None else columns
        super().__init__(
            {
                "s_axi": In(AxiLiteSignature(ADDRESS_BITS)),
                **{name: Out(AxiSignature()) for name in memory_ports(engines)},
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
        self._engines = [
            StripEngine(
                deployment=deployment,
                columns=self.columns,
                banded=index > 0,
                shared_weights=engines > 1,
            )
            for index in range(engines)
        ]
        # A single engine needs no band, and has its own weight memory.
        self._bands = [RowBand(index) for index in range(engines) if engines > 1]
        self._weights = [
            SharedWeightMemory(
                rows=weights.rows(deployment),
                weight_bits=weights.weight_bits,
                load=weights.place,
                readers=engines,
                binary=weights.binary,
            )
            for weights in group_weights(deployment)
            if engines > 1
        ]
        self._counters = PerformanceCounters(engines=engines)

    @property
    def ports(self) -> dict[str, tuple]:
        """Ports by their usual AXI names, in the form that `amaranth.back.rtlil.convert` takes."""
        return {
            # "m_axi_awaddr": AXI's own names tell what is read and what is written.
            "_".join(str(name) for name in path if name not in ("read", "write")): (
                Value.cast(value),
                None,
            )
            for path, _, value in self.signature.flatten(self)
        }

    def elaborate(self, platform: object) -> Module:
        """Build the netlist."""
        m = Module()
        m.submodules.registers = self._registers
        m.submodules.sequencer = self._sequencer
        m.submodules.counters = self._counters
        self._connect_sequencer(m)
        for index, name in enumerate(memory_ports(self.engines)):
            m.submodules["engine" if self.engines == 1 else f"engine_{index}"] = self._engines[
                index
            ]
            self._connect_engine(m, self._engines[index])
            self._connect_band(m, index)
            wiring.connect(m, self._engines[index].axi, wiring.flipped(getattr(self, name)))
        self._connect_weights(m)
        self._connect_registers(m)
        self._connect_counters(m)
        return m

    def _connect_sequencer(self, m: Module) -> None:
        sequencer, geometry = self._sequencer, self._engines[0].geometry
        combined, statuses = sequencer.status, [engine.status for engine in self._engines]
        m.d.comb += [
            # An engine without rows is never restarted, so it never completes.
            combined.complete.eq(
                (Cat(status.complete for status in statuses) | ~self._active()).all()
            ),
            combined.reader_idle.eq(Cat(status.reader_idle for status in statuses).all()),
            combined.writer_idle.eq(Cat(status.writer_idle for status in statuses).all()),
            combined.read_failed.eq(Cat(status.read_failed for status in statuses).any()),
            combined.write_failed.eq(Cat(status.write_failed for status in statuses).any()),
            combined.beyond.eq(Cat(status.beyond for status in statuses).any()),
            sequencer.outputs.eq(geometry.outputs),
            sequencer.last.eq(~geometry.skip_last),
            sequencer.prepare.done.eq(Cat(engine.prepare.done for engine in self._engines).all()),
            self.layer.eq(sequencer.layer.index),
            self.layer_done.eq(sequencer.layer_done),
        ]

    def _active(self) -> Value:
        """The engines that have a row of the frame."""
        return Cat(band.active for band in self._bands) if self._bands else Const(1, 1)

    def _connect_engine(self, m: Module, engine: StripEngine) -> None:
        sequencer, geometry = self._sequencer, engine.geometry
        wiring.connect(m, sequencer.layer, engine.layer)
        wiring.connect(m, sequencer.frame_buffers, geometry.buffers)
        m.d.comb += [
            engine.stop.eq(sequencer.stop),
            engine.clear.eq(sequencer.clear),
            engine.prepare.start.eq(sequencer.prepare.start),
            engine.timesteps.eq(sequencer.frame_timesteps),
            geometry.width.eq(sequencer.frame.width),
            geometry.timesteps.eq(sequencer.frame_timesteps),
            geometry.x.eq(sequencer.x),
            geometry.encoding.eq(sequencer.layer.encoding),
            geometry.output.eq(sequencer.layer.output),
            geometry.odd.eq(sequencer.layer.index[0]),
        ]

    def _connect_band(self, m: Module, index: int) -> None:
        engine, sequencer = self._engines[index], self._sequencer
        if not self._bands:
            m.d.comb += [
                engine.restart.eq(sequencer.restart),
                engine.height.eq(sequencer.frame.height),
                engine.own_rows.eq(sequencer.frame.height),
            ]
            return
        m.submodules[f"band_{index}"] = band = self._bands[index]
        m.d.comb += [
            band.height.eq(sequencer.frame.height),
            engine.restart.eq(sequencer.restart & band.active),
            engine.height.eq(band.rows),
            engine.own_rows.eq(band.own_rows),
            engine.skip_top.eq(band.skip_top),
            engine.skip_bottom.eq(band.skip_bottom),
        ]
        if engine.geometry.banded:
            m.d.comb += [
                engine.geometry.above.eq(band.above),
                engine.geometry.own_above.eq(band.own_above),
            ]

    def _connect_weights(self, m: Module) -> None:
        for group, weights in enumerate(self._weights):
            # After an error, pending requests are dropped and accumulators are cleared.
            m.submodules[f"weights_{group}"] = ResetInserter(self._sequencer.clear)(weights)
            for engine, reader in zip(self._engines, weights.readers, strict=True):
                wiring.connect(m, getattr(engine, f"fetch_{group}"), reader)

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
        m.d.comb += [
            sequencer.height.eq(registers.height),
            sequencer.width.eq(registers.width),
            sequencer.timesteps.eq(registers.timesteps),
            sequencer.buffers.noisy.eq(registers.noisy),
            sequencer.buffers.denoised.eq(registers.denoised),
            sequencer.buffers.map_a.eq(registers.map_a),
            sequencer.buffers.map_b.eq(registers.map_b),
        ]
        values = {
            "STATUS": {
                "busy": sequencer.busy,
                "done": done,
                "error": sequencer.error,
                "layer": sequencer.layer.index,
            },
            "SHAPE": {
                "channels": spec.channels,
                "layers": len(spec.layers),
                "timesteps_max": spec.timesteps_max,
                "engines": self.engines,
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

        # Loading may take a cycle more, and the memories are spread over the device.
        loaded = LOAD_STREAM.create()
        m.d.sync += [
            loaded.valid.eq(registers.load_data_written),
            loaded.p.data.eq(registers.load_data),
            *(
                loaded.p[field.name].eq(registers.load_address[field.low : field.low + field.bits])
                for field in REGISTERS["LOAD_ADDRESS"].fields
            ),
        ]
        for load in [part.load for part in self._engines] + [part.load for part in self._weights]:
            wiring.connect(m, loaded, load)

    def _connect_counters(self, m: Module) -> None:
        counters = self._counters
        combined = counters.activity
        activities = [engine.activity for engine in self._engines]
        m.d.comb += [
            combined.beat.eq(Cat(activity.beat for activity in activities)),
            combined.held.eq(Cat(activity.held for activity in activities)),
            combined.event.eq(Cat(activity.event for activity in activities)),
            combined.waiting.eq(Cat(activity.waiting for activity in activities) & self._active()),
            combined.read.eq(Cat(activity.read for activity in activities)),
            combined.written.eq(Cat(activity.written for activity in activities)),
            counters.start.eq(self._sequencer.start),
            counters.running.eq(self._sequencer.busy),
            counters.encoding.eq(self._sequencer.layer.encoding),
        ]
        for name in COUNTERS:
            halves = (
                getattr(self._registers, f"{name.lower()}_{half}") for half in ("low", "high")
            )
            m.d.comb += Cat(*halves).eq(getattr(counters, name.lower()))
