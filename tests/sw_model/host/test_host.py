"""The host program and its protocol, against a board at the end of a pseudo-terminal."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import serial
from PIL import Image

from sw_model.__main__ import main as sw_model
from sw_model.golden import denoise
from sw_model.host.client import BoardClient, LinkFailure
from sw_model.pictures.noise import add_noise
from sw_model.spec.hardware.serial import description_of
from tests import ROOT
from tests.rtl.board import fake_board
from tests.rtl.board.fake_board import connected
from tests.rtl.networks import NETWORKS

DEPLOYMENT = NETWORKS["tiny"].deployment
STEPS = DEPLOYMENT.spec.timesteps
PIXELS = np.random.default_rng(5).integers(-512, 512, (5, 7))
QUICK = {"answer_seconds": 1.0, "silence_seconds": 0.05}


def main(arguments):
    return sw_model(["host", *arguments])


@pytest.fixture(scope="module", autouse=True)
def compiled():
    """The golden model compiles its loops when it first runs, which takes longer than an answer."""
    denoise(DEPLOYMENT, PIXELS, STEPS[0])


def client_of(port: serial.Serial, **options: object) -> BoardClient:
    return BoardClient(port, **{**QUICK, **options})


def test_client_describes_and_denoises():
    told = []
    with connected(DEPLOYMENT) as (name, board), serial.Serial(name) as port:
        client = client_of(port, progress=lambda done, whole: told.append((done, whole)))
        description = client.describe()
        assert description.deployment == DEPLOYMENT.hash
        assert description.timesteps == STEPS
        told.clear()
        for steps in STEPS:
            got = client.denoise(PIXELS, steps)
            assert np.array_equal(got, denoise(DEPLOYMENT, PIXELS, steps).denoised)
        assert client.complaints == []
    assert [header.kind for header in board.requests] == [1, 2, 2]
    done, whole = zip(*told, strict=True)
    assert done[-1] == whole[-1] > PIXELS.size * 3


@pytest.mark.parametrize(
    ("behaviour", "complaint"),
    [
        (fake_board.CORRUPT_REQUEST, "the board reports error 'header'"),
        ("payload", "the board reports error 'payload': the payload's check is wrong"),
        ("silence", "the board reports error 'silence'"),
        (fake_board.CORRUPT_HEADER, "the check of the answer's header is wrong"),
        (fake_board.CORRUPT_PAYLOAD, "the check of the answer's payload is wrong"),
        (fake_board.TRUNCATED, "the answer stopped after"),
        (fake_board.SILENT, "no answer from the board within 1 s"),
        (fake_board.OTHER_SIZE, "the board answers with"),
        (fake_board.ECHO, "kind=2, .* is not an answer of a board"),
    ],
)
def test_client_sends_again_what_the_line_spoils(behaviour, complaint):
    expected = denoise(DEPLOYMENT, PIXELS, STEPS[0]).denoised
    with connected(DEPLOYMENT, [behaviour]) as (name, board), serial.Serial(name) as port:
        client = client_of(port)
        assert np.array_equal(client.denoise(PIXELS, STEPS[0]), expected)
        assert np.array_equal(client.denoise(PIXELS, STEPS[0]), expected)
    (said,) = client.complaints
    assert re.search(complaint, said)
    sequences = [header.sequence for header in board.requests]
    assert len(set(sequences)) == len(sequences) == 3
    assert 0 not in sequences


@pytest.mark.parametrize("behaviour", [fake_board.NOISE, fake_board.STALE])
def test_client_finds_the_answer_behind_other_bytes(behaviour):
    with connected(DEPLOYMENT, [behaviour]) as (name, _), serial.Serial(name) as port:
        client = client_of(port)
        got = client.denoise(PIXELS, STEPS[0])
        assert np.array_equal(got, denoise(DEPLOYMENT, PIXELS, STEPS[0]).denoised)
        assert client.complaints == []


def test_client_gives_up():
    script = [fake_board.CORRUPT_PAYLOAD] * 2
    with connected(DEPLOYMENT, script) as (name, board), serial.Serial(name) as port:
        client = client_of(port, attempts=2)
        sentence = "the check of the answer's payload is wrong; the request was sent 2 times"
        with pytest.raises(LinkFailure, match=sentence):
            client.denoise(PIXELS, STEPS[0])
    assert len(board.requests) == 2


def test_client_gives_up_a_line_without_rest():
    with (
        connected(DEPLOYMENT, [fake_board.BABBLING]) as (name, board),
        serial.Serial(name) as port,
        pytest.raises(LinkFailure, match=r"no answer .* within 0.2 s, and bytes keep coming"),
    ):
        client_of(port, answer_seconds=0.2).denoise(PIXELS, STEPS[0])
    assert len(board.requests) == 1


@pytest.mark.parametrize(
    ("behaviour", "complaint"),
    [
        (
            fake_board.HUGE,
            "height=65535, .* is not an answer of a board, and bytes keep",
        ),
        (fake_board.DRIPPING, "no complete answer .*: .* of 39 bytes came, and bytes keep coming"),
        (fake_board.STALE_DRIPPING, "no complete answer .* of 160004 bytes came, and bytes keep"),
    ],
)
def test_client_does_not_wait_for_what_drips(behaviour, complaint):
    begun = time.monotonic()
    with (
        connected(DEPLOYMENT, [behaviour]) as (name, board),
        serial.Serial(name) as port,
        pytest.raises(LinkFailure, match=complaint),
    ):
        client_of(port, answer_seconds=0.3).denoise(PIXELS, STEPS[0])
    assert time.monotonic() - begun < 5
    assert len(board.requests) == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"channels": 0}, "4 layers of 0 channels, with T of 2, 3, are no network"),
        ({"timesteps": ()}, "with T of none, are no network"),
        ({"timesteps": (0, 2)}, "with T of 0, 2, are no network"),
        ({"timesteps": (2, 63)}, "with T of 2, 63, are no network"),
        ({"channels": 65535}, "4 layers of 65535 channels"),
        ({"layers": 0}, "0 layers of"),
    ],
)
def test_impossible_networks_are_refused(folder, capsys, change, sentence):
    described = dataclasses.replace(description_of(DEPLOYMENT.hash, DEPLOYMENT.spec), **change)
    with connected(DEPLOYMENT, describes=described) as (name, _):
        assert main(["--port", name, "grey.png", "out.png"]) == 1
    error = capsys.readouterr().err
    assert "the board's description of its network is impossible: " in error
    assert sentence in error
    assert error.count("\n") == 1
    assert not Path("out.png").exists()


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (65535, 65535), (1, 4097), (5,), (2, 3, 4)])
def test_client_refuses_frames_that_no_board_holds(shape):
    pixels = np.broadcast_to(np.int16(0), shape)
    with connected(DEPLOYMENT) as (name, board), serial.Serial(name) as port:
        client = client_of(port)
        with pytest.raises(ValueError, match="no board holds a frame of shape"):
            client.denoise(pixels, STEPS[0])
        for pixel, steps, sentence in (
            (512, 2, "pixels outside of -512..511"),
            (1 << 16, 2, "pixels outside of -512..511"),
            (0, 0, "T = 0 is not 1 to 32"),
            (0, 256, "T = 256 is not 1 to 32"),
        ):
            with pytest.raises(ValueError, match=sentence):
                client.denoise(np.full((2, 2), pixel), steps)
    assert not board.requests


@pytest.mark.parametrize("error", ["size", "pixel", "kind", "accelerator"])
def test_client_does_not_repeat_what_is_wrong_itself(error):
    with (
        connected(DEPLOYMENT, [error]) as (name, board),
        serial.Serial(name) as port,
        pytest.raises(LinkFailure, match=f"the board reports error '{error}'"),
    ):
        client_of(port).denoise(PIXELS, STEPS[0])
    assert len(board.requests) == 1


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(2)
    Image.fromarray(rng.integers(0, 256, (6, 9), dtype=np.uint8)).save("grey.png")
    Image.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)).save("colour.png")
    DEPLOYMENT.save(tmp_path / "tiny.safetensors")
    return tmp_path


def read(name: str) -> np.ndarray:
    with Image.open(name) as image:
        return np.asarray(image).astype(np.int64)


def test_command_writes_the_golden_models_picture(folder, capsys):
    with connected(DEPLOYMENT, [fake_board.CORRUPT_PAYLOAD]) as (name, _):
        arguments = ["--port", name, "grey.png", "clean.png", "--deployment", "tiny.safetensors"]
        assert main([*arguments, "--timesteps", "2"]) == 0
    expected = denoise(DEPLOYMENT, read("grey.png"), 2).denoised
    assert np.array_equal(read("clean.png"), expected)
    out, err = capsys.readouterr()
    assert out.startswith(f"clean.png: 6x9, T 2, deployment {DEPLOYMENT.hash[:16]}, ")
    assert err == ("python -m sw_model: sent again: the check of the answer's payload is wrong\n")


def test_command_denoises_colours_and_adds_noise(folder):
    with connected(DEPLOYMENT) as (name, _):
        assert main(["--port", name, "colour.png", "clean.png", "--noise", "25"]) == 0
    noisy = add_noise(read("colour.png").astype(np.uint8), 25, 0)
    got = read("clean.png")
    for channel in range(3):
        expected = denoise(DEPLOYMENT, noisy[..., channel].astype(np.int64), STEPS[-1]).denoised
        assert np.array_equal(got[..., channel], expected)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["missing.png", "out.png"], "missing.png does not exist"),
        (["grey.png", "out.txt"], "cannot write out.txt: suffix '.txt' is not one of"),
        (["grey.png", "nowhere/out.png"], "cannot write nowhere/out.png: nowhere is not a folder"),
        (["grey.png", "out.png", "--attempts", "0"], "--attempts 0 is not 1 or more"),
        (["grey.png", "out.png", "--baud", "0"], "--baud 0 is not 1 or more"),
        (["grey.png", "out.png", "--baud", "9" * 12], f"cannot be opened at {'9' * 12} bits"),
        (
            ["grey.png", "out.png", "--timeout", "0"],
            "--timeout 0.0 is not a finite number of seconds above 0",
        ),
        (
            ["grey.png", "out.png", "--timeout", "inf"],
            "--timeout inf is not a finite number of seconds",
        ),
        (["grey.png", "out.png", "--noise", "-1"], "--noise -1.0 is not 0 or more"),
        (["grey.png", "out.png", "--timesteps", "9"], "board allows: 2, 3"),
        (["wide.png", "out.png"], "wide.png has 1x4097 pixels; the board takes up to"),
        (
            ["grey.png", "out.png", "--deployment", "best-s25"],
            f"the board has deployment {DEPLOYMENT.hash[:16]}, --deployment best-s25 is",
        ),
        (["grey.png", "out.png", "--deployment", "nothing"], "'nothing'"),
    ],
)
def test_mistakes_get_one_sentence(folder, capsys, arguments, sentence):
    Image.fromarray(np.zeros((1, 4097), dtype=np.uint8)).save("wide.png")
    with connected(DEPLOYMENT) as (name, _):
        assert main(["--port", name, *arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert not Path("out.png").exists()


def test_missing_port_gets_one_sentence(folder, capsys):
    assert main(["--port", "/dev/no-such-port", "grey.png", "out.png"]) == 2
    error = capsys.readouterr().err
    assert "--port /dev/no-such-port cannot be opened at 1000000 bits a second" in error
    assert "serial ports here: " in error
    assert error.count("\n") == 1


def test_failures_leave_no_picture(folder, capsys):
    Path("out.png").write_bytes(b"old")
    with connected(DEPLOYMENT, ["accelerator"]) as (name, _):
        assert main(["--port", name, "grey.png", "out.png"]) == 1
    assert "the board reports error 'accelerator'" in capsys.readouterr().err
    assert Path("out.png").read_bytes() == b"old"
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(".")) == []


def test_help_has_an_example():
    done = subprocess.run(
        [sys.executable, "-m", "sw_model", "host", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "example: python -m sw_model host --port /dev/ttyUSB0 noisy.png clean.png" in done.stdout
