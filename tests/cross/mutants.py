"""Seeded faults, each with the smallest bench that must detect it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A patch of the RTL's source.

    Attributes
    ----------
    name
        The fault.
    file
        Path in `rtl/`.
    old, new
        The exact text, which must occur once, and its replacement.
    killer
        Case of `tests.rtl.cases` whose bench must fail.
    test
        Test of the bench that must fail; the first one that does, if empty.
    """

    name: str
    file: str
    old: str
    new: str
    killer: str
    test: str = ""


_ENCODER_STEP = """\
        with m.Elif(~hold):
            m.d.sync += [spikes.eq(spikes_left), group_done.eq(_at_most_one(spikes_left))]
"""
_ENCODER_TWICE = """\
        again = Signal()
        with m.Elif(~hold & spike[0] & ~again):
            m.d.sync += again.eq(1)
        with m.Elif(~hold):
            m.d.sync += [spikes.eq(spikes_left), group_done.eq(_at_most_one(spikes_left))]
            m.d.sync += again.eq(0)
"""

MUTANTS = (
    # The neuron.
    Mutant(
        "leak rounded up",
        "core/lif.py",
        "before >> neuron.leak",
        "(before + (1 << neuron.leak) - 1) >> neuron.leak",
        "lif-all",
    ),
    Mutant(
        "leak rounded towards zero",
        "core/lif.py",
        "before >> neuron.leak",
        "Mux(before < 0, -(-before >> neuron.leak), before >> neuron.leak)",
        "lif-all",
    ),
    Mutant(
        "> for >= at the threshold",
        "core/lif.py",
        "self.spike.eq(beyond >= 0)",
        "self.spike.eq(beyond > 0)",
        "lif-all",
    ),
    Mutant(
        "soft reset for hard",
        "core/lif.py",
        '0 if neuron.reset == "hard" else beyond',
        "beyond",
        "lif-all",
    ),
    Mutant(
        "hard reset for soft",
        "core/lif.py",
        '0 if neuron.reset == "hard" else beyond',
        "0",
        "lif-all",
    ),
    Mutant(
        "init ignored",
        "core/lif.py",
        "Mux(self.first, self.init, membrane)",
        "Mux(self.first, 0, membrane)",
        "lif-all",
    ),
    Mutant(
        "membrane of one pixel goes into the next",
        "core/lif.py",
        "Mux(self.first, self.init, membrane)",
        "membrane",
        "lif_array-3",
    ),
    Mutant(
        "bias subtracted",
        "core/lif.py",
        "+ Cat(Const(1, 1), self.bias)",
        "- Cat(Const(1, 1), self.bias)",
        "lif-all",
    ),
    Mutant(
        "fractional bits ignored",
        "core/lif.py",
        "(halves >> 1) << neuron.fractional_bits",
        "halves >> 1",
        "lif-all",
    ),
    Mutant(
        "membrane moves on without enable",
        "core/lif.py",
        "with m.If(self.enable):",
        "with m.If(1):",
        "lif-all",
    ),
    Mutant(
        "all layers have the first one's neuron",
        "core/layer_constants.py",
        "self.kind.eq(Array([*kinds, 0])[self.layer])",
        "self.kind.eq(0)",
        "mixed",
    ),
    Mutant(
        "a new frame goes on with the constants of the layer where the last one ended",
        "core/layer_constants.py",
        "with m.If(self.layer == 0):",
        "with m.If(0):",
        "layer_constants-mixed",
    ),
    Mutant(
        "a layer begins before its constants are there",
        "core/layer_constants.py",
        "~Cat(busy).any()",
        "1",
        "layer_constants-mixed",
    ),
    Mutant(
        "encoding sum truncated for rounded",
        "core/lif_array.py",
        "self.constant & half",
        "Const(0, 1)",
        "lif_array-3",
    ),
    Mutant(
        "constant current given for one timestep only",
        "core/lif_array.py",
        "served if self.binary else Mux(self.constant, served, 0)",
        "served if self.binary else 0",
        "lif_array-3",
    ),
    # The few-spike code.
    Mutant(
        "> for >= at the threshold of a few-spike neuron",
        "core/few_spike.py",
        "self.spike.eq(beyond >= 0)",
        "self.spike.eq(beyond > 0)",
        "few_spike-4",
    ),
    Mutant(
        "init left out of a few-spike neuron",
        "core/few_spike.py",
        "charged.eq(current + self.init)",
        "charged.eq(current)",
        "few_spike-5",
    ),
    Mutant(
        "a few-spike neuron subtracts nothing",
        "core/few_spike.py",
        "Mux(self.spike, beyond, reached)",
        "reached",
        "few_spike-8",
    ),
    Mutant(
        "least significant spike first",
        "core/few_spike.py",
        "reached.eq(membrane >> below)",
        "reached.eq(membrane)",
        "few_spike-4",
    ),
    Mutant(
        "T - 1 steps of a few-spike neuron",
        "core/lif_array.py",
        "more.eq(served if self.binary",
        "more.eq(served - 1 if self.binary",
        "few_spike_array-3",
    ),
    Mutant(
        "words added without doubling",
        "core/synapse_array.py",
        "Mux(self.first, held << 1, held)",
        "held",
        "synapse_array-5, few",
    ),
    Mutant(
        "every event doubles the sum",
        "core/event_encoder.py",
        "first.eq(word_end)",
        "first.eq(1)",
        "event_encoder-9, few",
    ),
    Mutant(
        "the output bias of a few-spike network added T times",
        "core/layer_constants.py",
        "int(bias) if binary else timesteps * int(bias)",
        "timesteps * int(bias)",
        "few-3",
    ),
    Mutant(
        "the product with the noise level truncated for rounded",
        "core/layer_constants.py",
        "((product + half) >> spec.noise_shift)",
        "(product >> spec.noise_shift)",
        "layer_constants-few-levels",
    ),
    Mutant(
        "the noise level in the biases of all layers",
        "core/layer_constants.py",
        "Mux(self.layer == 0, weights.data, 0)",
        "weights.data",
        "layer_constants-few-levels",
    ),
    Mutant(
        "the lowest noise level for all",
        "onchip/sequencer.py",
        "self.frame_level.eq(self.level)",
        "self.frame_level.eq(self.levels[0])",
        "few-levels",
    ),
    Mutant(
        "an odd last column not doubled",
        "onchip/plane_memory.py",
        "place.value[0] | place.last",
        "place.value[0]",
        "plane_memory-4x5",
    ),
    Mutant(
        "rows and columns of the planes exchanged",
        "onchip/plane_memory.py",
        "Cat(x.value[0], y.value[0])",
        "Cat(y.value[0], x.value[0])",
        "plane_memory-4x5",
    ),
    Mutant(
        "all planes subtract the residual of the first one",
        "core/output_path.py",
        "layer.sums.payload.eq(weighted)",
        "layer.sums.payload.eq(self._parts(sums.payload)[0])",
        "few-planes",
    ),
    Mutant(
        "the tables of an input plane left out",
        "core/encoding_layer.py",
        "for index in range(self.inputs):",
        "for index in range(self.inputs - 1):",
        "few-planes",
    ),
    # Events and weights.
    Mutant(
        "events in descending order",
        "core/event_encoder.py",
        "flags[bit] & ~flags[:bit].any() if bit else flags[0]",
        "flags[bit] & ~flags[bit + 1 :].any()",
        "event_encoder-3",
    ),
    Mutant(
        "an event dropped",
        "core/event_encoder.py",
        "spikes ^ spike",
        "spikes & ~(spike | spike << 1)",
        "event_encoder-4",
    ),
    Mutant(
        "a group of events dropped",
        "core/event_encoder.py",
        "pending ^ lowest",
        "pending & ~(lowest | lowest << 1)",
        "event_encoder-17",
    ),
    Mutant(
        "an event doubled",
        "core/event_encoder.py",
        _ENCODER_STEP,
        _ENCODER_TWICE,
        "event_encoder-4",
    ),
    Mutant(
        "an event doubled, in the whole network",
        "core/event_encoder.py",
        _ENCODER_STEP,
        _ENCODER_TWICE,
        "tiny",
    ),
    Mutant(
        "an element overwrites a waiting one",
        "stream/register_slice.py",
        "self.i.ready.eq(~occupied)",
        "self.i.ready.eq(1)",
        "register_slice-6",
    ),
    Mutant(
        "a word overwrites a waiting one",
        "core/event_encoder.py",
        "~arrived | next_word",
        "1",
        "event_encoder-3",
    ),
    Mutant(
        "a zero word blocks the encoder",
        "core/event_encoder.py",
        "word_done.eq(_at_most_one(occupied))",
        "word_done.eq(_at_most_one(occupied) & (occupied.any() | arrived_final))",
        "event_encoder-5",
    ),
    Mutant(
        "words of narrow frames too close",
        "core/event_encoder.py",
        "rest.eq(self.spacing - 1)",
        "rest.eq(0)",
        "event_encoder-3",
    ),
    Mutant(
        "line buffers read before they are written",
        "core/datapath.py",
        "encoder.spacing.eq(3)",
        "encoder.spacing.eq(1)",
        "one",
    ),
    Mutant(
        "one weight changed",
        "core/weight_memory.py",
        "rows=self.rows, ",
        "rows=[self.rows[0] ^ 1, *self.rows[1:]], ",
        "weight_memory-5x27",
    ),
    Mutant(
        "one weight changed, in the whole network",
        "core/weight_memory.py",
        "memory_row(layout, list(row)) for row in rows",
        # Of the middle tap, which no border hides.
        "memory_row(layout, [-w if (i, lane) == (0, 12) else w for lane, w in enumerate(row)])"
        " for i, row in enumerate(rows)",
        "mixed",
    ),
    Mutant(
        "rows of the first hidden layer for all",
        "onchip/sequencer.py",
        "self.layer.row_base.eq(self.layer.row_base + self.channels)",
        "self.layer.row_base.eq(0)",
        "sequencer-5",
    ),
    Mutant(
        "weights of a zero word added",
        "core/weight_memory.py",
        'Mux(flags[1]["present"], row, 0)',
        "row",
        "weight_memory-5x27",
    ),
    Mutant(
        "sums do not start from zero",
        "core/synapse_array.py",
        "Mux(self.last, 0, Mux(self.take, self.sum, held))",
        "Mux(self.take, self.sum, held)",
        "synapse_array-1",
    ),
    Mutant(
        "invalid weights added",
        "core/synapse_array.py",
        "Mux(self.take, self.sum, held)",
        "self.sum",
        "synapse_array-9",
    ),
    Mutant(
        "groups of channels out of step",
        "core/channel_group.py",
        "range(len(groups) - 1 - index)",
        "range(0)",
        "wide",
    ),
    Mutant(
        "queue overflows",
        "stream/credit_queue.py",
        "self.depth - self.reserve",
        "self.depth",
        "catch_queue-5",
    ),
    # Encoding layer.
    Mutant(
        "sign bit counted as positive",
        "core/pixel_window.py",
        "& ~beyond) ^ first",
        "& ~beyond)",
        "pixel_window-3x4x13",
    ),
    Mutant(
        "sums begin with zero in spite of inverted signs",
        "core/encoding_layer.py",
        "Const(-sum(weights), signed(bits + 1))",
        "Const(0, signed(bits + 1))",
        "encoding_layer-3",
    ),
    Mutant(
        "an odd start truncated",
        "core/encoding_layer.py",
        "first & start[0]",
        "first & 0",
        "encoding_layer-4",
    ),
    Mutant(
        "an entry of the tables wrong",
        "core/encoding_layer.py",
        "entries = table(weights)",
        "entries = [sums + (entry == 5) for entry, sums in enumerate(table(weights))]",
        "encoding_layer-3",
    ),
    Mutant(
        "a new pixel before the timesteps of the last one end",
        "core/pixel_window.py",
        "Mux(self.timesteps > PIXEL_BITS, self.timesteps, PIXEL_BITS)",
        "PIXEL_BITS",
        "pixel_window-3x4x13",
    ),
    Mutant(
        "pixels beyond the left border",
        "core/pixel_window.py",
        "(left, Const(0, 1), right)",
        "(Const(0, 1), Const(0, 1), right)",
        "pixel_window-3x4x13",
    ),
    Mutant(
        "pixels beyond the right border",
        "core/pixel_window.py",
        "(left, Const(0, 1), right)",
        "(left, Const(0, 1), Const(0, 1))",
        "pixel_window-3x4x13",
    ),
    Mutant(
        "pixels above the first row",
        "core/pixel_window.py",
        "(above, Const(0, 1), Const(0, 1))",
        "(Const(0, 1), Const(0, 1), Const(0, 1))",
        "pixel_window-3x4x13",
    ),
    # Borders and neighbours.
    Mutant(
        "no padding at the right border",
        "core/scatter.py",
        "Mux(left, 0, last)",
        "last",
        "scatter-3",
    ),
    Mutant(
        "no padding at the left border",
        "core/scatter.py",
        "Mux(left, 0, here.data)",
        "here.data",
        "scatter-4",
    ),
    Mutant(
        "no padding at the first row",
        "core/scatter.py",
        'Mux(younger["emitting"], below.data, 0)',
        "below.data",
        "scatter-3",
    ),
    Mutant(
        "line buffers one slot off",
        "core/scatter.py",
        'write.addr.eq(older["slot"])',
        'write.addr.eq(older["slot"] + 1)',
        "scatter-4",
    ),
    Mutant(
        "timesteps share a column",
        "core/scatter.py",
        "here.addr.eq(step)",
        "here.addr.eq(0)",
        "scatter-3",
    ),
    Mutant(
        "flush one row short",
        "core/raster.py",
        "second_row.eq(~self.inside)",
        "second_row.eq(y.last)",
        "raster-5x3x4",
    ),
    Mutant(
        "flush repeats the last word",
        "onchip/frame_memory.py",
        "Mux(flushing, 0, read.data)",
        "read.data",
        "frame_memory-5x3x4",
    ),
    # Output layer.
    Mutant(
        "residual truncated for rounded",
        "core/output_layer.py",
        "product + (1 << (self.shift - 1))",
        "product",
        "output_layer-5",
    ),
    Mutant(
        "no clamp at 255",
        "core/output_layer.py",
        "Mux(clean > GREY_MAX, GREY_MAX, clean[:8])",
        "clean[:8]",
        "output_layer-5",
    ),
    Mutant(
        "no clamp at 0",
        "core/output_layer.py",
        "Mux(clean < 0, 0, ",
        "Mux(clean < -1, 0, ",
        "output_layer-5",
    ),
    Mutant(
        "residual added",
        "core/output_layer.py",
        "clean.eq(pixels[2] - residual)",
        "clean.eq(pixels[2] + residual)",
        "output_layer-1",
    ),
    Mutant(
        "output sums do not take all timesteps",
        "onchip/frame_memory.py",
        "~self.merge | reading.last_timestep",
        "1",
        "frame_memory-5x3x4",
    ),
    Mutant(
        "output layer's words not merged over T",
        "onchip/accelerator.py",
        "merge.eq(1 if self._binary else sequencer.layer.output)",
        "merge.eq(0)",
        "tiny",
    ),
    Mutant(
        "output bias added once for T times",
        "core/layer_constants.py",
        "else timesteps * int(bias)",
        "else int(bias)",
        "mixed",
    ),
    # Control.
    Mutant(
        "a frame that is too high is accepted",
        "onchip/sequencer.py",
        "_at_most(self.height, self.max_height)",
        "1",
        "sequencer-5",
    ),
    Mutant(
        "a T that is not allowed is accepted",
        "onchip/sequencer.py",
        "self.timesteps.matches(*self.timesteps_allowed)",
        "1",
        "sequencer-5",
    ),
    Mutant(
        "events not counted in the last cycle",
        "onchip/sequencer.py",
        "self.events.eq(counted + self.event)",
        "self.events.eq(counted)",
        "sequencer-5",
    ),
    # Maps in external memory.
    Mutant(
        "the halo column at the left of a strip kept",
        "axi/strip_filter.py",
        "(column.next_first & self.skip_first)",
        "0",
        "system-tiny",
    ),
    Mutant(
        "the first pixel of the halo column kept",
        "axi/strip_filter.py",
        "drop_column.eq(self.skip_first | (",
        "drop_column.eq((",
        "system-tiny",
    ),
    Mutant(
        "the halo row of the lower half kept",
        "axi/strip_filter.py",
        "drop_row.eq(self.skip_top | (",
        "drop_row.eq((",
        "system-tiny-pair",
        "what_ends_one_engine_ends_both",
    ),
    Mutant(
        "bytes of another strip written",
        "axi/pixel_packer.py",
        "Mux(word_end, 0, self.o.p.strobe)",
        "self.o.p.strobe",
        "system-tiny",
    ),
    Mutant(
        "the last column taken for one of the others",
        "stream/counter.py",
        "self._penultimate.eq(size - 2)",
        "self._penultimate.eq(size - 1)",
        "raster-5x3x4",
    ),
    Mutant(
        "a row of one column never ends",
        "stream/counter.py",
        "self.last.eq(self._size == 1)",
        "self.last.eq(0)",
        "raster-1x1x1",
    ),
    Mutant(
        "a word lost where the datapath waits",
        "stream/skid_buffer.py",
        "Mux(occupied, spare, self.i.payload)",
        "self.i.payload",
        "skid_buffer-6",
    ),
    Mutant(
        "write errors not reported",
        "axi/writer.py",
        "self.failed.eq(axi.bvalid & axi.bresp[1])",
        "self.failed.eq(0)",
        "system-tiny",
        "errors_are_told_and_survived",
    ),
    Mutant(
        "read errors reported only in the encoding layer",
        "axi/engine.py",
        "self.status.read_failed.eq(reader.failed)",
        "self.status.read_failed.eq(reader.failed & self.layer.encoding)",
        "system-tiny",
        "errors_of_reads_are_told_in_every_layer",
    ),
    Mutant(
        "read errors not reported in the output layer",
        "axi/engine.py",
        "self.status.read_failed.eq(reader.failed)",
        "self.status.read_failed.eq(reader.failed & ~self.layer.output)",
        "system-tiny",
        "errors_of_reads_are_told_in_every_layer",
    ),
    Mutant(
        "the hash stays while another deployment is loaded",
        "axi/registers.py",
        "m.d.sync += [signal.eq(0) for signal in kept.values()]",
        "pass",
        "system-tiny",
        "the_hash_is_of_what_is_loaded",
    ),
    Mutant(
        "a reset brings back the hash of the first deployment",
        "axi/registers.py",
        "init=self.initial.get(name, 0), reset_less=True",
        "init=self.initial.get(name, 0)",
        "system-tiny",
        "the_hash_is_of_what_is_loaded",
    ),
    Mutant(
        "a number too large for its register is cut",
        "axi/registers.py",
        "allowed &= ~bus.wdata[register.bits :].any()",
        "pass",
        "system-tiny",
        "registers_are_as_described",
    ),
    Mutant(
        "what was read before an abort gets into the next frame",
        "axi/engine.py",
        "clear = ResetInserter(self.clear)",
        "clear = ResetInserter({})",
        "system-tiny",
        "errors_are_told_and_survived",
    ),
    Mutant(
        "a chunk loaded into all memories",
        "core/loading.py",
        "load.p.memory == load_memory(place.name)",
        "load.p.memory == load.p.memory",
        "system-tiny",
        "loads_another_deployment",
    ),
    # The board's memory.
    Mutant(
        "the memory never refreshed",
        "board/sdram.py",
        "since_refresh.eq(0), due.eq(1)",
        "since_refresh.eq(0), due.eq(0)",
        "sdram-refreshes_whatever_pauses",
    ),
    Mutant(
        "a refresh before the rows are precharged",
        "board/sdram.py",
        'command("precharge", cycles("RP"))\n                m.next = "activate"',
        'command("precharge", 1)\n                m.next = "activate"',
        "sdram-refreshes_whatever_pauses",
    ),
    Mutant(
        "the next row not activated within a burst",
        "board/sdram.py",
        "(left == 1) | column.all()",
        "left == 1",
        "sdram-bursts_take_the_predicted_cycles",
    ),
    Mutant(
        "data taken a cycle before the memory gives them",
        "board/sdram.py",
        "READ_LATENCY = CAS_LATENCY + 2",
        "READ_LATENCY = CAS_LATENCY + 1",
        "sdram-refreshes_whatever_pauses",
    ),
)
"""All mutants; names are unique."""
