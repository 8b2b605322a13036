"""cocotb bench of the few-spike processing element."""

from collections import Counter
from fractions import Fraction
from math import floor

from cocotb.triggers import RisingEdge

from sim.simulators.streams import arguments, bench, generator, start
from tests.rtl.bench_tools import check
from tests.rtl.reference import random_signed, signed_limits

STEPS, WIDTHS = arguments()["timesteps"], arguments()["widths"]
SUM_BITS, BIAS_BITS = WIDTHS["sum"], WIDTHS["bias"]
CURRENT_LOW, CURRENT_HIGH = signed_limits(WIDTHS["current"])
LOW, HIGH = signed_limits(WIDTHS["membrane"])
SUM_LOW, SUM_HIGH = signed_limits(SUM_BITS)
THRESHOLD_HIGH = (1 << WIDTHS["threshold"]) - 1
PIXELS = 600


def spikes_of(membrane, threshold):
    """Return the spikes as one number, whose highest of T digits is the first spike."""
    return max(0, min(2**STEPS - 1, floor(Fraction(membrane, threshold))))


class Driver:
    """Feeds the element a pixel at a time and compares its spikes with the reference."""

    def __init__(self, dut):
        self.dut, self.rng, self.seen = dut, generator("neuron"), Counter()

    async def pixel(self, weighted, bias, threshold, init, *, pause=False):
        """Run a pixel whose weighted sum is ``weighted``."""
        dut, rng = self.dut, self.rng
        carry = rng.getrandbits(1) if weighted > SUM_LOW else 0
        dut.sum.value, dut.carry.value = weighted - carry, carry
        dut.bias.value, dut.threshold.value, dut.init.value = bias, threshold, init
        await RisingEdge(dut.clk)
        dut.take.value, dut.sum.value = 1, random_signed(rng, SUM_BITS)
        await RisingEdge(dut.clk)
        dut.take.value = 0
        found = 0
        for _ in range(STEPS):
            while pause and rng.random() < 0.3:
                await RisingEdge(dut.clk)
            dut.enable.value = 1
            await RisingEdge(dut.clk)
            dut.enable.value = 0
            found = 2 * found + int(dut.spike.value)
        membrane = weighted + bias + init
        check(
            f"spikes of M {membrane}, threshold {threshold}", found, spikes_of(membrane, threshold)
        )
        rest = membrane - found * threshold
        self.seen["met"] += rest == 0 < found
        self.seen["missed"] += rest == threshold - 1 > 0
        self.seen["all"] += membrane >= threshold << STEPS
        self.seen["some"] += 0 < found < 2**STEPS - 1
        self.seen["negative"] += membrane < 0


def constants(rng):
    """Return bias, threshold and init."""
    threshold = rng.randint(1, min(THRESHOLD_HIGH, rng.choice([2, 9, THRESHOLD_HIGH])))
    init = rng.choice([0, threshold // 2, random_signed(rng, WIDTHS["membrane"] - 1)])
    return random_signed(rng, BIAS_BITS), threshold, init


def possible(weighted, bias, init):
    return (
        SUM_LOW <= weighted <= SUM_HIGH
        and CURRENT_LOW <= weighted + bias <= CURRENT_HIGH
        and LOW <= weighted + bias + init <= HIGH
    )


# Detects > for >=, spikes in another order or number, a subtraction of another threshold, a bias,
# carry or init left out or added more than once, a timestep without enable, a membrane that is left
# over from the pixel before.
@bench(cycles=60_000)
async def follows_the_equation(dut):
    driver = Driver(dut)
    rng = driver.rng
    await start(dut, take=0, enable=0, sum=0, carry=0, bias=0, threshold=1, init=0)
    for _ in range(PIXELS):
        bias, threshold, init = constants(rng)
        while True:
            goal = threshold * rng.randrange(2**STEPS + 1) - rng.choice([0, 0, 1])
            weighted = rng.choice([goal - bias - init, random_signed(rng, SUM_BITS)])
            if possible(weighted, bias, init):
                break
            bias, threshold, init = constants(rng)
        await driver.pixel(weighted, bias, threshold, init, pause=rng.random() < 0.2)
    for what in ("met", "missed", "all", *(["some"] if STEPS > 1 else []), "negative"):
        check(f"membranes of kind {what!r} occurred", driver.seen[what] > 0, True)


# Detects a membrane that overflows its derived width while it doubles.
@bench(cycles=20_000)
async def holds_extreme_membranes(dut):
    driver = Driver(dut)
    await start(dut, take=0, enable=0, sum=0, carry=0, bias=0, threshold=1, init=0)
    for membrane in (LOW, LOW + 1, -1, 0, 1, HIGH - 1, HIGH):
        for threshold in {1, 2, max(1, HIGH >> STEPS), THRESHOLD_HIGH}:
            weighted = max(SUM_LOW, CURRENT_LOW, min(SUM_HIGH, CURRENT_HIGH, membrane))
            init = membrane - weighted
            if LOW <= init <= HIGH:
                await driver.pixel(weighted, 0, min(threshold, THRESHOLD_HIGH), init)
