"""Sub-command ``host``: denoise a picture on a board."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sw_model.pictures.eight_bit import check_format, read_picture, write_picture
from sw_model.pictures.noise import add_noise, join_planes, planes
from sw_model.spec import UsageError, load_deployment
from sw_model.spec.hardware.registers import FRAME_HEIGHT_MAX, FRAME_WIDTH_MAX
from sw_model.spec.hardware.sdram import fits, pixels_max
from sw_model.spec.hardware.serial import BAUD, BYTE_BITS, Description
from sw_model.support.cli import complain
from sw_model.support.files import check_output
from sw_model.support.options import add_deployment_option
from sw_model.support.progress import progress

from .client import ATTEMPTS, CHUNK_BYTES, LINE_SHARE, BoardClient

PROGRAM = "python -m sw_model"
WRITE_SECONDS = 10
"""Time, in addition to the line's, after which a port that accepts no bytes has failed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Denoise a picture on a board that is connected by a serial line; docs/guide/board.md says "
        "how to build and connect it. Colours are denoised one by one."
    )
    parser.epilog = f"example: {PROGRAM} host --port /dev/ttyUSB0 noisy.png clean.png"
    parser.add_argument("input", type=Path, help="noisy picture of 8 bits")
    parser.add_argument("output", type=Path, help="file to write; its suffix says the format")
    parser.add_argument("--port", required=True, metavar="DEV", help="serial port of the board")
    parser.add_argument(
        "--timesteps", type=int, metavar="T", help="number of timesteps (default: the largest)"
    )
    add_deployment_option(parser, None, " that the board must have")
    parser.add_argument(
        "--noise", type=float, metavar="SIGMA", help="add noise to the picture before it is sent"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of the noise (default: %(default)s)"
    )
    parser.add_argument(
        "--baud",
        type=int,
        default=BAUD,
        metavar="N",
        help="bits per second that the board was built for (default: %(default)s)",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        metavar="SECONDS",
        help="time until an answer must begin, and until a line with other bytes must be silent "
        "(default: 10 s plus 0.2 ms per pixel)",
    )
    parser.add_argument(
        "--attempts",
        type=int,
        default=ATTEMPTS,
        metavar="N",
        help="times that a request is sent before giving up (default: %(default)s)",
    )


def main(args: argparse.Namespace) -> None:
    """Run the command."""
    if args.baud < 1:
        raise UsageError(f"--baud {args.baud} is not 1 or more")
    if args.attempts < 1:
        raise UsageError(f"--attempts {args.attempts} is not 1 or more")
    if args.timeout is not None and not 0 < args.timeout < float("inf"):
        raise UsageError(f"--timeout {args.timeout} is not a finite number of seconds above 0")
    if args.noise is not None and not 0 <= args.noise < float("inf"):
        raise UsageError(f"--noise {args.noise} is not 0 or more")
    if args.seed < 0:
        raise UsageError(f"--seed {args.seed} is not 0 or more")
    wanted = None if args.deployment is None else load_deployment(args.deployment).hash
    picture = read_picture(args.input)
    check_format(args.output, picture.shape)
    check_output(args.output)
    noisy = picture if args.noise is None else add_noise(picture, args.noise, args.seed)
    begun = time.monotonic()
    with (
        _open_port(args.port, args.baud, args.timeout) as port,
        progress("serial line", unit="kB", scale=1e-3) as bar,
    ):
        client = BoardClient(
            port,
            attempts=args.attempts,
            baud=args.baud,
            answer_seconds=args.timeout,
            progress=bar,
        )
        board = client.describe()
        if wanted not in (None, board.deployment):
            raise UsageError(
                f"the board has deployment {board.deployment[:16]}, --deployment "
                f"{args.deployment} is {wanted[:16]}; build the board for it"
            )
        timesteps = _timesteps(args.timesteps, board)
        _check_size(args.input, picture.shape[:2], board, timesteps)
        channels = [
            client.denoise(np.asarray(plane, dtype=np.int16), timesteps) for plane in planes(noisy)
        ]
    write_picture(args.output, join_planes(channels))
    height, width = picture.shape[:2]
    seconds = time.monotonic() - begun
    print(
        f"{args.output}: {height}x{width}, T {timesteps}, deployment {board.deployment[:16]}, "
        f"{seconds:.1f} s"
    )
    for complaint in client.complaints:
        complain(PROGRAM, f"sent again: {complaint}")


def _open_port(name: str, baud: int, timeout: float | None) -> Any:
    """The open serial port."""
    import serial
    from serial.tools import list_ports

    try:
        seconds = WRITE_SECONDS if timeout is None else min(WRITE_SECONDS, timeout)
        line = LINE_SHARE * BYTE_BITS * CHUNK_BYTES / baud
        return serial.Serial(name, baud, write_timeout=seconds + line)
    except (serial.SerialException, ValueError, OverflowError, OSError) as error:
        found = ", ".join(sorted(port.device for port in list_ports.comports())) or "none"
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"--port {name} cannot be opened at {baud} bits a second ({reason}); "
            f"serial ports here: {found}"
        ) from None


def _timesteps(asked: int | None, board: Description) -> int:
    if asked is None:
        return board.timesteps[-1]
    if asked not in board.timesteps:
        allowed = ", ".join(map(str, board.timesteps))
        raise UsageError(
            f"--timesteps {asked} is not one of those that the board allows: {allowed}"
        )
    return asked


def _check_size(path: Path, shape: Sequence[int], board: Description, timesteps: int) -> None:
    height, width = shape
    if not fits(height, width, board.channels, timesteps):
        raise UsageError(
            f"{path} has {height}x{width} pixels; the board takes up to "
            f"{pixels_max(board.channels, timesteps)} of them at T {timesteps}, at most "
            f"{FRAME_HEIGHT_MAX} high and {FRAME_WIDTH_MAX} wide"
        )
