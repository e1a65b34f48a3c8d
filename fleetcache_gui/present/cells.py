"""A row's cells as text: what tables draw, copies carry and screen readers say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.domain.family import Column, Kind, Row
from fleetcache_gui.domain.values import Cell, Expiry, KeyFact, Progress, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LONGEST = 400
"""Characters of a cell given out; more never fits on a screen and would be measured in vain."""

UNREAD = "…"
NOTHING = "–"
NO_EXPIRY = "no expiry"
UNKNOWN_EXPIRY = "expiry not known"
EXPIRED = "expired"

_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell_text(kind: Kind, cell: Cell, now: float, *, read: bool = True) -> str:
    """One cell as text at monotonic time `now`. None is `NOTHING`, or `UNREAD` where the row was not read."""
    if cell is None:
        return NOTHING if read else UNREAD
    if isinstance(cell, str):
        return cell[:LONGEST]
    if isinstance(cell, Expiry):
        return expiry_text(cell, now)
    if isinstance(cell, State):
        return cell.word
    if isinstance(cell, Progress):
        done = words.count(cell.done)
        return done if cell.total is None else f"{done} of {words.count(cell.total)}"
    if isinstance(cell, tuple):
        return words.count(round(cell[-1][1])) if cell else NOTHING
    return _number_text(kind, cell, now)


def _number_text(kind: Kind, number: float, now: float) -> str:
    if kind is Kind.SIZE:
        return words.size(number)
    if kind is Kind.RATE:
        return words.rate(number) if number else NOTHING
    if kind is Kind.SECONDS:
        return words.duration(number)
    if kind is Kind.AGE:
        return words.duration(now - number)
    return f"{number:,}" if isinstance(number, int) else f"{number:,.1f}"


def expiry_text(expiry: Expiry, now: float) -> str:
    """``6:59:41``, ``no expiry``, ``expired``, or ``expiry not known``."""
    if not expiry.ends:
        return NO_EXPIRY if expiry.known else UNKNOWN_EXPIRY
    left = expiry.left(now)
    return words.clock(left) if left > 0 else EXPIRED


def lacks_expiry(row: Row) -> bool:
    """True where the family holds it against the row that a key of it never expires."""
    return any(judgement.code.endswith("no-ttl") for judgement in row.judgements)


def key_title(titles: Sequence[str], position: int) -> str:
    """What the key at a position of a row is for; a row may have more keys than its family has titles."""
    return titles[position] if position < len(titles) else titles[-1] if titles else "Value"


def key_text(key: KeyFact, now: float) -> str:
    """``set · 6:59:41 left``: type and time left of one key."""
    if not key.exists:
        return "not there"
    left = expiry_text(key.expiry, now)
    return f"{key.type} · {left + ' left' if key.expiry.ends and left != EXPIRED else left}"


def as_table(columns: Sequence[Column], rows: Iterable[Row], now: float) -> str:
    """Tab separated lines under a line of titles, for the clipboard. What a spreadsheet would take for a
    formula starts with an apostrophe."""
    lines = ["\t".join(column.title for column in columns)]
    for row in rows:
        pairs = zip(columns, row.cells, strict=False)
        texts = (cell_text(column.kind, cell, now, read=row.at > 0) for column, cell in pairs)
        lines.append("\t".join(spreadsheet_safe(text) for text in texts))
    return "\n".join(lines)


def spreadsheet_safe(text: str) -> str:
    """`text` such that no spreadsheet computes it: what it would take for a formula starts with an apostrophe."""
    return f"'{text}" if text.startswith(_RISKY) else text
