import numpy as np
import pytest

from sim.compare.scoreboard import Trace, compare, parse_trace

HEIGHT, WIDTH, STEPS = 3, 4, 2
LAYER_BITS = 5


def golden_maps(channels, layers=3, seed=0):
    rng = np.random.default_rng(seed)
    words = -(-channels // 64)
    maps = rng.integers(0, 1 << 64, (layers, HEIGHT, WIDTH, STEPS, words), dtype=np.uint64)
    top = channels - 64 * (words - 1)
    maps[..., -1] >>= np.uint64(64 - top)
    return list(maps)


def lines(maps, channels):
    """What the harness writes for these event words."""
    digits = -(-channels // 4)
    text = ""
    for layer, words in enumerate(maps):
        for word in words.reshape(-1, words.shape[-1]):
            number = sum(int(part) << 64 * i for i, part in enumerate(word))
            text += f"{layer:02x} {number:0{digits}x}\n"
    return text


def denoised_picture(seed=0):
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH))


def check(maps, text, channels, picture=None, pixels=None):
    picture = denoised_picture() if picture is None else picture
    pixels = picture.reshape(-1) if pixels is None else pixels
    trace = parse_trace(text.encode(), channels=channels, layer_bits=LAYER_BITS)
    return compare(maps, picture, trace, pixels)


@pytest.mark.parametrize("channels", [1, 3, 4, 5, 63, 64, 65, 127, 200])
def test_equal_words_and_pixels_match(channels):
    maps = golden_maps(channels)
    result = check(maps, lines(maps, channels), channels)
    assert (result.words, result.pixels) == (3 * HEIGHT * WIDTH * STEPS, HEIGHT * WIDTH)
    assert result.mismatches == 0
    assert result.first is None


@pytest.mark.parametrize("channels", [1, 4, 65, 200])
def test_every_flipped_bit_is_found_at_its_place(channels):
    maps = golden_maps(channels, layers=2)
    rng = np.random.default_rng(1)
    for _ in range(20):
        layer, y, x, t, channel = (
            int(rng.integers(n)) for n in (2, HEIGHT, WIDTH, STEPS, channels)
        )
        wrong = [words.copy() for words in maps]
        wrong[layer][y, x, t, channel // 64] ^= np.uint64(1) << np.uint64(channel % 64)
        result = check(maps, lines(wrong, channels), channels)
        golden = int(maps[layer][y, x, t, channel // 64]) >> channel % 64 & 1
        assert result.mismatches == 1
        first = result.first
        assert (first.layer, first.y, first.x, first.t, first.channel) == (layer, y, x, t, channel)
        assert (first.golden, first.target) == (golden, 1 - golden)


def test_first_mismatch_is_told_in_one_line():
    maps = [np.zeros((HEIGHT, WIDTH, STEPS, 1), dtype=np.uint64)] * 2
    text = lines(maps, 8).splitlines(keepends=True)
    text[-1] = "01 24\n"
    result = check(maps, "".join(text), 8)
    assert str(result.first) == "layer 1, y 2, x 3, t 1, channel 2: golden 0, target 1"


def test_the_earliest_layer_comes_first_and_all_words_count():
    maps = golden_maps(4)
    wrong = [words ^ np.uint64(1) for words in maps]
    wrong[0] = maps[0]
    result = check(maps, lines(wrong, 4), 4)
    assert result.mismatches == 2 * HEIGHT * WIDTH * STEPS
    assert (result.first.layer, result.first.y, result.first.x, result.first.t) == (1, 0, 0, 0)


def test_unknown_bits_are_mismatches():
    maps = [np.zeros((HEIGHT, WIDTH, STEPS, 1), dtype=np.uint64)]
    text = lines(maps, 6).splitlines(keepends=True)
    text[5] = "00 X0\n"
    text[6] = "00 xx\n"
    result = check(maps, "".join(text), 6)
    assert result.mismatches == 2
    assert str(result.first) == "layer 0, y 0, x 2, t 1, channel 4: golden 0, target x"


@pytest.mark.parametrize(
    ("change", "mismatches", "first"),
    [
        (lambda text: text[:-1], 1, "layer 2, y 2, x 3, t 1: golden a word, target no word"),
        (lambda text: [*text, text[-1]], 1, "layer 2: golden no word, target 1 words more"),
        (lambda text: [*text, "1f 0\n"], 1, "layer 31: golden no word, target a word"),
        (lambda text: [*text, "xx 0\n"], 1, "layer -1: golden no word, target a word"),
        (lambda text: [], 72, "layer 0, y 0, x 0, t 0: golden a word, target no word"),
    ],
)
def test_missing_and_unexpected_words_are_mismatches(change, mismatches, first):
    maps = golden_maps(4)
    text = lines(maps, 4).splitlines(keepends=True)
    result = check(maps, "".join(change(text)), 4)
    assert result.mismatches == mismatches
    assert str(result.first) == first


def test_a_line_that_was_cut_off_is_a_missing_word():
    maps = golden_maps(4)
    assert check(maps, lines(maps, 4)[:-2], 4).mismatches == 1


@pytest.mark.parametrize("text", ["0 00\n", "00 0\n00:0\n", "00 g\n"])
def test_what_is_no_trace_is_refused(text):
    with pytest.raises(ValueError, match="the trace"):
        parse_trace(text.encode(), channels=4, layer_bits=LAYER_BITS)


@pytest.mark.parametrize(
    ("change", "mismatches", "first"),
    [
        (lambda p: np.where(np.arange(12) == 6, p ^ 1, p), 1, "denoised pixel, y 1, x 2: golden"),
        (lambda p: np.where(np.arange(12) == 0, -1, p), 1, "denoised pixel, y 0, x 0: golden"),
        (lambda p: p[:-2], 2, "denoised pixel, y 2, x 2: golden"),
        (lambda p: np.append(p, 0), 1, "denoised pixel, y 3, x 0: golden no pixel, target 0"),
        (lambda p: p[:0], 12, "denoised pixel, y 0, x 0: golden"),
    ],
)
def test_wrong_missing_and_unexpected_pixels_are_mismatches(change, mismatches, first):
    maps = golden_maps(4)
    pixels = change(denoised_picture().reshape(-1))
    result = check(maps, lines(maps, 4), 4, pixels=pixels)
    assert result.mismatches == mismatches
    assert str(result.first).startswith(first)


def test_words_come_before_pixels():
    maps = golden_maps(4)
    empty = Trace(
        layers=np.zeros(0, dtype=np.int64),
        words=np.zeros((0, 1), dtype=np.uint64),
        unknown=np.zeros((0, 1), dtype=np.uint64),
    )
    result = compare(maps, denoised_picture(), empty, np.zeros(0, dtype=np.int64))
    assert result.mismatches == 72 + 12
    assert result.first.layer == 0
