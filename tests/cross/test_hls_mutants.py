"""The comparison of the kernels can fail: it must detect every seeded fault."""

import shutil

import pytest

from hls.compile import PROGRAM, compile_project
from sim.targets.hls import build_project
from tests.hls.networks import FAULT_CASE
from tests.hls.test_csim import mismatches

from .hls_mutants import MUTANTS


@pytest.fixture(scope="module")
def project():
    case = FAULT_CASE
    return build_project(case.deployment, case.size, case.timesteps).parent


def plant(project, folder, mutant=None):
    """Copy the project, patch its kernel and compile it."""
    shutil.copytree(project, folder)
    (folder / PROGRAM).unlink()
    if mutant is not None:
        path = folder / "firmware/nnet_utils" / mutant.file
        source = path.read_text()
        count = source.count(mutant.old)
        assert count == 1, f"the text of mutant {mutant.name!r} occurs {count} times in {path.name}"
        path.write_text(source.replace(mutant.old, mutant.new))
    return compile_project(folder)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "_"))
def test_mutant_is_killed(mutant, project, tmp_path):
    program = plant(project, tmp_path / "project", mutant)
    assert mismatches(FAULT_CASE, program), f"nothing differs despite: {mutant.name}"


def test_copy_passes_unpatched(project, tmp_path):
    assert mismatches(FAULT_CASE, plant(project, tmp_path / "project")) == 0


def test_names_are_unique():
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
