"""From readings to findings, and to what is told when one opens or closes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.domain.family import AWAY, Expected, Family, Judgement
from fleetcache_gui.domain.growth import Growth
from fleetcache_gui.domain.health import FindingBook, many
from fleetcache_gui.domain.server_health import SERVER, judge, other_layout
from fleetcache_gui.present.timeline import openings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.health import Finding
    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.domain.snapshot import Inventory, Snapshot, Vitals
    from fleetcache_gui.domain.thresholds import Thresholds
    from fleetcache_gui.present.long_table import LongTable
    from fleetcache_gui.present.table import Table
    from fleetcache_gui.present.timeline import Event


class Judge:
    """Keeps the book of what is open. Each method returns what opened or closed, as events at Unix time `wall`."""

    def __init__(self, layout: Layout, expected: Expected) -> None:
        self.book = FindingBook()
        self._layout = layout
        self._expected = expected
        self._growth = Growth()

    def server(
        self,
        vitals: Vitals,
        history: Sequence[Vitals],
        inventory: Inventory,
        thresholds: Thresholds,
        wall: float,
    ) -> Sequence[Event]:
        """Judge the server by its newest figures and their history, which ends with them; of the first ones nothing is
        told."""
        held = {finding.judgement.code: finding.severity for finding in self.book.of(SERVER)}
        judged = (
            *judge(history, thresholds, held),
            *self._layout.judge(vitals),
            *other_layout(inventory.elsewhere),
        )
        opened, closed = self.book.note(SERVER, judged, vitals.at, wall)
        return list(openings(opened, closed, wall)) if len(history) > 1 else ()

    def family(
        self,
        snapshot: Snapshot,
        before: Snapshot | None,
        table: Table | LongTable,
        inventory: Inventory,
        thresholds: Thresholds,
        wall: float,
    ) -> Sequence[Event]:
        """Judge a family by its newest snapshot and the one before it."""
        family = self._layout.family(snapshot.family)
        known = self.book.of(family.id)
        judgements = [judgement for row in snapshot.rows for judgement in row.judgements]
        if not snapshot.complete:
            # What was found on an earlier connection, or of what is out of reach now, stays open until then.
            read = {row.id for row in snapshot.rows if row.state is not AWAY} if inventory.missing else set()
            judgements = [f.judgement for f in known if f.judgement.row not in read] + judgements
        elif snapshot.long:
            judgements = [*_unread(snapshot, known, table), *judgements]
        if snapshot.complete:
            judgements += self._whole(family, snapshot, thresholds)
        if snapshot.long and snapshot.suspects > snapshot.suspects_read:
            judgements.append(many(family, snapshot.suspects, snapshot.suspects_read))
        opened, closed = self.book.note(family.id, judgements, snapshot.at, wall)
        if before is None or not before.complete or not snapshot.complete:
            return ()
        # Of a long family few rows are read: what is no longer judged need not be mended.
        return list(openings(opened, () if snapshot.long else closed, wall))

    def _whole(self, family: Family, snapshot: Snapshot, thresholds: Thresholds) -> list[Judgement]:
        """What can be told of a family only where all of it is known."""
        held = any(finding.judgement.code.endswith(".growth") for finding in self.book.of(family.id))
        growth = self._growth.judge(family, snapshot.count, snapshot.at, thresholds.growth, held=held)
        return [*family.survey(snapshot.rows, snapshot.count, self._expected), *growth]


def _unread(snapshot: Snapshot, known: Sequence[Finding], table: Table | LongTable) -> list[Judgement]:
    """What was found of rows of a long family that were not read this time, and whose keys are still there."""
    read = {row.id for row in snapshot.rows}
    return [
        finding.judgement
        for finding in known
        if finding.judgement.row and finding.judgement.row not in read and table.get(finding.judgement.row)
    ]
