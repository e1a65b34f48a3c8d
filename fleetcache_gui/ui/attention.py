"""Which findings call for attention, and which a person has acknowledged or muted.

It is kept in the settings, by the name of the connection. Nothing else in the program knows of it: `snapshot --fail-on`
and the timeline tell of every finding.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from fleetcache_gui.domain.family import Severity
from fleetcache_gui.settings import Hushed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fleetcache_gui.domain.health import Finding
    from fleetcache_gui.session import Session
    from fleetcache_gui.settings import Settings

DAY = 86_400.0
MUTES = ((3600.0, "for an hour"), (DAY, "for a day"), (7 * DAY, "for a week"), (None, "for good"))
"""Seconds offered, with their words."""

MOST = 500
"""Of one connection; the oldest are forgotten."""


EVERY = ""
"""In a row's place: all rows."""


def digest(row: bytes) -> str:
    """What stands for a row in the settings: its id may be a credential."""
    return hashlib.sha256(b"fleetcache-gui:" + row).hexdigest()[:32]


class Attention(QObject):
    """`changed`: something was acknowledged, muted, or is loud again."""

    changed = Signal()

    def __init__(self, session: Session, settings: Settings, wall: Callable[[], float] | None = None) -> None:
        super().__init__()
        self._session, self._settings, self.wall = session, settings, wall or session.wall
        self._judged = False
        self._index: dict[tuple[str, str, str], list[Hushed]] = {}
        """By family, code and row: it is asked of every finding at every reading."""
        self._sort()
        session.findings_changed.connect(self._review)

    @property
    def settled(self) -> bool:
        """Every family was judged once: what opens from now on is news."""
        return self._judged

    @property
    def hushed(self) -> list[Hushed]:
        """All of this connection, oldest first."""
        return self._settings.hushed.get(self._session.name, [])

    def loud(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Those that call for attention, in their order."""
        return tuple(finding for finding in findings if not self.of(finding)) if self._index else tuple(findings)

    def quiet(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The others."""
        return tuple(finding for finding in findings if self.of(finding))

    def of(self, finding: Finding) -> Hushed | None:
        """Why a finding is quiet; None where it is not."""
        if not self._index:
            return None
        family, code, now = finding.family, finding.judgement.code, self.wall()
        found = (*self._index.get(_place(finding), ()), *self._index.get((family, code, EVERY), ()))
        return next((h for h in found if (h.until is None or h.until > now) and _covers(h, finding)), None)

    def acknowledge(self, finding: Finding) -> None:
        """Quiet until it closes or becomes graver, and for a day at the most."""
        severity = finding.severity.value
        self._add(finding, digest(finding.judgement.row), acknowledged=severity, until=self.wall() + DAY)

    def mute(self, finding: Finding, seconds: float | None, *, kind: bool) -> None:
        """Quiet for so long, or for good (None): this row, or all rows with the same finding."""
        row = EVERY if kind else digest(finding.judgement.row)
        self._add(finding, row, until=None if seconds is None else self.wall() + seconds)

    def listen(self, finding: Finding) -> None:
        """Loud again: whatever hushes it is forgotten."""
        while (hushed := self.of(finding)) is not None:
            self.hushed.remove(hushed)
            self._sort()
        self.changed.emit()

    def tick(self) -> None:
        """Let go of what is over."""
        now = self.wall()
        self._keep(lambda hushed: hushed.until is None or hushed.until > now)

    def _add(self, finding: Finding, row: str, *, until: float | None, acknowledged: str = "") -> None:
        kept = self._settings.hushed.setdefault(self._session.name, [])
        kept.append(Hushed(finding.family, finding.judgement.code, row, acknowledged, until))  # type: ignore[arg-type]
        del kept[:-MOST]
        self._sort()
        self.changed.emit()

    def _sort(self) -> None:
        self._index.clear()
        for hushed in self.hushed:
            self._index.setdefault((hushed.family, hushed.code, hushed.row), []).append(hushed)

    def _review(self) -> None:
        """What was acknowledged and has closed, or is graver now, is forgotten: it will be told when it opens again.
        Not before everything was judged once, else each start would forget all."""
        if not self._judged:
            families = self._session.layout.families
            self._judged = all((read := self._session.snapshot(f.id)) and read.complete for f in families)
        if not self._judged or not any(hushed.acknowledged for hushed in self.hushed):
            return
        found = {_place(finding): finding for finding in self._session.findings}

        def still(hushed: Hushed) -> bool:
            finding = found.get((hushed.family, hushed.code, hushed.row))
            return not hushed.acknowledged or (finding is not None and _covers(hushed, finding))

        self._keep(still)

    def _keep(self, still: Callable[[Hushed], bool]) -> None:
        kept = self.hushed
        staying = [hushed for hushed in kept if still(hushed)]
        if len(staying) < len(kept):
            kept[:] = staying
            self._sort()
            self.changed.emit()


def _place(finding: Finding) -> tuple[str, str, str]:
    return finding.family, finding.judgement.code, digest(finding.judgement.row)


def _covers(hushed: Hushed, finding: Finding) -> bool:
    """An acknowledgement is of what was seen: not of something graver."""
    return not hushed.acknowledged or finding.severity.rank <= Severity(hushed.acknowledged).rank
