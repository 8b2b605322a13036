import pytest

from sim.simulators.bench import SIMULATORS, component_verilog, run_bench
from sim.simulators.errors import BenchFailure

from .one_register import OneRegister

BENCH = "tests.sim.skid_bench"


def run(simulator, tmp_path, *, fault=None, width=10, testcase=None, **arguments):
    return run_bench(
        simulator,
        component_verilog(OneRegister(width=width, fault=fault), "one_register"),
        toplevel="one_register",
        module=BENCH,
        testcase=testcase,
        arguments=arguments,
        work_dir=tmp_path,
    )


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize("idle", [0.0, 0.5])
@pytest.mark.parametrize("back_pressure", [0.0, 0.5])
def test_idle_and_back_pressure_change_nothing(simulator, idle, back_pressure, tmp_path):
    passed = run(
        simulator,
        tmp_path,
        testcase="passes_everything_on",
        idle=idle,
        back_pressure=back_pressure,
    )
    assert passed.tests == ("passes_everything_on",)


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_whole_bench_without_stalls(simulator, tmp_path):
    assert len(run(simulator, tmp_path, width=70).tests) == 3


@pytest.mark.parametrize("simulator", SIMULATORS)
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("drop", "timeout|timed out|took too long|Timeout"),
        ("withdraw", "o lowered valid before ready"),
        ("change", "o changed its payload from .* before ready"),
        ("hang", "timeout|Timeout"),
    ],
)
def test_faults_are_found(simulator, fault, reason, tmp_path):
    with pytest.raises(BenchFailure, match=reason):
        run(
            simulator,
            tmp_path,
            fault=fault,
            testcase="passes_everything_on",
            back_pressure=0.5,
        )
