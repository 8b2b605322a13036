"""What to say where a Python package of somebody else is missing."""

from __future__ import annotations

from importlib.util import find_spec

_OURS = ("sw_model", "rtl", "hls", "sim")
_DISTRIBUTIONS = {
    "PIL": "pillow",
    "cocotb_tools": "cocotb",
    "serial": "pyserial",
    "skimage": "scikit-image",
}
"""What pip calls a package that is imported by another name."""


def need(package: str) -> None:
    """Raise at once the ModuleNotFoundError that would otherwise end a long run."""
    if find_spec(package) is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)


def absence(error: ImportError) -> str | None:
    """What to do where an import failed; None where the mistake is not in the installation."""
    name = (error.name or "").partition(".")[0]
    if name in ("", *_OURS):
        return None
    package = _DISTRIBUTIONS.get(name, name.replace("_", "-"))
    absent = isinstance(error, ModuleNotFoundError)
    reason = "is missing" if absent else f"cannot be loaded ({' '.join(str(error).split())})"
    return (
        f"the Python package {package} {reason}; run `make setup` and `source .venv/bin/activate`, "
        f"or `pip install {package}`"
    )
