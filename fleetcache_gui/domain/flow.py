"""How a queue flows, list or stream: what waits, what comes, what goes, and since when nothing does."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcache_gui.domain.family import slope

if TYPE_CHECKING:
    from fleetcache_gui.domain.streams import Group
    from fleetcache_gui.domain.values import Sample

RATE_WINDOW = 20.0
"""Seconds over which rates are taken."""

_KEPT = 150  # samples of what arrived: as many as of what waits


@dataclass(frozen=True, slots=True)
class Load:
    """What one reading tells. `depth`: entries that wait; `length`: entries kept; `arrived` and `taken` count
    from some beginning on; `pops`: calls that take from any list of the server. None: not known."""

    kind: str
    depth: int | None
    length: int | None
    arrived: int | None = None
    taken: int | None = None
    pops: int | None = None
    groups: tuple[Group, ...] | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """What is remembered from one reading to the next; times are monotonic seconds.

    `moved`: entries were last seen to be taken; `popped`: the server's count of pops last rose; `empty`:
    nothing waited to be given out; `peak`: most that have waited since nothing did.
    """

    load: Load
    arrived: tuple[Sample, ...]
    moved: float
    popped: float
    empty: float | None = None
    peak: int = 0


def advance(before: Flow | None, at: float, load: Load) -> Flow:
    """The memory with one more reading. A queue of another kind is another queue."""
    if before and load.depth is None:
        return before
    old = before if before and before.load.kind == load.kind else Flow(load, (), at, at)
    arrived = old.arrived
    if load.arrived is not None and (not arrived or at > arrived[-1][0]):
        if arrived and load.arrived < arrived[-1][1]:
            arrived = ()  # the server or the stream began anew
        arrived = (*arrived[-(_KEPT - 1) :], (at, float(load.arrived)))
    moved = _rose(old.load.taken, load.taken) or _rose(load.depth, old.load.depth)
    lags = [group.lag for group in load.groups or ()]
    given_out = not load.depth or set(lags) == {0}
    return Flow(
        load,
        arrived,
        at if moved else old.moved,
        at if load.pops != old.load.pops else old.popped,
        at if given_out else old.empty,
        max(old.peak if old.load.depth else 0, load.depth or 0),
    )


def _rose(before: int | None, now: int | None) -> bool:
    return before is not None and now is not None and now > before


def rates(flow: Flow, waiting: tuple[Sample, ...]) -> tuple[float | None, float | None]:
    """Entries a second that come and that go: what comes, less what `waiting` has grown by, has gone."""
    came, net = slope(flow.arrived, RATE_WINDOW), slope(waiting, RATE_WINDOW)
    if came is None or net is None:
        return None, None
    # One push call may bring many entries: never less came than the list has grown by.
    came = max(came, net, 0.0) if flow.load.kind == "list" else came
    return came, max(came - net, 0.0)


def oldest(flow: Flow, at: float, wall: float, arriving: float | None) -> float | None:
    """About how long the oldest entry that is not done has waited, in seconds; None where nothing tells."""
    load = flow.load
    watched = math.inf if flow.empty is None else at - flow.empty
    ages: list[float] = []
    for group in load.groups or ():
        if group.oldest:
            ages.append(wall - group.oldest.added_ms / 1000)
        if group.lag:  # the oldest one not given out came after the last one that was
            ages.append(min(wall - group.delivered_ms / 1000 if group.delivered_ms else math.inf, watched))
    if load.kind == "list" and arriving:
        ages.append(min((load.depth or 0) / arriving, watched))
    known = [age for age in ages if age != math.inf]
    return max(*known, 0.0) if known and load.depth else None
