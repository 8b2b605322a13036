"""Many pictures in one call: every good one is done, every bad one is named, nothing is half."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from sw_model import golden
from sw_model.denoising import api
from sw_model.denoising import command as denoise_command
from sw_model.denoising import job as denoise_job
from sw_model.denoising.job import Settings
from sw_model.denoising.outcome import Failure
from sw_model.denoising.plan import Plan, Task, plan
from sw_model.denoising.report import shown
from sw_model.denoising.workers import run_processes
from sw_model.pictures.metrics import quality
from sw_model.pictures.noise import add_noise
from sw_model.spec import UsageError, load_deployment
from sw_model.support.progress import RateColumn, progress
from tests.stopping import runs
from tests.sw_model.pictures.picture_files import read_image, write_image
from tests.sw_model.test_cli import ROOT, refused, run

TINY = ["--deployment", "tiny.safetensors"]


def picture(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def hidden_or_half(folder):
    return [path for path in folder.rglob("*") if path.name.startswith(".")]


@pytest.fixture
def photos(folder):
    """A folder of pictures, one of them below."""
    (folder / "photos" / "more").mkdir(parents=True)
    write_image(folder / "photos" / "a.png", picture(6, 7))
    write_image(folder / "photos" / "more" / "b.TIF", picture(5, 8, 3, seed=1))
    np.save(folder / "photos" / "c.npy", np.array([[-512, 511], [3, 300]]))
    return folder / "photos"


# ---------------------------------------------------------------------------- what is done


def hundred(folder):
    """A hundred small pictures, good ones of all kinds and bad ones of all kinds: (good, bad)."""
    folder.mkdir()
    good, bad = [], []
    for index in range(100):
        shape = (4 + index % 5, 3 + index % 4) + ((3,) if index % 3 == 0 else ())
        suffix = (".png", ".jpg", ".tif", ".bmp", ".npy")[index % 5]
        path = folder / f"part{index % 3}" / f"{index:03}{suffix}"
        path.parent.mkdir(exist_ok=True)
        array = picture(*shape, seed=index)
        if suffix in (".png", ".tif", ".npy") and index % 2:
            array = array.astype(np.uint16) * 251
        write_image(path, array)
        if index % 4:
            good.append(path)
            continue
        bad.append(path)
        content = path.read_bytes()
        match index // 4 % 5:
            case 0:
                path.write_bytes(b"")
            case 1:
                path.write_bytes(b"not a picture")
            case 2:
                path.write_bytes(content[: len(content) // 2])
            case 3:
                path.unlink()
                path.mkdir()
                path = path.rename(path.with_suffix(""))
                bad[-1] = path.with_suffix(".png")
                bad[-1].symlink_to("nowhere")
                path.rmdir()
            case 4:
                path = path.rename(path.with_suffix(".npy"))
                bad[-1] = path
                np.save(path, np.zeros((3, 3)))
    return good, bad


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_hundred_mixed_files(folder, capsys, jobs):
    good, bad = hundred(folder / "in")
    code, out, err = run(
        capsys, "denoise", "in", "-o", "out", *TINY, "--jobs", jobs, "--json", "report.json"
    )
    assert code == 2
    network = load_deployment("tiny.safetensors")
    for path in good:
        written = folder / "out" / path.relative_to(folder / "in")
        expected = api.denoise(read_image(path), network)
        if path.suffix == ".jpg":
            assert read_image(written).shape == expected.shape
        else:
            assert read_image(written).dtype == expected.dtype
            assert (read_image(written) == expected).all()
    files = {path for path in (folder / "out").rglob("*") if not path.is_dir()}
    assert len(files) == len(good) == 75
    complaints = err.splitlines()
    assert len(complaints) == len(bad) == 25
    for path in bad:
        name = str(path.relative_to(folder))
        assert sum(name in line for line in complaints) == 1
        assert any(line.startswith(f"{name} ") and "failed" in line for line in out.splitlines())
    assert "75 of 100 to out" in out
    assert "25 failed" in out
    report = json.loads(Path("report.json").read_text())
    assert (report["done"], report["failed"], report["left_out"]) == (75, 25, [])
    assert {file["input"] for file in report["files"] if "error" in file} == {
        str(path.relative_to(folder)) for path in bad
    }
    assert hidden_or_half(folder) == []


def test_structure_and_names_are_kept(photos, capsys):
    code, out, err = run(
        capsys, "denoise", "photos", "-o", "new/out", *TINY, "--jobs", 1, "--level", 25
    )
    assert (code, err) == (0, "")
    assert sorted(str(p) for p in Path("new/out").rglob("*.*")) == [
        "new/out/a.png",
        "new/out/c.npy",
        "new/out/more/b.TIF",
    ]
    assert "3 of 3 to new/out" in out
    signed = golden.denoise(load_deployment("tiny.safetensors"), np.load("photos/c.npy"))
    assert (np.load("new/out/c.npy") == signed.denoised).all()
    lines = [line.split() for line in out.splitlines()]
    assert ["photos/c.npy", "2x2", "grey,", "int64", "25.0"] in [line[:5] for line in lines]
    assert ["level", "given"] in lines


def test_quality_with_noise_in_table_and_json(photos, capsys):
    write_image(photos / "d.png", picture(12, 13).astype(np.uint16) * 257)
    arguments = ["denoise", "photos", "grey.png", "-o", "out", *TINY, "--noise", 20, "--seed", 3]
    code, out, err = run(capsys, *arguments, "--json", "r.json")
    assert code == 2  # c.npy is no clean picture
    assert err == (
        "python -m sw_model: photos/c.npy reaches from -512 to 511; --noise takes a clean picture "
        "of 0..255\n"
    )
    files = {file["input"]: file for file in json.loads(Path("r.json").read_text())["files"]}
    for name in ("grey.png", "photos/d.png"):
        clean = read_image(Path(name))
        clean = clean if clean.dtype == np.uint8 else (clean // 257).astype(np.uint8)
        noisy = add_noise(clean, 20, 3)
        denoised = read_image(Path("out", Path(name).name))
        assert denoised.dtype == np.uint8
        before, after = quality(clean, noisy), quality(clean, denoised)
        assert files[name]["psnr"] == pytest.approx(after.psnr, abs=1e-6)
        assert files[name]["ssim_noisy"] == pytest.approx(before.ssim, abs=1e-6)
        row = next(line for line in out.splitlines() if line.startswith(f"{name} "))
        assert [float(cell) for cell in row.split()[-4:]] == pytest.approx(
            [before.psnr, after.psnr, before.ssim, after.ssim], abs=6e-3
        )
    assert files["photos/a.png"]["ssim"] is None


def test_json_of_one_file_and_nothing_else(folder, capsys):
    code, out, err = run(capsys, "denoise", "grey.png", "-o", "o.png", *TINY, "--json", "-")
    assert (code, err) == (0, "")
    report = json.loads(out)
    assert report["noise"] is None
    assert report["deployment"]["hash"] == load_deployment("tiny.safetensors").hash
    (file,) = report["files"]
    assert (file["input"], file["output"], file["shape"]) == ("grey.png", "o.png", [12, 14])


def test_deep_pictures_and_formats_of_eight_bits(folder, capsys):
    deep = np.random.default_rng(0).integers(0, 65536, (6, 7, 3)).astype(np.uint16)
    write_image(Path("deep.png"), deep)
    expected = api.denoise(deep, "tiny.safetensors")
    _, out, _ = run(capsys, "denoise", "deep.png", "-o", "o.tif", *TINY)
    assert "7x6 colour, 16 bits" in out
    assert (read_image(Path("o.tif")) == expected).all()
    _, out, _ = run(capsys, "denoise", "deep.png", "-o", "o.bmp", *TINY)
    assert ".bmp holds 8 of the 16 bits" in out
    assert (read_image(Path("o.bmp")) == np.rint(expected / 257)).all()


def profile_in(name):
    with Image.open(name) as image:
        return image.info.get("icc_profile")


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("colour", [False, True])
def test_colour_profiles_are_kept_where_they_fit(folder, capsys, deep, colour):
    rgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    grey = rgb[:16] + b"GRAY" + rgb[20:]
    array = picture(5, 6, 3) if colour else picture(5, 6)
    array = array.astype(np.uint16) * 257 if deep else array
    for profile, kept in ((rgb, colour), (grey, not colour)):
        for source, target in (("a.png", "o.tif"), ("a.tif", "o.png"), ("a.png", "o.jpg")):
            write_image(Path(source), array, profile)
            assert profile_in(source) == profile
            assert run(capsys, "denoise", source, "-o", target, *TINY, "--force")[0] == 0
            assert profile_in(target) == (profile if kept else None)


def test_grey_in_a_colour_format_stays_in_it(folder, capsys):
    Image.fromarray(np.dstack([picture(4, 5)] * 3)).save("a.ppm")
    assert run(capsys, "denoise", "a.ppm", "-o", "o.ppm", *TINY)[0] == 0
    expected = api.denoise(picture(4, 5), "tiny.safetensors")
    assert (read_image(Path("o.ppm")) == expected).all()


# ---------------------------------------------------------------------------- what is not


def test_existing_outputs_are_kept_and_named(photos, capsys):
    Path("out").mkdir()
    Path("out/a.png").write_bytes(b"old")
    arguments = ["denoise", "photos", "-o", "out", *TINY, "--jobs", 1]
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert err == (
        "python -m sw_model: out/a.png exists already; --force replaces it, --resume skips it\n"
    )
    assert Path("out/a.png").read_bytes() == b"old"
    assert "2 of 3 to out" in out
    assert run(capsys, *arguments, "--force")[0] == 0
    assert read_image(Path("out/a.png")).shape == (6, 7)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_folder_that_is_half_done_is_resumed(photos, capsys, jobs):
    Path("out").mkdir()
    Path("out/a.png").write_bytes(b"old")
    Path("out/more/b.TIF").mkdir(parents=True)  # no result, whatever its name
    arguments = ["denoise", "photos", "-o", "out", *TINY, "--jobs", jobs, "--resume"]
    code, out, err = run(capsys, *arguments, "--json", "r.json")
    assert code == 2
    assert "out/more/b.TIF exists already; --force replaces it, --resume skips it\n" in err
    assert "written     1 of 2 to out in " in out
    Path("out/more/b.TIF").rmdir()
    code, out, err = run(capsys, *arguments)
    assert (code, err) == (0, "")
    assert "written     1 of 1 to out in " in out
    assert "skipped     2 that existed already\n" in out
    assert Path("out/a.png").read_bytes() == b"old"
    code, out, err = run(capsys, *arguments, "--json", "-")
    report = json.loads(out)
    assert (code, report["done"], report["failed"], report["files"]) == (0, 0, 0, [])
    assert report["skipped"] == ["out/a.png", "out/c.npy", "out/more/b.TIF"]
    code, out, err = run(capsys, *arguments)
    assert (code, err) == (0, "")
    assert "skipped     3 that existed already\n" in out
    expected = "r.json exists already; give --json another name"
    assert expected in refused(capsys, *arguments, "--json", "r.json")


def test_what_is_left_out_is_told(photos, capsys):
    for name in ("notes.txt", ".hidden.png"):
        (photos / name).write_bytes(b"x")
    arguments = ["denoise", "photos", "-o", "photos/out", *TINY, "--jobs", 1, "--json", "r.json"]
    for _ in range(2):
        # Nor are the results of the first call inputs of the second.
        code, out, _ = run(capsys, *arguments, "--force")
        assert code == 0
        report = json.loads(Path("r.json").read_text())
        assert report["done"] == 3
    assert set(report["left_out"]) == {"photos/out", "photos/notes.txt", "photos/.hidden.png"}
    assert "left out    photos/out, photos/.hidden.png, photos/notes.txt" in out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["photos", "-o", "grey.png"], "cannot write to grey.png: it is a file; give the name of"),
        (["photos", "-o", "o.png"], "o.png looks like a file"),
        (["*.gif", "-o", "out"], "no file matches the pattern '*.gif'"),
        (["empty", "-o", "out"], "empty: no pictures found; files that end in .png"),
        (["grey.png", "photos/../grey.png", "-o", "out"], "would both become out/grey.png"),
        (["photos", "photos", "-o", "out"], "photos/a.png and photos/a.png would both become"),
        (["photos", "-o", "out", "--jobs", "0"], "--jobs 0 is not 1 or more"),
        (["photos", "-o", "out", "--jobs", "2", "--dask", "x"], "either --jobs or --dask"),
        (["grey.png", "-o", "o.png", "--dask", "x"], "--dask is for several files"),
        (["grey.png", "-o", "colour.png", "--resume"], "--resume is for several files"),
        (["photos", "-o", "out", "--resume", "--force"], "give either --resume or --force"),
        (["photos", "-o", "out", "--noise", "-3"], "noise sigma -3.0 is not"),
        (["photos", "-o", "out", "--timesteps", "5"], "T = 5 is not allowed"),
        (["photos", "-o", "grey.png/out"], "cannot write to grey.png/out: Not a directory"),
        (["photos", "-o", "out", "--json", "colour.png"], "colour.png exists already; --force"),
        (["grey.png", "-o", "o.png", "--json", "o.png"], "--json and -o both name o.png"),
    ],
)
def test_mistakes_are_refused_before_the_work(photos, capsys, arguments, complaint):
    Path("empty").mkdir()
    assert complaint in refused(capsys, "denoise", *arguments, *TINY)


def test_patterns_and_slashes(photos, capsys):
    assert plan(["photos/**/*.[pT]*"], "out") == Plan(
        tasks=(
            Task(Path("photos/a.png"), Path("out/a.png")),
            Task(Path("photos/more/b.TIF"), Path("out/more/b.TIF")),
        ),
        folder=Path("out"),
    )
    assert [task.target for task in plan(["photos/*"], "out").tasks] == [
        Path("out/a.png"),
        Path("out/c.npy"),
        Path("out/more/b.TIF"),
    ]
    assert plan(["grey.png"], "out/").tasks == (Task(Path("grey.png"), Path("out/grey.png")),)
    # A name with such signs that exists is a name.
    shutil.copy("grey.png", "a[1].png")
    assert plan(["a[1].png"], "o.png").folder is None


def test_a_folder_with_signs_of_a_pattern_in_its_name(photos):
    # Next to one that the pattern would fit.
    for folder in ("photos[1]", "photos1"):
        Path(folder).mkdir()
        write_image(Path(folder, "a.png"), picture(3, 3))
    assert plan(["photos[1]/*.png"], "out").tasks == (
        Task(Path("photos[1]/a.png"), Path("out/a.png")),
    )
    assert plan(["photos[12]/*.png"], "out").tasks == (
        Task(Path("photos1/a.png"), Path("out/photos1/a.png")),
    )
    absolute = Path.cwd() / "photos[1]"
    assert plan([f"{absolute}/**.png"], "out").tasks == (
        Task(absolute / "a.png", Path("out/a.png")),
    )


def test_patterns_do_not_follow_links_in_circles(photos):
    (photos / "more" / "up").symlink_to("..")
    (photos / "more" / "again").symlink_to(".")
    write_image(photos / ".hidden.png", picture(3, 3))
    sources = [task.source for task in plan(["photos/**/*.*"], "out").tasks]
    assert sources == [Path("photos", name) for name in ("a.png", "c.npy", "more/b.TIF")]


def test_a_pipe_is_not_waited_for(photos, capsys):
    os.mkfifo(photos / "p.png")
    code, out, err = run(capsys, "denoise", "photos", "-o", "out", *TINY, "--jobs", 1)
    assert code == 2
    assert "photos/p.png is a pipe or a device" in err
    assert "3 of 4 to out" in out


def test_the_longest_names_are_denoised(folder, capsys):
    for name in ("x" * 251 + ".png", "é" * 125 + ".png"):
        shutil.copy("grey.png", name)
        code, _, err = run(capsys, "denoise", name, "-o", f"y{name[1:]}", *TINY)
        assert (code, err) == (0, "")
        assert read_image(Path(f"y{name[1:]}")).shape == (12, 14)


def test_names_that_are_no_text_are_shown(photos, capsys):
    odd = os.fsdecode(b"photos/\xff\n.png")
    shutil.copy("grey.png", odd)
    write_image(Path("photos/bad.png"), picture(3, 3))
    Path("photos/bad.png").write_bytes(b"")
    code, out, _ = run(capsys, "denoise", "photos", "-o", "out", *TINY, "--jobs", 1)
    assert code == 2
    assert "photos/\\xff\\x0a.png " in out
    assert shown(Path(odd)) == "photos/\\xff\\x0a.png"


def test_errors_of_the_system_are_told_apart(photos, capsys, monkeypatch):
    def fail(*args, **options):
        raise OSError(28, "No space left on device", "disk")

    def mistaken(*args, **options):
        raise ZeroDivisionError("a mistake of ours")

    arguments = ["denoise", "photos", "-o", "out", *TINY, "--jobs", 1]
    for error, reason in (
        (fail, "disk: No space left on device"),
        (mistaken, "photos/a.png: ZeroDivisionError: a mistake of ours"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(denoise_job, "image_writer", error)
            code, out, err = run(capsys, *arguments)
        assert code == 1
        assert reason in err
        assert err.count("\n") == 3
        assert "0 of 3 to out" in out
        assert [path for path in Path("out").rglob("*") if not path.is_dir()] == []


def test_a_missing_package_is_no_damaged_picture(photos, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    err = refused(capsys, "denoise", "grey.png", "-o", "o.png", *TINY)
    assert "the Python package imagecodecs is missing" in err


# ---------------------------------------------------------------------------- processes


def test_a_process_that_dies_takes_one_file_with_it(photos, monkeypatch):
    monkeypatch.setenv("DEADLY_HOME", str(os.getpid()))
    settings = Settings(
        deployment=load_deployment("tiny.safetensors"), timesteps=2, noise=None, force=False
    )
    Path("out").mkdir()
    staging = Path("out/.staging")
    staging.mkdir()
    tasks = [Task(photos / name, Path("out", name)) for name in ("a.png", "c.npy")]
    tasks.insert(1, Task(Deadly(photos / "a.png"), Path("out/never.png")))
    outcomes = list(run_processes(tasks, settings, staging, lambda done, whole: None, jobs=2))
    failed = [o for o in outcomes if isinstance(o, Failure)]
    assert len(outcomes) == 3
    assert [f.task.target.name for f in failed] == ["never.png"]
    assert "its process was killed" in failed[0].reason
    assert not failed[0].mistake
    assert {p.name for p in Path("out").glob("*.*")} - {".staging"} == {"a.png", "c.npy"}


class Deadly(type(Path())):
    """A path whose suffix no process but that of the test survives looking at."""

    @property
    def suffix(self):
        if os.getpid() != int(os.environ["DEADLY_HOME"]):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().suffix


class Endless(type(Path())):
    """A path that keeps any process but that of the test busy for a minute."""

    @property
    def suffix(self):
        if os.getpid() != int(os.environ["DEADLY_HOME"]):
            Path("busy").touch()
            time.sleep(60)
        return super().suffix


def test_busy_processes_are_ended_at_once(photos, monkeypatch):
    monkeypatch.setenv("DEADLY_HOME", str(os.getpid()))
    settings = Settings(
        deployment=load_deployment("tiny.safetensors"), timesteps=2, noise=None, force=False
    )

    def interrupt(done, whole):
        if Path("busy").exists():
            raise KeyboardInterrupt

    tasks = [Task(Endless(photos / "a.png"), Path("out/a.png"))] * 2
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(run_processes(tasks, settings, Path("out"), interrupt, jobs=1))
    # The start of the process is a part of it; whoever waited for it would need the whole minute.
    assert time.monotonic() - started < 55
    assert multiprocessing.active_children() == []


def children(pid):
    """Processes whose parent is ``pid``."""
    return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks for processes in /proc")
def test_interrupt_leaves_whole_files_and_no_process(folder):
    Path("many").mkdir()
    for index in range(40):
        write_image(Path(f"many/{index:02}.png"), picture(96, 96, seed=index))
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "sw_model", "denoise", "many", "-o", "out", "--jobs", "2"]
    # Whatever the caller ignores: here the program is to hear of it.
    process = subprocess.Popen(
        [*command, *TINY],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 120
    while not list(Path().glob("out/*.png")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    workers = children(process.pid)
    assert len(workers) >= 2
    os.killpg(process.pid, signal.SIGINT)  # what a terminal does: all of them hear of it
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "python -m sw_model: interrupted\n")
    # Python's own helper among them ends when it sees that nobody is left.
    deadline = time.monotonic() + 30
    while any(map(runs, workers)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert hidden_or_half(folder) == []
    written = list(Path("out").iterdir())
    assert 0 < len(written) < 40
    network = load_deployment("tiny.safetensors")
    for path in written:
        assert (
            read_image(path) == api.denoise(read_image("many" / Path(path.name)), network)
        ).all()


# ---------------------------------------------------------------------------- progress


def test_progress_is_of_all_files(photos, capsys, monkeypatch):
    calls = []
    settings = Settings(
        deployment=load_deployment("tiny.safetensors"), timesteps=2, noise=None, force=False
    )
    todo = plan(["photos"], "out")
    staging = Path("out")
    staging.mkdir()
    runs = denoise_command._run(todo, settings, staging, lambda *call: calls.append(call), 1, None)
    assert len(list(runs)) == 3
    assert calls == sorted(calls)
    assert calls[-1] == (3, 3)


def test_rate_has_a_unit():
    with progress("label", unit="Mpixel", scale=1e-6) as bar:
        bar(1e6, 4e6)
    column = RateColumn(1e-6, "Mpixel")

    class Running:
        finished_speed, speed = None, 2.5e6

    assert str(column.render(Running())) == "2.5 Mpixel/s"
    Running.speed = None
    assert str(column.render(Running())) == ""


def test_a_bar_is_shown_on_a_terminal_only(folder):
    # The other commands' bars are tested where they are made; here a pseudo-terminal is stderr.
    pty = pytest.importorskip("pty", reason="no pseudo-terminals on this system")
    leader, follower = pty.openpty()
    command = [sys.executable, "-m", "sw_model", "denoise", "grey.png", "-o", "o.png", *TINY]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(
        command, env=environment, stderr=follower, stdout=subprocess.PIPE
    ) as process:
        os.close(follower)
        shown_text = b""
        # At once: whoever writes to a terminal that nobody reads has to wait.
        with contextlib.suppress(OSError):  # all has been read
            while part := os.read(leader, 4096):
                shown_text += part
        os.close(leader)
        output, _ = process.communicate(timeout=100)
    assert process.returncode == 0
    assert b"denoising grey.png" in shown_text
    assert b"\x1b" not in output


def test_usage_errors_are_the_libraries_own():
    with pytest.raises(UsageError):
        plan(["nothing*"], "out")
