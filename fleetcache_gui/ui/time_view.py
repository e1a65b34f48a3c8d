"""Which stretch of time several charts look at together, and the moment that is pointed at in all of them."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from fleetcache_gui import clock

if TYPE_CHECKING:
    from collections.abc import Callable

CHOICES = ((300.0, "Last 5 minutes"), (1800.0, "Last 30 minutes"), (math.inf, "All that was seen"))
"""Seconds offered, with their words."""

NARROWEST = 10.0
_SHORTEST = 20.0
"""Seconds that are shown at the least, by zooming, and of what has only just begun."""


class TimeView(QObject):
    """All times are monotonic seconds. Without a zoom it moves on with `now`. `oldest`: when the readings begin.

    `changed`: another stretch. `pointed`: another moment, or none.
    """

    changed = Signal()
    pointed = Signal()

    def __init__(
        self,
        now: Callable[[], float] = clock.now,
        wall: Callable[[], float] = time.time,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._now, self._wall = now, wall
        self.oldest = now()
        self.cursor: float | None = None
        self._span = CHOICES[0][0]
        self._zoom: tuple[float, float] | None = None

    @property
    def skew(self) -> float:
        """Unix time less this clock."""
        return self._wall() - self._now()

    @property
    def zoomed(self) -> bool:
        """A person looks at a stretch of their own."""
        return self._zoom is not None

    @property
    def range(self) -> tuple[float, float]:
        """First and last moment that is looked at."""
        if self._zoom is not None:
            return self._zoom
        now = self._now()
        return now - min(self._span, max(now - self.oldest, _SHORTEST)), now

    def choose(self, span: float) -> None:
        """Look at the last so many seconds."""
        self._span = span
        self._zoom = None
        self.changed.emit()

    def show(self, first: float, last: float) -> None:
        """Look at this stretch, as far as there is anything in it."""
        if last - first < NARROWEST:
            middle = (first + last) / 2
            first, last = middle - NARROWEST / 2, middle + NARROWEST / 2
        now = self._now()
        first, last = max(first, self.oldest), min(last, now)
        everything = first <= self.oldest and last >= now - 1
        self._zoom = None if everything or last - first < 1 else (first, last)
        if everything:
            self._span = math.inf
        self.changed.emit()

    def zoom(self, factor: float, about: float) -> None:
        """Show `factor` times as much, with `about` where it is now."""
        first, last = self.range
        self.show(about - (about - first) * factor, about + (last - about) * factor)

    def reset(self) -> None:
        """As it was chosen."""
        self._zoom = None
        self.changed.emit()

    def point(self, at: float | None) -> None:
        """Point at a moment, or at none."""
        if at != self.cursor:
            self.cursor = at
            self.pointed.emit()
