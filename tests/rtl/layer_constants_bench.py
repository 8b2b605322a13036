"""cocotb bench of the layers' constants."""

from cocotb.triggers import RisingEdge

from sim.streams import arguments, bench, start

from .bench_tools import check
from .networks import NETWORKS
from .reference import pack

DEPLOYMENT = NETWORKS[arguments()["network"]].deployment
SPIKING = DEPLOYMENT.spec.spiking_layers
KINDS = list(dict.fromkeys(layer.neuron for layer in SPIKING))


def neurons_of(layer):
    """The layer's constants as they lie on the port: bias, threshold, init, channel by channel."""
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


# A constant of another layer or channel, another layer's neuron, a multiplier of another T, or an
# output bias that does not count once a timestep.
@bench(cycles=1_000)
async def gives_each_layer_its_own(dut):
    await start(dut, layer=0, steps=DEPLOYMENT.spec.timesteps_max)
    layers = [*range(len(SPIKING)), *reversed(range(len(SPIKING)))]
    for layer in layers:
        dut.layer.value = layer
        for _ in range(2):
            # The memory answers one cycle after the layer is known.
            await RisingEdge(dut.clk)
        check(f"constants of layer {layer}", int(dut.neuron.value), neurons_of(layer))
        if len(KINDS) > 1:
            kind = KINDS.index(SPIKING[layer].neuron)
            check(f"kind of layer {layer}", int(dut.kind.value), kind)
    for index, steps in enumerate(DEPLOYMENT.spec.timesteps):
        dut.steps.value = steps
        await RisingEdge(dut.clk)
        bias = int(DEPLOYMENT.biases[-1][0])
        check(f"T * bias at T {steps}", dut.offset.value.to_signed(), steps * bias)
        check(f"mult at T {steps}", int(dut.mult.value), int(DEPLOYMENT.mults[index]))
