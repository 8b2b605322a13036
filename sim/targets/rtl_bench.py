"""cocotb bench of the whole accelerator: drives frames and records the outputs.

It compares nothing. `rtl_harness.v` and this bench write text files, which
`sim.compare.scoreboard` compares with the golden model outside the simulator.
"""

from pathlib import Path
from typing import Any

from cocotb.triggers import RisingEdge

from sim.simulators.streams import StreamSink, StreamSource, arguments, bench, start

ARGUMENTS = arguments()


@bench(cycles=ARGUMENTS["limit"])
async def denoise_frames(dut: Any) -> None:
    """Denoise the frames, each started as soon as the previous one is done."""
    source = StreamSource(dut, "pixels", idle=ARGUMENTS["idle"])
    sink = StreamSink(dut, "denoised", back_pressure=ARGUMENTS["back_pressure"])
    levels = {"level": 0} if "level" in ARGUMENTS["frames"][0] else {}
    await start(dut, source, sink, start=0, height=0, width=0, timesteps=0, **levels)
    for index, frame in enumerate(ARGUMENTS["frames"]):
        for name in ("height", "width", "timesteps", *levels):
            getattr(dut, name).value = frame[name]
        dut.start.value = 1
        await RisingEdge(dut.clk)
        dut.start.value = 0
        await RisingEdge(dut.clk)
        assert not dut.error.value, "the accelerator refused a valid frame"
        source.send(map(int, Path(f"pixels_{index}.txt").read_text(encoding="utf-8").split()))
        pixels = await sink.receive(frame["height"] * frame["width"])
        Path(f"denoised_{index}.txt").write_text(
            "".join(f"{pixel}\n" for pixel in pixels), encoding="utf-8"
        )
        while dut.busy.value:
            await RisingEdge(dut.clk)
        assert not sink.waiting, "the accelerator sent more pixels than the frame has"
