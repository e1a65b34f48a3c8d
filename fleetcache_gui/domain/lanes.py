"""Who held a lock when: lanes of stints, put together from one reading after the other."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from fleetcache_gui.domain.telling import Happening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fleetcache_gui.domain.family import Row
    from fleetcache_gui.domain.values import Claim

STINTS = 200
"""Stints kept of one lock."""
LANES = 500
"""Locks followed; of those beyond, the ones not held for longest are forgotten."""
_GRANTS = 400
"""Renewals kept of one stint."""
_TOLERANCE = 0.5  # seconds: jitter of PTTL and of the way back


class Grant(NamedTuple):
    """At monotonic time `at` the lock was seen to last until `until` (``inf``: for ever)."""

    at: float
    until: float


@dataclass(slots=True)
class Stint:
    """One holder's time with a lock, as far as it was seen; monotonic seconds.

    `grants` are the taking and each renewal. `early`: it was held already when the watching began. `end` is when it
    was found to be over (None while it goes on) and `how` what is known of that: `RELEASED` when it went before its
    time was up, `EXPIRED` when its time had passed (or was let go just before), or `CHANGED_HANDS`.
    """

    holder: str
    token: bytes = field(repr=False)
    early: bool
    seen: float
    grants: deque[Grant]
    end: float | None = None
    how: Happening | None = None
    renewals: int = 0

    @property
    def since(self) -> float:
        """When it began, or was first seen."""
        return self.grants[0].at

    @property
    def until(self) -> float:
        """When it ends unless it is renewed."""
        return self.grants[-1].until


@dataclass(slots=True)
class Lane:
    """One lock: its stints, oldest first."""

    family: str
    row: bytes
    title: str
    stints: deque[Stint] = field(default_factory=lambda: deque(maxlen=STINTS))

    @property
    def held(self) -> Stint | None:
        """The stint that goes on."""
        return self.stints[-1] if self.stints and self.stints[-1].end is None else None


class Lanes:
    """All locks of a session. What happens between two readings is known by its result only."""

    def __init__(self) -> None:
        self._lanes: dict[tuple[str, bytes], Lane] = {}
        self._watched: set[str] = set()

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Those that were held at any time, by title."""
        return tuple(sorted(self._lanes.values(), key=lambda lane: (lane.title, lane.row)))

    def note(self, family: str, rows: Iterable[Row], at: float, claim: Callable[[Row], Claim | None]) -> None:
        """All locks of a family as read at `at`: one that is not among them is held no more."""
        first = family not in self._watched
        self._watched.add(family)
        there: set[bytes] = set()
        for row in rows:
            if claimed := claim(row):
                there.add(row.id)
                self._hold(family, row, claimed, at, early=first)
        for lane in self._lanes.values():
            if lane.family == family and lane.row not in there and (stint := lane.held):
                _close(stint, at, Happening.EXPIRED if stint.until <= at else Happening.RELEASED)
        if len(self._lanes) > LANES:
            self._forget()

    def _hold(self, family: str, row: Row, claimed: Claim, at: float, *, early: bool) -> None:
        lane = self._lanes.get((family, row.id))
        if lane is None:
            lane = self._lanes[family, row.id] = Lane(family, row.id, row.title)
        stint, until = lane.held, claimed.expiry.deadline
        if stint and stint.token != claimed.token:
            _close(stint, at, Happening.CHANGED_HANDS)
            stint = None
        if stint is None:
            grants = deque([Grant(at, until)], maxlen=_GRANTS)
            lane.stints.append(Stint(claimed.holder, claimed.token, early, at, grants))
            return
        stint.seen = at
        if until > stint.until + _TOLERANCE:
            first = stint.grants[0]
            stint.grants.append(Grant(at, until))
            stint.renewals += 1
            if stint.grants[0] is not first:  # the oldest renewal goes, the beginning stays
                stint.grants[0] = first

    def _forget(self) -> None:
        by_age = sorted(self._lanes.items(), key=lambda item: item[1].stints[-1].seen)
        for key, _ in by_age[: len(self._lanes) - LANES]:
            del self._lanes[key]


def _close(stint: Stint, at: float, how: Happening) -> None:
    stint.end = min(stint.until, at) if how is Happening.EXPIRED else at
    stint.how = how
