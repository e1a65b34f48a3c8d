"""Words for what became of a row between two readings: a timeline's vocabulary."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

AT_ITS_END = 5.0
"""A key that had less left, seconds, when it was last read has most likely run out."""
LONG_BEFORE = 90.0
"""One that had more left was taken away: no two readings are so far apart while the server answers."""


class Happening(Enum):
    """What kind of thing happened; the values are words that stand in a column."""

    TAKEN = "taken"
    RENEWED = "renewed"
    CHANGED_HANDS = "changed hands"
    RELEASED = "released"
    STARTED = "started"
    FINISHED = "finished"
    CLEANED = "cleaned up"
    DRAINED = "drained"
    CAME = "came"
    USED = "used"
    EXPIRED = "expired"
    GONE = "gone"
    CHANGED = "changed"
    OPENED = "finding"
    CLOSED = "finding closed"
    SERVER = "server"
    LOST = "connection lost"
    BACK = "connection back"
    STOOD_STILL = "stood still"
    OURS = "our own deed"


class Told(NamedTuple):
    """One sentence for the timeline."""

    what: Happening
    text: str


def ended(left: float | None) -> Happening:
    """How a key went, as far as can be told from the seconds it had left when it was last read (None: no expiry)."""
    if left is None or left > LONG_BEFORE:
        return Happening.USED
    return Happening.EXPIRED if left < AT_ITS_END else Happening.GONE
