"""cocotb bench of the output layer's lanes with two events a cycle, of several channels."""

from sim.simulators.streams import (
    StreamSink,
    StreamSource,
    arguments,
    bench,
    check_quiet,
    generator,
    start,
)
from tests.rtl.bench_tools import check_each, pulse
from tests.rtl.reference import convolved, flush_words, random_word, raster, signed

from .output_pairs import TIMESTEPS, output_deployment

VARIANTS = arguments()
FRAMES = ((3, 4), (2, 3), (4, 2))


# Detects a spike left out or added twice, or with the weights of another channel.
@bench(cycles=20_000)
async def sums_of_frames(dut):
    parts = {
        name: (StreamSource(dut, f"{name}__words"), StreamSink(dut, f"{name}__sums"))
        for name in VARIANTS
    }
    inputs = {f"{name}__{port}": 0 for name in parts for port in ("width", "restart")}
    await start(dut, *(stream for pair in parts.values() for stream in pair), **inputs)
    for name, (source, sink) in parts.items():
        channels = VARIANTS[name]["channels"]
        # (channel, tap), as taps (ky, kx) in ascending order.
        weights = output_deployment(channels).weights[-1][0].reshape(channels, -1).tolist()
        rng = generator(name)
        bits = len(getattr(dut, f"{name}__sums__payload"))
        for height, width in FRAMES:
            words = {
                place: random_word(rng, channels) for place in raster(height, width, TIMESTEPS)
            }
            taps = {
                (y, x, 0): [
                    sum(
                        weights[channel][tap]
                        for t in range(TIMESTEPS)
                        for channel in range(channels)
                        if words[y, x, t] >> channel & 1
                    )
                    for tap in range(9)
                ]
                for y, x, _ in raster(height, width, 1)
            }
            getattr(dut, f"{name}__width").value = width
            await pulse(dut, f"{name}__restart")
            sent = [*words.values(), *[0] * flush_words(width, TIMESTEPS)]
            final = (int(i % TIMESTEPS == TIMESTEPS - 1) for i in range(len(sent)))
            source.send(word | last << channels for word, last in zip(sent, final, strict=True))
            expected = [sums[0] for sums in convolved(taps, height, width, 1, 1)]
            got = [signed(value, bits) for value in await sink.receive(len(expected))]
            check_each(f"{name}, {height}x{width}: sum", got, expected)
            await check_quiet(dut, sink)
