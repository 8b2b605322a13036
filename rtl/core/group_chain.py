"""The chain of channel groups, in which each group is one cycle later than the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from amaranth.hdl import Cat, Module, Signal, Value

from .channel_group import ChannelGroup
from .loading import LoadChunk


def pass_on(m: Module, groups: Sequence[ChannelGroup]) -> None:
    """Forward events, planes and the kind of layer from each group to the next, a cycle later."""
    for before, group in pairwise(groups):
        m.d.sync += [
            group.requests.valid.eq(before.requests.valid),
            group.requests.payload.eq(before.requests.payload),
            group.planes.valid.eq(before.planes.valid),
            group.planes.payload.eq(before.planes.payload),
            group.encoding.eq(before.encoding),
        ]


def pass_on_loads(m: Module, groups: Sequence[ChannelGroup]) -> None:
    """Forward loaded chunks from each group to the next, a cycle later."""
    for before, group in pairwise(groups):
        valid, chunk = Signal(), Signal(LoadChunk(), reset_less=True)
        m.d.sync += [valid.eq(before.load.valid), chunk.eq(before.load.payload)]
        m.d.comb += [group.load.valid.eq(valid), group.load.payload.eq(chunk)]


def words_together(m: Module, groups: Sequence[ChannelGroup]) -> Value:
    """Return the words of all channels; those of earlier groups are delayed to the last one's."""
    parts = []
    for index, group in enumerate(groups):
        part = group.words.payload
        for age in range(len(groups) - 1 - index):
            later = Signal.like(part, name=f"words_{index}_{age}", reset_less=True)
            m.d.sync += later.eq(part)
            part = later
        parts.append(part)
    return Cat(parts)
