"""Text of any origin, such as file names, as one printable line."""

from __future__ import annotations

SENTENCE_MAX = 400
"""Characters of the longest sentence that is shown."""
_GAP = " [...] "


def one_line(text: str, most: int = SENTENCE_MAX) -> str:
    r"""Return ``text`` in printable characters, without its middle if it is too long.

    Other characters, such as line ends and undecodable bytes of file names, become escapes such as
    ``\x0a``.
    """
    # Of a very long text only the ends are needed; escapes are longer than their characters.
    ends = text if len(text) <= 2 * most else text[:most] + text[-most:]
    line = "".join(char if char.isprintable() else _escape(ord(char)) for char in ends)
    if len(line) <= most:
        return line
    tail = (most - len(_GAP)) // 3
    return line[: most - len(_GAP) - tail] + _GAP + line[-tail:]


def _escape(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # Python's surrogate of an undecodable byte
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
