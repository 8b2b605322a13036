import threading

import pytest

from sim import runners, simulators
from sim.errors import BenchFailure
from sim.simulators import SIMULATORS, build, component_verilog, run_bench
from sw_model.spec import UsageError

from .one_register import OneRegister

BENCH = "tests.sim.skid_bench"


@pytest.fixture(scope="module")
def one_register():
    return component_verilog(OneRegister(width=10), "one_register")


def test_missing_programs_are_named(monkeypatch):
    monkeypatch.setattr(runners.shutil, "which", lambda name: None)
    with pytest.raises(UsageError, match=r"icarus is missing \(iverilog .*apt install iverilog"):
        runners.check_available("icarus")
    with pytest.raises(UsageError, match=r"verilator needs make.*apt install make"):
        runners.check_available("verilator")
    monkeypatch.setattr(runners, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"verilator is missing.*make setup"):
        runners.check_available("verilator")
    with pytest.raises(UsageError, match=r"'questa' is unknown; known are verilator, icarus"):
        runners.check_available("questa")


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_missing_simulator_stops_a_bench_before_anything_is_written(
    simulator, one_register, tmp_path, monkeypatch
):
    monkeypatch.setattr(runners.shutil, "which", lambda name: None)
    with pytest.raises(UsageError):
        run_bench(
            simulator, one_register, toplevel="one_register", module=BENCH, build_root=tmp_path
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_verilog_that_does_not_build_is_told_with_its_reason(simulator, tmp_path):
    sources = {"broken.v": "module broken(input wire clk);\n  assign nowhere = ;\nendmodule\n"}
    with pytest.raises(BenchFailure, match=r"broken does not build.*broken.v:2.*build.log"):
        build(simulator, sources, toplevel="broken", build_root=tmp_path)
    # A failed build must not pass for a finished one.
    with pytest.raises(BenchFailure):
        build(simulator, sources, toplevel="broken", build_root=tmp_path)


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_warnings_about_written_verilog_stop_the_build(simulator, tmp_path):
    text = """\
module narrow(input wire clk, input wire [7:0] a, output reg [3:0] b);
  sub sub_0(.clk(clk), .a(a[3:0]));
  always @(posedge clk) b <= a[3:0];
endmodule
module sub(input wire clk, input wire [7:0] a);
endmodule
"""
    with pytest.raises(BenchFailure, match=r"narrow (does not build|builds with warnings)"):
        build(simulator, {"narrow.v": text}, toplevel="narrow", build_root=tmp_path)


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_a_bench_without_such_a_test_fails(simulator, one_register, tmp_path):
    with pytest.raises(BenchFailure, match=r"no test ran|not found|No tests"):
        run_bench(
            simulator,
            one_register,
            toplevel="one_register",
            module=BENCH,
            testcase="misspelt",
            work_dir=tmp_path,
        )


def test_every_waiver_has_a_reason_and_names_its_file():
    text = runners.waivers(["a.v", "b.v"])
    for rule, reason in runners.WAIVERS.items():
        assert len(reason) > 20
        assert text.count(f"// {reason}\nlint_off -rule {rule} -file") == 2


def test_equal_sources_share_a_build_and_others_do_not(one_register, tmp_path):
    def folder(sources=one_register, **options):
        return build("icarus", sources, toplevel="one_register", build_root=tmp_path, **options)

    first = folder()
    assert folder() == first
    other = {name: text + "\n" for name, text in one_register.items()}
    assert len({first, folder(other), folder(waves=True)}) == 3


def test_builds_at_the_same_time_do_not_meet(one_register, tmp_path, monkeypatch):
    # Two processes of pytest-xdist that want the same build: one makes it, the other waits.
    builds = []
    original = simulators.RUNNERS["icarus"].build
    monkeypatch.setattr(
        simulators.RUNNERS["icarus"],
        "build",
        lambda self, **options: builds.append(1) or original(self, **options),
    )

    def work():
        build("icarus", one_register, toplevel="one_register", build_root=tmp_path)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(builds) == 1


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_waveforms_are_written_on_request_only(simulator, one_register, tmp_path):
    options = {
        "toplevel": "one_register",
        "module": BENCH,
        "testcase": "full_throughput",
        "work_dir": tmp_path,
    }
    waves = tmp_path / ("waves.vcd" if simulator == "verilator" else "waves.fst")
    run_bench(simulator, one_register, waves=waves, **options)
    assert waves.stat().st_size > 1000
    waves.unlink()
    run_bench(simulator, one_register, **options)
    assert not [*tmp_path.glob("*.vcd"), *tmp_path.glob("*.fst")]


def test_a_passing_bench_leaves_no_folder_and_a_failing_one_its_log(tmp_path):
    for fault in (None, "hang"):
        sources = component_verilog(OneRegister(width=10, fault=fault), "one_register")
        options = {"toplevel": "one_register", "module": BENCH, "testcase": "passes_everything_on"}
        if fault is None:
            assert run_bench("icarus", sources, build_root=tmp_path, **options).log is None
            assert not list((tmp_path / "runs").iterdir())
        else:
            with pytest.raises(BenchFailure, match=r"log: "):
                run_bench("icarus", sources, build_root=tmp_path, **options)
            (folder,) = (tmp_path / "runs").iterdir()
            assert (folder / "bench.log").stat().st_size
