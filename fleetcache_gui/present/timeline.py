"""What happened while somebody watched: sentences from the differences between snapshots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcache_gui.domain.family import Family, Row, Severity
from fleetcache_gui.domain.values import Tone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fleetcache_gui.domain.health import Finding

_TONES = {Severity.INFO: Tone.ACCENT, Severity.WARNING: Tone.WARN, Severity.CRITICAL: Tone.CRITICAL}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at Unix time `wall`; `family` and `row` say where, empty for the whole server."""

    wall: float
    tone: Tone
    text: str
    family: str = ""
    row: bytes = b""


def changes(
    family: Family, before: Mapping[bytes, Row], now: Iterable[Row], wall: float, *, complete: bool
) -> Iterator[Event]:
    """What became of a family's rows between two snapshots.

    Without `complete` the snapshot before did not know all rows, so that one which is new in it is no event.
    """
    present: set[bytes] = set()
    for row in now:
        present.add(row.id)
        known = before.get(row.id)
        text = family.tell(known, row) if known or complete else None
        if text:
            yield Event(wall, row.state.tone, text, family.id, row.id)
    for row_id, row in before.items():
        if row_id not in present:
            text = family.tell(row, None)
            if text:
                yield Event(wall, Tone.NEUTRAL, text, family.id, row_id)


def openings(opened: Iterable[Finding], closed: Iterable[Finding], wall: float) -> Iterator[Event]:
    """Findings that opened and closed."""
    for finding in opened:
        tone = _TONES[finding.severity]
        yield Event(wall, tone, finding.judgement.text, finding.family, finding.judgement.row)
    for finding in closed:
        yield Event(wall, Tone.OK, f"No longer: {finding.judgement.text}", finding.family, finding.judgement.row)
