"""Event words and weight rows, bit by bit."""

import numpy as np
import pytest

from sw_model.spec import TAPS, pack_spikes, unpack_spikes, weight_row
from sw_model.spec.packing import WORD_BITS

CHANNELS = [1, 3, 4, 5, 32, 63, 64, 65, 128, 129]


@pytest.mark.parametrize("channels", CHANNELS)
def test_every_spike_has_its_bit(channels):
    # Bit c % 64 of word c // 64 is channel c; the words lie in order y, x, t.
    spikes = np.random.default_rng(channels).random((3, channels, 2, 5)) < 0.5
    words = pack_spikes(spikes)
    assert words.dtype == np.uint64
    assert words.shape == (2, 5, 3, -(-channels // WORD_BITS))
    for (t, c, y, x), spike in np.ndenumerate(spikes):
        assert (int(words[y, x, t, c // WORD_BITS]) >> (c % WORD_BITS)) & 1 == spike


@pytest.mark.parametrize("channels", CHANNELS)
def test_missing_channels_are_zero(channels):
    words = pack_spikes(np.ones((1, channels, 1, 1), dtype=bool))
    value = sum(int(word) << (WORD_BITS * i) for i, word in enumerate(words[0, 0, 0]))
    assert value == (1 << channels) - 1


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (3, 5)])
def test_round_trip(channels, size):
    spikes = np.random.default_rng(channels).random((2, channels, *size)) < 0.5
    unpacked = unpack_spikes(pack_spikes(spikes), channels)
    assert unpacked.dtype == np.bool_
    assert (unpacked == spikes).all()


def test_words_of_another_byte_order_unpack_alike():
    spikes = np.random.default_rng(0).random((2, 65, 3, 3)) < 0.5
    words = pack_spikes(spikes)
    assert (unpack_spikes(words.astype(">u8"), 65) == spikes).all()


def test_weight_row_is_tap_by_tap_then_output_channel():
    weight = np.arange(5 * 2 * TAPS).reshape(5, 2, 3, 3)
    row = weight_row(weight, 1)
    assert len(row) == TAPS * 5
    for lane, value in enumerate(row):
        tap, out = divmod(lane, 5)
        assert value == weight[out, 1, tap // 3, tap % 3]
