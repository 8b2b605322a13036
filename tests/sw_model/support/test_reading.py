"""Whatever a damaged file makes a parser raise is told in one sentence of bounded length."""

import os
import threading
import warnings

import pytest

from sw_model.support.errors import UsageError
from sw_model.support.reading import DEPTH_MAX, parse_json, reading
from sw_model.support.text import SENTENCE_MAX, one_line


def told(path):
    with pytest.raises(UsageError) as caught, reading(path, "figures", "give others") as file:
        parse_json(file.read())
    return str(caught.value)


def test_what_cannot_be_opened(tmp_path):
    assert told(tmp_path / "none") == f"{tmp_path}/none does not exist; give others"
    assert "is a folder, not figures" in told(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    assert "loop cannot be read as figures (Too many levels of symbolic links)" in told(
        tmp_path / "loop"
    )
    assert "(File name too long)" in told(tmp_path / ("x" * 300))


def test_pipes_and_devices_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    sentences = []
    thread = threading.Thread(target=lambda: sentences.append(told(tmp_path / "pipe")), daemon=True)
    thread.start()
    thread.join(10)
    assert "pipe is a pipe or a device, not figures in an ordinary file" in sentences[0]
    assert "is a pipe or a device" in told(tmp_path / os.devnull)


@pytest.mark.parametrize(
    "error",
    [RecursionError(), KeyError("x"), OSError("odd"), SyntaxError("y"), Exception("z\n" * 999)],
)
def test_all_that_parsers_raise_is_told(tmp_path, error):
    (tmp_path / "a").write_bytes(b"")
    with (
        pytest.raises(UsageError, match=r"a cannot be read as a thing \(.+\); give") as caught,
        reading(tmp_path / "a", "a thing", "give another"),
    ):
        warnings.warn("noise on stderr", stacklevel=1)
        raise error
    assert len(str(caught.value)) < SENTENCE_MAX
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt, UsageError("as it is")])
def test_what_is_not_the_files_fault_passes(tmp_path, error):
    (tmp_path / "a").write_bytes(b"")
    with (
        pytest.raises(error if isinstance(error, type) else UsageError) as caught,
        reading(tmp_path / "a", "a thing", "give another"),
    ):
        raise error
    assert "cannot be read" not in str(caught.value)


def test_threads_that_read_at_the_same_time_leave_pythons_warnings_alone(tmp_path):
    # Each would put back what it found: the last one, what the first had set.
    (tmp_path / "a").write_bytes(b"")
    before = list(warnings.filters)
    first, second = (reading(tmp_path / "a", "a thing", "give another") for _ in range(2))
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    second.__exit__(None, None, None)
    assert list(warnings.filters) == before


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"[" * 100_000, f"more than {DEPTH_MAX} deep"),
        (b'{"a":' * (DEPTH_MAX + 1) + b"1" + b"}" * (DEPTH_MAX + 1), f"more than {DEPTH_MAX} deep"),
        (b"[1e999]", "the number 1e999 is infinite"),
        (b"[-Infinity]", "-Infinity is no number"),
        (b"[NaN]", "NaN is no number"),
        (b"[9223372036854775808]", "9223372036854775808 is beyond 64 bits"),
        (b"9" * 5000, "4300 digits"),
        (b'"\\ud800"', "surrogates not allowed"),
        (b'"\xff"', "can't decode byte 0xff"),
        (b"{", "Expecting property name"),
        (b"", "Expecting value"),
    ],
)
def test_json_of_other_values_is_refused(tmp_path, content, complaint):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    sentence = told(path)
    assert sentence.startswith(f"{path} cannot be read as figures (")
    assert complaint in sentence
    assert len(sentence) <= SENTENCE_MAX


def test_json_of_plain_values():
    assert parse_json(b'{"a": [1, -9223372036854775808, 0.5, true, null, "\\ud83d\\ude00"]}') == {
        "a": [1, -(1 << 63), 0.5, True, None, "\U0001f600"]
    }
    deepest = "[" * DEPTH_MAX + "]" * DEPTH_MAX
    assert str(parse_json(deepest)) == deepest


def test_sentences_are_one_line_that_is_not_long():
    assert one_line("写真 é.png") == "写真 é.png"
    assert (
        one_line(os.fsdecode(b"\xff") + "\n\x1b[1m\ud800\u202e") == r"\xff\x0a\x1b[1m\ud800\u202e"
    )
    sentence = str(UsageError("begins" + "x" * 5000 + "ends"))
    assert len(sentence) == SENTENCE_MAX
    assert sentence.startswith("beginsx") and sentence.endswith("xends")
    assert " [...] " in sentence
    # Escapes count as long as they are shown.
    for count in (SENTENCE_MAX // 2, SENTENCE_MAX, 5000):
        assert len(one_line("\0" * count)) == SENTENCE_MAX
