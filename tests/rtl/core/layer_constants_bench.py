"""cocotb bench of the layers' constants."""

from cocotb.triggers import RisingEdge

from sim.simulators.streams import arguments, bench, generator, start
from sw_model.spec.hardware.cycles import constants_cycles
from tests.rtl.bench_tools import check, pulse
from tests.rtl.networks import NETWORKS
from tests.rtl.reference import pack, rounding_shift

DEPLOYMENT = NETWORKS[arguments()["network"]].deployment
SPIKING = DEPLOYMENT.spec.spiking_layers
LEVELS = DEPLOYMENT.spec.noise_levels
CYCLES = constants_cycles(DEPLOYMENT.spec.channels, levels=LEVELS is not None)
KINDS = list(dict.fromkeys(layer.neuron for layer in SPIKING))


def biases_of(layer, level):
    """Return the layer's biases; those of the first layer contain the noise level."""
    biases = [int(bias) for bias in DEPLOYMENT.biases[layer]]
    if layer > 0 or LEVELS is None:
        return biases
    shift = DEPLOYMENT.spec.noise_shift
    weights = [int(weight) for weight in DEPLOYMENT.noise_weight]
    return [b + rounding_shift(w * level, shift) for b, w in zip(biases, weights, strict=True)]


def neurons_of(layer, level):
    """Return the layer's constants as on the port: bias, threshold, init, channel by channel."""
    widths = DEPLOYMENT.widths
    constants = [
        (biases_of(layer, level), widths.bias),
        (DEPLOYMENT.thresholds[layer], widths.threshold),
        (DEPLOYMENT.inits[layer], widths.membrane),
    ]
    word = position = 0
    for channel in range(DEPLOYMENT.spec.channels):
        for values, bits in constants:
            word |= pack([int(values[channel])], bits) << position
            position += bits
    return word


# Detects a constant of another layer or channel, one that changes while it is used, the neuron of
# another layer, the multiplier of another T, an output bias not added once per timestep, or more
# than once with the few-spike code; a noise level left out, rounded wrongly or in other layers.
@bench(cycles=1_000)
async def gives_each_layer_its_own(dut):
    rng = generator("layers")
    inputs = {} if LEVELS is None else {"level": 0}
    await start(dut, layer=0, timesteps=DEPLOYMENT.spec.timesteps_max, prepare__start=0, **inputs)
    # A frame may end early; the next one begins with the first layer.
    for layer in (0, *range(len(SPIKING)), *range(len(SPIKING))):
        level = 0
        if LEVELS is not None:
            low, high = (16 * level for level in LEVELS)
            level = dut.level.value = rng.choice([low, high, rng.randrange(low, high + 1)])
        dut.layer.value = layer
        await pulse(dut, "prepare__start")
        await RisingEdge(dut.clk)
        cycles = 2
        while not int(dut.prepare__done.value):
            await RisingEdge(dut.clk)
            cycles += 1
        check("cycles", cycles, CYCLES)
        for _ in range(rng.randrange(4)):
            what = f"constants of layer {layer} at level {level}"
            check(what, int(dut.neuron.value), neurons_of(layer, level))
            await RisingEdge(dut.clk)
        if len(KINDS) > 1:
            kind = KINDS.index(SPIKING[layer].neuron)
            check(f"kind of layer {layer}", int(dut.kind.value), kind)
    for index, steps in enumerate(DEPLOYMENT.spec.timesteps):
        dut.timesteps.value = steps
        await RisingEdge(dut.clk)
        bias = int(DEPLOYMENT.biases[-1][0])
        times = 1 if DEPLOYMENT.spec.code == "binary" else steps
        check(f"output bias at T {steps}", dut.offset.value.to_signed(), times * bias)
        check(f"mult at T {steps}", int(dut.mult.value), int(DEPLOYMENT.mults[index]))
