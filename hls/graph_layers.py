"""The frozen network's layers in hls4ml's graph.

No name contains "Conv" or "Dense", because hls4ml recognises its own layers by these words.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hls4ml.model.attributes import Attribute
from hls4ml.model.layers import Layer
from hls4ml.model.types import IntegerPrecisionType

from sw_model.spec import PIXEL_BITS
from sw_model.spec.fixed_point import NOISE_WEIGHT_BITS


def signed(bits: int) -> IntegerPrecisionType:
    """``ap_int`` with `bits` bits."""
    return IntegerPrecisionType(width=bits, signed=True)


def unsigned(bits: int) -> IntegerPrecisionType:
    """``ap_uint`` with `bits` bits."""
    return IntegerPrecisionType(width=bits, signed=False)


class _FrozenLayer(Layer):
    """Base class of the layers."""

    def add_table(
        self, name: str, values: npt.NDArray[np.integer], precision: IntegerPrecisionType
    ) -> None:
        """Add a table of integer constants, which becomes a header and a text file."""
        self.add_weights_variable(
            name=name, var_name=f"{name}{{index}}", data=values, precision=precision
        )


class EventSynapses(_FrozenLayer):
    """Convolution over event words: hidden layers and the output layer."""

    _expected_attributes = [  # noqa: RUF012 - hls4ml's base class reads a list of this name
        Attribute("in_height"),
        Attribute("in_width"),
        Attribute("n_chan"),
        Attribute("n_filt"),
        Attribute("timesteps"),
        Attribute("sum_over_time", value_type=bool),
        Attribute("doubled", value_type=bool),
    ]

    def initialize(self) -> None:
        """Add output and weights; a row has the weights of one input channel."""
        shape = [self.attributes["in_height"], self.attributes["in_width"]]
        if not self.attributes["sum_over_time"]:
            shape.append(self.attributes["timesteps"])
        self.add_output_variable(
            [*shape, self.attributes["n_filt"]], precision=signed(self.attributes["sum_bits"])
        )
        self.add_table("weight", self.attributes["rows"], signed(self.attributes["weight_bits"]))


class PixelSynapses(_FrozenLayer):
    """Convolution over pixels: the encoding layer."""

    _expected_attributes = [  # noqa: RUF012 - as above
        Attribute("in_height"),
        Attribute("in_width"),
        Attribute("n_filt"),
    ]

    def initialize(self) -> None:
        """Add output and weights (output channel, tap)."""
        shape = [self.attributes["in_height"], self.attributes["in_width"]]
        self.add_output_variable(
            [*shape, self.attributes["n_filt"]], precision=signed(self.attributes["sum_bits"])
        )
        self.add_table("weight", self.attributes["rows"], signed(self.attributes["weight_bits"]))


class SpikingNeurons(_FrozenLayer):
    """Spiking neurons: one bit per channel and timestep."""

    _expected_attributes = [  # noqa: RUF012 - as above
        Attribute("in_height"),
        Attribute("in_width"),
        Attribute("n_chan"),
        Attribute("timesteps"),
        Attribute("constant", value_type=bool),
    ]

    def initialize(self) -> None:
        """Add output and constants."""
        names = ("in_height", "in_width", "timesteps", "n_chan")
        shape = [self.attributes[name] for name in names]
        self.add_output_variable(shape, precision=unsigned(1))
        self.add_table("bias", self.attributes["biases"], signed(self.attributes["bias_bits"]))
        self.add_table(
            "threshold", self.attributes["thresholds"], unsigned(self.attributes["threshold_bits"])
        )
        self.add_table("init", self.attributes["inits"], signed(self.attributes["membrane_bits"]))


class FewSpikeNeurons(_FrozenLayer):
    """Few-spike neurons: one bit per channel and timestep. Biases are a table or an input."""

    _expected_attributes = [  # noqa: RUF012 - as above
        Attribute("in_height"),
        Attribute("in_width"),
        Attribute("n_chan"),
        Attribute("timesteps"),
    ]

    def initialize(self) -> None:
        """Add output and constants."""
        names = ("in_height", "in_width", "timesteps", "n_chan")
        shape = [self.attributes[name] for name in names]
        self.add_output_variable(shape, precision=unsigned(1))
        if not self.bias_is_input:
            self.add_table("bias", self.attributes["biases"], signed(self.attributes["bias_bits"]))
        self.add_table(
            "threshold", self.attributes["thresholds"], unsigned(self.attributes["threshold_bits"])
        )
        self.add_table("init", self.attributes["inits"], signed(self.attributes["init_bits"]))

    @property
    def bias_is_input(self) -> bool:
        """Whether the biases come from a stream."""
        return len(self.inputs) > 1


class LevelBias(_FrozenLayer):
    """Biases of the encoding layer at a noise level."""

    _expected_attributes = [Attribute("n_chan")]  # noqa: RUF012 - as above

    def initialize(self) -> None:
        """Add output and constants."""
        precision = signed(self.attributes["bias_bits"])
        self.add_output_variable([self.attributes["n_chan"]], precision=precision)
        self.add_table("bias", self.attributes["biases"], precision)
        self.add_table("noise_weight", self.attributes["noise_weights"], signed(NOISE_WEIGHT_BITS))


class PixelPlanes(_FrozenLayer):
    """Pixels sorted into planes."""

    _expected_attributes = [  # noqa: RUF012 - as above
        Attribute("in_height"),
        Attribute("in_width"),
        Attribute("planes"),
    ]

    def initialize(self) -> None:
        """Add the output."""
        self.add_output_variable(self.attributes["out_shape"], precision=signed(PIXEL_BITS))


class SpikingResidual(_FrozenLayer):
    """Scaling to the residual, subtraction from the pixel, clamp."""

    _expected_attributes = [  # noqa: RUF012 - as above
        Attribute("in_height"),
        Attribute("in_width"),
        Attribute("timesteps"),
        Attribute("mult"),
    ]

    def initialize(self) -> None:
        """Add output and bias."""
        shape = [self.attributes[name] for name in ("in_height", "in_width", "colours")]
        self.add_output_variable(shape, precision=unsigned(self.attributes["grey_bits"]))
        self.add_table("bias", self.attributes["biases"], signed(self.attributes["bias_bits"]))


class PlaneResidual(SpikingResidual):
    """The same for sums of several planes or colours."""


LAYERS = (
    EventSynapses,
    PixelSynapses,
    SpikingNeurons,
    FewSpikeNeurons,
    LevelBias,
    PixelPlanes,
    SpikingResidual,
    PlaneResidual,
)
