"""The specification that every part of the project shares: numbers, neuron, network, file.

It is the only place where the arithmetic is defined; the golden model, the RTL and the HLS
kernels each implement it on their own. A new neuron or code starts here (`neuron.py`,
`network.py`). It imports nothing of the project but `sw_model.support`,
and only numpy and safetensors from outside.
"""

from ..support.errors import UsageError
from .configurations import CONFIGURATIONS, configuration, uniform_network
from .deployment import Deployment, load_deployment, shipped_deployments
from .fixed_point import GREY_MAX, MULT_BITS, PIXEL_BITS, PIXEL_MAX, PIXEL_MIN
from .network import KERNEL, TAPS, LayerSpec, NetworkSpec
from .neuron import NeuronSpec
from .packing import pack_spikes, unpack_spikes, weight_row
from .widths import LayerWidths, NetworkWidths

__all__ = [
    "CONFIGURATIONS",
    "GREY_MAX",
    "KERNEL",
    "MULT_BITS",
    "PIXEL_BITS",
    "PIXEL_MAX",
    "PIXEL_MIN",
    "TAPS",
    "Deployment",
    "LayerSpec",
    "LayerWidths",
    "NetworkSpec",
    "NetworkWidths",
    "NeuronSpec",
    "UsageError",
    "configuration",
    "load_deployment",
    "pack_spikes",
    "shipped_deployments",
    "uniform_network",
    "unpack_spikes",
    "weight_row",
]
