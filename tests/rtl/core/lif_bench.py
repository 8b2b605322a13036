"""cocotb bench of the LIF processing element."""

from collections import Counter

from cocotb.triggers import RisingEdge

from sim.simulators.streams import arguments, bench, generator, start
from sw_model.spec import NeuronSpec
from tests.rtl.bench_tools import check
from tests.rtl.reference import charge, neuron_step, random_signed, signed_limits

NEURONS = [NeuronSpec(**neuron) for neuron in arguments()["neurons"]]
WIDTHS = arguments()["widths"]
SUM_BITS, BIAS_BITS = WIDTHS["sum"], WIDTHS["bias"]
THRESHOLD_BITS, MEMBRANE_BITS = WIDTHS["threshold"], WIDTHS["membrane"]
SUM_LOW, SUM_HIGH = signed_limits(SUM_BITS)
BIAS_LOW, BIAS_HIGH = signed_limits(BIAS_BITS)
THRESHOLD_HIGH = (1 << THRESHOLD_BITS) - 1
LOW, HIGH = signed_limits(MEMBRANE_BITS)
PIXELS, PIXELS_MAX = 900, 5000
"""Fewest pixels tried, and most pixels until all kinds have come to their thresholds."""
CURRENT_LOW, CURRENT_HIGH = signed_limits(WIDTHS["current"])


class Driver:
    """Feeds the element a timestep at a time and compares its spikes with the reference.

    Attributes
    ----------
    seen
        Counts of charged membranes just below, at and just above the threshold, by
        (kind, difference), and of the largest and smallest membranes.
    """

    def __init__(self, dut):
        self.dut = dut
        self.rng = generator("neuron")
        self.seen = Counter()
        self.steps = 0

    def begin_pixel(self, kind, bias, threshold, init):
        self.kind, self.neuron, self.bias = kind, NEURONS[kind], bias
        self.threshold, self.membrane, self.first = threshold, init, 1
        self.dut.kind.value, self.dut.bias.value = kind, bias
        self.dut.threshold.value, self.dut.init.value = threshold, init

    def fits(self, weighted):
        current = weighted << self.neuron.fractional_bits
        charged = charge(self.neuron, self.membrane, weighted)
        return CURRENT_LOW <= current <= CURRENT_HIGH and LOW <= charged <= HIGH

    def near_threshold(self):
        """Return how often each kind of neuron came to its threshold, and next to it.

        Neurons with fractional bits can reach the threshold, but not always the values next to it.
        """
        return {
            (kind, difference): self.seen[kind, difference]
            for kind, neuron in enumerate(NEURONS)
            for difference in (-1, 0, 1)
            if difference == 0 or neuron.fractional_bits == 0
        }

    async def step(self, weighted):
        """Run a timestep in which the weighted sum plus bias is ``weighted``."""
        charged, spike, membrane = neuron_step(self.neuron, self.membrane, weighted, self.threshold)
        dut = self.dut
        carry = self.rng.getrandbits(1) if weighted - self.bias > SUM_LOW else 0
        dut.sum.value, dut.carry.value = weighted - self.bias - carry, carry
        await RisingEdge(dut.clk)
        dut.take.value, dut.sum.value = 1, random_signed(self.rng, SUM_BITS)
        await RisingEdge(dut.clk)
        dut.take.value, dut.first.value, dut.enable.value = 0, self.first, 1
        await RisingEdge(dut.clk)
        dut.enable.value = 0
        place = f"spike {self.steps} of {self.neuron} with M {charged}, threshold {self.threshold}"
        check(place, int(dut.spike.value), spike)
        if abs(charged - self.threshold) <= 1:
            self.seen[self.kind, charged - self.threshold] += 1
        self.seen["low"] += charged < LOW * 3 // 4
        self.seen["high"] += charged > HIGH * 3 // 4
        self.membrane, self.first = membrane, 0
        self.steps += 1

    async def pause(self):
        """Run a cycle without enable and with random inputs, which must change nothing."""
        self.dut.enable.value = 0
        self.dut.sum.value = random_signed(self.rng, SUM_BITS)
        self.dut.first.value = self.rng.getrandbits(1)
        await RisingEdge(self.dut.clk)

    def aimed(self):
        """Return the weighted sum that brings the membrane to the threshold, or one unit off."""
        goal = self.threshold + self.rng.choice([-1, 0, 0, 1])
        missing = goal - charge(self.neuron, self.membrane, 0)
        return missing // 2**self.neuron.fractional_bits

    def possible(self, weighted):
        return SUM_LOW <= weighted - self.bias <= SUM_HIGH and self.fits(weighted)


def random_pixel(rng):
    """Return kind, bias, threshold and init, often with a threshold within reach."""
    kind = rng.randrange(len(NEURONS))
    reach = rng.choice([4, SUM_HIGH * NEURONS[kind].threshold_unit, THRESHOLD_HIGH])
    threshold = rng.randint(1, min(THRESHOLD_HIGH, reach))
    init = rng.choice([0, threshold // 2, random_signed(rng, MEMBRANE_BITS) // 2])
    return kind, random_signed(rng, BIAS_BITS), threshold, max(LOW, min(HIGH, init))


# Detects a leak not rounded down, > instead of >=, the wrong reset, init or bias ignored, a kind of
# neuron that acts as another one, a timestep without enable.
@bench(cycles=100_000)
async def follows_the_equation(dut):
    driver = Driver(dut)
    rng = driver.rng
    await start(dut, take=0, enable=0, first=0, sum=0, carry=0, bias=0, kind=0, threshold=1, init=0)
    for pixel in range(PIXELS_MAX):
        if pixel >= PIXELS and min(driver.near_threshold().values()) >= 5:
            break
        driver.begin_pixel(*random_pixel(rng))
        for _ in range(rng.randrange(1, 13)):
            weighted = driver.aimed() if rng.random() < 0.4 else None
            if weighted is None or not driver.possible(weighted):
                weighted = random_signed(rng, SUM_BITS) + driver.bias
            if not driver.possible(weighted):
                break
            while rng.random() < 0.2:
                await driver.pause()
            await driver.step(weighted)
    for (kind, difference), seen in driver.near_threshold().items():
        what = f"neuron {kind} came to threshold {difference:+} {seen} times: 5 or more"
        check(what, seen >= 5, True)


# Detects a membrane, bias or sum that overflows its derived width.
@bench(cycles=20_000)
async def holds_extreme_membranes(dut):
    driver = Driver(dut)
    await start(dut, take=0, enable=0, first=0, sum=0, carry=0, bias=0, kind=0, threshold=1, init=0)
    for kind, neuron in enumerate(NEURONS):
        low = max(SUM_LOW + BIAS_LOW, CURRENT_LOW >> neuron.fractional_bits)
        high = min(SUM_HIGH + BIAS_HIGH, CURRENT_HIGH >> neuron.fractional_bits)
        for bias, weighted in ((BIAS_LOW, low), (BIAS_HIGH, high)):
            for threshold in (1, THRESHOLD_HIGH):
                driver.begin_pixel(kind, bias, threshold, 0)
                for _ in range(40):
                    if not driver.fits(weighted):
                        break
                    await driver.step(weighted)
                if driver.fits(driver.bias):
                    await driver.step(driver.bias)
    for end in ("low", "high"):
        check(f"the {end} quarter of the membrane's range was reached", driver.seen[end] > 0, True)
