"""Pictures through pipes: nothing else on standard output, and nothing at all where it fails."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from sw_model import denoise
from sw_model.__main__ import main
from sw_model.denoising.plan import Plan, Task, plan
from sw_model.spec import UsageError
from tests.sw_model.pictures.picture_files import read_image
from tests.sw_model.test_cli import ROOT

TINY = ["--deployment", "tiny.safetensors"]


@pytest.fixture
def piped(monkeypatch, capsysbinary):
    """What runs the command: exit code, standard output, standard error."""

    def call(content, *arguments):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        code = main(["denoise", *arguments, *TINY])
        out, err = capsysbinary.readouterr()
        return code, out, err.decode()

    return call


def encoded(array, kind):
    stream = io.BytesIO()
    if kind == "NPY":
        np.save(stream, array)
    else:
        Image.fromarray(array).save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "PPM", "NPY"])
def test_a_picture_through_a_pipe_keeps_its_format(folder, piped, kind):
    array = np.random.default_rng(0).integers(0, 256, (12, 14)).astype(np.uint8)
    code, out, err = piped(encoded(array, kind), "-", "-o", "-")
    assert code == 0
    expected = denoise(array, "tiny.safetensors")
    if kind == "NPY":
        result = np.load(io.BytesIO(out))
    else:
        with Image.open(io.BytesIO(out)) as image:
            assert image.format == kind
            result = np.asarray(image)
    assert (result == expected).all()
    # The summary is on the other stream, and there is nothing behind the picture.
    assert "spikes per neuron" in err
    assert len(out) < 2000


def test_from_and_to_files(folder, piped):
    expected = denoise(read_image(Path("grey.png")), "tiny.safetensors")
    code, out, _ = piped(Path("grey.png").read_bytes(), "-", "-o", "o.tif", "--json", "-")
    assert code == 0
    assert json.loads(out)["files"][0]["input"] == "-"
    assert (read_image(Path("o.tif")) == expected).all()
    code, out, _ = piped(b"", "grey.png", "-o", "-", "--format", ".bmp", "--json", "r.json")
    assert code == 0
    with Image.open(io.BytesIO(out)) as image:
        assert image.format == "BMP"
        assert (np.asarray(image) == expected).all()
    assert json.loads(Path("r.json").read_text())["files"][0]["output"] == "-"
    # A file with that name is another thing.
    Path("-").write_bytes(Path("grey.png").read_bytes())
    code, out, _ = piped(b"", "./-", "-o", "o.png")
    assert (code, (read_image(Path("o.png")) == expected).all()) == (0, True)


def test_stacks_through_a_pipe(folder, piped):
    stack = np.random.default_rng(0).integers(0, 256, (3, 6, 7)).astype(np.uint8)
    stream = io.BytesIO()
    tifffile.imwrite(stream, stack, imagej=True, resolution=(4, 4), metadata={"unit": "um"})
    code, out, _ = piped(stream.getvalue(), "-", "-o", "-")
    assert code == 0
    with tifffile.TiffFile(io.BytesIO(out)) as file:
        assert file.imagej_metadata["unit"] == "um"
        assert (file.asarray()[2] == denoise(stack[2], "tiny.safetensors")).all()


@pytest.mark.parametrize(
    ("content", "arguments", "complaint"),
    [
        (b"", ["-", "-o", "-"], "standard input cannot be read as a picture"),
        (b"rubbish", ["-", "-o", "o.png"], "standard input cannot be read as a picture"),
        (None, ["-", "-o", "-", "--json", "-"], "--json - and -o - cannot both go to standard"),
        (None, ["-", "-o", "-", "--format", "gif"], "cannot write standard output: suffix 'gif'"),
        (None, ["-", "-o", "o.jpg", "--format", ".png"], "--format is for -o -"),
        (None, ["-", "-o", "-", "--format", ".ppm"], ".ppm does not hold grey pictures"),
        (None, ["-", "grey.png", "-o", "out"], "- stands for one picture"),
        (None, ["-", "-o", "out/"], "- stands for one picture"),
    ],
)
def test_what_fails_writes_nothing(folder, piped, content, arguments, complaint):
    content = Path("grey.png").read_bytes() if content is None else content
    before = sorted(folder.iterdir())
    code, out, err = piped(content, *arguments)
    assert (code, out) == (2, b"")
    assert complaint in err
    assert err.count("\n") == 1
    assert sorted(folder.iterdir()) == before


def test_folders_do_not_go_through_pipes(folder, piped):
    Path("in").mkdir()
    for name in ("in", "*.png"):
        code, out, err = piped(b"", name, "-o", "-")
        assert (code, out) == (2, b"")
        assert "- stands for one picture" in err


def test_a_real_pipe(folder):
    done = subprocess.run(
        [sys.executable, "-m", "sw_model", "denoise", "-", "-o", "-", *TINY],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        input=Path("grey.png").read_bytes(),
        capture_output=True,
        check=True,
        timeout=100,
    )
    Path("o.png").write_bytes(done.stdout)
    expected = denoise(read_image(Path("grey.png")), "tiny.safetensors")
    assert (read_image(Path("o.png")) == expected).all()


def test_plans_with_pipes(folder):
    assert plan(["-"], "-") == Plan(tasks=(Task(Path("-"), Path("-")),), folder=None)
    assert plan(["./-"], "o.png").tasks[0].source == folder / "-"
    with pytest.raises(UsageError, match="- stands for one picture"):
        plan(["grey.png", "-"], "out")
