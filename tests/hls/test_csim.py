"""The kernels in C simulation against the golden model: every event word, every pixel."""

import pytest

from hls.compile import simulate_frames
from sim.compare.scoreboard import compare, parse_trace
from sim.targets.hls import build_project
from sw_model.spec.fixed_point import unsigned_width

from .networks import CASES, FAULT_CASE


def mismatches(case, program):
    """Words and pixels of all frames of a case that are not the golden model's."""
    spec = case.deployment.spec
    bits = unsigned_width(len(spec.layers) - 1)
    found = simulate_frames(
        program, case.frames, layer_digits=-(-bits // 4), levels=case.level_units
    )
    count = 0
    for golden, frame in zip(case.results, found, strict=True):
        trace = parse_trace(frame.trace, channels=spec.channels, layer_bits=bits)
        words = [layer.words for layer in golden.layers]
        count += compare(words, golden.denoised, trace, frame.denoised).mismatches
    return count


# A wrong width, order, border, neuron, rounding or clamp, or a state that a frame leaves behind.
@pytest.mark.parametrize("case", CASES, ids=str)
def test_kernels_equal_golden(case):
    program = build_project(
        case.deployment, case.size, case.timesteps, reuse_factor=case.reuse_factor
    )
    assert mismatches(case, program) == 0


def test_membranes_meet_their_threshold_exactly():
    # Else >= and > would be the same, and the comparison above would say little.
    results = FAULT_CASE.results
    for index, threshold in enumerate(FAULT_CASE.deployment.thresholds):
        charged = [result.layers[index].charged for result in results]
        met = sum(int((c == threshold[:, None, None]).sum()) for c in charged)
        if met:
            return
    raise AssertionError("no membrane is at its threshold in any layer")
