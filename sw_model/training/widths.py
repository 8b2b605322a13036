"""Bit widths of a quantised network, as options of a command."""

from __future__ import annotations

import argparse
import dataclasses
from dataclasses import dataclass

from sw_model.spec import NetworkSpec


@dataclass(frozen=True, kw_only=True)
class WidthOptions:
    """Widths to quantise to; None leaves the configuration's.

    Attributes
    ----------
    weight_bits, encoding_weight_bits, output_weight_bits
        Bits of the hidden, the encoding and the output layers' weights.
    fractional_bits
        Fractional bits of every spiking layer's currents and membranes.
    encoding_shift
        Rounding right shift of the encoding layer's sums, which are the widest; the layer's
        currents, thresholds and membranes get narrower by it.
    """

    weight_bits: int | None = None
    encoding_weight_bits: int | None = None
    output_weight_bits: int | None = None
    fractional_bits: int | None = None
    encoding_shift: int | None = None

    def apply(self, spec: NetworkSpec) -> NetworkSpec:
        """``spec`` with these widths; raises `UsageError` if it does not allow them."""
        bits = {
            "hidden": self.weight_bits,
            "encoding": self.encoding_weight_bits,
            "output": self.output_weight_bits,
        }
        layers = []
        for layer in spec.layers:
            neuron = layer.neuron
            if neuron is not None and self.fractional_bits is not None:
                neuron = dataclasses.replace(neuron, fractional_bits=self.fractional_bits)
            given = bits[layer.kind]
            width = layer.weight_bits if given is None else given
            shift = layer.shift
            if layer.kind == "encoding" and self.encoding_shift is not None:
                shift = self.encoding_shift
            layers.append(dataclasses.replace(layer, weight_bits=width, neuron=neuron, shift=shift))
        return dataclasses.replace(spec, layers=tuple(layers))

    @staticmethod
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        """An option for each width."""
        for option, what in (
            ("weight-bits", "bits of the hidden layers' weights"),
            ("encoding-weight-bits", "bits of the encoding layer's weights"),
            ("output-weight-bits", "bits of the output layer's weights"),
            ("fractional-bits", "fractional bits of currents and membranes"),
            ("encoding-shift", "rounding right shift of the encoding layer's sums"),
        ):
            parser.add_argument(
                f"--{option}", type=int, metavar="N", help=f"{what}; default: the network's"
            )

    @classmethod
    def from_arguments(cls, args: argparse.Namespace) -> WidthOptions:
        """The widths that were given."""
        return cls(**{f.name: getattr(args, f.name) for f in dataclasses.fields(cls)})

    @classmethod
    def between(cls, spec: NetworkSpec, other: NetworkSpec) -> WidthOptions:
        """The widths of ``other`` that differ from ``spec``, by the first layer of each kind."""
        given = {}
        for name, index, value in (
            ("encoding_weight_bits", 0, lambda layer: layer.weight_bits),
            ("weight_bits", 1, lambda layer: layer.weight_bits),
            ("output_weight_bits", -1, lambda layer: layer.weight_bits),
            ("fractional_bits", 0, lambda layer: layer.neuron.fractional_bits),
            ("encoding_shift", 0, lambda layer: layer.shift),
        ):
            if value(spec.layers[index]) != value(other.layers[index]):
                given[name] = value(other.layers[index])
        return cls(**given)

    def over(self, other: WidthOptions) -> WidthOptions:
        """These widths where they are given, elsewhere those of ``other``."""
        return dataclasses.replace(other, **self.given)

    @property
    def given(self) -> dict[str, int]:
        """The widths that are given, by name."""
        return {
            name: value for name, value in dataclasses.asdict(self).items() if value is not None
        }

    def words(self) -> list[str]:
        """The options that give these widths."""
        return [f"--{name.replace('_', '-')} {value}" for name, value in self.given.items()]
