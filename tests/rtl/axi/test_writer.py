"""The burst writer alone, on a bus that no whole system has."""

import random

from amaranth.sim import Simulator

from rtl.axi.writer import BURSTS, BurstWriter

ROWS = 3 * BURSTS
PATIENCE = 100 * ROWS


# Addresses are taken at once, data hardly ever: more bursts wait for their data than there are
# places to remember their lengths, and a length that is lost leaves its words in the queue.
def test_addresses_far_ahead_of_data():
    writer = BurstWriter(max_rows=ROWS, max_words=4, max_stride=8, depth=2 * ROWS)
    axi = writer.axi
    rng = random.Random(0)
    words = [rng.getrandbits(64) for _ in range(ROWS)]
    written, addresses = [], []

    async def memory(ctx):
        unanswered = 0
        ctx.set(axi.awready, 1)
        for _ in range(PATIENCE):
            answer = unanswered > 0
            ctx.set(axi.bvalid, answer)
            ctx.set(axi.wready, rng.random() < 0.05)
            *_, issued, place, sent, word, last = await ctx.tick().sample(
                axi.awvalid, axi.awaddr, axi.wvalid & axi.wready, axi.wdata, axi.wlast
            )
            unanswered += sent - answer
            if issued:
                addresses.append(place)
            if sent:
                assert last
                written.append(word)
        assert ctx.get(writer.idle)

    async def job(ctx):
        ctx.set(writer.rows, ROWS)
        ctx.set(writer.place.address, 40)
        ctx.set(writer.place.words, 1)
        ctx.set(writer.place.stride, 3)
        ctx.set(writer.start, 1)
        await ctx.tick()
        ctx.set(writer.start, 0)
        for word in words:
            ctx.set(writer.words.payload.data, word)
            ctx.set(writer.words.valid, 1)
            await ctx.tick().until(writer.words.ready)
        ctx.set(writer.words.valid, 0)

    simulator = Simulator(writer)
    simulator.add_clock(1e-8)
    simulator.add_testbench(memory)
    simulator.add_testbench(job)
    simulator.run()
    assert written == words
    assert addresses == [8 * (40 + 3 * row) for row in range(ROWS)]
