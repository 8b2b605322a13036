"""Markdown templates with ``{fields}``, in files beside the code that fills them in.

A file has blocks, each after a line ``<!-- name -->``. Lines of a paragraph may be broken anywhere;
`Templates.text` wraps them again. Fields are Python's: ``{psnr:.2f}`` has two decimals, ``{{`` is a
brace. A field that is a paragraph by itself is replaced, without wrapping, by a table, a list or
several paragraphs; if it is empty, the paragraph is dropped.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import Any

TEXT_WIDTH = 120
VERBATIM = ("|", "#", "    ", "![")
"""Line starts of tables, headings, commands and figures, which are not wrapped."""
_FIELD = re.compile(r"\{\w+\}")
_BLOCK = re.compile(r"^<!-- (\w+) -->\n", re.MULTILINE)


def fill(text: str, indent: int = 0, width: int | None = TEXT_WIDTH) -> str:
    """Wrap a paragraph to lines of at most ``width`` characters; None for a single line."""
    line = " ".join(text.split())
    if width is None:
        return line
    return textwrap.fill(
        line,
        width,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


class Templates:
    """The blocks of a file.

    Parameters
    ----------
    path
        The Markdown file.
    width
        Width of the lines; None for one line per paragraph.
    """

    def __init__(self, path: Path, width: int | None = TEXT_WIDTH) -> None:
        _, *parts = _BLOCK.split(path.read_text(encoding="utf-8"))
        self._blocks = dict(zip(parts[::2], parts[1::2], strict=True))
        self._width = width

    def phrase(self, name: str, /, **fields: Any) -> str:
        """Return a block in one line, as a part of a text."""
        return " ".join(self._blocks[name].split()).format_map(fields)

    def text(self, name: str, /, **fields: Any) -> str:
        """Return a block with its paragraphs."""
        paragraphs = []
        for template in re.split(r"\n\n+", self._blocks[name].strip("\n")):
            paragraph = template.format_map(fields)
            if not (template.startswith(VERBATIM) or _FIELD.fullmatch(template)):
                paragraph = fill(paragraph, width=self._width)
            if paragraph:
                paragraphs.append(paragraph)
        return "\n\n".join(paragraphs)
