"""cocotb bench of the LIF array."""

from collections import Counter

import cocotb
from cocotb.triggers import ClockCycles

from sim.simulators.streams import (
    StreamSink,
    StreamSource,
    arguments,
    bench,
    check_quiet,
    generator,
    reset,
    start,
)
from sw_model.spec import NeuronSpec
from tests.rtl.bench_tools import check, check_each, transfer_cycles, under_idling
from tests.rtl.reference import (
    charge,
    neuron_step,
    pack,
    random_signed,
    rounding_shift,
    signed_limits,
)

CHANNELS, STEPS = arguments()["channels"], arguments()["max_timesteps"]
NEURONS = [NeuronSpec(**neuron) for neuron in arguments()["neurons"]]
WIDTHS = arguments()["widths"]
SHIFT = arguments()["encoding_shift"]
SUM_BITS, BIAS_BITS = WIDTHS["sum"], WIDTHS["bias"]
THRESHOLD_BITS, MEMBRANE_BITS = WIDTHS["threshold"], WIDTHS["membrane"]
CURRENT_LOW, CURRENT_HIGH = signed_limits(WIDTHS["current"])
CONSTANT_BITS = BIAS_BITS + THRESHOLD_BITS + MEMBRANE_BITS
LOW, HIGH = signed_limits(MEMBRANE_BITS)
LAYERS = [
    # Kind of neuron, timesteps, constant current: every kind, both ways, at several T.
    (kind, steps, constant)
    for kind in range(len(NEURONS))
    for constant in (0, 1)
    for steps in sorted({1, (kind % STEPS) + 1, STEPS})
]


class Layer:
    """Random constants, sums, and the expected event words."""

    def __init__(self, name, kind, steps, constant, pixels=12):
        self.rng = generator(name)
        self.kind, self.steps, self.constant, self.pixels = kind, steps, constant, pixels
        neuron = NEURONS[kind]
        reach = min(
            (1 << THRESHOLD_BITS) - 1, neuron.threshold_unit << max(0, SUM_BITS - SHIFT - 1)
        )
        self.biases = [random_signed(self.rng, BIAS_BITS) for _ in range(CHANNELS)]
        self.thresholds = [self.rng.randint(1, reach) for _ in range(CHANNELS)]
        self.inits = [self.rng.choice([0, t // 2, -t]) for t in self.thresholds]
        self.seen = Counter()
        self.sums, self.words = [], []
        for _ in range(pixels):
            self._add_pixel(neuron)

    def _add_pixel(self, neuron):
        membranes = self.inits
        for step in range(self.steps):
            if step == 0 or not self.constant:
                self.sums.append(self._random_sums(neuron, membranes))
            steps = [
                neuron_step(neuron, *numbers)
                for numbers in zip(membranes, self._weighted(), self.thresholds, strict=True)
            ]
            membranes = [step.membrane for step in steps]
            self.words.append(sum(step.spike << c for c, step in enumerate(steps)))
            for step, threshold in zip(steps, self.thresholds, strict=True):
                assert LOW <= step.charged <= HIGH, f"the case's membrane is narrow: {step}"
                self.seen["threshold met"] += step.charged == threshold

    def _random_sums(self, neuron, membranes):
        """Return random sums, of which a third bring a membrane to its threshold."""
        sums = []
        for membrane, bias, threshold in zip(membranes, self.biases, self.thresholds, strict=True):
            missing = (threshold - charge(neuron, membrane, bias)) // 2**neuron.fractional_bits
            value = missing * 2**SHIFT if self.constant else missing
            low, high = signed_limits(SUM_BITS)
            if self.rng.random() < 0.7 or not low <= value <= high:
                value = random_signed(self.rng, SUM_BITS)
            while not self._possible(neuron, value, bias):
                value = random_signed(self.rng, SUM_BITS)
            sums.append(value)
        return sums

    def _possible(self, neuron, value, bias):
        """Return whether the current fits its width."""
        current = (self._shifted(value) + bias) << neuron.fractional_bits
        return CURRENT_LOW <= current <= CURRENT_HIGH

    def _shifted(self, value):
        return rounding_shift(value, SHIFT) if self.constant else value

    def _weighted(self):
        """Return the weighted sum plus bias of every channel in this timestep."""
        sums = self.sums[-1]
        if self.constant and SHIFT:
            self.seen["half"] += sum(s % 2**SHIFT == 2**SHIFT // 2 for s in sums)
        return [self._shifted(value) + bias for value, bias in zip(sums, self.biases, strict=True)]

    def announce(self, dut):
        constants = [
            pack([bias], BIAS_BITS)
            | threshold << BIAS_BITS
            | pack([init], MEMBRANE_BITS) << (BIAS_BITS + THRESHOLD_BITS)
            for bias, threshold, init in zip(self.biases, self.thresholds, self.inits, strict=True)
        ]
        dut.kind.value, dut.timesteps.value, dut.constant.value = (
            self.kind,
            self.steps,
            self.constant,
        )
        dut.constants.value = pack(constants, CONSTANT_BITS)

    def payloads(self):
        return [pack(sums, SUM_BITS) for sums in self.sums]

    async def feed(self, dut, source):
        """Send the sums; a constant one serves all timesteps before the next one."""
        if not self.constant:
            source.send(self.payloads())
            return
        for payload in self.payloads():
            source.send([payload])
            await source.sent()
            if self.steps > 1:
                await ClockCycles(dut.clk, self.steps - 1)

    def check(self, words):
        what = f"{NEURONS[self.kind]}, constant {self.constant}: word at (pixel, t)"
        positions = [divmod(index, self.steps) for index in range(len(words))]
        check_each(what, words, self.words, positions)


def stream_pair(dut, idle=0.0):
    return StreamSource(dut, "i", idle=idle), StreamSink(dut, "o")


async def begin(dut, source, sink):
    await start(dut, source, sink, kind=0, timesteps=1, constant=0, constants=0)


# Detects a neuron with another one's constants, a membrane that is not `init` at a pixel's first
# timestep or is kept from one pixel or layer to the next, a constant current used too often or too
# rarely, a sum shifted in the wrong layer or not rounded half up.
@under_idling(cycles=20_000)
async def gives_event_words(dut, idle):
    source, sink = stream_pair(dut, idle)
    await begin(dut, source, sink)
    seen = Counter()
    for index, parameters in enumerate(LAYERS):
        layer = Layer(f"layer {index} {idle}", *parameters)
        layer.announce(dut)
        await layer.feed(dut, source)
        layer.check(await sink.receive(len(layer.words)))
        await source.sent()
        seen += layer.seen
    check("a membrane met its threshold", seen["threshold met"] > 0, True)
    if 0 < SHIFT <= SUM_BITS:
        check("a sum was half-way", seen["half"] > 0, True)
    await check_quiet(dut, sink)


# Detects a bubble: a timestep takes one cycle, also where one sum serves all; latency three cycles.
@bench(cycles=5_000)
async def one_timestep_a_cycle(dut):
    source, sink = stream_pair(dut)
    await begin(dut, source, sink)
    for index, parameters in enumerate(LAYERS):
        layer = Layer(f"layer {index}", *parameters)
        layer.announce(dut)
        taken = cocotb.start_soon(transfer_cycles(dut, "i", len(layer.sums)))
        given = cocotb.start_soon(transfer_cycles(dut, "o", len(layer.words)))
        await layer.feed(dut, source)
        layer.check(await sink.receive(len(layer.words)))
        cycles, takes = await given, await taken
        check_each("cycle of word", cycles, range(cycles[0], cycles[0] + len(cycles)))
        # A constant sum comes with the first timestep that it serves.
        serves = layer.steps if layer.constant else 1
        check_each("cycle of sum", takes, [at - 3 for at in cycles[::serves]])


# Detects a membrane or a timestep that survives a reset.
@bench(cycles=20_000)
async def reset_in_mid_flight(dut):
    source, sink = stream_pair(dut, idle=0.2)
    await begin(dut, source, sink)
    for index, parameters in enumerate(LAYERS):
        layer = Layer(f"layer {index}", *parameters)
        layer.announce(dut)
        feeding = cocotb.start_soon(layer.feed(dut, source))
        await ClockCycles(dut.clk, generator(f"cut {index}").randrange(1, 2 * len(layer.words)))
        feeding.cancel()
        await reset(dut, source, sink)
        await layer.feed(dut, source)
        layer.check(await sink.receive(len(layer.words)))
        await source.sent()
