"""The frozen network, from which golden model, RTL and HLS are all made."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from safetensors.numpy import save

from ..support.arguments import check_integer, wrong_type
from ..support.errors import UsageError
from ..support.files import write_atomically
from ..support.reading import parse_json, reading
from .fixed_point import MULT_BITS, NOISE_WEIGHT_BITS, WIDTH_MAX, weight_range
from .network import NetworkSpec
from .widths import LayerWidths, NetworkWidths, network_widths

FORMAT = 1
"""Number of the file's layout."""
SHIPPED = Path(__file__).parent.parent / "deployments"
"""Folder of the deployments that come with the package."""
DEFAULT_DEPLOYMENT = "video"
"""The shipped deployment that pictures are denoised with."""
HARDWARE_DEPLOYMENT = "best-s25"
"""The shipped deployment with the best image quality of those that all hardware commands take."""
TRAINED_SIGMA = 25.0
"""Noise that a network was trained for if its file does not say, in grey levels."""

IntArray = npt.NDArray[np.integer]


@dataclass(frozen=True, kw_only=True, eq=False)
class Deployment:
    """Integers of a frozen network.

    Parameters
    ----------
    spec
        The network.
    weights
        Per layer (out_channels, in_channels, 3, 3) int8.
    biases
        Per layer (out_channels,) int32, in units of the weighted sum (the encoding layer's
        after its rounding shift), added in every timestep.
    thresholds, inits
        Per spiking layer (channels,) int32, in the membrane's unit; thresholds are 1 or more.
    mults
        (allowed timesteps,) uint16: multiplier of the output layer for each allowed T.
    scales
        Per layer (out_channels,) float64, the s of x = s * current. For reports only: no
        integer depends on them.
    provenance
        Where the numbers come from, as plain JSON values.
    noise_weight
        (channels,) int16 of 12 bits, for a network that takes the noise level n, in sixteenths of
        a grey level: the encoding layer's bias is ``bias + rounded(noise_weight * n >>
        noise_shift)``. None for other networks.

    Raises
    ------
    UsageError
        An array's name, shape, type or range does not fit the spec, or a derived width is more
        than the hardware supports.
    """

    spec: NetworkSpec
    weights: tuple[IntArray, ...]
    biases: tuple[IntArray, ...]
    thresholds: tuple[IntArray, ...]
    inits: tuple[IntArray, ...]
    mults: IntArray
    scales: tuple[npt.NDArray[np.float64], ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    noise_weight: IntArray | None = None

    def __post_init__(self) -> None:
        _ = self.sigma
        if (self.noise_weight is None) != (self.spec.noise_levels is None):
            raise UsageError(
                "tensor 'noise_weight.00' and noise_levels need each other: give both or none"
            )
        for name, array, shape, dtype in self._expected():
            if array.dtype != dtype or array.shape != shape:
                raise UsageError(
                    f"tensor {name!r} is {array.dtype} {list(array.shape)}, "
                    f"not {np.dtype(dtype)} {list(shape)}"
                )
        for index, layer in enumerate(self.spec.layers):
            low, high = weight_range(layer.weight_bits)
            _check_range(f"weight.{index:02}", self.weights[index], low, high)
            if not (np.isfinite(self.scales[index]).all() and (self.scales[index] > 0).all()):
                raise UsageError(f"tensor 'scale.{index:02}' holds a value that is not above zero")
        for index, threshold in enumerate(self.thresholds):
            _check_range(f"threshold.{index:02}", threshold, 1, (1 << 31) - 1)
        _check_range("mult", self.mults, 1, (1 << MULT_BITS) - 1)
        if self.noise_weight is not None:
            limit = 1 << (NOISE_WEIGHT_BITS - 1)
            _check_range("noise_weight.00", self.noise_weight, -limit, limit - 1)
        for index, widths in enumerate(self.widths.layers):
            for name in LayerWidths.__dataclass_fields__:
                if (bits := getattr(widths, name)) > WIDTH_MAX:
                    raise UsageError(
                        f"layer {index} needs {bits} bits for its {name}; at most {WIDTH_MAX} are "
                        f"supported: use narrower weights or smaller biases"
                    )

    @cached_property
    def widths(self) -> NetworkWidths:
        """Derived widths of all layers."""
        return network_widths(
            self.spec, self.weights, self.biases, self.thresholds, self.inits, self.noise_weight
        )

    @cached_property
    def sigma(self) -> float:
        """Standard deviation of the noise that it was trained for, in grey levels."""
        sigma = self.provenance.get("sigma", TRAINED_SIGMA)
        if not isinstance(sigma, int | float) or not 0 < sigma < math.inf:
            raise UsageError(f"provenance 'sigma' is {sigma!r}, not a number above zero")
        return float(sigma)

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) over the canonical JSON and the little-endian tensors in name order."""
        digest = hashlib.sha256(_canonical(self._description()))
        for _, array in sorted(self.tensors().items()):
            digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()

    def mult(self, timesteps: int) -> int:
        """Output multiplier for ``timesteps``.

        Raises
        ------
        TypeError
            T is not an integer.
        UsageError
            T is not allowed.
        """
        check_integer("T =", timesteps)
        try:
            return int(self.mults[self.spec.timesteps.index(timesteps)])
        except ValueError:
            allowed = ", ".join(map(str, self.spec.timesteps))
            raise UsageError(
                f"T = {timesteps} is not allowed by this deployment; it allows {allowed}"
            ) from None

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """All arrays by their names in the file."""
        return {name: array for name, array, _, _ in self._expected()}

    def save(self, path: Path) -> None:
        """Write the deployment file."""
        # One metadata key only: safetensors does not keep the order of several.
        metadata = {"deployment": _canonical(self._description() | {"hash": self.hash}).decode()}
        # safetensors writes the buffer as it is and ignores strides.
        tensors = {name: np.ascontiguousarray(array) for name, array in self.tensors().items()}
        write_atomically(path, save(tensors, metadata))

    def _description(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "provenance": dict(self.provenance),
            "spec": self.spec.to_dict(),
        }

    def _expected(
        self,
    ) -> Iterator[tuple[str, npt.NDArray[Any], tuple[int, ...], npt.DTypeLike]]:
        """Name, array, shape and type of every tensor."""
        for index, layer in enumerate(self.spec.layers):
            per_channel = (layer.out_channels,)
            yield f"weight.{index:02}", self.weights[index], layer.weight_shape, np.int8
            yield f"bias.{index:02}", self.biases[index], per_channel, np.int32
            yield f"scale.{index:02}", self.scales[index], per_channel, np.float64
            if layer.neuron is not None:
                yield f"threshold.{index:02}", self.thresholds[index], per_channel, np.int32
                yield f"init.{index:02}", self.inits[index], per_channel, np.int32
        yield "mult", self.mults, (len(self.spec.timesteps),), np.uint16
        if self.noise_weight is not None:
            yield "noise_weight.00", self.noise_weight, (self.spec.channels,), np.int16


def load_deployment(source: str | Path) -> Deployment:
    """Read and verify a deployment.

    Parameters
    ----------
    source
        Name of a shipped deployment, or path of a file.

    Raises
    ------
    TypeError
        The source is neither a string nor a path.
    UsageError
        The file is missing, not a deployment, or its hash, shapes or ranges are wrong.
    """
    path = _locate(source)
    with reading(path, "a deployment", "give a .safetensors file that `freeze` wrote"):
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            # An open file has keys, but cannot be iterated over.
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - see above
        if "deployment" not in metadata:
            raise ValueError("it holds no deployment description")
        description = parse_json(metadata["deployment"])
        stored, layout = description["hash"], description["format"]
        provenance = dict(description["provenance"])
        network = description["spec"]
    if layout != FORMAT:
        raise UsageError(f"{path} has layout {layout!r}; this version reads layout {FORMAT}")
    try:
        deployment = _assemble(NetworkSpec.from_dict(network), tensors, provenance)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    if deployment.hash != stored:
        raise UsageError(
            f"{path} is damaged: its contents hash to {deployment.hash[:16]}…, "
            f"but it says {str(stored)[:16]}…; freeze or copy it again"
        )
    return deployment


def load_plain_deployment(source: str | Path, what: str) -> Deployment:
    """Load a deployment for ``what``, which supports plain networks only (`NetworkSpec.plain`)."""
    deployment = load_deployment(source)
    deployment.spec.check_plain(what)
    return deployment


def shipped_deployments() -> list[str]:
    """Names of the deployments that come with the package."""
    return sorted(path.stem for path in SHIPPED.glob("*.safetensors"))


def _locate(source: str | Path) -> Path:
    if not isinstance(source, str | Path):
        raise wrong_type("deployment", source, "a shipped name, the path of a file or a Deployment")
    shipped = SHIPPED / f"{source}.safetensors"
    if str(source) in shipped_deployments():
        return shipped
    path = Path(source)
    try:
        found = path.is_file()
    except OSError:  # not a valid name, or no permission
        found = False
    if not found:
        raise UsageError(
            f"deployment {str(source)!r} is neither a file nor a shipped name "
            f"({', '.join(shipped_deployments()) or 'none'})"
        )
    return path


def _assemble(
    spec: NetworkSpec, tensors: dict[str, npt.NDArray[Any]], provenance: Mapping[str, Any]
) -> Deployment:
    layers = range(len(spec.layers))
    spiking = range(len(spec.spiking_layers))
    names = {f"{kind}.{i:02}" for kind in ("weight", "bias", "scale") for i in layers}
    names |= {f"{kind}.{i:02}" for kind in ("threshold", "init") for i in spiking} | {"mult"}
    if spec.noise_levels is not None:
        names.add("noise_weight.00")
    if wrong := sorted(names.symmetric_difference(tensors)):
        what = "is missing" if wrong[0] in names else "does not belong to its network"
        raise UsageError(f"tensor {wrong[0]!r} {what}")
    return Deployment(
        spec=spec,
        weights=tuple(tensors[f"weight.{i:02}"] for i in layers),
        biases=tuple(tensors[f"bias.{i:02}"] for i in layers),
        scales=tuple(tensors[f"scale.{i:02}"] for i in layers),
        thresholds=tuple(tensors[f"threshold.{i:02}"] for i in spiking),
        inits=tuple(tensors[f"init.{i:02}"] for i in spiking),
        mults=tensors["mult"],
        provenance=provenance,
        noise_weight=tensors.get("noise_weight.00"),
    )


def _canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _check_range(name: str, array: IntArray, low: int, high: int) -> None:
    if array.size and (array.min() < low or array.max() > high):
        worst = array.min() if array.min() < low else array.max()
        raise UsageError(f"tensor {name!r} holds {worst}, outside of {low}..{high}")
