"""The documents: links and paths exist, commands parse."""

from __future__ import annotations

import importlib
import re

import pytest

from sw_model.support.called import as_called, through_console
from tests import ROOT

from .documents import (
    PROGRAMS,
    anchors,
    command_modules,
    read,
    wrong_commands,
    wrong_links,
    wrong_paths,
)

MAKEFILE = (ROOT / "Makefile").read_text()
PAGES = sorted((ROOT / "docs").rglob("*.md"))
PIPE = r"\|"
"""A pipe within a table cell."""
CARDS = sorted((ROOT / "sw_model" / "deployments").glob("*.md"))
named = pytest.mark.parametrize(
    "path", [ROOT / "README.md", *PAGES, *CARDS], ids=lambda path: str(path.relative_to(ROOT))
)


@named
def test_link_targets_exist(path):
    assert wrong_links(path, read(path.read_text())) == []


@named
def test_named_files_exist(path):
    assert wrong_paths(read(path.read_text())) == []


@named
def test_commands_parse(path):
    assert wrong_commands(read(path.read_text()), MAKEFILE) == []


def test_every_page_is_in_the_index():
    index = ROOT / "docs" / "README.md"
    linked = set(re.findall(r"\]\(([\w/-]+\.md)\)", index.read_text()))
    assert linked == {str(page.relative_to(index.parent)) for page in PAGES} - {"README.md"}


def test_the_reference_has_every_command_and_target():
    text = (ROOT / "docs" / "reference" / "commands.md").read_text()
    for package in PROGRAMS:
        group = "" if package == "sw_model" else f"{package} "
        for name, (_, summary) in importlib.import_module(f"{package}.__main__").COMMANDS.items():
            with through_console():
                assert f"| `spiking-dncnn {group}{name}` | {as_called(summary)} |" in text
    for target, summary in re.findall(r"^([a-z-]+):.*## (.*)$", MAKEFILE, re.MULTILINE):
        assert f"| `make {target}` | {summary.replace('|', PIPE)} |" in text
    assert len(re.findall(r"^\| `spiking-dncnn ", text, re.MULTILINE)) == len(command_modules())


# ------------------------------------------------------------------------ the checks can fail


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[a](README.md#results) [b](https://example.org/x) `[c](none.md)`", []),
        ("[a](none.md)", ["none.md"]),
        ("![a](docs/none.png)", ["docs/none.png"]),
        ("[a](README.md#none)", ["README.md#none"]),
        ("# Here\n\n[a](#here) [b](#there)", ["#there"]),
        ("[a](../outside.md)", ["../outside.md"]),
    ],
)
def test_wrong_links_are_found(text, wrong):
    assert wrong_links(ROOT / "page.md", read(text)) == wrong


def test_anchors_are_those_of_github():
    headings = ("# θ: it's `x`, 3×3", "## Same", "### Same", "## a_b - c")
    assert anchors(headings) == {"θ-its-x-33", "same", "same-1", "a_b---c"}


def test_missing_files_are_found():
    text = read("`rtl/axi/reader.py`, `rtl/none.py`, `sw_model/deployments/NAME.md`, `build/x`")
    assert wrong_paths(text) == ["rtl/none.py"]


GOOD = """\
Call `spiking-dncnn denoise photo.png -o clean.png`, `make train RECIPE=best`, `rtl generate`,
`python -m sim run --target hls`, `spiking-dncnn train --help`, `train --quantise` or
`--level 10`. `spiking-dncnn evaluate --deployment NAME \
--seeds 0,1`

    cd x && DIR=1 spiking-dncnn freeze lif-s25 \\
        -o build/narrow.safetensors           # a comment --with-options
    torchrun --nproc-per-node 2 --no-python -- spiking-dncnn train --config paper -o DIR …
    camera | .venv/bin/spiking-dncnn denoise - -o - --format .png | viewer
    bash scripts/figures.sh build/x --none
    git show --none
"""


def test_valid_commands_pass():
    assert wrong_commands(read(GOOD), MAKEFILE) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("`spiking-dncnn paint photo.png`", "there is no such command"),
        ("`spiking-dncnn rtl paint`", "there is no such command"),
        ("`spiking-dncnn denoise a.png -o b.png --nois 25`", "unrecognized arguments: --nois 25"),
        ("`python -m sim run --target`", "argument --target: expected one argument"),
        ("    spiking-dncnn freeze lif-s25", "required: -o/--output"),
        ("    spiking-dncnn spikes", "required: -o/--output"),
        ("`spiking-dncnn freeze lif-s25`", "required: -o/--output"),
        ("    x && spiking-dncnn train \\\n      --none 3", "unrecognized arguments: --none 3"),
        ("    camera | spiking-dncnn denoise - --none | viewer", "required: -o/--output"),
        ("`spiking-dncnn train --batch many`", "invalid int value: 'many'"),
        ("`train --none`", "unrecognized arguments: --none"),
        ("`--none 3`", "no command has this option"),
        ("`make nothing`", "the Makefile has no nothing"),
        ("`make train RECIPES=best`", "the Makefile has no RECIPES"),
        ("    bash scripts/none.sh x", "there is no such script"),
        ("    python scripts/none.py x", "there is no such script"),
        ("    python -m tests.none", "there is no such module"),
    ],
)
def test_wrong_commands_are_found(text, complaint):
    [wrong] = wrong_commands(read(f"Text.\n\n{text}\n"), MAKEFILE)
    assert wrong.endswith(complaint)
