"""The comparison of the kernels can fail: it must detect every seeded fault."""

import functools
import shutil

import pytest

from hls.compile import PROGRAM, compile_project
from sim.targets.hls import build_project
from tests.hls.networks import FAULT_CASE, FEW_FAULT_CASE
from tests.hls.test_csim import mismatches

from .hls_mutants import FEW_SPIKE_MUTANTS, MUTANTS, Mutant


@functools.cache
def project(case):
    """The folder of the case's project, without a fault."""
    return build_project(case.deployment, case.size, case.timesteps).parent


def plant(case, folder, mutant=None):
    """Copy the case's project, patch its kernel and compile it."""
    shutil.copytree(project(case), folder)
    (folder / PROGRAM).unlink()
    if mutant is not None:
        path = folder / "firmware/nnet_utils" / mutant.file
        source = path.read_text()
        count = source.count(mutant.old)
        assert count == 1, f"the text of mutant {mutant.name!r} occurs {count} times in {path.name}"
        path.write_text(source.replace(mutant.old, mutant.new))
    return compile_project(folder)


@pytest.mark.parametrize(
    ("case", "mutant"),
    [
        *((FAULT_CASE, mutant) for mutant in MUTANTS),
        *((FEW_FAULT_CASE, mutant) for mutant in FEW_SPIKE_MUTANTS),
    ],
    ids=lambda value: value.name.replace(" ", "_") if isinstance(value, Mutant) else str(value),
)
def test_mutant_is_killed(case, mutant, tmp_path):
    program = plant(case, tmp_path / "project", mutant)
    assert mismatches(case, program), f"nothing differs despite: {mutant.name}"


@pytest.mark.parametrize("case", [FAULT_CASE, FEW_FAULT_CASE], ids=str)
def test_copy_passes_unpatched(case, tmp_path):
    assert mismatches(case, plant(case, tmp_path / "project")) == 0


@pytest.mark.parametrize("mutants", [MUTANTS, FEW_SPIKE_MUTANTS], ids=len)
def test_names_are_unique(mutants):
    assert len({mutant.name for mutant in mutants}) == len(mutants)
