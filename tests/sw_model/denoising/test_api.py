"""The library's face: arrays in and out, from any thread, and nothing loaded that is not needed."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import sw_model
from sw_model import UsageError, denoise, golden, load_deployment, trace
from sw_model.spec import configuration
from sw_model.spec.deployment import DEFAULT_DEPLOYMENT
from tests import ROOT
from tests.random_deployment import random_deployment

HEAVY = ("torch", "numba", "skimage", "scipy", "matplotlib", "tifffile", "distributed", "dask")


@pytest.fixture(scope="module")
def tiny():
    return random_deployment(configuration("tiny"), 1)


def noisy(*shape, dtype=np.uint8, low=0, high=256, seed=0):
    return np.random.default_rng(seed).integers(low, high, shape).astype(dtype)


def test_grey_is_the_golden_models(tiny):
    for dtype in (np.uint8, np.int16, ">i4", np.int64):
        array = noisy(7, 9).astype(dtype)
        result = denoise(array, tiny, level=25)
        assert result.dtype == np.uint8
        assert (result == golden.denoise(tiny, array).denoised).all()
    signed = noisy(7, 9, dtype=np.int16, low=-512, high=512)
    assert (denoise(signed, tiny, 2, level=25) == golden.denoise(tiny, signed, 2).denoised).all()


def test_colours_are_denoised_one_by_one(tiny):
    array = noisy(7, 9, 3)
    result = denoise(array, tiny, level=25)
    for channel in range(3):
        assert (result[..., channel] == golden.denoise(tiny, array[..., channel]).denoised).all()


def test_deep_pictures_stay_deep(tiny):
    array = noisy(7, 9, dtype=np.uint16, high=65536)
    result = denoise(array, tiny, level=25)
    residual = golden.denoise(tiny, np.rint(array / 257).astype(np.int16)).residual
    assert residual.any()
    assert result.dtype == np.uint16
    assert (result == (array - 257.0 * residual).clip(0, 65535)).all()


def test_the_array_is_left_alone(tiny):
    array = noisy(7, 9)
    array.flags.writeable = False
    denoise(array[::-1, ::2], tiny)
    assert (array == noisy(7, 9)).all()
    assert denoise(array.tolist(), tiny).shape == (7, 9)


def test_networks_by_name_path_or_object(tiny, tmp_path):
    tiny.save(tmp_path / "tiny.safetensors")
    array = noisy(5, 6)
    expected = denoise(array, tiny)
    assert (denoise(array, tmp_path / "tiny.safetensors") == expected).all()
    assert (denoise(array, str(tmp_path / "tiny.safetensors")) == expected).all()
    default, plain = map(load_deployment, (DEFAULT_DEPLOYMENT, "best-s25"))
    found = denoise(array, level=25)
    assert (found == golden.denoise(default, array, level=25).denoised).all()
    assert (denoise(array, plain, level=25) == golden.denoise(plain, array).denoised).all()


@pytest.mark.parametrize(
    ("array", "error", "complaint"),
    [
        (np.zeros((4, 4)), ValueError, "float64"),
        (np.full((4, 4), 600), ValueError, "outside of -512..511"),
        (np.zeros((4, 4, 2), int), ValueError, "is no picture"),
        (np.zeros((4, 4), "m8[s]"), ValueError, r"timedelta64\[s\]"),
        ("a.png", ValueError, "is no picture"),
    ],
)
def test_other_arrays_are_refused(tiny, array, error, complaint):
    for function in (denoise, trace):
        with pytest.raises(error, match=complaint):
            function(array, tiny)


def test_other_networks_and_times_are_refused(tiny):
    with pytest.raises(UsageError, match="neither a file nor a shipped name"):
        denoise(noisy(4, 4), "nothing")
    with pytest.raises(UsageError, match="T = 5 is not allowed"):
        denoise(noisy(4, 4), tiny, 5)
    with pytest.raises(ValueError, match=r"several channels; trace takes one, \(H, W\)"):
        trace(noisy(4, 4, 3), tiny)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"timesteps": 2.0}, r"T = 2\.0 is of type float, not an integer"),
        ({"timesteps": True}, "T = True is of type bool, not an integer"),
        ({"timesteps": "2"}, "T = '2' is of type str, not an integer"),
        ({"deployment": 42}, "deployment 42 is of type int, not a shipped name, the path of a"),
        ({"deployment": None}, "deployment None is of type NoneType, not a shipped name"),
        ({"deployment": b"tiny"}, "deployment b'tiny' is of type bytes, not a shipped name"),
        ({"white": 4095.0}, r"white 4095\.0 is of type float, not an integer"),
        ({"white": True}, "white True is of type bool, not an integer"),
    ],
)
def test_other_types_of_arguments_are_refused(tiny, arguments, complaint):
    for function in (denoise, trace):
        with pytest.raises(TypeError, match=complaint) as error:
            function(
                noisy(4, 4, dtype=np.uint16), **{"deployment": tiny, "white": 255, **arguments}
            )
        assert len(str(error.value)) < 200


def test_a_folder_is_no_deployment_and_true_no_level(tiny, tmp_path):
    with pytest.raises(UsageError, match="is neither a file nor a shipped name"):
        denoise(noisy(4, 4), tmp_path)
    with pytest.raises(UsageError, match="noise level True is not a number"):
        denoise(noisy(4, 4), tiny, level=True)


def test_numpys_integers_are_integers(tiny):
    array = noisy(7, 9, dtype=np.uint16, high=256)
    for kind in (np.uint8, np.int64):
        assert (
            denoise(array, tiny, kind(2), white=kind(255)) == denoise(array, tiny, 2, white=255)
        ).all()
        assert type(trace(array, tiny, kind(2), white=255).timesteps) is int


def test_trace_gives_event_words(tiny):
    array = noisy(5, 6)
    result = trace(array, tiny, 2)
    golden_result = golden.denoise(tiny, array, 2, trace=True)
    assert len(result.layers) == len(tiny.spec.spiking_layers)
    for mine, theirs in zip(result.layers, golden_result.layers, strict=True):
        assert mine.words.shape == (5, 6, 2, 1)
        assert (mine.words == theirs.words).all()
        assert mine.membranes is None
    assert (result.denoised == denoise(array, tiny, 2, level=25)).all()
    full = trace(array, tiny, 2, membranes=True)
    assert (full.layers[1].membranes == golden_result.layers[1].membranes).all()
    scaled = trace(array.astype(np.uint16) * 257, tiny, 2)
    assert (scaled.total == result.total).all()


def test_threads_do_not_touch_each_other(tiny):
    other = random_deployment(configuration("tiny"), 2)
    work = [(noisy(9 + i % 3, 8, seed=i), tiny if i % 2 else other, 2 + i % 2) for i in range(24)]
    alone = [denoise(*arguments) for arguments in work]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda arguments: denoise(*arguments), work))
    assert all((one == two).all() for one, two in zip(alone, together, strict=True))


# ---------------------------------------------------------------------------- imports


def loaded_by(code):
    """Which heavy packages a fresh interpreter has after some code, and numpy."""
    names = (*HEAVY, "numpy")
    ending = f"import sys; print(*[n for n in {names} if n in sys.modules], file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{ending}"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return set(done.stderr.split())


def test_the_package_itself_loads_nothing():
    assert loaded_by("import sw_model; dir(sw_model)") == set()


def test_denoising_loads_no_more_than_it_needs(folder):
    arguments = ["denoise", "grey.png", "-o", "out.png", "--deployment", "tiny.safetensors"]
    code = f"import os; from sw_model.__main__ import main; os.chdir({str(folder)!r})"
    # numba is the golden model's own affair, and loads scipy.
    assert loaded_by(f"{code}; main({arguments})") - {"numba", "scipy"} == {"numpy"}
    assert (folder / "out.png").is_file()


def test_what_is_exported_exists():
    for name in sw_model.__all__:
        assert getattr(sw_model, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'paint'"):
        sw_model.paint  # noqa: B018 - asking for it is what fails
