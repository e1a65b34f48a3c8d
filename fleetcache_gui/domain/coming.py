"""What is told of rows that come and go, such as tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.domain.decoding import key_named
from fleetcache_gui.domain.telling import Happening, Told, ended

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleetcache_gui.domain.family import Row


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
