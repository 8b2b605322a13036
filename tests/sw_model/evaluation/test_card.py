"""Model cards: those that ship say what their files say; figures come from reports alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sw_model.__main__ import main
from sw_model.evaluation.card import FIGURES, head
from sw_model.spec import configuration, load_deployment, shipped_deployments
from sw_model.spec.deployment import SHIPPED
from tests.random_deployment import random_deployment

# ---------------------------------------------------------------------------- shipped cards


@pytest.mark.parametrize("name", shipped_deployments())
def test_shipped_card_is_that_of_its_file(name):
    path = SHIPPED / f"{name}.md"
    again = f"python -m sw_model card --deployment {name} --figures ..."
    assert path.is_file(), f"{name} has no card; write it: {again}"
    text = path.read_text()
    deployment = load_deployment(name)
    assert f"`{deployment.hash}`" in text, f"{path.name} is about another file; write it: {again}"
    # All fields of the spec and of the provenance: the whole card up to its figures.
    assert text.partition(FIGURES)[0] == head(deployment, name) + "\n", f"stale; write it: {again}"


@pytest.mark.parametrize("name", shipped_deployments())
def test_shipped_card_shows_the_spec(name):
    # Read back from the table, not by the code that writes it.
    lines = (SHIPPED / f"{name}.md").read_text().splitlines()
    rows = dict(line.strip("| ").split(" | ", 1) for line in lines if line.count(" | ") == 1)
    spec = load_deployment(name).spec
    assert rows["channels"] == str(spec.channels)
    assert rows["layers"].startswith(f"{len(spec.layers)}: encoding (0)")
    assert rows["timesteps T"] == ", ".join(map(str, spec.timesteps))
    bits = {str(layer.weight_bits) for layer in spec.layers}
    assert {part.split(" ")[0] for part in rows["weight bits"].split(", ")} == bits


def test_no_card_is_left_without_its_deployment():
    assert {path.stem for path in SHIPPED.glob("*.md")} <= set(shipped_deployments())


# ---------------------------------------------------------------------------- the command


@pytest.fixture
def folder(tmp_path, monkeypatch, capsys):
    """A small network, a picture, and reports about them."""
    monkeypatch.chdir(tmp_path)
    random_deployment(configuration("tiny"), 1).save(Path("tiny.safetensors"))
    picture = np.random.default_rng(0).integers(0, 256, (12, 14)).astype(np.uint8)
    Image.fromarray(picture).save("grey.png")
    network = ["--deployment", "tiny.safetensors", "grey.png"]
    assert main(["evaluate", *network, "--seeds", "0,1", "--json", "evaluate.json"]) == 0
    assert main(["cost", *network, "--json", "cost.json"]) == 0
    capsys.readouterr()
    return tmp_path


def card(*arguments):
    return main(["card", "--deployment", "tiny.safetensors", *arguments])


def test_card_has_the_reports_figures_and_their_commands(folder, capsys):
    assert card("--figures", "evaluate.json", "cost.json") == 0
    assert capsys.readouterr().out == "written     tiny.md\n"
    text = Path("tiny.md").read_text()
    summary = json.loads(Path("evaluate.json").read_text())["summary"][0]
    cost = json.loads(Path("cost.json").read_text())
    assert f"**{summary['psnr']['mean']:.2f} ± {summary['psnr']['spread']:.3f}**" in text
    assert (
        "`python -m sw_model evaluate --deployment tiny grey.png --timesteps 3 --noise 25 "
        "--seeds 0,1 --protocol paper`" in text
    )
    assert (
        "`python -m sw_model cost --deployment tiny grey.png --timesteps 3 --noise 25 --seed 0 "
        "--protocol paper`" in text
    )
    assert f"| {cost['per_image']['spiking']['energy_uj']['total']:.1f} |" in text
    for theta in cost["break_even_theta"].values():
        assert f"- {'none' if theta is None else f'{theta:.3f}'}: " in text


def test_card_without_reports_says_so(folder):
    assert card("-o", "card.md") == 0
    assert "None were measured" in Path("card.md").read_text()


def test_card_tells_layers_apart():
    text = head(random_deployment(configuration("best"), 0), "best")
    assert "| layers | 17: encoding (0), hidden (1–15), output (16) |" in text
    assert "| weight bits | 8 (0), 4 (1–15), 8 (16) |" in text
    assert "no leak / soft reset / 0 fractional bits (0–15)" in text
    assert "- source: random" in text


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--figures", "none.json"], "none.json does not exist"),
        (["--figures", "grey.png"], "grey.png cannot be read as a report of"),
        (["--figures", "list.json"], "list.json cannot be read as a report of"),
        (["--figures", "other.json"], "other.json is about the deployment with hash 0000"),
        (["--figures", "short.json"], "a deployment's figures ('seeds' is missing)"),
        (["--figures", "deep.json"], "deep.json cannot be read as a report"),
        (["--figures", "odd.json"], "odd.json cannot be read as a report"),
        (["-o", "none/card.md"], "cannot write none/card.md"),
        (["-o", "."], "cannot write ."),
    ],
)
def test_card_refuses(folder, capsys, arguments, complaint):
    report = json.loads(Path("evaluate.json").read_text())
    Path("list.json").write_text("[]")
    Path("short.json").write_text(json.dumps({"deployment": report["deployment"], "summary": [{}]}))
    Path("deep.json").write_text("[" * 99_999)
    Path("odd.json").write_text(
        json.dumps({"deployment": report["deployment"], "summary": {}, "break_even_theta": [1]})
    )
    report["deployment"]["hash"] = "0" * 64
    Path("other.json").write_text(json.dumps(report))
    before = sorted(folder.rglob("*"))
    assert card(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert complaint in err
    assert err.count("\n") == 1
    assert sorted(folder.rglob("*")) == before
