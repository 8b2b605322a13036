"""The command on a cluster: the same files, wherever they are computed."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile

from sw_model import denoise
from tests.sw_model.pictures.picture_files import read_image, write_image
from tests.sw_model.test_cli import refused, run

TINY = ["--deployment", "tiny.safetensors"]


@pytest.fixture
def cluster():
    """A scheduler and two workers, processes of their own as on a real cluster."""
    distributed = pytest.importorskip("distributed", reason="Dask is an optional extra")
    with (
        warnings.catch_warnings(action="ignore"),  # its own affairs
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", memory_limit=0
        ) as cluster,
    ):
        yield cluster


def test_a_folder_on_a_cluster(folder, capsys, cluster):
    Path("in/below").mkdir(parents=True)
    arrays = {}
    for index in range(8):
        name = Path("in", "below" if index % 2 else "", f"{index}.png")
        arrays[name] = np.random.default_rng(index).integers(0, 256, (5, 6)).astype(np.uint8)
        write_image(name, arrays[name])
    stack = np.random.default_rng(9).integers(0, 256, (3, 5, 6)).astype(np.uint8)
    tifffile.imwrite("in/stack.tif", stack, photometric="minisblack")
    Path("in/bad.png").write_bytes(b"no picture")
    code, out, err = run(
        capsys, "denoise", "in", "-o", "out", *TINY, "--dask", cluster.scheduler_address
    )
    assert code == 2
    assert "9 of 10 to out" in out
    assert err.startswith("python -m sw_model: in/bad.png cannot be read as a picture")
    assert err.count("\n") == 1
    for name, array in arrays.items():
        written = read_image(Path("out", name.relative_to("in")))
        assert (written == denoise(array, "tiny.safetensors")).all()
    for page, written in zip(stack, tifffile.imread("out/stack.tif"), strict=True):
        assert (written == denoise(page, "tiny.safetensors")).all()
    assert list(Path("out").rglob(".*")) == []


def test_no_scheduler_is_one_sentence(folder, capsys, monkeypatch):
    pytest.importorskip("distributed", reason="Dask is an optional extra")
    monkeypatch.setattr("sw_model.support.cluster.PATIENCE", 1)
    Path("in").mkdir()
    write_image(Path("in/a.png"), np.zeros((3, 3), np.uint8))
    for address in ("tcp://127.0.0.1:9", "nonsense://x", "nowhere"):
        err = refused(capsys, "denoise", "in", "-o", "out", *TINY, "--dask", address)
        assert f"no Dask scheduler answers at {address!r}" in err


def test_without_dask_the_package_is_named(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    Path("in").mkdir()
    write_image(Path("in/a.png"), np.zeros((3, 3), np.uint8))
    err = refused(capsys, "denoise", "in", "-o", "out", *TINY, "--dask", "tcp://host:8786")
    assert "the Python package distributed is missing" in err
