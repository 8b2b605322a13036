"""cocotb bench of the raster counter."""

from cocotb.triggers import RisingEdge

from sim.simulators.streams import arguments, bench, generator, reset, start
from tests.rtl.bench_tools import check, pulse
from tests.rtl.reference import flush_words, raster

HEIGHT, WIDTH = arguments()["max_height"], arguments()["max_width"]
STEPS = arguments()["max_timesteps"]
FRAMES = [
    (height, width, steps)
    for height in sorted({1, 2, HEIGHT})
    for width in sorted({1, 2, WIDTH})
    for steps in sorted({1, STEPS})
    if height <= HEIGHT and width <= WIDTH
]


async def begin(dut, size):
    dut.frame__height.value, dut.frame__width.value, dut.timesteps.value = size
    await pulse(dut, "restart")


async def walk(dut, rng, size, count=None):
    """Step through a frame with pauses and check every word's flags."""
    height, width, steps = size
    words = [(1, t == steps - 1) for _, _, t in raster(height, width, steps)]
    words += [(0, t == steps - 1) for _, _, t in raster(1, width + 1, steps)]
    check("words of the flush", len(words) - height * width * steps, flush_words(width, steps))
    for index, (inside, last_step) in enumerate(words[:count]):
        step = 0
        while not step:
            step = dut.step.value = int(rng.random() < 0.7)
            await RisingEdge(dut.clk)
            got = int(dut.inside.value), int(dut.last_timestep.value), int(dut.done.value)
            check(f"frame {size}: (inside, last_step, done) {index}", got, (inside, last_step, 0))
    dut.step.value = 0


async def check_done(dut):
    for _ in range(3):
        dut.step.value = 0
        await RisingEdge(dut.clk)
        check("done after the flush", int(dut.done.value), 1)
        check("inside after the flush", int(dut.inside.value), 0)


# Detects a row, pixel or timestep too many or too few, or a flush that is not one row and one pixel
# long, at any size and after any other size.
@bench(cycles=20_000)
async def counts_frame_and_flush(dut):
    rng = generator("steps")
    await start(dut, restart=0, step=0, frame__height=0, frame__width=0, timesteps=0)
    await check_done(dut)
    for size in [*FRAMES, *reversed(FRAMES)]:
        await begin(dut, size)
        await walk(dut, rng, size)
        await check_done(dut)


# Detects a position that survives a restart in the middle of a frame, or a reset.
@bench(cycles=20_000)
async def restart_and_reset_in_mid_flight(dut):
    rng = generator("steps")
    await start(dut, restart=0, step=0, frame__height=0, frame__width=0, timesteps=0)
    for size in FRAMES:
        for interrupt in ("restart", "reset"):
            await begin(dut, size)
            await walk(dut, rng, size, count=rng.randrange(1, 2 + size[0] * size[1] * size[2]))
            if interrupt == "reset":
                await reset(dut)
                await check_done(dut)
            await begin(dut, size)
            await walk(dut, rng, size)
            await check_done(dut)
