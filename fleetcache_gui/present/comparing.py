"""Then and now: what is otherwise in one snapshot of a family than in another, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.domain.family import TICKING, Kind
from fleetcache_gui.domain.telling import Happening
from fleetcache_gui.domain.values import Progress, Tone
from fleetcache_gui.present.cells import cell_text
from fleetcache_gui.present.timeline import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleetcache_gui.domain.family import Family, Row
    from fleetcache_gui.domain.snapshot import Snapshot

_STEADY = frozenset(Kind) - TICKING - {Kind.STATE, Kind.RATE, Kind.SECONDS}
"""Kinds of columns of which a difference is worth telling: not what moves all the time."""


def differences(family: Family, then: Snapshot, now: Snapshot, wall: float) -> Iterator[Event]:
    """Rows that went, came, and are otherwise; of a long family, among those that were read."""
    before, after = {row.id: row for row in then.rows}, {row.id: row for row in now.rows}
    for row_id, row in before.items():
        if row_id not in after and not now.long:
            text = f"{row.title} is no longer there (was: {row.state.word})."
            yield Event(wall, Tone.NEUTRAL, text, Happening.GONE, family.id, row_id)
    for row_id, row in after.items():
        if row_id not in before and not then.long:
            yield Event(
                wall, row.state.tone, f"{row.title} is new ({row.state.word}).", Happening.CAME, family.id, row_id
            )
        elif row_id in before and (changed := list(_changed(family, before[row_id], row))):
            text = f"{row.title}: {', '.join(changed)}."
            yield Event(wall, row.state.tone, text, Happening.CHANGED, family.id, row_id)


def _changed(family: Family, then: Row, now: Row) -> Iterator[str]:
    """``holder api-1 → api-2``."""
    if then.state.word != now.state.word:
        yield f"{then.state.word} → {now.state.word}"
    for column, old, new in zip(family.columns, then.cells, now.cells, strict=True):
        if column.kind in _STEADY and old != new:
            was, is_ = (cell_text(column.kind, cell, 0.0) for cell in (old, new))
            if isinstance(old, Progress) and isinstance(new, Progress) and old.total == new.total:
                was, is_ = f"{old.done:,}", f"{new.done:,}"
            yield f"{column.title.lower()} {was} → {is_}"
