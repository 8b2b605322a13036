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
    if len(text) > most:
        tail = (most - len(_GAP)) // 3
        text = text[: most - len(_GAP) - tail] + _GAP + text[-tail:]
    return "".join(sign if sign.isprintable() else _escape(ord(sign)) for sign in text)


def _escape(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # how Python passes on a byte that is no text
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
