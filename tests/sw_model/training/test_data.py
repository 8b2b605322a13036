"""Training images: found, split, cut and made noisy."""

import argparse

import numpy as np
import pytest
from PIL import Image

from sw_model.denoising.plan import plan
from sw_model.pictures.folders import pictures_in
from sw_model.pictures.sets import (
    DATA_VARIABLE,
    add_picture_options,
    data_folder,
    dataset_files,
    picture_set,
)
from sw_model.spec import UsageError
from sw_model.training.data import PATCH, TrainingSet


def numbered(count, size=PATCH):
    """Pictures that are told apart by their grey level."""
    return [np.full((size, size), i, np.uint8) for i in range(count)]


# No image is both trained on and held out, and the split never changes.
def test_split():
    images = TrainingSet.split(numbered(60))
    assert [p[0, 0] for p in images.held_out] == [19, 39, 59]
    assert [p[0, 0] for p in images.images] == [i for i in range(60) if i % 20 != 19]
    assert len(TrainingSet.split(numbered(3)).held_out) == 1
    with pytest.raises(UsageError, match="at least two"):
        TrainingSet.split(numbered(1))


# Held-out images never reach a batch.
def test_batches_hold_training_images_only():
    images = TrainingSet.split(numbered(20))
    seen = {
        int(level)
        for step in range(20)
        for level in np.unique(images.batch(seed=0, step=step, size=16, sigma=25)[1])
    }
    assert seen == set(range(19))


# A batch depends on seed and step alone: what makes a resumed run the same run.
def test_batches_repeat():
    images = TrainingSet.split(numbered(20))
    first = images.batch(seed=3, step=7, size=4, sigma=25)
    again = images.batch(seed=3, step=7, size=4, sigma=25)
    other = images.batch(seed=3, step=8, size=4, sigma=25)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])


# All eight flips and rotations of a patch occur.
def test_eight_orientations():
    picture = np.zeros((PATCH, PATCH), np.uint8)
    picture[0, 1] = 255
    images = TrainingSet([picture], [picture])
    _, clean = images.batch(seed=0, step=0, size=200, sigma=25)
    places = {tuple(np.argwhere(patch[0])[0]) for patch in clean}
    last = PATCH - 1
    assert places == {
        (0, 1), (1, 0), (0, last - 1), (1, last), (last, 1), (last - 1, 0), (last, last - 1),
        (last - 1, last),
    }  # fmt: skip


# Noise has the asked strength, differs between patches, and is not clipped to 0..255.
def test_noise():
    images = TrainingSet.split(numbered(2))
    noisy, clean = images.batch(seed=0, step=0, size=64, sigma=25)
    noise = noisy - clean.astype(int)
    assert abs(noise.std() - 25) < 0.5
    assert noisy.min() < -60
    assert not np.array_equal(noise[0], noise[1])


# A folder is found by option first, then by variable, and a wrong one is named.
def test_folder(tmp_path, monkeypatch):
    variable, option = tmp_path / "variable", tmp_path / "option"
    variable.mkdir()
    option.mkdir()
    monkeypatch.setenv(DATA_VARIABLE, str(variable))
    assert data_folder() == variable
    assert data_folder(option) == option
    with pytest.raises(UsageError, match=r"--data names .*nowhere"):
        data_folder(tmp_path / "nowhere")
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "gone"))
    with pytest.raises(UsageError, match=r"SPIKING_DNCNN_DATA names .*gone"):
        data_folder()
    monkeypatch.delenv(DATA_VARIABLE)
    with pytest.raises(UsageError, match="--data DIR"):
        data_folder()


# Evaluation, training and denoising take the same files of a folder.
def test_pictures_of_a_folder(tmp_path, monkeypatch):
    folder = tmp_path / "train400"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    taken = ["a.png", "B.PNG", "c.jpg", "d.Tif", "é.webp", "写真.bmp", "z.pgm", "." * 3 + "x.png"]
    for index, name in enumerate(sorted(taken)):
        Image.fromarray(np.full((PATCH, PATCH), index, np.uint8)).save(folder / name)
    (folder / "._a.png").write_bytes(b"\0\5\x16\7")
    (folder / "notes.txt").write_text("no picture")
    (folder / "below.png").mkdir()
    taken = sorted(folder / name for name in taken if not name.startswith("."))
    assert pictures_in(folder) == dataset_files("train400", tmp_path) == taken
    images = TrainingSet.load(tmp_path)
    assert len(images.images) + len(images.held_out) == len(taken)
    parser = argparse.ArgumentParser()
    add_picture_options(parser)
    assert list(picture_set(parser.parse_args(["--data", "train400"])).files) == [
        path.relative_to(tmp_path) for path in taken
    ]
    todo = plan(["train400"], "out")
    assert [task.source for task in todo.tasks] == [path.relative_to(tmp_path) for path in taken]
    with pytest.raises(UsageError, match=r"cannot look into .*notes\.txt: Not a directory"):
        pictures_in(folder / "notes.txt")


# Missing sets, broken files and pictures smaller than a patch are answered in one sentence.
def test_bad_training_images(tmp_path):
    with pytest.raises(UsageError, match="holds no pictures of the data set 'train400'"):
        dataset_files("train400", tmp_path)
    folder = tmp_path / "train400"
    folder.mkdir()
    Image.fromarray(np.zeros((PATCH, PATCH - 1), np.uint8)).save(folder / "small.png")
    with pytest.raises(UsageError, match="40x39 pixels; training needs 40"):
        TrainingSet.load(tmp_path)
    colours = np.random.default_rng(0).integers(0, 255, (PATCH, PATCH, 3)).astype(np.uint8)
    Image.fromarray(colours).save(folder / "small.png")
    with pytest.raises(UsageError, match="has colours"):
        TrainingSet.load(tmp_path)
    (folder / "small.png").write_bytes(b"no picture")
    with pytest.raises(UsageError, match="cannot be read as a picture"):
        TrainingSet.load(tmp_path)
