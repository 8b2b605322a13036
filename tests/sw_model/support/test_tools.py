"""Other people's programs: what is said of one that cannot be used, and what they are given."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from sw_model.support import environment
from sw_model.support.environment import PASSED_ON, tool_environment
from sw_model.support.errors import UsageError
from sw_model.support.tools import check_program
from tests.programs import fake_program

PROC = "/proc/nothing"
"""Where nobody can make a folder."""


@pytest.fixture
def no_cache(tmp_path, monkeypatch):
    """A user whose files cannot be written; what the process knows of it already is forgotten."""
    monkeypatch.setenv("HOME", PROC)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    environment._cache_home.cache_clear()
    yield
    environment._cache_home.cache_clear()


def test_a_program_gets_what_it_needs_to_start_and_nothing_else(monkeypatch):
    for name in ("COCOTB_TEST_FILTER", "MAKEFLAGS", "CXXFLAGS", "VERILATOR_ROOT", "LANG"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/some/libraries")
    given = tool_environment()
    assert given["LD_LIBRARY_PATH"] == "/some/libraries"
    assert given["LC_ALL"] == "C.UTF-8"
    assert set(given) <= {*PASSED_ON, "LC_ALL", "TMPDIR", "XDG_CACHE_HOME"}


def test_temporary_files_go_where_they_can_be_written(monkeypatch):
    monkeypatch.setenv("TMPDIR", PROC)
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert Path(tool_environment()["TMPDIR"]).is_dir()


def test_no_place_for_temporary_files_is_told_in_a_sentence(monkeypatch):
    monkeypatch.setenv("TMPDIR", PROC)
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [PROC])
    with pytest.raises(UsageError, match=rf"No usable temporary.*{PROC}.*: set TMPDIR to a folder"):
        tool_environment()


def test_without_a_home_compiled_code_is_kept_beside_the_packages(no_cache, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert tool_environment()["XDG_CACHE_HOME"] == str(tmp_path / ".cache")


def test_where_nothing_can_be_written_compiled_code_is_kept_for_the_process(no_cache, monkeypatch):
    monkeypatch.setattr(sys, "prefix", PROC)
    folder = Path(tool_environment()["XDG_CACHE_HOME"])
    assert folder.is_dir()
    assert folder.is_relative_to(tempfile.gettempdir())


def test_the_users_cache_is_used(no_cache, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tool_environment()["XDG_CACHE_HOME"] == str(tmp_path / ".cache")
    environment._cache_home.cache_clear()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    assert tool_environment()["XDG_CACHE_HOME"] == str(tmp_path / "other")


def test_a_program_that_starts_says_its_version(tmp_path, monkeypatch):
    fake_program(tmp_path, "tool", 'echo "tool $1 2.5"; echo more', monkeypatch)
    assert check_program("test", "tool", "tools", "-V") == "tool -V 2.5"


def test_a_missing_program_is_told_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        UsageError, match=r"test needs tool, .* not on the PATH: run `apt install t`"
    ):
        check_program("test", "tool", "t")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo libx.so: cannot open >&2; exit 127", "exit code 127, 'libx.so: cannot open'"),
        ("exit 3", "exit code 3"),
        ("kill -SEGV $$", "exit code -11"),
    ],
)
def test_a_program_that_fails_is_told_with_its_reason(script, reason, tmp_path, monkeypatch):
    path = fake_program(tmp_path, "tool", script, monkeypatch)
    with pytest.raises(UsageError) as caught:
        check_program("test", "tool", "tools")
    assert f"test needs tool, but {path} does not start ({reason}): repair it" in str(caught.value)


def test_a_program_for_another_machine_is_told_with_its_reason(tmp_path, monkeypatch):
    path = fake_program(tmp_path, "tool", "", monkeypatch)
    path.write_bytes(b"\x7fELF and no more")
    with pytest.raises(UsageError, match=r"does not start \(exit code 12[67], .*xec"):
        check_program("test", "tool", "tools")


def test_a_python_finds_what_this_one_finds(tmp_path, monkeypatch):
    (tmp_path / "beside.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    command = [sys.executable, "-P", "-c", "import beside"]
    assert subprocess.run(command, env=tool_environment(), check=False).returncode == 0


PLOT = """
def add_arguments(parser): pass
def main(args):
    import matplotlib.pyplot
"""


def test_a_command_that_plots_needs_no_home(tmp_path):
    (tmp_path / "plot.py").write_text(PLOT)
    code = "from sw_model.support.cli import run_command as run; run('x', '', {'x': ('plot', '')})"
    # What another test's command has set, here, where there is no home either.
    inherited = {name: value for name, value in os.environ.items() if name != "MPLCONFIGDIR"}
    done = subprocess.run(
        [sys.executable, "-c", code, "x"],
        cwd=tmp_path,
        env=inherited | {"HOME": PROC, "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout + done.stderr == ""
    assert list((tmp_path / "matplotlib").iterdir())
