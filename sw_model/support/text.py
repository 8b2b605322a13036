"""Text of any origin, such as file names, as one line that every stream takes."""

from __future__ import annotations

SENTENCE_MAX = 400
"""Characters of the longest sentence that anybody is shown."""
_GAP = " [...] "


def one_line(text: str, most: int = SENTENCE_MAX) -> str:
    r"""``text`` in printable characters, of which the middle is left out where it is too long.

    What is not printable, line ends and the odd bytes of file names say, becomes an escape such as
    ``\x0a``.
    """
    # Ends are all that is needed of very long text; escapes are longer than what they stand for.
    ends = text if len(text) <= 2 * most else text[:most] + text[-most:]
    line = "".join(sign if sign.isprintable() else _escape(ord(sign)) for sign in ends)
    if len(line) <= most:
        return line
    tail = (most - len(_GAP)) // 3
    return line[: most - len(_GAP) - tail] + _GAP + line[-tail:]


def _escape(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # how Python passes on a byte that is no text
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
