"""The synthesised netlist of a tiny network: golden model = gates, with the RTL's bench."""

import argparse

import pytest

from sim.commands import run
from sim.compare import job
from sim.targets import TARGETS
from sw_model.spec import UsageError, configuration, load_deployment
from tests.random_deployment import random_deployment
from tests.rtl.cases import SYSTEMS

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


# The parts specific to the accelerator with AXI ports: loading, registers, bursts, strips.
@pytest.mark.parametrize(
    "test",
    [
        "denoises_whatever_pauses/pause=0.3",
        *(
            pytest.param(test, marks=pytest.mark.long)
            for test in (
                "aborts_at_any_time",
                "registers_are_as_described",
                "loads_another_deployment",
            )
        ),
        "the_hash_is_of_what_is_loaded",
    ],
)
def test_gates_with_axi_ports_pass_the_bench(test):
    SYSTEMS["system-tiny"].run_gates("icarus", test)


def test_a_network_too_large_for_gates_is_refused():
    with pytest.raises(UsageError, match="32 channels are too many to simulate cell by cell"):
        TARGETS["gates"].check(load_deployment("compact"))
