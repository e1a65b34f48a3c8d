"""Judgements come and go with each poll; a finding opens when one first appears and closes when it is gone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fleetcache_gui.domain.family import Judgement, Severity
from fleetcache_gui.domain.words import count

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleetcache_gui.domain.family import Family


@dataclass(frozen=True, slots=True)
class Finding:
    """A judgement with its history; `family` is empty where it is about the whole server.

    `since` is monotonic seconds; `wall` the local Unix time of the same moment.
    """

    family: str
    judgement: Judgement
    since: float
    wall: float

    @property
    def id(self) -> tuple[str, str, bytes]:
        """Stable while it is open."""
        return (self.family, self.judgement.code, self.judgement.row)

    @property
    def severity(self) -> Severity:
        return self.judgement.severity


class FindingBook:
    """The open findings of all families. They are put in order when they change: they are looked at far more often."""

    def __init__(self) -> None:
        self.findings: tuple[Finding, ...] = ()
        """All that is open, most severe first, then oldest first."""
        self._open: dict[str, tuple[Finding, ...]] = {}

    def of(self, family: str) -> tuple[Finding, ...]:
        """What is open in one family, in the same order; the same tuple until that changes."""
        return self._open.get(family, ())

    def restore(self, findings: Iterable[Finding]) -> None:
        """Take these for all that is open."""
        self.findings = _in_order(findings)
        families = {finding.family for finding in self.findings}
        self._open = {family: tuple(f for f in self.findings if f.family == family) for family in families}

    def note(
        self, family: str, judgements: Iterable[Judgement], at: float, wall: float
    ) -> tuple[list[Finding], list[Finding]]:
        """Take what is judged of one family now; returns the findings that this opened or made graver, and those that
        it closed."""
        known, now = {finding.id: finding for finding in self.of(family)}, dict[tuple[str, str, bytes], Finding]()
        opened: list[Finding] = []
        for judgement in judgements:
            finding = Finding(family, judgement, at, wall)
            before = known.get(finding.id)
            if before is None or finding.severity.rank > before.severity.rank:
                opened.append(finding)
            now[finding.id] = replace(before, judgement=judgement) if before else finding
        if now != known:
            self._open[family] = _in_order(now.values())
            self.findings = _in_order(finding for some in self._open.values() for finding in some)
        return opened, [finding for key, finding in known.items() if key not in now]


def many(family: Family, suspects: int, read: int) -> Judgement:
    """One judgement for the keys of a long family that break its rule and were not read one by one."""
    return Judgement(
        f"{family.id}.many",
        b"",
        Severity.WARNING,
        f"{count(suspects, *family.noun)} {'breaks' if suspects == 1 else 'break'} the rule of this family; "
        f"{count(read)} of them were read.",
        "Keys with another type, without expiry, or with more time than the family allows, as found by the inventory.",
        "Sort the tab by time left to see them.",
    )


def _in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda f: (-f.severity.rank, f.since)))
