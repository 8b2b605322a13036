"""Check links, paths and commands in documents, without running them."""

from __future__ import annotations

import argparse
import functools
import importlib
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tests import ROOT

PROGRAMS = ("sw_model", "rtl", "sim", "hls")
CONSOLE = "spiking-dncnn"
OPEN_END = ("…", "...", "OPTIONS")
"""Placeholders for further options."""
FOREIGN = {"--nproc-per-node", "--no-python", "--router"}
"""Options of other programs that the documents mention."""
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*")
_OPERATORS = {"|", "||", "&&", ";", "&", "(", ")", ">", ">>", "<"}
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_PATH = re.compile(r"(?:sw_model|rtl|sim|hls|tests|scripts|docs)/[\w./-]*")


@dataclass(frozen=True)
class Text:
    """A document, split into code and prose."""

    blocks: tuple[str, ...]
    """Lines of code blocks; continued lines are joined."""
    spans: tuple[str, ...]
    """Inline code in the prose."""
    prose: str
    """Text without code blocks and inline code."""
    headings: tuple[str, ...]


def read(text: str) -> Text:
    """Split a document into code and prose."""
    blocks: list[str] = []
    prose: list[str] = []
    fence = ""
    code = False
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("```"):
            fence = "" if fence else stripped[3:] or "text"
            prose.append("")
        elif fence:
            blocks += [line] if fence != "mermaid" else []
        elif line.startswith("    ") and (code or not prose or not prose[-1].strip()):
            blocks.append(line)
            code = True
            continue
        else:
            prose.append(line)
        code = code and not stripped
    joined = "\n".join(prose)
    headings = tuple(line for line in prose if re.match(r"#{1,6} ", line))
    spans = tuple(" ".join(span.split()) for span in _SPAN.findall(joined))
    lines = re.sub(r"\\\n\s*", " ", "\n".join(blocks)).splitlines()
    return Text(tuple(lines), spans, _SPAN.sub("", joined), headings)


def anchors(headings: tuple[str, ...]) -> set[str]:
    """Anchors of headings, as GitHub makes them."""
    names: list[str] = []
    unique: set[str] = set()
    for heading in headings:
        words = heading.lstrip("#").strip().lower()
        name = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        again = names.count(name)
        names.append(name)
        unique.add(f"{name}-{again}" if again else name)
    return unique


def wrong_links(path: Path, text: Text) -> list[str]:
    """Relative links to files or headings that do not exist."""
    wrong = []
    for target in _LINK.findall(text.prose):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = path.parent / name
        if not file.exists() or not file.resolve().is_relative_to(ROOT):
            wrong.append(target)
        elif anchor:
            headings = read(file.read_text()).headings if name else text.headings
            wrong += [target] if anchor not in anchors(headings) else []
    return wrong


def wrong_paths(text: Text) -> list[str]:
    """Files and folders of the project that inline code names and that do not exist."""
    named = (span.split(":")[0] for span in text.spans if _PATH.fullmatch(span.split(":")[0]))
    return [name for name in named if "NAME" not in name and not (ROOT / name).exists()]


def wrong_commands(text: Text, makefile: str) -> list[str]:
    """Invalid command lines, each with the parser's message."""
    wrong = []
    lines = [*((line, True) for line in text.blocks), *((span, False) for span in text.spans)]
    for line, in_block in lines:
        for words in _commands(line):
            if (complaint := _complaint(words, makefile, in_block=in_block)) is not None:
                wrong.append(f"{' '.join(words)}: {complaint}")
    return wrong


def _commands(line: str) -> list[list[str]]:
    """Words of each command in a shell line; none if the line cannot be parsed."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    try:
        tokens = list(lexer)
    except ValueError:  # an apostrophe: prose, or another language
        return []
    commands: list[list[str]] = [[]]
    for token in tokens:
        if token in _OPERATORS:
            commands.append([])
        elif commands[-1] or not (_ASSIGNMENT.fullmatch(token) or token in ("do", "sudo", "bash")):
            commands[-1].append(token)
    return [words for words in commands if words]


def _complaint(words: list[str], makefile: str, *, in_block: bool) -> str | None:
    """Error in a command of the project; None if it is valid or another program's."""
    if words[0] == "torchrun" and "--" in words:
        words = words[words.index("--") + 1 :]
    program = words[0].removeprefix(".venv/bin/")
    if program == "make" and len(words) > 1 and re.fullmatch(r"[a-z-]+", words[1]):
        return _make_complaint(words[1:], makefile)
    if program in ("python", "python3") and len(words) > 1:
        if words[1] == "-m" and len(words) > 2:
            return _module_complaint(words[2], words[3:], in_block=in_block)
        return _script_complaint(words[1]) if words[1].startswith("scripts/") else None
    if program.startswith("scripts/"):
        return _script_complaint(program)
    if program == CONSOLE:
        return _console_complaint(words[1:], in_block=in_block)
    if re.match("--[a-z]", program) and not in_block:
        option = program.split("=")[0]
        return None if option in _all_options() | FOREIGN else "no command has this option"
    if not in_block and _names(words):
        return _console_complaint(words, in_block=False, in_part=True)
    return None


def _make_complaint(arguments: list[str], makefile: str) -> str | None:
    for argument in arguments:
        name, is_variable, _ = argument.partition("=")
        pattern = rf"\$\([^)]*\b{name}\b" if is_variable else rf"^{re.escape(name)}:"
        if re.search(pattern, makefile, re.MULTILINE) is None:
            return f"the Makefile has no {name}"
    return None


def _script_complaint(name: str) -> str | None:
    return None if (ROOT / name).is_file() else "there is no such script"


def _module_complaint(module: str, arguments: list[str], *, in_block: bool) -> str | None:
    if module in PROGRAMS:
        group = [] if module == "sw_model" else [module]
        return _console_complaint([*group, *arguments], in_block=in_block)
    if module.split(".")[0] in (*PROGRAMS, "tests"):
        path = ROOT.joinpath(*module.split("."))
        if not (path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()):
            return "there is no such module"
    return None


def _console_complaint(
    arguments: list[str], *, in_block: bool, in_part: bool = False
) -> str | None:
    """Message of a command's parser; prose may give a command without all its options."""
    if not arguments or arguments[0] in ("--help", "--version"):
        return None
    if (names := _names(arguments)) is None:
        return "there is no such command"
    rest = arguments[len(names) :]
    if not rest and not in_block:
        return None
    complete = not in_part and not set(rest) & set(OPEN_END)
    try:
        _parser(names, complete=complete).parse_args([w for w in rest if w not in OPEN_END])
    except SystemExit:  # of --help
        return None
    except ValueError as error:
        return str(error)
    return None


def _names(arguments: list[str]) -> tuple[str, ...] | None:
    """Leading words of a console command's arguments that name a command."""
    for count in (1, 2):
        if tuple(arguments[:count]) in command_modules():
            return tuple(arguments[:count])
    return None


@functools.cache
def command_modules() -> dict[tuple[str, ...], str]:
    """Module of each command, by the words of its name."""
    commands = {}
    for package in PROGRAMS:
        group = () if package == "sw_model" else (package,)
        table = importlib.import_module(f"{package}.__main__").COMMANDS
        commands |= {(*group, name): module for name, (module, _) in table.items()}
    return commands


class _Parser(argparse.ArgumentParser):
    """A parser that raises errors and prints no help."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)

    def print_help(self, file: object = None) -> None:
        """Print nothing."""


@functools.cache
def _parser(names: tuple[str, ...], *, complete: bool) -> _Parser:
    """Parser of a command; unless ``complete``, no argument is required."""
    parser = _Parser(prog=" ".join(names), allow_abbrev=False)
    importlib.import_module(command_modules()[names]).add_arguments(parser)
    if not complete:
        for action in parser._actions:
            action.required = False
            if action.nargs in (None, "+"):
                action.nargs = "*" if action.nargs else "?"
        for group in parser._mutually_exclusive_groups:
            group.required = False
    return parser


@functools.cache
def _all_options() -> frozenset[str]:
    """Options of all commands."""
    return frozenset(
        option
        for names in command_modules()
        for action in _parser(names, complete=True)._actions
        for option in action.option_strings
    )
