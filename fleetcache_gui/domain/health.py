"""Judgements come and go with each poll; a finding opens when one first appears and closes when it is gone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleetcache_gui.domain.family import Judgement, Severity


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
    """The open findings of all families, most severe first, then oldest first."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str, bytes], Finding] = {}

    def note(
        self, family: str, judgements: Iterable[Judgement], at: float, wall: float
    ) -> tuple[list[Finding], list[Finding]]:
        """Take what is judged of one family now; returns the findings that this opened or made graver, and those that
        it closed."""
        opened: list[Finding] = []
        now: set[tuple[str, str, bytes]] = set()
        for judgement in judgements:
            finding = Finding(family, judgement, at, wall)
            now.add(finding.id)
            known = self._open.get(finding.id)
            if known is None or finding.severity.rank > known.severity.rank:
                opened.append(finding)
            self._open[finding.id] = replace(known, judgement=judgement) if known else finding
        gone = [key for key, finding in self._open.items() if finding.family == family and key not in now]
        return opened, [self._open.pop(key) for key in gone]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that is open."""
        return tuple(sorted(self._open.values(), key=lambda f: (-f.severity.rank, f.since)))

    def of(self, family: str) -> tuple[Finding, ...]:
        """What is open in one family."""
        return tuple(f for f in self.findings if f.family == family)
