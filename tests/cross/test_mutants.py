"""The benches can fail: every seeded fault must make its bench fail."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT
from tests.rtl.cases import FAILED

from .mutants import MUTANTS

SIMULATOR = "icarus"
"""The simulator that builds fastest; one is enough to show that a bench fails."""


def plant(folder, mutant=None):
    """Create a tree with a copy of `rtl`, patched by the mutant, and links to other packages.

    Python's compiled files are copied too: compiling all modules takes longer than many a bench.
    """
    shutil.copytree(ROOT / "rtl", folder / "rtl")
    for package in ("sw_model", "sim", "tests"):
        (folder / package).symlink_to(ROOT / package)
    if mutant is not None:
        path = folder / "rtl" / mutant.file
        source = path.read_text()
        count = source.count(mutant.old)
        assert count == 1, f"the text of mutant {mutant.name!r} occurs {count} times in {path.name}"
        path.write_text(source.replace(mutant.old, mutant.new))
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
            compiled.unlink()  # valid for the unpatched file, if both are of one second and size
    return folder


def run_in(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "_"))
def test_mutant_is_killed(mutant, tmp_path):
    how = [mutant.killer, SIMULATOR, *filter(None, [mutant.test])]
    done = run_in(plant(tmp_path, mutant), "-m", "tests.rtl.cases", *how)
    assert done.returncode != 0, f"{mutant.killer} passes despite: {mutant.name}"
    assert done.returncode == FAILED, f"{mutant.killer} did not run:\n{done.stderr[-2000:]}"


def test_copy_is_what_runs_and_passes_unpatched(tmp_path):
    folder = plant(tmp_path)
    found = run_in(folder, "-c", "import rtl.core.lif; print(rtl.core.lif.__file__)").stdout.strip()
    assert Path(found).is_relative_to(tmp_path)
    done = run_in(folder, "-m", "tests.rtl.cases", "lif-all", SIMULATOR)
    assert done.returncode == 0, done.stdout + done.stderr


def test_names_are_unique():
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
