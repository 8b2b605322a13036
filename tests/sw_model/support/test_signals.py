"""A command that a signal ends leaves no process and no temporary file, whatever it is at."""

import fcntl
import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from sw_model.support.files import locked
from sw_model.support.processes import (
    Ended,
    allow_children,
    child,
    end_children,
    ending_children,
    run,
)
from sw_model.support.signals import Stopped, collected
from sw_model.support.temporary import PREFIX, keep, temporary_folder
from tests.stopping import (
    SIGNAL_EXITS,
    STOP_SECONDS,
    Terminal,
    entries,
    processes,
    runs,
    started,
    stop,
    wait_for,
)

pytestmark = pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="looks into /proc")

PROGRAM = """\
import os, signal, subprocess, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from sw_model.support import signals
from sw_model.support.cli import run_program
from sw_model.support.files import locked, replacing, replacing_folder
from sw_model.support.processes import run
from sw_model.support.temporary import temporary_folder

signals.PATIENCE = {patience}
STUBBORN = "trap '' TERM; sleep 1000 & touch begun; while true; do sleep 1000; done"

def begin():
    Path("begun").touch()
    time.sleep(1000)

def main(args):
{body}

def add_arguments(parser):
    pass

sys.exit(run_program("program", "__main__", []))
"""
HALF = "half a line that nobody reads"
BODIES = {
    "child": 'run(["sh", "-c", "touch begun; sleep 1000"])',
    "child that heeds nothing": 'run(["sh", "-c", STUBBORN])',
    "thread": """\
with ThreadPoolExecutor(2) as pool:
    list(pool.map(run, [["sh", "-c", "touch begun; sleep 1000"], ["sleep", "1000"]]))""",
    "thread that begins late": """\
def late():
    time.sleep(1)
    run(["sleep", "1000"])
pool = ThreadPoolExecutor(1)
pool.submit(late)
begin()""",
    "thread that computes on": """\
pool = ThreadPoolExecutor(1)
pool.submit(time.sleep, 1000)
begin()""",
    "thread that waits for a lock": """\
with locked(Path("lock")), ThreadPoolExecutor(1) as pool:
    def wait():
        Path("begun").touch()
        with locked(Path("lock")):
            pass
    pool.submit(wait).result()""",
    "file": """\
with replacing(Path("out.txt")) as path:
    path.write_text("half")
    begin()""",
    "folder": """\
with replacing_folder(Path("out"), "things") as path:
    (path / "half").touch()
    begin()""",
    "copy of the process": """\
if os.fork() == 0:
    begin()
os.wait()
time.sleep(1000)""",
    "lock": """\
with locked(Path("lock")):
    begin()""",
    "library's child": 'subprocess.Popen(["sh", "-c", "touch begun; exec sleep 1000"]).wait()',
    "signal that another thread gets": """\
signal.pthread_sigmask(signal.SIG_BLOCK, signals.WORDS)
lock = threading.Lock()
lock.acquire()
Path("begun").touch()
lock.acquire()""",
    "destructor": """\
class Doomed:
    def __del__(self):
        begin()
Doomed()
time.sleep(1000)""",
    "library that makes another exception of it": """\
try:
    begin()
except BaseException:
    raise ImportError""",
    HALF: """\
try:
    begin()
finally:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.write("half\\n")
        except OSError:
            pass""",
    "stuck": """\
with temporary_folder(Path()):
    while True:
        try:
            begin()
        except BaseException:
            pass""",
}
AFTERWARDS = """\
before = [signal.getsignal(signal.SIGTERM), sys.unraisablehook]
print(run_program("program", "__main__", []))
print([signal.getsignal(signal.SIGTERM), sys.unraisablehook] == before)
main = lambda args: print(run(["echo", "again"]).stdout)
print(run_program("program", "__main__", []))
"""
ENDED_AT_ONCE = ("stuck", "thread that computes on")
EVERY_SIGNAL = ("child", "thread", "file", "folder")


def program(folder, name, patience=1000, **options):
    """The program with one of the bodies, started; after it has begun it ends by signals only."""
    body = "".join(f"    {line}\n" for line in BODIES[name].splitlines())
    (folder / "lock").touch()
    (folder / "begun").unlink(missing_ok=True)
    return started("-c", PROGRAM.format(body=body, patience=patience), folder=folder, **options)


@pytest.mark.parametrize(
    ("name", "number", "group"),
    [(name, number, False) for name in EVERY_SIGNAL for number in SIGNAL_EXITS]
    + [(name, signal.SIGTERM, False) for name in BODIES if name not in (*EVERY_SIGNAL, HALF)]
    # What a terminal does: all of its processes hear of it.
    + [
        (name, signal.SIGINT, True)
        for name in ("child", "thread", "library's child", "copy of the process")
    ],
)
def test_nothing_is_left(name, number, group, tmp_path):
    with program(tmp_path, name, patience=0.5 if name in ENDED_AT_ONCE else 1000) as process:
        wait_for((tmp_path / "begun").exists, process)
        code, word = SIGNAL_EXITS[number]
        assert stop(process, number, group=group) == (code, "", f"program: {word}\n")
    assert entries(tmp_path) == ["begun", "lock"]


def test_a_second_signal_ends_at_once(tmp_path):
    with program(tmp_path, "stuck", patience=1000) as process:
        wait_for((tmp_path / "begun").exists, process)
        process.send_signal(signal.SIGTERM)
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=1)
        assert stop(process, signal.SIGTERM) == (143, "", "program: terminated\n")
    assert entries(tmp_path) == ["begun", "lock"]


def test_the_cursor_is_shown_again(tmp_path):
    terminal = Terminal()
    with program(tmp_path, "stuck", 0.5, terminal=terminal.follower) as process:
        os.close(terminal.follower)
        wait_for((tmp_path / "begun").exists, process)
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS)
        terminal.read()
    os.close(terminal.leader)
    assert terminal.shown == b"\x1b[?25hprogram: terminated\r\n"


# What remains to be written to a terminal that is gone would give Python's own exit code.
def test_the_exit_code_tells_that_the_terminal_is_gone(tmp_path):
    terminal = Terminal()
    with program(tmp_path, HALF, terminal=terminal.follower, PYTHONUNBUFFERED="") as process:
        os.close(terminal.follower)
        wait_for((tmp_path / "begun").exists, process)
        os.close(terminal.leader)
        process.wait(STOP_SECONDS)
    assert process.returncode == SIGNAL_EXITS[signal.SIGHUP][0]


def test_a_process_may_go_on_after_a_command(tmp_path):
    text = PROGRAM.format(body="    signal.raise_signal(signal.SIGTERM)", patience=1000)
    text = text.rpartition("sys.exit")[0] + AFTERWARDS
    with started("-c", text, folder=tmp_path) as process:
        output, errors = process.communicate(timeout=STOP_SECONDS)
    assert (output, errors) == ("143\nTrue\nagain\n\n0\n", "program: terminated\n")


# nohup, and the background jobs of a shell.
def test_what_is_ignored_stays_ignored(tmp_path):
    ignored = (signal.SIGHUP, signal.SIGINT)
    with program(tmp_path, "child", ignored=ignored) as process:
        wait_for((tmp_path / "begun").exists, process)
        for number in ignored:
            process.send_signal(number)
        with pytest.raises(subprocess.TimeoutExpired):
            process.communicate(timeout=1)
        assert stop(process, signal.SIGTERM)[0] == 143


@pytest.mark.parametrize("name", ["child", "child that heeds nothing", "thread"])
def test_programs_end_when_their_parent_is_killed(name, tmp_path):
    with program(tmp_path, name) as process:
        wait_for((tmp_path / "begun").exists, process)
        assert len(processes(process.mark)) > 1
        process.kill()
        wait_for(lambda: not processes(process.mark), timeout=STOP_SECONDS)


def test_a_lock_ends_with_its_process(tmp_path):
    with program(tmp_path, "lock") as process:
        wait_for((tmp_path / "begun").exists, process)
        with (tmp_path / "lock").open() as file, pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        process.kill()
        with locked(tmp_path / "lock"):
            pass


def test_what_a_killed_process_left_is_removed(tmp_path):
    with program(tmp_path, "folder") as running, program(tmp_path, "file") as killed:
        wait_for(lambda: len(list(tmp_path.glob(f"{PREFIX}*"))) == 2)
        killed.kill()
        killed.wait()
        (lost,) = tmp_path.glob(f"{PREFIX}*/out.txt")
        (used,) = tmp_path.glob(f"{PREFIX}*/new")
        young = tmp_path / f"{PREFIX}young"
        young.mkdir()
        for path in (lost.parent, used.parent):
            os.utime(path, (0, 0))
        with temporary_folder(tmp_path) as folder:
            left = {path.name for path in tmp_path.glob(f"{PREFIX}*")}
            assert left == {used.parent.name, young.name, folder.name}
        assert running.poll() is None


def test_a_folder_is_removed_unless_it_is_kept(tmp_path):
    with pytest.raises(ZeroDivisionError), temporary_folder(tmp_path, "x-") as lost:
        (lost / "file").touch()
        raise ZeroDivisionError
    with temporary_folder(tmp_path, "x-") as kept:
        keep(kept)
    assert entries(tmp_path) == [kept.name]


def test_a_program_is_run(tmp_path):
    done = run(["sh", "-c", "pwd; echo no >&2; cat; exit 3"], cwd=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == (f"{tmp_path}\n", "no\n", 3)
    assert run(["sh", "-c", "kill -9 $$"]).returncode == -signal.SIGKILL
    with pytest.raises(FileNotFoundError, match="nonesuch"):
        run(["nonesuch"])


def test_what_a_program_left_running_ends_with_it(tmp_path):
    done = run(["sh", "-c", "trap '' TERM; sleep 1000 >/dev/null 2>&1 & echo $!"])
    # At once: the guard, which asks first, would need two seconds.
    wait_for(lambda: not runs(int(done.stdout)), timeout=1)


def test_a_program_ends_with_its_block():
    with pytest.raises(ZeroDivisionError), child(["sleep", "1000"]) as process:
        raise ZeroDivisionError
    assert process.returncode == -signal.SIGTERM


def test_no_program_begins_while_programs_are_ended(tmp_path):
    with ending_children(), pytest.raises(Ended):
        run(["touch", tmp_path / "begun"])
    assert entries(tmp_path) == []
    assert run(["true"]).returncode == 0


def test_the_result_of_a_program_that_was_ended_is_not_used():
    timer = threading.Timer(0.3, end_children)
    timer.start()
    try:
        with pytest.raises(Ended):
            run(["sleep", "1000"])
    finally:
        timer.join()
        allow_children()


def test_signals_are_collected():
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    seen = []
    try:
        with collected() as received:
            os.kill(os.getpid(), signal.SIGTERM)
            assert (received, seen) == ([signal.SIGTERM], [])
            os.kill(os.getpid(), signal.SIGTERM)
        assert (received, seen) == ([signal.SIGTERM], [signal.SIGTERM])
        # A compiler that the terminal's Ctrl-C ended, say.
        with pytest.raises(Stopped, match="terminated"), collected():
            os.kill(os.getpid(), signal.SIGTERM)
            raise ValueError
    finally:
        signal.signal(signal.SIGTERM, before)
