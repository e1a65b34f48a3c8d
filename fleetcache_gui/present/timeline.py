"""What happened while somebody watched: sentences from the differences between snapshots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcache_gui.domain.family import Family, Row, Severity
from fleetcache_gui.domain.telling import Happening
from fleetcache_gui.domain.values import Tone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fleetcache_gui.domain.health import Finding
    from fleetcache_gui.domain.snapshot import Vitals

SERVER = Happening.SERVER

_TONES = {Severity.INFO: Tone.ACCENT, Severity.WARNING: Tone.WARN, Severity.CRITICAL: Tone.CRITICAL}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at Unix time `wall`; `family` and `row` say where, empty for the whole server."""

    wall: float
    tone: Tone
    text: str
    what: Happening
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
        told = family.tell(known, row) if known or complete else None
        if told:
            yield Event(wall, row.state.tone, told.text, told.what, family.id, row.id)
    for row_id, row in before.items():
        if row_id not in present:
            told = family.tell(row, None)
            if told:
                yield Event(wall, Tone.NEUTRAL, told.text, told.what, family.id, row_id)


def fates(before: Vitals, now: Vitals, wall: float) -> Iterator[Event]:
    """What became of the server's processes between two readings: another one in its place, another part to play."""
    if not before.nodes or not now.nodes:
        if before.run_id and now.run_id not in ("", before.run_id):
            text = "The server was restarted or replaced: what it held before may be gone."
            yield Event(wall, Tone.WARN, text, SERVER)
        return
    known = {node.id: node for node in before.nodes}
    for node in now.nodes:
        old = known.get(node.id)
        if old is None:
            yield Event(wall, Tone.ACCENT, f"{node.address} has joined the cluster as a {node.role}.", SERVER)
        elif old.role != node.role:
            deed = "took over as a primary" if node.role == "primary" else "is a replica now"
            yield Event(wall, Tone.WARN, f"{node.address} {deed}.", SERVER)
        elif old.run_id and node.run_id not in ("", old.run_id):
            text = f"{node.address} was restarted or replaced: what it held before may be gone."
            yield Event(wall, Tone.WARN, text, SERVER)
    there = {node.id for node in now.nodes}
    for node in before.nodes:
        if node.id not in there:
            yield Event(wall, Tone.NEUTRAL, f"{node.address} has left the cluster.", SERVER)


def openings(opened: Iterable[Finding], closed: Iterable[Finding], wall: float) -> Iterator[Event]:
    """Findings that opened and closed."""
    for finding in opened:
        tone = _TONES[finding.severity]
        yield Event(wall, tone, finding.judgement.text, Happening.OPENED, finding.family, finding.judgement.row)
    for finding in closed:
        text = f"No longer: {finding.judgement.text}"
        yield Event(wall, Tone.OK, text, Happening.CLOSED, finding.family, finding.judgement.row)
