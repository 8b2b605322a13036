"""Every component, at awkward parameters, against its reference on both simulators.

Icarus tries all parameters. Verilator, whose builds take three times as long, tries the last ones
of each component, and the others in the long tests.
"""

import pytest

from .cases import COMPONENTS

LAST = {name.partition("-")[0]: name for name in COMPONENTS}
"""Last case of each component."""


@pytest.mark.parametrize("name", COMPONENTS)
def test_component_on_icarus(name):
    COMPONENTS[name].run("icarus")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in LAST.values() else [pytest.mark.long])
        for name in COMPONENTS
    ],
)
def test_component_on_verilator(name):
    COMPONENTS[name].run("verilator")
