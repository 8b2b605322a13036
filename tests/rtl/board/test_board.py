"""The whole board through its serial pins."""

from __future__ import annotations

import pytest

from sim.simulators.bench import SIMULATORS

from .boards import BoardCase

# Icarus, which knows unknown values, takes a part: it needs as long for it as Verilator for all.
PARTS = {"verilator": None, "icarus": "comes_back_from_resets"}


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_board(simulator):
    BoardCase("tiny").run(simulator, PARTS[simulator])


# `make sim-board` sends a picture of 256x256 pixels.
def test_a_picture_passes():
    BoardCase("tiny").run_picture("verilator", 9, 200)
