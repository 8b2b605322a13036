"""The engine of events against the plain one: the same integers, whatever the network."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core import ir
from numba.core.compiler import run_frontend
from skimage.data import camera

from sw_model import golden
from sw_model.golden import events as golden_events
from sw_model.golden import kernels as event_kernels
from sw_model.golden.tiling import tiles
from sw_model.pictures.eight_bit import read_picture
from sw_model.pictures.noise import add_noise
from sw_model.pictures.sets import DATA_VARIABLE, dataset_files
from sw_model.spec import (
    NeuronSpec,
    UsageError,
    load_deployment,
    uniform_network,
)
from tests import ROOT
from tests.random_deployment import random_deployment
from tests.shipped import PLAIN

from .test_golden import network, pixels

# Every size of vector and type of number is compiled for seconds, so that the shapes are few: parts
# of a vector, more than one, more than one event word.
CHANNELS = (1, 3, 17, 65)


def same(one, other):
    assert (one.total == other.total).all()
    assert (one.denoised == other.denoised).all()
    assert one.activity == other.activity
    assert len(one.layers) == len(other.layers)
    for mine, yours in zip(one.layers, other.layers, strict=True):
        assert (mine.words == yours.words).all()


def both(deployment, picture, timesteps=None):
    same(
        *(
            golden.denoise(deployment, picture, timesteps, trace="spikes", engine=engine)
            for engine in ("events", "reference")
        )
    )


neurons = st.builds(
    NeuronSpec,
    leak=st.sampled_from((None, 1, 2, 5)),
    reset=st.sampled_from(("hard", "soft")),
    fractional_bits=st.integers(0, 4),
)


# A network of any kind would be denoised differently by the quick engine.
@settings(max_examples=60, deadline=None)
@given(
    neuron=neurons,
    channels=st.sampled_from(CHANNELS),
    weight_bits=st.sampled_from((2, 4, 5, 6, 8)),
    timesteps=st.integers(1, 16),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    shift=st.integers(0, 6),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_network(neuron, channels, weight_bits, timesteps, height, width, shift, seed):
    spec = uniform_network(
        "any",
        depth=4,
        channels=channels,
        timesteps=(timesteps,),
        weight_bits=weight_bits,
        neuron=neuron,
        encoding_shift=shift,
    )
    deployment = random_deployment(spec, seed, with_init=bool(seed % 2))
    both(deployment, pixels(height, width, seed))


# A processor without vectors that compress would get other integers.
@pytest.mark.parametrize("channels", [3, 65])
def test_without_compression(monkeypatch, channels):
    monkeypatch.setattr(golden_events, "COMPRESSES", False)
    both(random_deployment(network(channels=channels), 3), pixels(7, 6))


# The real networks have real spikes: many in some channels, none in others.
@pytest.mark.parametrize("name", PLAIN)
def test_shipped_networks(name):
    deployment = load_deployment(name)
    picture = add_noise(camera()[200:223, 300:331], 25, 5)
    for timesteps in deployment.spec.timesteps:
        both(deployment, picture, timesteps)


# A crop of pictures that figures are measured on; whole ones take the oracle minutes.
@pytest.mark.parametrize(
    ("name", "step"), [("set12", 1), ("bsd68", 4), pytest.param("bsd68", 1, marks=pytest.mark.long)]
)
def test_pictures_of_the_sets(name, step):
    try:
        files = dataset_files(name)
    except UsageError as error:
        # A folder that was named must hold the pictures.
        assert DATA_VARIABLE not in os.environ, error
        pytest.skip(f"{name} is not part of the project: {error}")
    deployment = load_deployment("best-s25")
    for seed, path in enumerate(files[::step]):
        both(deployment, add_noise(read_picture(path)[90:122, 110:145], 25, seed))


# A tile cut too short would differ from the whole picture at its edges.
@pytest.mark.parametrize("engine", ["events", "reference"])
@pytest.mark.parametrize(
    ("height", "width", "side"), [(13, 17, 5), (1, 9, 2), (6, 6, 6), (9, 7, 1)]
)
def test_tiles(monkeypatch, engine, height, width, side):
    deployment = random_deployment(network(), 5)
    picture = pixels(height, width)
    whole = golden.denoise(deployment, picture, trace="spikes", engine=engine)
    monkeypatch.setattr(golden, "TILE", side)
    same(golden.denoise(deployment, picture, trace="spikes", engine=engine), whole)


def test_tiles_cover_each_pixel_once():
    seen = np.zeros((23, 10), int)
    for tile in tiles(23, 10, 4, 3):
        seen[tile.inner] += 1
        area = np.arange(230).reshape(23, 10)
        assert (area[tile.outer][tile.kept] == area[tile.inner]).all()
    assert (seen == 1).all()


# A halo one pixel short of the receptive field must show.
def test_a_short_halo_would_be_seen(monkeypatch):
    deployment = random_deployment(network(channels=17), 5)
    picture = pixels(12, 12)
    whole = golden.denoise(deployment, picture)
    monkeypatch.setattr(golden, "TILE", 4)
    monkeypatch.setattr(golden, "tiles", lambda *size, halo: tiles(*size, halo - 2))
    assert (golden.denoise(deployment, picture).total != whole.total).any()


# Two callers at once must not share what they work on.
def test_two_pictures_at_once():
    deployment = random_deployment(network(channels=17), 5)
    pictures = [pixels(40, 30, seed) for seed in range(6)]
    alone = [golden.denoise(deployment, picture).total for picture in pictures]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda p: golden.denoise(deployment, p).total, pictures))
    assert all((a == b).all() for a, b in zip(alone, together, strict=True))


MANY_CALLERS = """
from concurrent.futures import ThreadPoolExecutor
from tests.random_deployment import random_deployment
from sw_model import golden
from tests.sw_model.golden.test_golden import network, pixels

networks = [random_deployment(network(channels=17), seed) for seed in range(2)]
work = [(networks[n % 2], pixels(9 + n % 3, 8, n), 1 + n % 2 * 2) for n in range(24)]
alone = [golden.denoise(*arguments).total for arguments in work]
with ThreadPoolExecutor(4) as pool:
    for _ in range(20):
        together = pool.map(lambda arguments: golden.denoise(*arguments).total, work)
        assert all((a == b).all() for a, b in zip(alone, together, strict=True))
"""


# Where all threads allocate from one heap, what one of them frees too early is another's at once.
def test_nothing_is_used_after_it_was_freed():
    shared = "glibc.malloc.arena_max=1:glibc.malloc.tcache_count=0"
    environment = {**os.environ, "GLIBC_TUNABLES": shared}
    subprocess.run([sys.executable, "-c", MANY_CALLERS], env=environment, cwd=ROOT, check=True)


# The above with certainty: numba's own list of where it lets go of what a function has made.
@pytest.mark.parametrize("kernel", ["hidden_rows", "encoding_rows", "output_rows"])
def test_arrays_live_as_long_as_their_addresses(kernel):
    function = getattr(event_kernels, kernel).py_func
    made = re.findall(r"(\w+) = np\.empty", inspect.getsource(function))
    assert made
    blocks = run_frontend(function, emit_dels=True).blocks
    freed = {
        statement.value: place
        for place, block in blocks.items()
        for statement in block.find_insts(ir.Del)
        if statement.value in made
    }
    assert freed == dict.fromkeys(made, max(blocks))


# Sums that do not fit would wrap silently.
def test_what_does_not_fit_is_left_to_the_reference():
    deployment = random_deployment(network(NeuronSpec(fractional_bits=8)), 5)
    # 32 bits hold every membrane, which the coarser bound of the engine does not see.
    large = deployment.biases[1] - 2**22
    wide = replace(deployment, biases=(deployment.biases[0], large, *deployment.biases[2:]))
    assert golden_events.supports(deployment, 3)
    assert not golden_events.supports(wide, 3)
    picture = pixels(3, 4)
    same(golden.denoise(wide, picture), golden.denoise(wide, picture, engine="reference"))
    with pytest.raises(ValueError, match="may need more than 32 bits"):
        golden.denoise(wide, picture, engine="events")
    with pytest.raises(ValueError, match="no currents and membranes; take the reference"):
        golden.denoise(deployment, picture, engine="events", trace=True)


# Vector code cannot run as Python, which is what the variable asks for.
def test_without_numbas_compiler_the_reference_takes_over():
    code = """if True:
        import numpy as np
        from sw_model.golden import denoise
        from sw_model.spec import load_deployment
        print(*denoise(load_deployment("compact"), np.arange(9).reshape(3, 3)).total.flat)
    """
    totals = [
        subprocess.check_output(
            [sys.executable, "-c", code], cwd=ROOT, env=os.environ | {"NUMBA_DISABLE_JIT": value}
        )
        for value in ("0", "1")
    ]
    assert totals[0] == totals[1] != b""


# Lists of events count weights in 16 bits.
def test_too_many_channels_are_left_to_the_reference():
    sizes = {
        channels: golden_events.supports(
            random_deployment(network(channels=channels, depth=3), 1), 1
        )
        for channels in (128, 192)
    }
    assert sizes == {128: True, 192: False}


# The largest membranes that 16 and 32 bits hold, and some more than 16 do.
@pytest.mark.parametrize(("most", "excess"), [(2**15 - 1, 0), (2**15 - 1, 8), (2**31 - 1, 0)])
def test_membranes_at_the_limit(most, excess):
    deployment = random_deployment(network(NeuronSpec(leak=None), timesteps=(3,)), 5)
    encoding, *hidden, output = deployment.weights
    constants = {
        "weights": (encoding, *(np.full_like(weight, -7) for weight in hidden), output),
        "inits": tuple(np.zeros_like(init) for init in deployment.inits),
        "thresholds": tuple(np.ones_like(threshold) for threshold in deployment.thresholds),
    }
    weight = int(np.abs(constants["weights"][1].astype(int)).sum(axis=(1, 2, 3)).max())
    # All neurons of the first layer fire in all steps, and those of the second never.
    biases = [np.full_like(deployment.biases[0], 2**20), *deployment.biases[1:]]
    biases[1] = np.full_like(biases[1], -((most + excess) // 3 - weight))
    limit = replace(deployment, biases=tuple(biases), **constants)
    trace = golden.denoise(limit, pixels(5, 5), trace=True)
    assert trace.layers[0].spikes.all()
    assert most - 3 < -trace.layers[1].membranes.min() <= most + excess
    same(golden.denoise(limit, pixels(5, 5)), replace(trace, layers=()))
