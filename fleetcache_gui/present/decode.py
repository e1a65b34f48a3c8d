"""Values for people: a guess at what bytes are, and each form as plain text. Total, bounded, never raises.

Nothing is ever run or deserialised: JSON is laid out again token by token, so that duplicate keys, long
numbers and cut documents stay as they are in Redis.
"""

from __future__ import annotations

import json
import re
from enum import Enum
from typing import TYPE_CHECKING

from fleetcache_gui.domain.pages import STRING_WINDOW, PageItem
from fleetcache_gui.domain.text import shorten, show, show_block
from fleetcache_gui.domain.words import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LINE = 1024
"""Longest line given out, characters: wrapped at once, while a megabyte without a space hangs a widget."""

ITEM = 1000
"""Longest element of a collection given out, characters."""

_LAID_OUT = 256 * 1024
"""Longest JSON laid out, characters: a deep indent before each number of a list would make megabytes of it."""

_DEEPEST = 64
_BITS = 1000
_LABEL = 28
_GAP = "  "


class Form(Enum):
    """How a value is laid out; the value is the word in the menu."""

    TEXT = "Text"
    JSON = "JSON"
    SQL = "SQL"
    HEX = "Hex"
    BITMAP = "Bitmap"


_MAGIC = (
    (b"\x1f\x8b", "gzip data"),
    (b"\x28\xb5\x2f\xfd", "Zstandard data"),
    (b"\x89PNG", "a PNG picture"),
    (b"%PDF", "a PDF document"),
    (b"\x80\x04\x95", "a Python pickle (never loaded here)"),
    (b"\x80\x05\x95", "a Python pickle (never loaded here)"),
)
_SQL = re.compile(rb"\s*(?:select|with|insert|update|delete|explain|pragma)\s", re.IGNORECASE)
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_SQL_TOKEN = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[()]"""
    r"|\b(?:from|where|group\s+by|order\s+by|having|limit|union(?:\s+all)?"
    r"|(?:(?:left|inner|cross)\s+(?:outer\s+)?)?join)\b",
    re.IGNORECASE,
)


def kind(raw: bytes) -> str:
    """What the first bytes say it is (``gzip data``), empty when they say nothing."""
    return next((name for magic, name in _MAGIC if raw.startswith(magic)), "")


def guess(raw: bytes) -> Form:
    """The form that a value most likely reads best in. `raw` may be the first piece of a longer value."""
    raw = raw[:STRING_WINDOW]
    if is_binary(raw):
        extremes = raw.count(0) + raw.count(0xFF)
        return Form.BITMAP if len(raw) >= 4 and extremes * 2 >= len(raw) and not kind(raw) else Form.HEX
    if raw.lstrip()[:1] in (b"{", b"[") and _is_json(raw):
        return Form.JSON
    return Form.SQL if _SQL.match(raw) else Form.TEXT


def is_binary(raw: bytes) -> bool:
    """True for what is not text in UTF-8; a character that a window cut in two does not count."""
    if _CONTROLS.search(raw):
        return True
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return error.start < len(raw) - 3
    return False


def _is_json(raw: bytes) -> bool:
    if len(raw) == STRING_WINDOW:
        return True  # begins like JSON and goes on: laid out as far as it is there
    try:
        json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return True


def render(raw: bytes, form: Form, start: int = 0) -> str:
    """`raw`, 64 KB of it at most, in plain lines of at most `LINE` characters. `start`: its offset."""
    raw = raw[:STRING_WINDOW]
    if form is Form.HEX:
        return "\n".join(_hex(raw, start))
    if form is Form.BITMAP:
        return _bitmap(raw, start)
    if form is Form.JSON:
        return _json(raw)
    return show_block(_sql(raw) if form is Form.SQL else raw, LINE)


def _hex(raw: bytes, start: int) -> Iterator[str]:
    for at in range(0, len(raw), 16):
        piece = raw[at : at + 16]
        codes = f"{piece[:8].hex(' '):23}  {piece[8:].hex(' '):23}"
        letters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in piece)
        yield f"{start + at:08x}  {codes}  {letters}"


def _bitmap(raw: bytes, start: int) -> str:
    """Positions as GETBIT counts them: bit 0 is the highest bit of byte 0."""
    ones = int.from_bytes(raw).bit_count()
    positions: list[int] = []
    for at, byte in enumerate(raw):
        if byte:
            positions.extend(8 * (start + at) + bit for bit in range(8) if byte & (0x80 >> bit))
            if len(positions) > _BITS:
                break
    head = f"{count(ones)} of {count(8 * len(raw), 'bit')} set"
    more = f"\n… and {count(ones - _BITS)} more" if ones > _BITS else ""
    return f"{head}\n\n{_flow([str(p) for p in positions[:_BITS]], 48)}{more}" if ones else head


def _json(raw: bytes) -> str:
    """Laid out with two spaces a level, tokens untouched; deeper than 64 levels it goes on in one line."""
    out: list[str] = []
    depth = 0
    previous = ""
    for token in _JSON_TOKEN.findall(raw.decode("utf-8", "surrogateescape")):
        if token in ("}", "]"):
            depth = max(depth - 1, 0)
            if previous not in ("{", "["):
                out.append(_indent(depth))
        elif previous in ("{", "[", ","):
            out.append(_indent(depth))
        out.append(": " if token == ":" else token)
        depth += token in ("{", "[")
        previous = token
    laid_out = shorten("".join(out), _LAID_OUT)
    return "\n".join(_json_line(line) for line in laid_out.split("\n"))


def _indent(depth: int) -> str:
    return "\n" + "  " * depth if depth <= _DEEPEST else ""


def _json_line(line: str) -> str:
    if not (line.isascii() and line.isprintable()):
        # Backslashes are JSON's own here; `\u{202e}` and `\xff` are no JSON and so cannot be mistaken for it.
        line = "\\".join(show(part.encode("utf-8", "surrogateescape")) for part in line.split("\\"))
    return _wrapped(line)


def _sql(raw: bytes) -> bytes:
    """One long line broken before its clauses; text with lines of its own, or a comment, stays as it is."""
    if b"\n" in raw or b"--" in raw or b"/*" in raw:
        return raw
    text = raw.decode("utf-8", "surrogateescape")
    out: list[str] = []
    depth = last = 0
    for found in _SQL_TOKEN.finditer(text):
        token = found.group()
        if token == "(":
            depth += 1
        elif token == ")":
            depth -= 1
        elif token[0] not in "'\"" and depth == 0 and found.start() > 0:
            out.append(text[last : found.start()].rstrip())
            last = found.start()
    out.append(text[last:])
    return "\n".join(out).encode("utf-8", "surrogateescape")


def listing(type_word: str, items: Sequence[PageItem], wide: int = 48) -> str:
    """The elements of a collection, one a line after their label; long ones below it, short members
    of a set side by side in `wide` characters."""
    values = [_element(item) for item in items]
    if type_word == "set" and values and max(map(len, values)) <= wide // 3:
        return _flow(values, wide)
    labels = [show(item.label, _LABEL) for item in items]
    if max(map(len, values), default=0) > 2 * wide:  # several lines each: set apart
        pairs = zip(labels, values, strict=True)
        return "\n\n".join("\n".join(filter(None, (label, _wrapped(value)))) for label, value in pairs)
    pad = max(map(len, labels), default=0)
    return "\n".join(
        _wrapped(f"{label:<{pad}}{_GAP}{value}" if pad else value) for label, value in zip(labels, values, strict=True)
    )


def _element(item: PageItem) -> str:
    text = shorten(show(item.value, 2 * ITEM), ITEM)
    if item.cut and not text.endswith("…"):
        text += "…"
    return text or "(empty)"


def _wrapped(line: str) -> str:
    return "\n".join(line[i : i + LINE] for i in range(0, len(line), LINE))


def _flow(words: Sequence[str], wide: int) -> str:
    cell = max(map(len, words)) + len(_GAP)
    across = max(wide // cell, 1)
    rows = (words[i : i + across] for i in range(0, len(words), across))
    return "\n".join("".join(f"{word:<{cell}}" for word in row).rstrip() for row in rows)
