"""Outputs are whole or absent, whatever happens while they are written."""

import os
from pathlib import Path

import pytest

from sw_model.spec import UsageError
from sw_model.support.files import MARKER, replacing, replacing_folder, write_atomically


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_file_appears_whole(tmp_path):
    path = tmp_path / "a.bin"
    with replacing(path) as temporary:
        temporary.write_bytes(b"half")
        assert not path.exists()
        assert temporary.suffix == ".bin"
    assert path.read_bytes() == b"half"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_interrupted_file_leaves_the_old_one(tmp_path, error):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(error), replacing(path) as temporary:
        temporary.write_bytes(b"ne")
        raise error
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_files_have_ordinary_permissions(tmp_path):
    path = tmp_path / "a.bin"
    write_atomically(path, b"")
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


def test_missing_folder(tmp_path):
    with pytest.raises(UsageError, match="none is not a folder that exists"):
        write_atomically(tmp_path / "none" / "a.bin", b"")


def test_impossible_names(tmp_path):
    with pytest.raises(UsageError, match="File name too long; give a path in a folder"):
        write_atomically(tmp_path / ("x" * 300), b"")


def test_the_longest_names_are_written(tmp_path):
    for name in ("x" * 251 + ".png", "写" * 83 + ".png", "x" * 255, "a." + "x" * 253):
        write_atomically(tmp_path / name, b"whole")
        assert (tmp_path / name).read_bytes() == b"whole"
    with replacing_folder(tmp_path / ("y" * 255), "vectors") as temporary:
        (temporary / "写真").write_bytes(b"")
    assert (tmp_path / ("y" * 255) / MARKER).read_bytes().decode() == "vectors\n写真\n"


def test_links_that_lead_to_themselves(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path / "loop", tmp_path / "loop" / "below"):
        with pytest.raises(UsageError, match=r"cannot write .*: Too many levels of symbolic links"):
            write_atomically(path, b"")
        assert "Too many levels of symbolic links" in refused(path)
    assert names(tmp_path) == ["loop"]


def test_folder_in_the_way(tmp_path):
    with pytest.raises(UsageError, match="it is a folder; give the name of a file"):
        write_atomically(tmp_path, b"")


def test_only_ordinary_files_are_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(UsageError, match="it is not an ordinary file"):
        write_atomically(pipe, b"")
    assert pipe.is_fifo()


def test_folder_appears_whole(tmp_path):
    path = tmp_path / "deep" / "out"
    with replacing_folder(path, "vectors") as temporary:
        (temporary / "one").write_text("1")
        assert not path.exists()
    assert names(path) == [MARKER, "one"]
    with replacing_folder(path, "vectors") as temporary:
        (temporary / "below").mkdir()
        (temporary / "below" / "two").write_text("2")
    assert names(path) == [MARKER, "below"]
    with replacing_folder(path, "vectors") as temporary:
        (temporary / "one").write_text("3")
    assert names(path) == [MARKER, "one"]


def test_interrupted_folder_leaves_the_old_one(tmp_path):
    path = tmp_path / "out"
    with replacing_folder(path, "vectors") as temporary:
        (temporary / "one").write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing_folder(path, "vectors") as temporary:
        (temporary / "one").write_text("new")
        raise KeyboardInterrupt
    assert (path / "one").read_text() == "old"
    assert names(tmp_path) == ["out"]


def refused(path, kind="vectors"):
    with pytest.raises(UsageError) as error, replacing_folder(path, kind):
        raise AssertionError("the work began")
    return str(error.value)


def test_folders_of_others_are_kept(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    assert "it holds other files (thesis.tex)" in refused(tmp_path)
    assert names(tmp_path) == ["thesis.tex"]
    assert "it is a file; give the name of a folder" in refused(tmp_path / "thesis.tex")


def test_files_added_to_our_folder_are_kept(tmp_path):
    with replacing_folder(tmp_path / "out", "vectors") as temporary:
        (temporary / "one").write_text("1")
    (tmp_path / "out" / "notes").mkdir()
    (tmp_path / "out" / "notes" / "thesis.tex").write_text("years of work")
    assert "it holds other files (notes/thesis.tex)" in refused(tmp_path / "out")


def test_folder_of_another_kind_is_kept(tmp_path):
    with replacing_folder(tmp_path / "out", "vectors") as temporary:
        (temporary / "one").write_text("1")
    assert "it holds other files" in refused(tmp_path / "out", kind="accelerator")


def test_working_folder_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "it is or holds the working folder" in refused(Path())
    assert "it is or holds the working folder" in refused(tmp_path.parent)


def test_link_to_a_folder_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with replacing_folder(tmp_path / "link", "vectors") as temporary:
        (temporary / "one").write_text("1")
    assert (tmp_path / "link").is_symlink()
    assert names(tmp_path / "real") == [MARKER, "one"]
