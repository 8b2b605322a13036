"""Intact files of every kind that the programs read, as seeds for corruption."""

from __future__ import annotations

import functools
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from sw_model.evaluation.cost_report import MEANING
from sw_model.golden import denoise
from sw_model.pictures.output import write_image
from sw_model.pictures.page import Page
from sw_model.spec import Deployment, configuration
from sw_model.spec.spike_counts import count_spikes
from sw_model.training.baseline_command import baseline_of
from tests.random_deployment import random_deployment

TINY = "tiny.safetensors"


@functools.cache
def tiny() -> Deployment:
    """The network of all inputs."""
    return random_deployment(configuration("tiny"), 1)


def saved(thing: Any, name: str) -> bytes:
    """Bytes of an object with a ``save`` method."""
    with TemporaryDirectory() as folder:
        thing.save(Path(folder, name))
        return Path(folder, name).read_bytes()


@functools.cache
def deployment() -> bytes:
    """A deployment file."""
    return saved(tiny(), TINY)


@functools.cache
def pictures() -> dict[str, bytes]:
    """Small pictures of every format and depth, by name."""
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (9, 11)).astype(np.uint8)
    colour = rng.integers(0, 256, (7, 8, 3)).astype(np.uint8)
    deep = rng.integers(0, 65536, (6, 5)).astype(np.uint16)
    found: dict[str, bytes] = {}

    def pillow(name: str, image: Image.Image, **options: Any) -> None:
        buffer = io.BytesIO()
        kind = {"jpg": "JPEG", "tif": "TIFF", "pgm": "PPM", "ppm": "PPM"}.get(
            suffix := name.rpartition(".")[2], suffix.upper()
        )
        image.save(buffer, kind, **options)
        found[name] = buffer.getvalue()

    for suffix in ("png", "jpg", "bmp", "tif", "webp"):
        pillow(f"grey.{suffix}", Image.fromarray(grey))
        pillow(f"colour.{suffix}", Image.fromarray(colour))
    pillow("grey.pgm", Image.fromarray(grey))
    pillow("colour.ppm", Image.fromarray(colour))
    alpha = Image.fromarray(np.dstack([colour, np.full(colour.shape[:2], 255, np.uint8)]))
    pillow("alpha.png", alpha)
    pillow("alpha.tif", alpha)
    pillow("alpha.webp", alpha, lossless=True)
    pillow("palette.png", Image.fromarray(colour).quantize(6), transparency=2)
    pillow("palette.bmp", Image.fromarray(colour).quantize(6))
    pillow("bits.png", Image.fromarray(grey > 99))
    pillow("bits.tif", Image.fromarray(grey > 99), compression="group4")
    more = {"save_all": True, "append_images": [Image.fromarray(~grey)]}
    pillow("pages.tif", Image.fromarray(grey), **more)
    pillow("moves.png", Image.fromarray(grey), **more)
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = b"\0" * 12 + b"mntrRGB XYZ " + bytes(104)
    for suffix in ("jpg", "png", "tif", "webp"):
        pillow(f"turned.{suffix}", Image.fromarray(colour), exif=exif, icc_profile=profile)
    for compression in ("tiff_lzw", "packbits", "tiff_adobe_deflate", "jpeg"):
        pillow(f"{compression}.tif", Image.fromarray(colour), compression=compression)
    pillow("deep.png", Image.fromarray(deep))
    for name, text in {
        "plain.pgm": b"P2 # made by hand\n3 2 255\n1 2 3 4 5 6\n",
        "plain.ppm": b"P3 1 2 9 1 2 3 4 5 6\n",
        "deep.pgm": b"P5 2 2 4095\n" + bytes(range(8)),
        "float.pfm": b"Pf 2 2 -1\n" + bytes(16),
    }.items():
        found[name] = text
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        write_image(folder / "deep.tif", Page(array=np.dstack([deep] * 2 + [~deep])))
        tifffile.imwrite(folder / "tiles.tif", np.tile(deep, (4, 4)), tile=(16, 16))
        tifffile.imwrite(folder / "planes.tif", np.stack([deep] * 3), planarconfig="separate",
                         photometric="rgb")  # fmt: skip
        tifffile.imwrite(folder / "big.tif", grey, bigtiff=True, extratags=[(34675, 3, 1, 7, True)])
        tifffile.imwrite(folder / "float.tif", grey.astype(np.float32))
        np.save(folder / "bytes.npy", grey)
        np.save(folder / "signed.npy", np.asfortranarray(colour.astype(np.int16) - 99))
        np.save(folder / "deep.npy", deep)
        np.save(folder / "float.npy", grey / 7)
        np.savez(folder / "several.npz", grey, colour)
        for path in folder.iterdir():
            found[path.name] = path.read_bytes()
    return found


@functools.cache
def documents() -> dict[str, Any]:
    """Contents of JSON files that programs read, by file name."""
    network = tiny()
    pixels = np.random.default_rng(1).integers(0, 256, (4, 5))
    maps = [layer.words for layer in denoise(network, pixels, trace="spikes").layers]
    spikes = json.loads(saved(count_spikes(maps, network, "noise"), "spikes.json"))
    head = {"deployment": {"name": "tiny", "hash": network.hash}, "timesteps": 3, "set": None}
    quality = {"psnr_noisy": 20.1, "psnr": 25.2, "ssim_noisy": 0.4, "ssim": 0.5, "theta": 0.6}
    picture = {"name": "a.png", "shape": [4, 5]} | quality
    summary = {"protocol": "paper", "sigma": 25.0, "seeds": [0]} | {
        name: {"mean": value, "spread": None} for name, value in quality.items()
    }
    noise = {"sigma": 25.0, "seed": 0, "protocol": "paper"}
    energy = {"arithmetic": 1.5, "total": 2.5}
    image = {"operations": 7e6, "useful_operations": 5e6, "energy_uj": energy}
    return {
        "spikes.json": spikes,
        "frame.json": {
            "deployment": network.hash,
            "picture": "a.png",
            **{"height": 4, "width": 5, "timesteps": 3, "engines": 1},
            "cases": [{"name": "a", "theta": 0.5, "cycles": 40, "useful_operations": 36}],
        },
        "evaluate.json": head | {"summary": [summary], "noise": noise, "pictures": [picture]},
        "cost.json": head
        | {
            "noise": noise,
            "energy_source": "a table",
            "pictures": [{"name": "a.png", "shape": [4, 5]}],
            "per_image": {"theta": 0.5, "spiking": image, "dense": image, "dense_no_reuse": image},
            "break_even_theta": dict.fromkeys(MEANING, 0.7),
        },
    }


@functools.cache
def networks() -> dict[str, bytes]:
    """A baseline and checkpoints, by name; they need PyTorch."""
    import torch

    from sw_model.training.checkpoint import (
        Checkpoint,
        build_model,
        build_optimizer,
        build_supervision,
    )
    from sw_model.training.options import TrainingOptions

    found = {}
    for model in ("ann", "snn"):
        options = TrainingOptions(config="tiny", model=model, steps=4)
        network, supervision = build_model(options), build_supervision(options)
        state = network.state_dict()
        checkpoint = Checkpoint(
            options=options,
            step=0,
            model=state,
            averaged=state,
            supervision=supervision.state_dict(),
            optimizer=build_optimizer(options, network, supervision).state_dict(),
            history=[{"command": "train", "steps": 1}],
            data="none",
            seconds=1.0,
        )
        found[f"{model}.pt"] = saved(checkpoint, "a.pt")
        if model == "ann":
            found["baseline.safetensors"] = saved(baseline_of(checkpoint), "a.safetensors")
    torch.set_num_threads(1)
    return found
