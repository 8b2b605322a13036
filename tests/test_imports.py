"""Allowed imports: shared arithmetic would invalidate comparisons with the golden model."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests import ROOT

PACKAGES = ("sw_model", "rtl", "hls", "sim")
FILES_MAX = 20

SUPPORT = "sw_model.support"
SPEC = "sw_model.spec"
CORE = ("rtl.core", "rtl.stream")
BENCHES = ("sim.simulators", "sim.compare")
BOARD = ("rtl.board", "rtl.axi", *CORE)
MAY_IMPORT = {
    # Package (the longest matching prefix applies): packages of the project it may import.
    SUPPORT: (SUPPORT,),
    SPEC: (SPEC, SUPPORT),
    "sw_model.golden": ("sw_model.golden", SPEC, SUPPORT),
    "sw_model.pictures": ("sw_model.pictures", SPEC, SUPPORT),
    "sw_model.denoising": (
        "sw_model.denoising",
        "sw_model.golden",
        "sw_model.pictures",
        SPEC,
        SUPPORT,
    ),
    "sw_model.network": ("sw_model.network", "sw_model.coding", "sw_model.pictures", SPEC, SUPPORT),
    "sw_model.training": (
        "sw_model.training",
        "sw_model.network",
        "sw_model.coding",
        "sw_model.pictures",
        SPEC,
        SUPPORT,
    ),
    "sw_model.evaluation": (
        "sw_model.evaluation",
        "sw_model.denoising",
        "sw_model.golden",
        "sw_model.pictures",
        SPEC,
        SUPPORT,
    ),
    "sw_model.studies": ("sw_model",),
    "sw_model.host": ("sw_model.host", "sw_model.pictures", SPEC, SUPPORT),
    "sw_model.coding": (SPEC, SUPPORT),
    # The library's public names and the lists of commands, which import modules lazily.
    "sw_model": ("sw_model.denoising.api", "sw_model.__main__", SPEC, SUPPORT),
    "rtl.stream": ("rtl.stream", SPEC, SUPPORT),
    "rtl.core": (*CORE, SPEC, SUPPORT),
    "rtl.onchip": ("rtl.onchip", *CORE, SPEC, SUPPORT),
    "rtl.axi": ("rtl.axi", *CORE, SPEC, SUPPORT),
    "rtl.board": (*BOARD, SPEC, SUPPORT),
    "rtl.flow": ("rtl.flow", "rtl.onchip", *BOARD, SPEC, SUPPORT),
    "rtl.generate": ("rtl.generate", "rtl.flow", "rtl.onchip", *BOARD, SPEC, SUPPORT),
    "rtl.explore": ("rtl.explore", "rtl.flow", "rtl.onchip", *BOARD, SPEC, SUPPORT),
    "rtl": (SPEC, SUPPORT),
    "hls": ("hls", SPEC, SUPPORT),
    "sim.simulators": ("sim.simulators", "rtl.flow", "rtl.stream", SPEC, SUPPORT),
    "sim.compare": ("sim.compare", "sw_model", "rtl.generate"),
    "sim.targets": ("sim.targets", *BENCHES, "sw_model", "rtl", "hls"),
    "sim.report": ("sim.report", "sim.targets", *BENCHES, "sw_model"),
    "sim.commands": (
        "sim.commands",
        "sim.report",
        "sim.targets",
        *BENCHES,
        "sw_model",
        "rtl",
        "hls",
    ),
    "sim": (SPEC, SUPPORT),
}
OUTSIDE = {
    # Third-party packages that a package may import.
    SUPPORT: {"rich", "distributed"},
    SPEC: {"numpy", "safetensors"},
}
FLOAT = (
    # Float networks, training and freezing: the only packages that use PyTorch.
    "sw_model.network",
    "sw_model.training",
    "sw_model.studies.bench",
    "sw_model.studies.figures",
    "hls",
)
INTEGER = (
    # Modules that must start fast and run without PyTorch.
    "sw_model.golden",
    "sw_model.denoising.api",
    "sw_model.denoising.command",
    "sw_model.denoising.dask",
    "sw_model.evaluation.command",
    "sw_model.evaluation.cost",
    "sw_model.evaluation.spikes",
    "sw_model.evaluation.card",
    "sw_model.studies.coding.command",
    "sw_model.studies.compare.command",
    "sw_model.__main__",
    "sw_model.console",
)


def modules() -> dict[str, Path]:
    """Name and file of every module of the project."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


@functools.cache
def imports(name: str) -> set[str]:
    """Absolute names of everything that a module imports, in functions too."""
    path = MODULES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                parents = parents[: len(parents) - node.level + 1]
                base = ".".join([*parents, base] if base else parents)
            # A name imported from a package may be one of its modules.
            found |= {
                full if (full := f"{base}.{alias.name}") in MODULES else base
                for alias in node.names
            }
    return found


def reachable(name: str) -> set[str]:
    """All direct and indirect imports of a module."""
    found, waiting = set(), [name]
    while waiting:
        for target in imports(waiting.pop()) - found:
            found.add(target)
            if target in MODULES:
                waiting.append(target)
    return found


def test_modules_are_found():
    assert {"sw_model.spec.widths", "sw_model.golden", "rtl.generate.onchip"} <= set(MODULES)


@pytest.mark.parametrize("name", list(MODULES))
def test_project_imports(name):
    rule = max((package for package in MAY_IMPORT if within(name, (package,))), key=len)
    for target in imports(name):
        if within(target, PACKAGES):
            assert within(target, MAY_IMPORT[rule]), f"{name} imports {target}"


# Imports for types and within functions count: modules in a cycle can be understood, tested and
# moved only together.
def test_there_are_no_import_cycles():
    graph = {name: sorted(imports(name) & set(MODULES) - {name}) for name in MODULES}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail("import cycle: " + " <- ".join(error.args[1]))


@pytest.mark.parametrize(
    ("package", "name"),
    [(package, name) for package in OUTSIDE for name in MODULES if within(name, (package,))],
)
def test_base_packages_have_few_dependencies(package, name):
    outside = {target.split(".")[0] for target in imports(name)} - {"sw_model"}
    assert outside <= sys.stdlib_module_names | OUTSIDE[package]


# Only the support package cleans up processes and temporary files when a signal arrives.
@pytest.mark.parametrize("name", [name for name in MODULES if not within(name, (SUPPORT,))])
def test_processes_and_temporary_files_have_one_place(name):
    own = {"multiprocessing"} if name == "sw_model.denoising.workers" else set()
    assert not (imports(name) & {"subprocess", "tempfile", "multiprocessing"}) - own


@pytest.mark.parametrize("name", [n for n in MODULES if not within(n, ("sim", *FLOAT))])
def test_torch_stays_with_float_networks(name):
    direct = {target.split(".")[0] for target in imports(name)}
    assert "torch" not in direct
    assert not {target for target in reachable(name) if within(target, ("torch",))}


def test_torch_is_not_loaded_at_run_time():
    # A third-party package might import PyTorch.
    code = f"import sys, {', '.join(INTEGER)}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_packages_have_docstrings_and_stay_small():
    folders = {path.parent for path in MODULES.values()} | {
        path.parent for path in (ROOT / "tests").rglob("*.py")
    }
    for folder in folders:
        files = [path for path in folder.iterdir() if path.suffix == ".py"]
        assert len(files) <= FILES_MAX, f"{folder} has {len(files)} modules"
    for name, path in MODULES.items():
        if path.name == "__init__.py":
            assert ast.get_docstring(ast.parse(path.read_text())), f"{name} has no docstring"
