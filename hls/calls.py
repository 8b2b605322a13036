"""Templates of the calls of the kernels, one per layer."""

from __future__ import annotations

from typing import Any

from hls4ml.backends.template import FunctionCallTemplate
from hls4ml.model.layers import Layer

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

CONV_CALL = "nnet::{kernel}<{input_t}, {output_t}, {config}>({input}, {output}, {weight});"
DOUBLED_CONV_CALL = CONV_CALL.replace("{config}", "{config}, true")
LIF_CALL = (
    "nnet::lif<{input_t}, {output_t}, {config}>({input}, {output}, {bias}, {threshold}, {init});"
)
FEW_SPIKES_CALL = LIF_CALL.replace("lif", "few_spikes")
FEW_SPIKES_WITH_BIASES_CALL = (
    "nnet::few_spikes_with_biases<{sums_t}, {biases_t}, {output_t}, {config}>"
    "({sums}, {biases}, {output}, {threshold}, {init});"
)
LEVEL_BIAS_CALL = (
    "nnet::level_bias<{input_t}, {output_t}, {config}>({input}, {output}, {bias}, {noise_weight});"
)
PLANES_CALL = "nnet::to_planes<{input_t}, {output_t}, {config}>({input}, {output});"
RESIDUAL_CALL = (
    "nnet::{kernel}<{pixels_t}, {sums_t}, {output_t}, {config}>"
    "({pixels}, {sums}, {output}, {bias});"
)


class _Call(FunctionCallTemplate):
    """Call of a kernel.

    Parameters
    ----------
    header
        File of the kernel.
    template
        C++ text of the call.
    inputs
        Names of the inputs in the template, if there are several.
    constants
        Other fields of the template.
    """

    def __init__(
        self,
        layer: type[Layer],
        header: str,
        template: str,
        *,
        inputs: tuple[str, ...] = (),
        **constants: str,
    ) -> None:
        super().__init__(layer, include_header=[f"nnet_utils/{header}"])
        self.template, self.inputs, self.constants = template, inputs, constants

    def params(self, node: Layer) -> dict[str, Any]:
        """Values of the template's fields."""
        params = self._default_function_params(node)
        params |= {name: table.name for name, table in node.weights.items()}
        # A layer has fewer inputs than its template where one is optional.
        for name, source in zip(self.inputs, node.inputs, strict=False):
            variable = node.get_input_variable(source)
            params |= {name: variable.name, f"{name}_t": variable.type.name}
        return params | self.constants

    def format(self, node: Layer) -> str:
        return self.template.format(**self.params(node))


class EventConvCall(_Call):
    """Call of ``event_conv_2d``."""

    def __init__(self) -> None:
        super().__init__(EventSynapses, "nnet_spiking_conv.h", CONV_CALL, kernel="event_conv_2d")

    def format(self, node: Layer) -> str:
        """The C++ text, which also says if the code is binary."""
        template = DOUBLED_CONV_CALL if node.get_attr("doubled") else CONV_CALL
        return template.format(**self.params(node))


class PixelConvCall(_Call):
    """Call of ``pixel_conv_2d``."""

    def __init__(self) -> None:
        super().__init__(PixelSynapses, "nnet_spiking_conv.h", CONV_CALL, kernel="pixel_conv_2d")


class LIFCall(_Call):
    """Call of ``lif``."""

    def __init__(self) -> None:
        super().__init__(SpikingNeurons, "nnet_spiking_lif.h", LIF_CALL)


class FewSpikesCall(_Call):
    """Call of ``few_spikes`` or, where the biases are an input, ``few_spikes_with_biases``."""

    def __init__(self) -> None:
        super().__init__(
            FewSpikeNeurons, "nnet_spiking_few.h", FEW_SPIKES_CALL, inputs=("sums", "biases")
        )

    def format(self, node: Layer) -> str:
        """The C++ text."""
        template = FEW_SPIKES_WITH_BIASES_CALL if node.bias_is_input else FEW_SPIKES_CALL
        return template.format(**self.params(node))


class LevelBiasCall(_Call):
    """Call of ``level_bias``."""

    def __init__(self) -> None:
        super().__init__(LevelBias, "nnet_spiking_few.h", LEVEL_BIAS_CALL)


class PlanesCall(_Call):
    """Call of ``to_planes``."""

    def __init__(self) -> None:
        super().__init__(PixelPlanes, "nnet_spiking_planes.h", PLANES_CALL)


class _ResidualCall(_Call):
    """Call of a residual, with both inputs."""

    def __init__(self, layer: type[Layer], kernel: str) -> None:
        super().__init__(
            layer,
            "nnet_spiking_residual.h",
            RESIDUAL_CALL,
            inputs=("pixels", "sums"),
            kernel=kernel,
        )


class ResidualCall(_ResidualCall):
    """Call of ``spiking_residual``."""

    def __init__(self) -> None:
        super().__init__(SpikingResidual, "spiking_residual")


class PlaneResidualCall(_ResidualCall):
    """Call of ``plane_residual``."""

    def __init__(self) -> None:
        super().__init__(PlaneResidual, "plane_residual")


CALLS = (
    EventConvCall,
    PixelConvCall,
    LIFCall,
    FewSpikesCall,
    LevelBiasCall,
    PlanesCall,
    ResidualCall,
    PlaneResidualCall,
)
