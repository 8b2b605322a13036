"""The other shipped networks on small crops: golden model = RTL, in both simulators."""

import pytest

from sw_model.spec.deployment import HARDWARE_DEPLOYMENT
from tests.shipped import PLAIN

from .test_compact import COMPACT, check, outcome_of

OTHERS = [name for name in PLAIN if name != COMPACT]
CROPS = {"verilator": "60,210,7,6", "icarus": "65,215,3,2"}
FIRST = (HARDWARE_DEPLOYMENT, "verilator")
"""The only instance that is not marked long."""


@pytest.mark.parametrize(
    ("name", "simulator", "crop"),
    [
        pytest.param(*case, crop, marks=[] if case == FIRST else [pytest.mark.long])
        for simulator, crop in CROPS.items()
        for case in ((name, simulator) for name in OTHERS)
    ],
)
def test_shipped(tmp_path, name, simulator, crop):
    options = (f"--crop={crop}", "--seed=4", f"--deployment={name}", "--max-size=8,8")
    check(outcome_of(simulator, tmp_path, "camera.png", *options))
