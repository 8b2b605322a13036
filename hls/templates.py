"""Templates of the C++ for the frozen network's layers: one configuration and one call per layer.

All widths and constants of the kernels come from the layers' attributes through these templates.
"""

from __future__ import annotations

from typing import Any

from hls4ml.backends.template import FunctionCallTemplate, LayerConfigTemplate
from hls4ml.model.layers import Layer

from sw_model.spec import KERNEL, MULT_BITS, TAPS
from sw_model.spec.fixed_point import unsigned_width

from .graph_layers import EventSynapses, PixelSynapses, SpikingNeurons, SpikingResidual

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
CONV_CALL = "nnet::{kernel}<{input_t}, {output_t}, {config}>({input}, {output}, {weight});"
LIF_CALL = (
    "nnet::lif<{input_t}, {output_t}, {config}>({input}, {output}, {bias}, {threshold}, {init});"
)
RESIDUAL_CALL = (
    "nnet::spiking_residual<{pixels_t}, {sums_t}, {output_t}, {config}>"
    "({pixels}, {sums}, {output}, {bias});"
)


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


class ResidualConfig(LayerConfigTemplate):
    """Configuration of `SpikingResidual`."""

    def __init__(self) -> None:
        super().__init__(SpikingResidual)

    def format(self, node: Layer) -> str:
        """The C++ text."""
        params = self._default_config_params(node)
        params["mult_bits"] = MULT_BITS
        params["steps_bits"] = unsigned_width(params["timesteps"])
        # The product or the rounding constant, with room for their sum and for the pixel.
        product = params["total_bits"] + MULT_BITS
        params["product_bits"] = max(product, params["shift"] + 1) + 1
        params["bias_t"] = node.get_weights("bias").type
        return RESIDUAL_CONFIG.format(**params)


class _Call(FunctionCallTemplate):
    """Call of a kernel."""

    def __init__(self, layer: type[Layer], header: str, template: str, **constants: str) -> None:
        super().__init__(layer, include_header=[f"nnet_utils/{header}"])
        self.template, self.constants = template, constants

    def params(self, node: Layer) -> dict[str, Any]:
        """Values of the template's fields."""
        params = self._default_function_params(node)
        params |= {name: table.name for name, table in node.weights.items()}
        return params | self.constants

    def format(self, node: Layer) -> str:
        return self.template.format(**self.params(node))


class EventConvCall(_Call):
    """Call of ``event_conv_2d``."""

    def __init__(self) -> None:
        super().__init__(EventSynapses, "nnet_spiking_conv.h", CONV_CALL, kernel="event_conv_2d")


class PixelConvCall(_Call):
    """Call of ``pixel_conv_2d``."""

    def __init__(self) -> None:
        super().__init__(PixelSynapses, "nnet_spiking_conv.h", CONV_CALL, kernel="pixel_conv_2d")


class LIFCall(_Call):
    """Call of ``lif``."""

    def __init__(self) -> None:
        super().__init__(SpikingNeurons, "nnet_spiking_lif.h", LIF_CALL)


class ResidualCall(_Call):
    """Call of ``spiking_residual``."""

    def __init__(self) -> None:
        super().__init__(SpikingResidual, "nnet_spiking_residual.h", RESIDUAL_CALL)

    def params(self, node: Layer) -> dict[str, Any]:
        """Values as in `_Call.params`, for both inputs."""
        params = super().params(node)
        for name, source in zip(("pixels", "sums"), node.inputs, strict=True):
            variable = node.get_input_variable(source)
            params |= {name: variable.name, f"{name}_t": variable.type.name}
        return params


TEMPLATES = (
    EventConvConfig,
    EventConvCall,
    PixelConvConfig,
    PixelConvCall,
    LIFConfig,
    LIFCall,
    ResidualConfig,
    ResidualCall,
)
