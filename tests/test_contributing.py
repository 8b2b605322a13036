"""CONTRIBUTING.md, CITATION.cff, changelog and CI agree with the project's files."""

from __future__ import annotations

import re
import tomllib

import pytest
import yaml

from tests import ROOT

from .test_imports import MAY_IMPORT

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
ROW = re.compile(r"^\| `((?:sw_model|rtl|hls|sim)[\w.]*)` \| (.+) \| (.+) \|$", re.M)


def test_the_table_of_packages_matches_the_import_rules():
    rows = {
        package: set(re.findall(r"`([\w.]+)`", allowed))
        for package, _, allowed in ROW.findall(TEXT)
    }
    assert rows == {package: {*allowed} - {package} for package, allowed in MAY_IMPORT.items()}


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "README.md"])
def test_files_that_are_named_exist(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", text)
    # NAME is a placeholder for a new file.
    named = re.findall(r"`((?:sw_model|rtl|hls|sim|tests|docs|examples)/[\w./-]+)`", text)
    missing = {n for n in [*links, *named] if "NAME" not in n and not (ROOT / n).exists()}
    assert not missing


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    # Fields required by the format, and values of this project.
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert str(citation["cff-version"]) == "1.2.0"
    assert citation["type"] == "software"
    assert citation["license"] == "Apache-2.0"
    assert citation["version"] == VERSION
    (paper,) = citation["references"]
    assert {"type", "title", "authors"} <= paper.keys()
    assert paper["url"].endswith("2305.11898")


def test_the_changelog_begins_with_unreleased_changes():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.M)[0] == "[Unreleased]"
    assert f" {VERSION}" in text


def test_hooks_run_the_locked_tools():
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        assert hook["entry"].startswith(".venv/bin/python -m ")
        assert hook["language"] == "system"


def test_the_ci_workflow_runs_the_documented_commands():
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    steps = [step.get("run", "") for step in workflow["jobs"]["test"]["steps"]]
    commands = [step.split(" JOBS=")[0] for step in steps if step.startswith("make ")]
    assert commands == ["make setup", "make check", "make test"]
    assert all(f"`{command}`" in TEXT for command in commands[1:])
