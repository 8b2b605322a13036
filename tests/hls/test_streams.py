"""Streams are deep enough: the layers, as processes that block on full and empty streams, end."""

import pytest

from hls.build import convert
from hls.streams import set_stream_depths

from .networks import Case

CASES = (
    Case("mixed", (9, 4), 2),
    # Planes of an even and of an odd width, and the narrowest ones.
    Case("few-three-steps", (23, 6), 3),
    Case("few-three-steps", (23, 7), 3),
    Case("few-three-steps", (31, 1), 3),
)


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request):
    return request.param


@pytest.fixture(scope="module")
def depths(case, tmp_path_factory):
    model = convert(
        case.deployment,
        size=case.size,
        timesteps=case.timesteps,
        reuse_factor=3,
        folder=tmp_path_factory.mktemp("unwritten"),
    )
    depths = set_stream_depths(model)
    outputs = [layer.get_output_variable().name for layer in model.get_layers()]
    # Input, clone of the pixels, planes, convolution and neurons by turns, residual.
    spec = case.deployment.spec
    assert len(outputs) == 2 + (spec.planes - 1) + 2 * len(spec.layers) - 1 + 1
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


def sort_into_planes(source, sink, height, width, planes):
    """Reads rows of pixels, and writes a position with its last pixel, as `to_planes` does."""
    for y in range(-(-height // planes) * planes):
        for x in range(-(-width // planes) * planes):
            if y < height and x < width:
                yield read(source)
            if y % planes == x % planes == planes - 1:
                yield write(sink)


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


def residual(source, height, width, planes):
    """Reads a position's sums with its first pixel, as `plane_residual` does."""
    for y in range(height):
        for x in range(width):
            if y % planes == x % planes == 0:
                yield read(source)
            yield read("residual")


def ends(case, to_network, to_residual, between):
    """Whether all processes end, in any order of work: a deadlock does not depend on it."""
    spec, (height, width), steps = case.deployment.spec, case.size, case.timesteps
    rows, columns = (-(-length // spec.planes) for length in case.size)
    binary = spec.code == "binary"
    depth = {"network": to_network, "residual": to_residual} | dict(enumerate(between))
    processes = [clone(height, width)]
    source, sink = "network", 0
    if spec.planes > 1:
        processes.append(sort_into_planes(source, sink, height, width, spec.planes))
        source, sink = sink, sink + 1
    for layer in spec.layers:
        first, last = layer.kind == "encoding", layer.kind == "output"
        count = 1 if first else steps
        processes.append(convolution(source, sink, rows, columns, count, last or binary))
        source, sink = sink, sink + 1
        if not last:
            processes.append(neurons(source, sink, rows * columns, steps, first or binary))
            source, sink = sink, sink + 1
    processes.append(residual(source, height, width, spec.planes))
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


def test_streams_hold_what_the_layers_lag(case, depths):
    assert ends(case, *depths)
    _, to_residual, between = depths
    spec = case.deployment.spec
    if spec.planes == 1:
        assert to_residual == len(spec.layers) * (case.size[1] + 1) + 1
    assert set(between) <= {2, case.timesteps}


def test_a_short_stream_of_waiting_pixels_would_deadlock(case, depths):
    to_network, to_residual, between = depths
    # Every process and stream on the way holds a few, which is what the network's words are; in a
    # frame that is a pixel wide they are most of what waits.
    short = to_residual - 1
    while ends(case, to_network, short, between):
        short -= 1
    assert short > 0
    assert to_residual - short < to_residual / 2 or case.size[1] == 1
