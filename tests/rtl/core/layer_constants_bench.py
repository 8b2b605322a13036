"""cocotb bench of the layers' constants."""

from cocotb.triggers import RisingEdge

from sim.simulators.streams import arguments, bench, generator, start
from sw_model.spec.hardware.cycles import constants_cycles
from tests.rtl.bench_tools import check, pulse
from tests.rtl.networks import NETWORKS
from tests.rtl.reference import pack

DEPLOYMENT = NETWORKS[arguments()["network"]].deployment
SPIKING = DEPLOYMENT.spec.spiking_layers
KINDS = list(dict.fromkeys(layer.neuron for layer in SPIKING))


def neurons_of(layer):
    """Return the layer's constants as on the port: bias, threshold, init, channel by channel."""
    widths = DEPLOYMENT.widths
    constants = [
        (DEPLOYMENT.biases[layer], widths.bias),
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
# another layer, the multiplier of another T, or an output bias not added once per timestep.
@bench(cycles=1_000)
async def gives_each_layer_its_own(dut):
    rng = generator("layers")
    await start(dut, layer=0, timesteps=DEPLOYMENT.spec.timesteps_max, prepare__start=0)
    # A frame may end early; the next one begins with the first layer.
    for layer in (0, *range(len(SPIKING)), *range(len(SPIKING))):
        dut.layer.value = layer
        await pulse(dut, "prepare__start")
        await RisingEdge(dut.clk)
        cycles = 2
        while not int(dut.prepare__done.value):
            await RisingEdge(dut.clk)
            cycles += 1
        check("cycles", cycles, constants_cycles(DEPLOYMENT.spec.channels))
        for _ in range(rng.randrange(4)):
            check(f"constants of layer {layer}", int(dut.neuron.value), neurons_of(layer))
            await RisingEdge(dut.clk)
        if len(KINDS) > 1:
            kind = KINDS.index(SPIKING[layer].neuron)
            check(f"kind of layer {layer}", int(dut.kind.value), kind)
    for index, steps in enumerate(DEPLOYMENT.spec.timesteps):
        dut.timesteps.value = steps
        await RisingEdge(dut.clk)
        bias = int(DEPLOYMENT.biases[-1][0])
        check(f"T * bias at T {steps}", dut.offset.value.to_signed(), steps * bias)
        check(f"mult at T {steps}", int(dut.mult.value), int(DEPLOYMENT.mults[index]))
