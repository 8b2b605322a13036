"""Reproducible inputs by number: corrupted files, random command lines, corrupted answers."""

from __future__ import annotations

import argparse
import functools
import importlib
import io
import json
import struct
from collections.abc import Iterator
from random import Random
from typing import Any

import torch
from safetensors.numpy import load

import hls.__main__
import rtl.__main__
import sim.__main__
import sw_model.__main__

from . import seeds
from .board import host_case
from .mutate import container, damage_tensor, damaged, damaged_value, json_of
from .oracle import Case
from .seeds import TINY

PACKAGES = {
    "sw_model": sw_model.__main__,
    "rtl": rtl.__main__,
    "hls": hls.__main__,
    "sim": sim.__main__,
}
STEMS = ("a", "a", "é", "写真", "x" * 250, "a b[1]", "\udcff", "-a", "[red]", "\n")
ENCODINGS = ("utf-8", "ascii", "latin-1")
FOLDER_FILES = {"folder": None, "text": b"no file of any kind\n", "empty": b""}


def case(seed: int, index: int) -> Case:
    """The input with this index; the same for each call."""
    rng = Random(f"{seed}/{index}")
    kinds = (picture_case, deployment_case, document_case, network_case, command_case, host_case)
    return rng.choices(kinds, weights=(45, 14, 14, 5, 17, 5))[0](rng)


def intact_cases() -> Iterator[Case]:
    """Intact inputs, which load and compile everything before inputs are timed."""
    rng = Random(0)
    for name, content in seeds.pictures().items():
        files = {name: content, TINY: seeds.deployment()}
        command = ["denoise", name, "-o", "out.npy", "--deployment", TINY]
        yield _case("intact", "sw_model", command, files, rng)
    for name, content in seeds.networks().items():
        command = ["freeze", name, "-o", "out.safetensors"]
        if not name.endswith(".pt"):
            command = ["baseline", "--network", name, "grey.png"]
        files = {name: content, "grey.png": seeds.pictures()["grey.png"]}
        yield _case("intact", "sw_model", command, files, rng)
    for kind in (document_case, host_case, *[command_case] * 20):
        yield kind(rng)


def picture_case(rng: Random) -> Case:
    """A command that reads a corrupted picture, sometimes with a wrong suffix."""
    name, content = rng.choice(list(seeds.pictures().items()))
    if rng.random() < 0.95:
        content = damaged(rng, content, list(seeds.pictures().values()))
    suffix = name.rpartition(".")[2] if rng.random() < 0.85 else rng.choice(("png", "npy", "tif"))
    path = f"{rng.choice(STEMS)}.{suffix}"
    source = f"./{path}"
    out = "out." + rng.choice(("png", "tif", "npy", "jpg", "webp", "bmp", "ppm", "pgm", suffix))
    options: list[str] = []
    if rng.random() < 0.3:
        options = ["--noise", "25"]
    command = rng.choice(
        (
            ["denoise", source, "-o", out],
            ["denoise", source, "-o", out, *options],
            ["denoise", source, "-o", path, "--force"],
            ["evaluate", source],
            ["spikes", source, "-o", "out.json"],
        )
    )
    files = {path: content, TINY: seeds.deployment()}
    return _case("picture", "sw_model", [*command, "--deployment", TINY], files, rng)


def deployment_case(rng: Random) -> Case:
    """A command that reads a corrupted deployment."""
    intact = seeds.deployment()
    if rng.random() < 0.3:
        content = damaged(rng, intact, [intact, seeds.pictures()["grey.png"]])
    else:
        tensors: dict[str, Any] = dict(sorted(load(intact).items()))
        (size,) = struct.unpack("<Q", intact[:8])
        metadata = json.loads(intact[8 : 8 + size])["__metadata__"]["deployment"]
        if rng.random() < 0.4:
            damage_tensor(rng, tensors)
        if rng.random() < 0.8:
            metadata = json_of(rng, json.loads(metadata)).decode("latin-1")
        key = "deployment" if rng.random() < 0.97 else "else"
        content = container(tensors, {key: metadata})
    command = rng.choice(
        (
            ["denoise", "grey.png", "-o", "out.png"],
            ["card", "-o", "out.md"],
            ["freeze", TINY, "-o", "out.safetensors"],
        )
    )
    if command[0] != "freeze":
        command = [*command, "--deployment", TINY]
    files = {TINY: content, "grey.png": seeds.pictures()["grey.png"]}
    return _case("deployment", "sw_model", command, files, rng)


def document_case(rng: Random) -> Case:
    """A command that reads corrupted JSON."""
    name = rng.choice(list(seeds.documents()))
    content = json_of(rng, seeds.documents()[name])
    package, command = {
        "spikes.json": ("rtl", ["explore", "--spikes", name, "-o", "out"]),
        "frame.json": ("rtl", ["synth", "--frame", name]),
        "evaluate.json": ("sw_model", ["card", "--figures", name, "-o", "out.md"]),
        "cost.json": ("sw_model", ["card", "--figures", name, "-o", "out.md"]),
    }[name]
    files = {name: content, TINY: seeds.deployment()}
    return _case("document", package, [*command, "--deployment", TINY], files, rng, works=True)


def network_case(rng: Random) -> Case:
    """A command that reads a corrupted baseline or checkpoint."""
    name, intact = rng.choice(list(seeds.networks().items()))
    if rng.random() < 0.5:
        content = damaged(rng, intact, [intact])
    elif name.endswith(".pt"):
        values = torch.load(io.BytesIO(intact), weights_only=True)
        if rng.random() < 0.6:
            values["options"] = damaged_value(rng, values["options"])
        else:
            values = damaged_value(rng, values)
        buffer = io.BytesIO()
        torch.save(values, buffer)
        content = buffer.getvalue()
    else:
        tensors: dict[str, Any] = dict(sorted(load(intact).items()))
        damage_tensor(rng, tensors)
        provenance = {"runs": [{"command": "train", "steps": 1}], "data": "none"}
        content = container(tensors, {"provenance": json_of(rng, provenance).decode("latin-1")})
    if name.endswith(".pt"):
        commands = (["baseline", "--export", name], ["freeze", name])
        command = [*rng.choice(commands), "-o", "out.safetensors"]
    else:
        command = ["baseline", "--network", name, "grey.png"]
    files = {name: content, "grey.png": seeds.pictures()["grey.png"]}
    return _case("network", "sw_model", command, files, rng, works=True)


def command_case(rng: Random) -> Case:
    """A command with valid and invalid options."""
    package = rng.choice(list(PACKAGES))
    name = rng.choice(list(PACKAGES[package].COMMANDS))
    options, positional = _actions(package, name)
    words = []
    for action in positional:
        words += _values(rng, action)
    count = rng.choice((0, 1, 1, 2, 2, 3, 5))
    chosen = rng.sample(options, min(count, len(options)))
    chosen += [action for action in options if action.required and action not in chosen]
    for action in chosen:
        option = rng.choice(action.option_strings)
        values = [] if action.nargs == 0 else _values(rng, action)
        if len(values) == 1 and option.startswith("--") and rng.random() < 0.3:
            words.append(f"{option}={values[0]}")
        else:
            words += [option, *values]
    if rng.random() < 0.8 and "--deployment" not in words and _has(options, "--deployment"):
        words += ["--deployment", TINY]
    if rng.random() < 0.05:
        words.insert(rng.randrange(len(words) + 1), rng.choice(("--", "--more", "-", "\udcff", "")))
    line = [name, *words] if rng.random() < 0.97 else [*words, name]
    if rng.random() < 0.01:
        line = [rng.choice(("--help", "nothing", "", "-h", name[:-1]))]
    files: dict[str, bytes | None] = {
        **FOLDER_FILES,
        TINY: seeds.deployment(),
        **{f"{key}": value for key, value in seeds.pictures().items() if key in PICTURES},
    }
    files |= {key: json.dumps(value).encode() for key, value in seeds.documents().items()}
    files |= seeds.networks()
    links = {"loop": "loop", "pipe.png": "", "link.png": "grey.png"}
    return _case("command", package, line, files, rng, links=links, works=True)


PICTURES = ("grey.png", "colour.png", "grey.pgm", "bytes.npy")
PLACES = (
    *("grey.png", "colour.png", "text", "empty", "folder", "missing", "loop", "loop/a.png"),
    *("pipe.png", "link.png", "out.png", "out.json", "folder/out", ".", "..", "/dev/null", "", "-"),
    *("x" * 256, "x/" * 3000, "\udcff", "\udcff.png", "é.png", "*.png", "fol[d]er/*", "**", "["),
    *(TINY, "spikes.json", "frame.json", "cost.json", "ann.pt", "snn.pt", "baseline.safetensors"),
)
NUMBERS = (
    *("0", "1", "2", "3", "-1", "8", "25", "65536", "1e999", "nan", "0.5", "-0", "1e-300"),
    *("9" * 5000, "", "x", "1_0", "٣", "0x1", " 1", "1,2", "12,14", "0,0,4,4", "2,2", ",", "--"),
)


def _values(rng: Random, action: argparse.Action) -> list[str]:
    """Values for an option or argument, mostly of the expected kind."""
    count = {"?": rng.randrange(2), "*": rng.randrange(3), "+": 1 + rng.randrange(2)}.get(
        str(action.nargs), 1
    )
    return [_value(rng, action) for _ in range(count)]


def _value(rng: Random, action: argparse.Action) -> str:
    if action.choices and rng.random() < 0.9:
        return str(rng.choice(list(action.choices)))
    if action.type in (int, float) and rng.random() < 0.9:
        return rng.choice(NUMBERS)
    if action.dest == "deployment" and rng.random() < 0.7:
        return TINY
    if rng.random() < 0.3:
        return rng.choice(NUMBERS)
    return rng.choice(PLACES)


def _has(actions: list[argparse.Action], option: str) -> bool:
    return any(option in action.option_strings for action in actions)


@functools.cache
def _actions(package: str, name: str) -> tuple[list[argparse.Action], list[argparse.Action]]:
    """Options and positional arguments of a command."""
    parser = argparse.ArgumentParser()
    importlib.import_module(PACKAGES[package].COMMANDS[name][0]).add_arguments(parser)
    actions = [a for a in parser._actions if not isinstance(a, argparse._HelpAction)]
    return [a for a in actions if a.option_strings], [a for a in actions if not a.option_strings]


def _case(
    kind: str,
    package: str,
    arguments: list[str],
    files: dict[str, bytes | None] | dict[str, bytes],
    rng: Random,
    *,
    links: dict[str, str] | None = None,
    works: bool = False,
) -> Case:
    return Case(
        kind=f"{kind}: {package} {arguments[0] if arguments else ''}"[:60],
        main=PACKAGES[package].main,
        arguments=arguments,
        files=dict(files),
        links=links or {},
        encoding=rng.choice(ENCODINGS),
        works=works,
        many=kind == "command" and arguments[:1] == ["denoise"],
    )
