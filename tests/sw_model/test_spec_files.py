"""Outputs are whole or absent, whatever happens while they are written."""

import os

import pytest

from sw_model.spec import UsageError
from sw_model.spec.files import replacing, replacing_folder, write_atomically


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
    with pytest.raises(UsageError, match="No such file or directory; give a file in a folder"):
        write_atomically(tmp_path / "none" / "a.bin", b"")


def test_impossible_names(tmp_path):
    with pytest.raises(UsageError, match="File name too long; give a file in a folder"):
        write_atomically(tmp_path / ("x" * 300), b"")


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
    with replacing_folder(path, "manifest") as temporary:
        (temporary / "manifest").write_text("1")
        assert not path.exists()
    assert names(path) == ["manifest"]
    with replacing_folder(path, "manifest") as temporary:
        (temporary / "manifest").write_text("2")
        (temporary / "more").write_text("2")
    assert names(path) == ["manifest", "more"]


def test_interrupted_folder_leaves_the_old_one(tmp_path):
    path = tmp_path / "out"
    with replacing_folder(path, "manifest") as temporary:
        (temporary / "manifest").write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing_folder(path, "manifest") as temporary:
        (temporary / "manifest").write_text("new")
        raise KeyboardInterrupt
    assert (path / "manifest").read_text() == "old"
    assert names(tmp_path) == ["out"]


def test_folders_of_others_are_kept(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with (
        pytest.raises(UsageError, match="it holds other files"),
        replacing_folder(tmp_path, "manifest"),
    ):
        pass
    assert names(tmp_path) == ["thesis.tex"]
    with (
        pytest.raises(UsageError, match="it is a file; give the name of a folder"),
        replacing_folder(tmp_path / "thesis.tex", "manifest"),
    ):
        pass
