"""The synthesised netlist of a tiny network: golden model = gates, with the RTL's bench."""

import argparse

import pytest

from sim import job, run
from sim.random_deployment import random_deployment
from sim.targets import TARGETS
from sw_model.spec import UsageError, configuration, load_deployment

from .test_compact import check


def test_gates_give_the_golden_models_words_and_pixels(tmp_path):
    random_deployment(configuration("tiny"), 3, with_init=True).save(tmp_path / "tiny.safetensors")
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    args = parser.parse_args(
        [
            f"--deployment={tmp_path / 'tiny.safetensors'}",
            "--crop=60,210,4,5",
            "--max-size=4,5",
            "--target=gates",
        ]
    )
    chosen = {"gates": job.make_job(args)}
    (outcome,) = run.run(chosen, job.max_size(args), tmp_path)
    check(outcome)


def test_a_network_too_large_for_gates_is_refused():
    with pytest.raises(UsageError, match="32 channels are too many to simulate cell by cell"):
        TARGETS["gates"].check(load_deployment("compact"))
