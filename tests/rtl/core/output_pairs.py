"""The output layer's lanes behind an encoder of two events a cycle."""

from __future__ import annotations

from types import SimpleNamespace

from amaranth.hdl import Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.core.layouts import FrameWord
from rtl.core.output_path import OutputPath
from rtl.core.pair.encoder import PairEncoder
from sw_model.spec import Deployment, uniform_network
from tests.random_deployment import random_deployment

TIMESTEPS = 2
MAX_WIDTH = 4


def output_deployment(channels: int) -> Deployment:
    """Return a network of so many channels, of which only the output layer matters."""
    name = f"{channels} channels"
    spec = uniform_network(name, depth=3, channels=channels, timesteps=(TIMESTEPS,), weight_bits=4)
    return random_deployment(spec, channels)


class OutputPairs(wiring.Component):
    """Event words in, the scatter's sums out."""

    def __init__(self, *, channels: int):
        self._encoder = PairEncoder(channels=channels)
        self._path = OutputPath(
            deployment=output_deployment(channels), max_width=MAX_WIDTH, load=None, events=2
        )
        super().__init__(
            {
                "width": In(range(MAX_WIDTH + 1)),
                "restart": In(1),
                "words": In(stream.Signature(FrameWord(channels))),
                "sums": Out(stream.Signature(self._path.sum_bits, always_ready=True)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.encoder = encoder = self._encoder
        path = self._path
        path.add_to(m)
        wiring.connect(m, wiring.flipped(self.words), encoder.i)
        m.d.comb += encoder.spacing.eq(1)
        # The scaling behind the sums is as with one event a cycle.
        constants = SimpleNamespace(offset=Signal(1), mult=Signal(1))
        path.connect(m, encoder.o, constants, Const(1), self.width, self.restart)
        wiring.connect(m, path.scatter.o, wiring.flipped(self.sums))
        return m
