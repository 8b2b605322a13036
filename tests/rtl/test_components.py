"""Every component, at awkward parameters, against its reference on both simulators."""

import pytest

from sim.simulators.bench import SIMULATORS

from .cases import COMPONENTS


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("name", COMPONENTS)
def test_component(name, simulator):
    COMPONENTS[name].run(simulator)
