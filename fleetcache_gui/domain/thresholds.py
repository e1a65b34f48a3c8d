"""From where on something is told of a server: figures of one's own, and how far they must fall to be well again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.family import Severity


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Above these a finding opens. The defaults are those of Fleet's cache specification where it names one.

    `memory` and `clients`: percent of the limit, for a warning and a critical finding. `lag`: seconds that a replica is
    behind. `evicted`: keys within a minute. `hit_drop`: percentage points that the hit rate is below its own before.
    `fragmentation`: memory taken from the system by memory used. `growth`: percent that a family's entries have grown
    within ten minutes. `buffer`: percent of the limit that wait for one client.
    """

    memory: float = 80.0
    memory_critical: float = 95.0
    clients: float = 80.0
    clients_critical: float = 95.0
    lag: float = 10.0
    evicted: float = 0.0
    hit_drop: float = 20.0
    fragmentation: float = 1.5
    growth: float = 100.0
    buffer: float = 80.0


USUAL = Thresholds()


def raised(figure: float | None, threshold: float, slack: float, *, held: bool) -> bool:
    """True above `threshold`; where it is `held`, until `slack` below it: what moves about it does not come and go."""
    return figure is not None and figure > (threshold - slack if held else threshold)


def grade(
    figure: float | None, levels: Sequence[tuple[Severity, float]], slack: float, held: Severity | None
) -> Severity | None:
    """The gravest of `levels`, which come gravest first, that `figure` is over; `held` is that of the finding that is
    open now."""
    for severity, threshold in levels:
        if raised(figure, threshold, slack, held=held is not None and held.rank >= severity.rank):
            return severity
    return None
