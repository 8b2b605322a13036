"""cocotb bench of the plane memory."""

import cocotb

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
from sw_model.spec import GREY_MAX, PIXEL_BITS
from tests.rtl.bench_tools import check_each, pulse, transfer_cycles, under_stalls
from tests.rtl.reference import pack, random_signed

HEIGHT, WIDTH = arguments()["max_height"], arguments()["max_width"]
GREY_BITS = 8
SIZES = [
    size
    for size in ((HEIGHT, WIDTH), (1, 1), (HEIGHT - 1, WIDTH), (HEIGHT, WIDTH - 1), (1, WIDTH))
    if min(size) > 0
]


class Picture:
    """Random pixels, the words of their positions, and denoised pixels with copies to be lost."""

    def __init__(self, name, height, width):
        rng = generator(name)
        self.size = height, width
        rows = [[random_signed(rng, PIXEL_BITS) for _ in range(width)] for _ in range(height)]
        self.pixels = [pixel for row in rows for pixel in row]
        self.words, self.replaced, self.denoised = [], [], [[0] * width for _ in range(height)]
        for y in range(0, height, 2):
            for x in range(0, width, 2):
                places = [(y + dy, x + dx) for dy in (0, 1) for dx in (0, 1)]
                pixels = [rows[min(y, height - 1)][min(x, width - 1)] for y, x in places]
                greys = [rng.randint(0, GREY_MAX) for _ in places]
                self.words.append(pack(pixels, PIXEL_BITS))
                self.replaced.append(pack(greys, GREY_BITS))
                for (py, px), grey in zip(places, greys, strict=True):
                    if py < height and px < width:
                        self.denoised[py][px] = grey

    def announce(self, dut):
        dut.picture__height.value, dut.picture__width.value = self.size
        dut.positions__height.value, dut.positions__width.value = (-(-n // 2) for n in self.size)

    async def check_words(self, sink):
        got = await sink.receive(len(self.words))
        check_each(f"picture {self.size}: word", got, self.words)

    async def check_denoised(self, dut, replaced, words, denoised):
        """Read the words again, replace each behind its reading, and check what comes out."""
        await pulse(dut, "restart_read")
        for word, greys in zip(self.words, self.replaced, strict=True):
            check_each(f"picture {self.size}: word again", await words.receive(1), [word])
            replaced.send([greys])
        expected = [grey for row in self.denoised for grey in row]
        got = await denoised.receive(len(expected))
        check_each(f"picture {self.size}: denoised pixel", got, expected)


def streams(dut, idle=0.0, back_pressure=0.0):
    return (
        StreamSource(dut, "pixels", idle=idle),
        StreamSource(dut, "replaced", idle=idle),
        StreamSink(dut, "words", back_pressure=back_pressure),
        StreamSink(dut, "denoised", back_pressure=back_pressure),
    )


async def begin(dut, ends):
    inputs = ("picture__height", "picture__width", "positions__height", "positions__width")
    await start(dut, *ends, restart_write=0, restart_read=0, **dict.fromkeys(inputs, 1))


# Detects a pixel in a wrong position or plane, an odd row or column that is not doubled or whose
# copy comes out, a word or pixel lost under back-pressure.
@under_stalls(cycles=20_000)
async def gives_positions_and_takes_them_back(dut, idle, back_pressure):
    pixels, replaced, words, denoised = ends = streams(dut, idle, back_pressure)
    await begin(dut, ends)
    for index, size in enumerate(SIZES):
        picture = Picture(f"picture {index} {idle} {back_pressure}", *size)
        picture.announce(dut)
        await pulse(dut, "restart_write")
        pixels.send(picture.pixels)
        await picture.check_words(words)
        await picture.check_denoised(dut, replaced, words, denoised)
    await check_quiet(dut, words, denoised)


# Detects a bubble: a pixel or a word a cycle, latency three cycles from the last pixel to the first
# word and from the last replaced word to the first denoised pixel.
@bench(cycles=2_000)
async def one_pixel_or_word_a_cycle(dut):
    pixels, replaced, words, denoised = ends = streams(dut)
    await begin(dut, ends)
    picture = Picture("picture", HEIGHT, WIDTH)
    picture.announce(dut)
    await pulse(dut, "restart_write")
    taken = cocotb.start_soon(transfer_cycles(dut, "pixels", len(picture.pixels)))
    given = cocotb.start_soon(transfer_cycles(dut, "words", len(picture.words)))
    pixels.send(picture.pixels)
    await picture.check_words(words)
    *_, last = cycles = await taken
    check_each("cycle of pixel", cycles, range(cycles[0], cycles[0] + len(cycles)))
    first_word = last + 3
    check_each("cycle of word", await given, range(first_word, first_word + len(picture.words)))
    came_back = cocotb.start_soon(transfer_cycles(dut, "replaced", len(picture.words)))
    left = cocotb.start_soon(transfer_cycles(dut, "denoised", len(picture.pixels)))
    await picture.check_denoised(dut, replaced, words, denoised)
    first_pixel = (await came_back)[-1] + 3
    expected = range(first_pixel, first_pixel + len(picture.pixels))
    check_each("cycle of denoised pixel", await left, expected)


# Detects anything of a picture that survives a reset.
@bench(cycles=20_000)
async def reset_in_mid_flight(dut):
    pixels, replaced, words, denoised = ends = streams(dut, 0.2, 0.2)
    await begin(dut, ends)
    for attempt in range(4):
        picture = Picture(f"picture {attempt}", *SIZES[attempt % len(SIZES)])
        picture.announce(dut)
        await pulse(dut, "restart_write")
        count = generator(f"cut {attempt}").randrange(len(picture.pixels))
        pixels.send(picture.pixels[:count])
        await pixels.sent()
        await reset(dut, *ends)
        await pulse(dut, "restart_write")
        pixels.send(picture.pixels)
        await picture.check_words(words)
        await picture.check_denoised(dut, replaced, words, denoised)
