"""Templates of the layers' configurations in C++.

All widths and constants of the kernels come from the layers' attributes through these templates.
"""

from __future__ import annotations

from hls4ml.backends.template import LayerConfigTemplate
from hls4ml.model.layers import Layer

from sw_model.spec import KERNEL, MULT_BITS, TAPS
from sw_model.spec.fixed_point import NOISE_WEIGHT_BITS, unsigned_width
from sw_model.spec.network import LEVEL_BITS

from .graph_layers import (
    EventSynapses,
    FewSpikeNeurons,
    LevelBias,
    PixelPlanes,
    PixelSynapses,
    PlaneResidual,
    SpikingNeurons,
    SpikingResidual,
)

_WINDOW = """\
    static const unsigned height = {in_height};
    static const unsigned width = {in_width};
    static const unsigned kernel = {kernel};
    static const unsigned margin = {margin};
    static const unsigned taps = {taps};
    static const unsigned n_filt = {n_filt};
    static const unsigned reuse_factor = {reuse};
    typedef ap_int<{sum_bits}> accum_t;
    typedef {weight_t.name} weight_t;
"""
EVENT_CONV_CONFIG = (
    "struct config{index} {{\n"
    + _WINDOW
    + """\
    static const unsigned steps = {timesteps};
    static const unsigned n_chan = {n_chan};
    static const bool sum_over_time = {sum_over_time};
}};
"""
)
PIXEL_CONV_CONFIG = (
    "struct config{index} {{\n"
    + _WINDOW
    + """\
    static const unsigned steps = 1; // one pixel for all timesteps
}};
"""
)
LIF_CONFIG = """\
struct config{index} {{
    static const unsigned layer = {layer};
    static const unsigned pixels = {in_height} * {in_width};
    static const unsigned steps = {timesteps};
    static const unsigned n_chan = {n_chan};
    static const unsigned reuse_factor = {reuse};
    static const bool constant = {constant};
    static const bool leaky = {leaky};
    static const int leak = {leak};
    static const bool soft_reset = {soft_reset};
    static const int fractional_bits = {fractional_bits};
    static const int shift = {shift};
    static const int half = {half};
    typedef ap_int<{current_bits}> current_t;
    typedef ap_int<{membrane_bits}> membrane_t;
    typedef {bias_t.name} bias_t;
    typedef {threshold_t.name} threshold_t;
    typedef {init_t.name} init_t;
}};
"""
RESIDUAL_CONFIG = """\
struct config{index} {{
    static const unsigned pixels = {in_height} * {in_width};
    static const unsigned reuse_factor = {reuse};
    static const unsigned steps = {timesteps};
    static const unsigned mult = {mult};
    static const int half = {half};
    static const int shift = {shift};
    static const int grey_max = {grey_max};
    typedef ap_uint<{steps_bits}> steps_t;
    typedef ap_uint<{mult_bits}> mult_t;
    typedef ap_int<{total_bits}> total_t;
    typedef ap_int<{product_bits}> product_t;
    typedef {bias_t.name} bias_t;
}};
"""
FEW_SPIKES_CONFIG = """\
struct config{index} {{
    static const unsigned layer = {layer};
    static const unsigned pixels = {in_height} * {in_width};
    static const unsigned steps = {timesteps};
    static const unsigned n_chan = {n_chan};
    static const unsigned reuse_factor = {reuse};
    static const int shift = {shift};
    static const int half = {half};
    typedef ap_int<{current_bits}> current_t;
    typedef ap_int<{membrane_bits}> membrane_t;
    typedef ap_uint<{value_bits}> value_t;
    typedef ap_int<{bias_bits}> bias_t;
    typedef {threshold_t.name} threshold_t;
    typedef {init_t.name} init_t;
}};
"""
LEVEL_BIAS_CONFIG = """\
struct config{index} {{
    static const unsigned n_chan = {n_chan};
    static const int shift = {shift};
    static const int half = {half};
    typedef ap_int<{product_bits}> product_t;
    typedef {bias_t.name} bias_t;
    typedef {noise_weight_t.name} noise_weight_t;
}};
"""
PLANES_CONFIG = """\
struct config{index} {{
    static const unsigned height = {in_height};
    static const unsigned width = {in_width};
    static const unsigned planes = {planes};
}};
"""
PLANE_RESIDUAL_CONFIG = """\
struct config{index} {{
    static const unsigned height = {in_height};
    static const unsigned width = {in_width};
    static const unsigned planes = {planes};
    static const unsigned mult = {mult};
    static const int half = {half};
    static const int shift = {shift};
    static const int grey_max = {grey_max};
    typedef ap_uint<{mult_bits}> mult_t;
    typedef ap_int<{total_bits}> total_t;
    typedef ap_int<{product_bits}> product_t;
    typedef {bias_t.name} bias_t;
}};
"""


class _WindowConfig(LayerConfigTemplate):
    """Configuration of a convolution."""

    def __init__(self, layer: type[Layer], template: str) -> None:
        super().__init__(layer)
        self.template = template

    def format(self, node: Layer) -> str:
        params = self._default_config_params(node)
        params |= {"kernel": KERNEL, "margin": KERNEL // 2, "taps": TAPS}
        params["weight_t"] = node.get_weights("weight").type
        return self.template.format(**params)


class EventConvConfig(_WindowConfig):
    """Configuration of `EventSynapses`."""

    def __init__(self) -> None:
        super().__init__(EventSynapses, EVENT_CONV_CONFIG)


class PixelConvConfig(_WindowConfig):
    """Configuration of `PixelSynapses`."""

    def __init__(self) -> None:
        super().__init__(PixelSynapses, PIXEL_CONV_CONFIG)


class LIFConfig(LayerConfigTemplate):
    """Configuration of `SpikingNeurons`."""

    def __init__(self) -> None:
        super().__init__(SpikingNeurons)

    def format(self, node: Layer) -> str:
        """The C++ text."""
        params = self._default_config_params(node)
        params |= {f"{name}_t": table.type for name, table in node.weights.items()}
        return LIF_CONFIG.format(**params)


class FewSpikesConfig(LayerConfigTemplate):
    """Configuration of `FewSpikeNeurons`."""

    def __init__(self) -> None:
        super().__init__(FewSpikeNeurons)

    def format(self, node: Layer) -> str:
        """The C++ text."""
        params = self._default_config_params(node)
        params |= {f"{name}_t": table.type for name, table in node.weights.items()}
        # A spike of the first step counts most.
        params["value_bits"] = params["threshold_bits"] + params["timesteps"] - 1
        return FEW_SPIKES_CONFIG.format(**params)


class LevelBiasConfig(LayerConfigTemplate):
    """Configuration of `LevelBias`."""

    def __init__(self) -> None:
        super().__init__(LevelBias)

    def format(self, node: Layer) -> str:
        """The C++ text."""
        params = self._default_config_params(node)
        params |= {f"{name}_t": table.type for name, table in node.weights.items()}
        # The product or the rounding constant, with room for their sum.
        params["product_bits"] = max(NOISE_WEIGHT_BITS + LEVEL_BITS, params["shift"] + 1) + 1
        return LEVEL_BIAS_CONFIG.format(**params)


class PlanesConfig(LayerConfigTemplate):
    """Configuration of `PixelPlanes`."""

    def __init__(self) -> None:
        super().__init__(PixelPlanes)

    def format(self, node: Layer) -> str:
        """The C++ text."""
        return PLANES_CONFIG.format(**self._default_config_params(node))


class _ResidualConfig(LayerConfigTemplate):
    """Configuration of a residual."""

    def __init__(self, layer: type[Layer], template: str) -> None:
        super().__init__(layer)
        self.template = template

    def format(self, node: Layer) -> str:
        """The C++ text."""
        params = self._default_config_params(node)
        params["mult_bits"] = MULT_BITS
        params["steps_bits"] = unsigned_width(params["timesteps"])
        # The product or the rounding constant, with room for their sum and for the pixel.
        product = params["total_bits"] + MULT_BITS
        params["product_bits"] = max(product, params["shift"] + 1) + 1
        params["bias_t"] = node.get_weights("bias").type
        return self.template.format(**params)


class ResidualConfig(_ResidualConfig):
    """Configuration of `SpikingResidual`."""

    def __init__(self) -> None:
        super().__init__(SpikingResidual, RESIDUAL_CONFIG)


class PlaneResidualConfig(_ResidualConfig):
    """Configuration of `PlaneResidual`."""

    def __init__(self) -> None:
        super().__init__(PlaneResidual, PLANE_RESIDUAL_CONFIG)


CONFIGS = (
    EventConvConfig,
    PixelConvConfig,
    LIFConfig,
    FewSpikesConfig,
    LevelBiasConfig,
    PlanesConfig,
    ResidualConfig,
    PlaneResidualConfig,
)
