"""Families that grow unusually fast."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.domain.family import Judgement, Severity
from fleetcache_gui.domain.thresholds import raised

if TYPE_CHECKING:
    from fleetcache_gui.domain.family import Family

SPAN = 600.0
"""Seconds over which growth is told."""
LEAST = 1000
"""Entries; fewer more are no matter, whatever their share."""

_SHORTEST = 120.0  # seconds; of a shorter time nothing is judged
_APART = 15.0
_SLACK = 0.25  # of the threshold


class Growth:
    """How many entries each family had, over the last ten minutes."""

    def __init__(self) -> None:
        self._counts: dict[str, deque[tuple[float, int]]] = {}

    def judge(self, family: Family, count: int, at: float, threshold: float, *, held: bool) -> tuple[Judgement, ...]:
        """Note a whole count at monotonic time `at`; what is wrong with how it came to be. `threshold`: percent."""
        counts = self._counts.setdefault(family.id, deque())
        if not counts or at - counts[-1][0] >= _APART:
            counts.append((at, count))
        while counts[0][0] < at - SPAN:
            counts.popleft()
        since, before = counts[0]
        grown = count - before
        if at - since < _SHORTEST or grown < LEAST:
            return ()
        if not raised(100 * grown / max(before, 1), threshold, _SLACK * threshold, held=held):
            return ()
        text = f"{family.title}: grown from {words.count(before)} to {words.count(count, *family.noun)}"
        return (
            Judgement(
                f"{family.id}.growth",
                b"",
                Severity.WARNING,
                f"{text} within {words.duration(at - since)}.",
                "If it goes on like this, memory fills up, and keys of other families are evicted or refused.",
                "Look at what comes in, and whether what is old goes: by its expiry, or by those who work it off.",
            ),
        )
