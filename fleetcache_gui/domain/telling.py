"""Words for what became of a row between two readings: a timeline's vocabulary."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from fleetcache_gui.domain import words
from fleetcache_gui.domain.decoding import key_named

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleetcache_gui.domain.family import Row

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
    OPENED = "finding"
    CLOSED = "finding closed"
    SERVER = "server"
    LOST = "connection lost"
    BACK = "connection back"
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


def comes_and_goes(came: str, used: str, *, ends: bool = True) -> Callable[[Row | None, Row | None], Told | None]:
    """Of rows of one key that come and go: `came` as in "was issued", `used` as in "was used or removed". Without
    `ends` it is not told that they have run out, which the most ordinary ones do all the time."""

    def tell(before: Row | None, now: Row | None) -> Told | None:
        row = now or before
        if row is None or (before and now):
            return None
        expiry = key_named(row.keys, row.id).expiry
        left = expiry.left(row.at) if expiry.ends else None
        if now:
            lasting = "without expiry" if left is None else f"for {words.duration(left)}"
            return Told(Happening.CAME, f"{row.title} {came} {lasting}.")
        if not row.at:  # never read: nothing is known of how it went
            return Told(Happening.GONE, f"{row.title} is gone.")
        what = ended(left)
        if not ends and what is not Happening.USED:
            return None
        how = {Happening.USED: used, Happening.EXPIRED: "has run out"}.get(what, "is gone")
        rest = "" if left is None else f"; it had {words.duration(max(left, 0.0))} left when last read"
        return Told(what, f"{row.title} {how}{rest}.")

    return tell
