"""Compiled code on disk: what other processes, other sources and missing folders do to it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from sw_model.golden.kernel_cache import compiled
from tests import ROOT

KERNEL = """
from sw_model.golden.kernel_cache import compiled

@compiled
def shifted(array):
    for index in range(array.size):
        array[index] += 1
    return array[0]
"""
RUN = """
import sys, time
import numpy as np
from kernel import shifted

begin = float(sys.argv[1])
for number, kind in enumerate(sys.argv[2:]):
    time.sleep(max(0, begin + 0.2 * number - time.time()))
    print(int(shifted(np.zeros(3, kind)).real), end=" ")
print(sum(shifted.stats.cache_hits.values()))
"""
KINDS = (("i1", "i2", "i4", "i8", "f4", "c8"), ("u1", "u2", "u4", "u8", "f8", "c16"))


def begin(folder: Path, kinds: tuple[str, ...], at: float = 0.0) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{folder}"}
    # Python's own compiled files go by time and size.
    return subprocess.Popen(
        [sys.executable, "-B", "-c", RUN, str(at), *kinds],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> list[int]:
    printed = process.communicate()[0]
    assert process.returncode == 0
    return [int(word) for word in printed.split()]


def test_processes_do_not_lose_each_others_code(tmp_path):
    (tmp_path / "kernel.py").write_text(KERNEL)
    at = time.time() + 2
    for process in [begin(tmp_path, kinds, at) for kinds in KINDS]:
        assert end(process) == [1] * 6 + [0]
    everything = KINDS[0] + KINDS[1]
    assert end(begin(tmp_path, everything)) == [1] * 12 + [12]


def test_another_source_of_the_same_size_and_time_is_compiled_anew(tmp_path):
    source = tmp_path / "kernel.py"
    for number in (1, 2):
        source.write_text(KERNEL.replace("+= 1", f"+= {number}"))
        os.utime(source, (0, 0))
        assert end(begin(tmp_path, ("i4",))) == [number, 0]
        assert end(begin(tmp_path, ("i4",))) == [number, 1]


def test_a_damaged_file_is_written_anew(tmp_path):
    (tmp_path / "kernel.py").write_text(KERNEL)
    assert end(begin(tmp_path, ("i4",))) == [1, 0]
    (file,) = tmp_path.rglob("*.nbc")
    whole = file.read_bytes()
    for content in (whole[:100], b"", b"no pickle"):
        file.write_bytes(content)
        assert end(begin(tmp_path, ("i4",))) == [1, 0]
        assert len(file.read_bytes()) == len(whole)


def test_what_an_older_source_left_goes(tmp_path):
    source = tmp_path / "kernel.py"
    for number in (1, 2):
        source.write_text(KERNEL.replace("+= 1", f"+= {number}"))
        assert end(begin(tmp_path, ("i4", "i8"))) == [number, number, 0]
        assert len(list(tmp_path.rglob("*.nbc"))) == 2


def test_without_a_folder_it_is_compiled_all_the_same():
    names = {}
    # No file, and so no folder beside it.
    exec("def next_one(number): return number + 1", names)
    assert compiled(names["next_one"])(1) == 2
