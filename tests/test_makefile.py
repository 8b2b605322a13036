"""`make` and `scripts/setup.sh` in a folder with an unusual name and unusual variables."""

import os
import shutil
import subprocess

import pytest

from tests import ROOT

PYTHON = """\
#!/bin/sh
echo "$PWD|$*|$(env | grep -E '^(PYTHON|PIP_USER|PIP_TARGET)' | sort | tr '\\n' ' ')" >> "$LOG"
case "$*" in
*version_info*) echo 3.11 ;;
"-m venv "*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
"-m pip --version") [ "${0#.venv}" != "$0" ] ;;
"-m find_libpython") echo libpython3.11.so ;;
esac
"""
"""A fake Python: logs its calls and does what `scripts/setup.sh` needs."""
HOSTILE = {
    "PYTHONHOME": "/nowhere",
    "PYTHONPATH": "/nowhere",
    "PYTHONOPTIMIZE": "2",
    "PIP_USER": "1",
    "PIP_TARGET": "/nowhere",
}


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "my proj #1"
    (folder / "scripts").mkdir(parents=True)
    for name in ("Makefile", "requirements.lock", "pyproject.toml", "scripts/setup.sh"):
        shutil.copy(ROOT / name, folder / name)
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    return folder, python


def test_setup_and_simulation_use_the_right_folder_and_python(project, tmp_path):
    folder, python = project
    log = tmp_path / "log"
    (tmp_path / "elsewhere" / "scripts").mkdir(parents=True)
    own = {"PYTHON": str(python), "LOG": str(log), "CDPATH": str(tmp_path / "elsewhere")}
    subprocess.run(["make", "sim"], cwd=folder, env=os.environ | HOSTILE | own, check=True)
    calls = [line.split("|") for line in log.read_text().splitlines()]
    assert {working_folder for working_folder, *_ in calls} == {str(folder)}
    commands = [command for _, command, _ in calls]
    assert "-m pip install" in commands[-4]
    assert commands[-1] == "-m sim run -o build/sim"
    # PIP_USER=0 is only for setup, not for the commands after it.
    variables = [environment.split() for *_, environment in calls]
    assert variables == [["PIP_USER=0", f"PYTHON={python}"]] * (len(calls) - 1) + [
        ["PIP_TARGET=/nowhere", "PIP_USER=1", f"PYTHON={python}"]
    ]
    assert (folder / ".venv/.complete").exists()
