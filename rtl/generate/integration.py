"""Files for using a generated module in a design: template, file list, waivers, port table."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rtl.flow.lint_waivers import waivers

from .port_meanings import Interfaces

PORTS = "ports.md"
_DECLARATION = re.compile(r"^  (input|output|inout) (?:\[(\d+):0\] )?(\w+);$", re.MULTILINE)
"""Declaration of a port, as Yosys writes it."""


@dataclass(frozen=True)
class Port:
    """A port of a module: ``input``, ``output`` or ``inout``, and its width."""

    name: str
    direction: str
    bits: int


def module_ports(verilog: str, top: str) -> dict[str, Port]:
    """Ports of a module by their names.

    Parameters
    ----------
    verilog
        Text that Yosys wrote.
    """
    begin = verilog.index(f"\nmodule {top}(")
    body = verilog[begin : verilog.index("\nendmodule", begin)]
    return {
        name: Port(name, direction, int(last or 0) + 1)
        for direction, last, name in _DECLARATION.findall(body)
    }


def integration_files(verilog: str, top: str, interfaces: Interfaces) -> dict[str, str]:
    """Instantiation template, file list, Verilator's waivers and table of ports.

    Parameters
    ----------
    verilog
        Text of the module ``top``, for the file ``TOP.v``.
    interfaces
        Its ports, in the order of the files.

    Returns
    -------
    dict
        Contents of the files ``TOP_instance.vh``, ``TOP.f``, ``TOP.vlt`` and ``ports.md``.

    Raises
    ------
    ValueError
        A port has no meaning, or a meaning no port.
    """
    ports = module_ports(verilog, top)
    described = [name for group in interfaces.values() for name in group]
    if sorted(described) != sorted(ports):
        difference = sorted(set(described) ^ set(ports))
        raise ValueError(f"{top}: ports and meanings differ in {difference}")
    return {
        f"{top}_instance.vh": _template(top, ports, interfaces),
        f"{top}.f": _file_list(top),
        f"{top}.vlt": waivers([f"{top}.v"]),
        PORTS: _table(top, ports, interfaces),
    }


def _template(top: str, ports: dict[str, Port], interfaces: Interfaces) -> str:
    lines = [
        f"// An instance of {top}: copy or `include this in a module, and connect the wires.",
        "// Unconnected inputs are undefined.",
    ]
    for title, group in interfaces.items():
        lines += ["", f"// {title}"]
        for name, meaning in group.items():
            port = ports[name]
            width = f"[{port.bits - 1}:0] " if port.bits > 1 else ""
            lines.append(f"wire {width}{name}; // {port.direction}: {meaning.replace('`', '')}")
    connections = ",\n".join(
        f"  .{name}({name})" for group in interfaces.values() for name in group
    )
    return "\n".join([*lines, "", f"{top} {top}_0 (", connections, ");", ""])


def _file_list(top: str) -> str:
    return (
        f"// Sources of {top}, for simulators and synthesis: `iverilog -f {top}.f` in this\n"
        f"// folder, `verilator -F {top}.f {top}.vlt` from any folder.\n"
        f"{top}.v\n"
    )


def _table(top: str, ports: dict[str, Port], interfaces: Interfaces) -> str:
    lines = [
        f"# Ports of `{top}`",
        "",
        "| port | direction | bits | interface | meaning |",
        "| --- | --- | --- | --- | --- |",
    ]
    for title, group in interfaces.items():
        for name, meaning in group.items():
            port = ports[name]
            lines.append(f"| `{name}` | {port.direction} | {port.bits} | {title} | {meaning} |")
    return "\n".join([*lines, ""])
