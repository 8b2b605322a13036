"""Streams are deep enough: the layers, as processes that block on full and empty streams, end."""

import pytest

from hls.build import convert
from hls.streams import set_stream_depths

from .networks import Case

CASE = Case("mixed", (9, 4), 2)
DEPTH = len(CASE.deployment.spec.layers)


@pytest.fixture(scope="module")
def depths(tmp_path_factory):
    model = convert(
        CASE.deployment,
        size=CASE.size,
        timesteps=CASE.timesteps,
        reuse_factor=3,
        folder=tmp_path_factory.mktemp("unwritten"),
    )
    depths = set_stream_depths(model)
    outputs = [layer.get_output_variable().name for layer in model.get_layers()]
    # Input, clone of the pixels, convolution and neurons by turns, residual.
    assert len(outputs) == 2 + 2 * DEPTH - 1 + 1
    between = [depths[name] for name in outputs[2:-1]]
    to_network, to_residual = (depths[name] for name in depths if "cpy" in name)
    return to_network, to_residual, between


def read(stream):
    return "read", stream


def write(stream):
    return "write", stream


def clone(height, width):
    for _ in range(height * width):
        yield write("network")
        yield write("residual")


def convolution(source, sink, height, width, steps, sum_over_time):
    """Reads, and a row and a column later writes, as `event_conv_2d` does."""
    for y in range(height + 1):
        for x in range(width + 1):
            for step in range(steps):
                if y < height and x < width:
                    yield read(source)
                if y and x and (not sum_over_time or step == steps - 1):
                    yield write(sink)


def neurons(source, sink, pixels, steps, constant):
    for _ in range(pixels):
        for step in range(steps):
            if step == 0 or not constant:
                yield read(source)
            yield write(sink)


def residual(source, pixels):
    for _ in range(pixels):
        yield read(source)
        yield read("residual")


def ends(to_network, to_residual, between):
    """Whether all processes end, in any order of work: a deadlock does not depend on it."""
    height, width = CASE.size
    pixels, steps = height * width, CASE.timesteps
    depth = {"network": to_network, "residual": to_residual} | dict(enumerate(between))
    processes = [clone(height, width)]
    for layer in range(DEPTH):
        first, last = layer == 0, layer == DEPTH - 1
        source = "network" if first else 2 * layer - 1
        count = 1 if first else steps
        processes.append(convolution(source, 2 * layer, height, width, count, last))
        if not last:
            processes.append(neurons(2 * layer, 2 * layer + 1, pixels, steps, first))
    processes.append(residual(2 * DEPTH - 2, pixels))
    held = dict.fromkeys(depth, 0)
    waiting = {process: next(process) for process in processes}
    moved = True
    while waiting and moved:
        moved = False
        for process, (what, stream) in list(waiting.items()):
            if held[stream] == (0 if what == "read" else depth[stream]):
                continue
            held[stream] += -1 if what == "read" else 1
            moved = True
            try:
                waiting[process] = next(process)
            except StopIteration:
                del waiting[process]
    return not waiting


def test_streams_hold_what_the_layers_lag(depths):
    assert ends(*depths)
    _, to_residual, between = depths
    assert to_residual == DEPTH * (CASE.size[1] + 1) + 1
    assert set(between) == {2}


def test_a_short_stream_of_waiting_pixels_would_deadlock(depths):
    to_network, to_residual, between = depths
    # Every process and stream on the way holds a few, which is what the network's words are.
    short = to_residual - 1
    while ends(to_network, short, between):
        short -= 1
    assert to_residual - short < to_residual / 2
