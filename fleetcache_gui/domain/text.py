"""Bytes for people: total, reversible, and never rich text.

Keys and values are hostile input. `show` turns any bytes into one line of printable text in which everything that
could hide or reorder text is escaped, and `parse` turns that line back into the same bytes.
"""

from __future__ import annotations

import re
import unicodedata

# Printable to Python, yet invisible or blank on screen (UTS #39 and own measurements).
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {chr(c) for c in range(0xFE00, 0xFE10)}
_NAMED = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_UNNAMED = {"\\": "\\", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPE = re.compile(r"\\(?:([\\nrt])|x([0-9a-f]{2})|u\{([0-9a-f]{1,6})\})")


def _shown(char: str) -> str:
    if char in _NAMED:
        return _NAMED[char]
    if 0xDC80 <= ord(char) <= 0xDCFF:  # a byte that is not UTF-8, as surrogateescape carries it
        return f"\\x{ord(char) - 0xDC00:02x}"
    if char.isprintable() and char not in _BLANK and not unicodedata.combining(char):
        return char
    return f"\\x{ord(char):02x}" if ord(char) < 0x80 else f"\\u{{{ord(char):x}}}"


def show(raw: bytes, limit: int | None = None) -> str:
    """One printable line for `raw`, with escapes such as ``\\n``, ``\\xff``, ``\\u{202e}``.

    With `limit` (characters) a longer line ends in ``…`` and cannot be parsed back.
    """
    if limit is not None:
        raw = raw[: 4 * (limit + 1)]  # bounded work whatever the size; one character more than fits stays
    text = raw.decode("utf-8", "surrogateescape")
    if not (text.isascii() and text.isprintable() and "\\" not in text):
        text = "".join(map(_shown, text))
    return text if limit is None else shorten(text, limit)


def parse(text: str) -> bytes:
    """The bytes that `show` (without a limit) made `text` from. Raises ValueError for an escape it never makes."""
    out: list[str] = []
    end = 0
    while (start := text.find("\\", end)) >= 0:
        out.append(text[end:start])
        escape = _ESCAPE.match(text, start)
        if escape is None:
            raise ValueError(f"not an escape: {text[start : start + 4]}")
        named, byte, point = escape.groups()
        value = int(byte or point or "0", 16)
        out.append(_UNNAMED[named] if named else chr(0xDC00 + value) if byte and value >= 0x80 else chr(value))
        end = escape.end()
    return "".join((*out, text[end:])).encode("utf-8", "surrogateescape")


def show_block(raw: bytes, width: int = 4096) -> str:
    """Many printable lines: line feeds and tabs stay, everything else as in `show`, hard-wrapped at `width` characters.

    A line of a megabyte hangs a text widget for a minute; wrapped lines do not.
    """
    lines: list[str] = []
    for line in raw.decode("utf-8", "surrogateescape").split("\n"):
        shown = "".join(c if c == "\t" else _shown(c) for c in line) if not _plain(line) else line
        lines.extend(shown[i : i + width] for i in range(0, len(shown), width)) if shown else lines.append("")
    return "\n".join(lines)


def _plain(line: str) -> bool:
    return line.isascii() and line.isprintable() and "\\" not in line


def shorten(text: str, limit: int) -> str:
    """`text`, or its start and ``…`` when it has more than `limit` characters."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)] + "…"


def mask(secret: str, keep: int = 4) -> str:
    """The first `keep` characters and ``…``: enough to tell two secrets apart, too little to use one."""
    return secret[:keep] + "…" if len(secret) > keep else "…"
