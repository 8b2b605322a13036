"""Small data sets, pictures and networks that several tests of the software work on."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sw_model.spec import configuration
from tests.random_deployment import random_deployment


@pytest.fixture(scope="module")
def pictures():
    """Smooth random pictures: something that can be told from noise."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (4, 6, 6)).astype(np.uint8)
    return [np.array(Image.fromarray(c).resize((48, 48), Image.Resampling.BICUBIC)) for c in coarse]


@pytest.fixture(scope="module")
def data(pictures, tmp_path_factory):
    """A folder of data sets."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "train400").mkdir()
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / "train400" / f"{index}.png")
    return folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, with a small network, a grey and a colour picture."""
    monkeypatch.chdir(tmp_path)
    # It may be relative to the folder that the tests were started in.
    monkeypatch.delenv("SPIKING_DNCNN_DATA", raising=False)
    random_deployment(configuration("tiny"), 1).save(Path("tiny.safetensors"))
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (12, 14)).astype(np.uint8)).save("grey.png")
    Image.fromarray(rng.integers(0, 256, (11, 13, 3)).astype(np.uint8)).save("colour.png")
    return tmp_path
