"""Text files are UTF-8 in every locale: an ASCII locale must not make a command fail."""

from __future__ import annotations

import ast

import pytest

from .test_imports import MODULES


def calls_without_encoding(tree: ast.AST) -> list[int]:
    """Lines that open a text file without naming an encoding."""
    return [
        call.lineno
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute | ast.Name)
        and opens_text(call)
        and "encoding" not in {keyword.arg for keyword in call.keywords}
    ]


def opens_text(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id
    modes = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
    mode = modes[-1] if modes and isinstance(modes[-1], str) else "r"
    # Without a mode, `open` may be another function, such as PIL's.
    return name in ("read_text", "write_text") or (
        name == "open" and bool(modes) and "b" not in mode
    )


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("p.read_text()", 1),
        ("p.write_text('x', errors='replace')", 1),
        ("p.open('w')", 1),
        ("open(p, 'a')", 1),
        ("p.open('rb')", 0),
        ("p.read_text(encoding='utf-8')", 0),
        ("p.open('w', encoding='utf-8')", 0),
        ("webbrowser.open()", 0),
    ],
)
def test_calls_without_encoding_are_found(code, found):
    assert len(calls_without_encoding(ast.parse(code))) == found


@pytest.mark.parametrize("name", list(MODULES))
def test_text_files_name_their_encoding(name):
    assert calls_without_encoding(ast.parse(MODULES[name].read_text(encoding="utf-8"))) == []
