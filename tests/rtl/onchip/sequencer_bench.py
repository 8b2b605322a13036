"""cocotb bench of the sequencer."""

from cocotb.triggers import RisingEdge

from sim.simulators.streams import arguments, bench, generator, reset, start
from tests.rtl.bench_tools import check, pulse

LAYERS, CHANNELS = arguments()["layers"], arguments()["channels"]
TIMESTEPS = arguments()["timesteps"]
HEIGHT, WIDTH = arguments()["max_height"], arguments()["max_width"]
INPUTS = (
    "start",
    "height",
    "width",
    "timesteps",
    "prepare__done",
    "words_complete",
    "pixels_complete",
    "event",
)
GOOD = [
    (height, width, steps) for height in {1, HEIGHT} for width in {1, WIDTH} for steps in TIMESTEPS
]


def refused():
    """Every size and T that the inputs can carry and a frame cannot have."""
    heights, widths = 1 << HEIGHT.bit_length(), 1 << WIDTH.bit_length()
    for steps in range(1 << max(TIMESTEPS).bit_length()):
        for height in range(heights):
            for width in range(widths):
                good = 0 < height <= HEIGHT and 0 < width <= WIDTH and steps in TIMESTEPS
                if not good:
                    yield height, width, steps


async def ask(dut, size):
    """Pulse start for a frame; afterwards the inputs hold something else."""
    dut.height.value, dut.width.value, dut.timesteps.value = size
    await pulse(dut, "start")
    dut.height.value, dut.width.value, dut.timesteps.value = 0, 0, 0


def expected_outputs(layer, prepare, restart, done):
    """What a layer's cycle shows to the other components."""
    last = LAYERS - 1
    base = CHANNELS * (layer - 1) if 0 < layer < last else None
    return {
        "busy": 1,
        "error": 0,
        "layer__index": layer,
        "layer__encoding": int(layer == 0),
        "layer__output": int(layer == last),
        "prepare__start": int(prepare),
        "restart": int(restart),
        "layer_done": int(done),
    } | ({} if base is None else {"layer__row_base": base})


class Frame:
    """Runs a frame of random length, with completions that come at the wrong layer as well."""

    def __init__(self, dut, rng, size):
        self.dut, self.rng, self.size = dut, rng, size
        self.cycles = self.events = 0

    async def cycle(self, layer, *, prepare=False, wait=False, restart=False, done=False):
        """One cycle; completion inputs of the other kind, and before the layer, say nothing.

        While waiting, ``done`` says that the constants are prepared.
        """
        dut, rng = self.dut, self.rng
        noise = rng.getrandbits(1)
        early = prepare or wait or restart
        complete = rng.getrandbits(1) if early else int(done)
        dut.prepare__done.value = int(done) if wait else rng.getrandbits(1)
        output = layer == LAYERS - 1
        dut.words_complete.value = noise if output else complete
        dut.pixels_complete.value = complete if output else noise
        event = dut.event.value = rng.getrandbits(1)
        # A start while a frame is under way must be ignored.
        dut.start.value, dut.height.value = rng.getrandbits(1), rng.getrandbits(1)
        await RisingEdge(dut.clk)
        self.cycles += 1
        self.events += event
        place = f"frame {self.size}, layer {layer}, cycle {self.cycles}:"
        for name, value in expected_outputs(layer, prepare, restart, done and not wait).items():
            check(f"{place} {name}", int(getattr(dut, name).value), value)
        size = dut.frame__height, dut.frame__width, dut.frame_timesteps
        frame = tuple(int(number.value) for number in size)
        check(f"{place} size", frame, self.size)
        counts = int(dut.cycles.value), int(dut.events.value)
        check(f"{place} (cycles, events)", counts, (self.cycles, self.events))

    async def run(self, layers=LAYERS):
        for layer in range(layers):
            if layer < LAYERS - 1:
                await self.cycle(layer, prepare=True)
                for _ in range(self.rng.randrange(3)):
                    await self.cycle(layer, wait=True)
                await self.cycle(layer, wait=True, done=True)
            await self.cycle(layer, restart=True)
            for _ in range(self.rng.randrange(5)):
                await self.cycle(layer)
            await self.cycle(layer, done=True)
        for name in INPUTS:
            getattr(self.dut, name).value = 0


async def check_idle(dut, error):
    for _ in range(2):
        await RisingEdge(dut.clk)
        check("busy", int(dut.busy.value), 0)
        check("error", int(dut.error.value), error)
        check("prepare", int(dut.prepare__start.value), 0)
        check("restart", int(dut.restart.value), 0)
        check("layer_done", int(dut.layer_done.value), 0)


# A layer left out or run twice, or that begins without its constants, a wrong row of weights, a
# frame that changes under way, a completion taken from the wrong place, a miscounted cycle or
# event.
@bench(cycles=5_000)
async def runs_layer_after_layer(dut):
    rng = generator("frames")
    await start(dut, **dict.fromkeys(INPUTS, 0))
    for size in GOOD * 2:
        await ask(dut, size)
        await Frame(dut, rng, size).run()
        await check_idle(dut, error=0)


# A frame that the hardware cannot hold and begins nevertheless, an error that is not reported, or
# one that a good start does not clear.
@bench(cycles=5_000)
async def refuses_impossible_frames(dut):
    rng = generator("frames")
    await start(dut, **dict.fromkeys(INPUTS, 0))
    for index, size in enumerate(refused()):
        await ask(dut, size)
        await check_idle(dut, error=1)
        if index % 20 == 0:
            good = rng.choice(GOOD)
            await ask(dut, good)
            await Frame(dut, rng, good).run()
            await check_idle(dut, error=0)


# A frame, an error or a row of weights that survives a reset.
@bench(cycles=5_000)
async def reset_in_mid_flight(dut):
    rng = generator("frames")
    await start(dut, **dict.fromkeys(INPUTS, 0))
    for size in GOOD:
        await ask(dut, size)
        await Frame(dut, rng, size).run(layers=rng.randrange(1, LAYERS))
        await reset(dut)
        await check_idle(dut, error=0)
        await ask(dut, (0, 0, 0))
        await reset(dut)
        await check_idle(dut, error=0)
        await ask(dut, size)
        await Frame(dut, rng, size).run()
        await check_idle(dut, error=0)
