"""cocotb bench of the whole board: a picture through the pins of its line and its SDRAM."""

from __future__ import annotations

from skimage.data import camera

from sim.simulators.streams import CLOCK_NS, arguments, bench
from sw_model.pictures.noise import add_noise
from tests.rtl.networks import Frame

from .board_bench import ANSWER_NS, DEPLOYMENT, Bench
from .boards import BIT_CYCLES

HEIGHT, WIDTH = arguments()["size"]
LINE_CYCLES = 10 * BIT_CYCLES
"""Of a byte."""
LAYER_CYCLES = 30
"""More than a pixel takes in any layer of a test's network, its words in the SDRAM included."""
ANSWER_CYCLES = HEIGHT * WIDTH * (LINE_CYCLES + LAYER_CYCLES * len(DEPLOYMENT.spec.layers))


# An address or a count that is too narrow for a picture, or a row that a refresh spoils.
@bench(cycles=200_000 + HEIGHT * WIDTH * 2 * LINE_CYCLES + ANSWER_CYCLES)
async def a_picture_passes(dut):
    tester = Bench(dut)
    tester.answer_ns = ANSWER_NS + ANSWER_CYCLES * CLOCK_NS
    await tester.begin()
    noisy = add_noise(camera()[:HEIGHT, :WIDTH], 25, 0)
    await tester.check_frame(Frame(DEPLOYMENT, noisy, DEPLOYMENT.spec.timesteps_max))
