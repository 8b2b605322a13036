import re
import shutil
import threading
from pathlib import Path

import pytest

from rtl.flow import lint_waivers
from sim.simulators import bench as simulators
from sim.simulators import runners
from sim.simulators.bench import SIMULATORS, BenchFailure, build, component_verilog, run_bench
from sim.simulators.environment import bench_environment
from sw_model.spec import UsageError
from tests.programs import fake_program

from .one_register import OneRegister

BENCH = "tests.sim.skid_bench"


@pytest.fixture(scope="module")
def one_register():
    return component_verilog(OneRegister(width=10), "one_register")


def test_missing_programs_are_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match=r"icarus needs iverilog, .*apt install iverilog"):
        runners.check_available("icarus")
    with pytest.raises(UsageError, match=r"verilator needs make, .*apt install make"):
        runners.check_available("verilator")
    with pytest.raises(UsageError, match=r"'questa' is unknown; known are verilator, icarus"):
        runners.check_available("questa")


@pytest.mark.parametrize(
    ("simulator", "program"),
    [("icarus", "iverilog"), ("icarus", "vvp"), ("verilator", "make"), ("verilator", "g++")],
)
def test_programs_that_do_not_start_are_named(simulator, program, tmp_path, monkeypatch):
    path = fake_program(tmp_path, program, "echo libx.so: not found >&2; exit 127", monkeypatch)
    sentence = f"simulator {simulator} needs {program}, but {path} does not start (exit code 127"
    with pytest.raises(UsageError, match=re.escape(sentence)):
        runners.check_available(simulator)


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_missing_simulator_stops_a_bench_before_anything_is_written(
    simulator, one_register, tmp_path, monkeypatch
):
    monkeypatch.setenv("PATH", "")
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


@pytest.fixture(params=SIMULATORS)
def fresh(request, one_register, tmp_path):
    """Simulator and root of builds below a folder that neither make nor a shell would take.

    Only Verilator's own files are compiled already, which takes most of the time.
    """
    root = tmp_path / "my 'proj\" $HOME #1; %ü,"
    root.mkdir()
    if request.param == "verilator":
        build("verilator", one_register, toplevel="one_register")
        for path in (simulators.BUILD_ROOT / "verilator").glob("runtime-*"):
            shutil.copytree(path, root / "verilator" / path.name)
    return request.param, root


# Neither where builds are, nor where the tools are.
def test_paths_may_hold_any_character(fresh, one_register, tmp_path, monkeypatch):
    simulator, root = fresh
    packages = tmp_path / root.name.replace(";", "")  # at which the system's loader parts paths
    packages.mkdir()
    (packages / "verilator").symlink_to(runners.verilator_root())
    monkeypatch.setattr(runners, "verilator_root", lambda: packages / "verilator")
    for name in ("libs_dir", "share_dir"):
        (packages / name).symlink_to(getattr(runners.config, name))
        monkeypatch.setattr(runners.config, name, packages / name)
    waves = root / "waves $1.trace"
    work = root / "work"
    work.mkdir()
    run = run_bench(
        simulator,
        one_register,
        toplevel="one_register",
        module=BENCH,
        testcase="full_throughput",
        waves=waves,
        work_dir=work,
        build_root=root,
    )
    assert run.tests == ("full_throughput",)
    assert waves.stat().st_size > 1000


def test_variables_that_tools_heed_change_nothing(fresh, one_register, tmp_path, monkeypatch):
    simulator, root = fresh
    (tmp_path / "bad.mk").write_text("$(error another makefile)\n")
    for name, value in {
        "COCOTB_TEST_FILTER": "nothing",
        "COCOTB_TESTCASE": "nothing",
        "TESTCASE": "nothing",
        "COCOTB_TEST_MODULES": "nothing",
        "COCOTB_TOPLEVEL": "nothing",
        "COCOTB_RESULTS_FILE": str(tmp_path / "elsewhere.xml"),
        "COCOTB_MAX_FAILURES": "x",
        "COCOTB_RANDOM_SEED": "x",
        "RANDOM_SEED": "x",
        "GPI_USERS": "nothing",
        "PYGPI_USERS": "nothing:nothing",
        "PYGPI_PYTHON_BIN": "/nowhere",
        "GUI": "1",
        "WAVES": "1",
        "VERILATOR_ROOT": "/nowhere",
        "MAKEFLAGS": "n",
        "MAKEFILES": str(tmp_path / "bad.mk"),
        "CXXFLAGS": "-Dint=",
        "CPPFLAGS": "-Dint=",
        "OPT": "-Dint=",
        "USER_LDLIBS": "-lnothing",
        "CPATH": str(tmp_path),
        "IVERILOG_ICONFIG": "/nowhere",
        "IVERILOG_VPI_MODULE_PATH": "/nowhere",
        "TMP": "/nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "verilated.h").write_text("#error another header\n")
    work = root / "work"
    work.mkdir()
    run = run_bench(
        simulator,
        one_register,
        toplevel="one_register",
        module=BENCH,
        work_dir=work,
        build_root=root,
    )
    assert "full_throughput" in run.tests
    assert len(run.tests) > 1
    assert sorted(path.name for path in work.iterdir()) == ["bench.log", "results.xml"]


def test_every_waiver_has_a_reason_and_names_its_file():
    text = lint_waivers.waivers(["a.v", "b.v"])
    for rule, reason in lint_waivers.WAIVERS.items():
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
        lambda *arguments: builds.append(1) or original(*arguments),
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


def test_a_bench_ends_with_its_first_failure(tmp_path):
    sources = component_verilog(OneRegister(width=10, fault="hang"), "one_register")
    options = {"toplevel": "one_register", "module": BENCH, "build_root": tmp_path}
    tests, failing = ("passes_everything_on", "full_throughput"), []
    for testcase in (*tests, None):
        with pytest.raises(BenchFailure) as failure:
            run_bench("icarus", sources, testcase=testcase, **options)
        sentence = str(failure.value).partition("log: ")[0]
        failing.append([name for name in tests if name in sentence])
    assert failing == [[tests[0]], [tests[1]], [tests[0]]]


def test_a_name_that_cocotb_cannot_load_is_told_in_a_sentence(monkeypatch):
    monkeypatch.setattr(runners.config, "pygpi_entry_point", lambda: "/a;b/gpi.so,initialize")
    with pytest.raises(UsageError, match=r"cannot load /a;b/gpi.so: .* comma or semicolon"):
        bench_environment("bench", "top", None, 1, Path("/results.xml"))


@pytest.mark.parametrize("content", [b"", b"<testsuites><testcase", b"\xff"])
def test_results_that_were_not_written_to_their_end(tmp_path, content):
    (tmp_path / "results.xml").write_bytes(content)
    assert simulators._read_results(tmp_path / "results.xml") == ((), 0.0, [])
    assert simulators._read_results(tmp_path / "none.xml") == ((), 0.0, [])


def test_a_python_without_its_library_is_told_in_a_sentence(monkeypatch):
    monkeypatch.setattr("sim.simulators.environment.find_libpython.find_libpython", lambda: None)
    with pytest.raises(UsageError, match=r"Python as a shared library: run `make setup`"):
        bench_environment("bench", "top", None, 1, Path("/results.xml"))
