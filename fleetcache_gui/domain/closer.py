"""A closer look at campaigns and queues, worked out from what was read of them. Pure."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.domain.family import slope
from fleetcache_gui.domain.flow import RATE_WINDOW, oldest, rates
from fleetcache_gui.domain.lens import Graph, Lens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fleetcache_gui.domain.flow import Flow
    from fleetcache_gui.domain.streams import Group
    from fleetcache_gui.domain.values import Progress, Sample

_SLOW = 0.1
"""A campaign whose rate is below this share of its fastest has only stragglers left."""


def _slopes(samples: tuple[Sample, ...]) -> Iterator[Sample]:
    """The change per second up to each sample, over the last 20 s before it."""
    first = 0
    for position in range(1, len(samples)):
        at = samples[position][0]
        while first < position - 1 and samples[first + 1][0] <= at - RATE_WINDOW:
            first += 1
        speed = slope(samples[first : position + 1], RATE_WINDOW)
        if speed is not None:
            yield at, speed


def speeds(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
    """How fast a count rose, per second, up to each sample; never less than nothing."""
    return tuple((at, max(speed, 0.0)) for at, speed in _slopes(samples))


def campaign(samples: tuple[Sample, ...], progress: Progress | None, now: float) -> Lens | None:
    """A live query: answered over time, rate, when all will have answered, who is left."""
    if progress is None or not samples:
        return None
    done, total = progress.done, progress.total
    came = speeds(samples)
    rate, fastest = (came[-1][1] if came else 0.0), max((value for _, value in came), default=0.0)
    figures = [("Answered", _of(done, total)), ("Rate now", words.rate(rate)), ("Fastest seen", words.rate(fastest))]
    rises = [at for (_, then), (at, value) in itertools.pairwise(samples) if value > then]
    figures.append(("Last new answer", f"{words.duration(now - rises[-1])} ago" if rises else "none was seen"))
    note = "The number of enrolled hosts is not known, so what is left is not known either. --hosts tells it."
    if total:
        left = max(total - done, 0)
        figures.append(("Still to answer", words.count(left, "host")))
        note = ""
        if left and rate > 0:
            figures.append(("All answered in", f"about {words.duration(left / rate)}, at this rate"))
        elif left:
            figures.append(("All answered in", "never, at this rate"))
        if left and fastest and rate < _SLOW * fastest:
            note = f"What is left are stragglers: {words.count(left, 'host')} offline, asleep, or busy with the query."
    answered = Graph("answered", "Hosts that answered", "Members of hosts_completed.", "count", (("hosts", samples),))
    speed = Graph("rate", "Answers a second", "Over the 20 s before.", "rate", (("answers", came),))
    return Lens(tuple(figures), (answered, speed), note)


def _of(done: int, total: int | None) -> str:
    return f"{words.count(done)} of {words.count(total)} ({100 * done / total:.0f} %)" if total else words.count(done)


def queue(flow: Flow, waiting: tuple[Sample, ...], at: float, wall: float) -> Lens:
    """A queue: what comes and goes, how long it takes to drain, and of a stream who holds what."""
    load = flow.load
    coming, going = rates(flow, waiting)
    figures = [("Waiting", "not known" if load.depth is None else words.count(load.depth, "entry", "entries"))]
    for title, rate in (("In", coming), ("Out", going)):
        figures.append((title, "not known yet" if rate is None else words.rate(rate)))
    figures.append(("Drained in", _drained(load.depth, coming, going)))
    age = oldest(flow, at, wall, coming)
    figures.append(("Oldest waits", "not known" if age is None else f"about {words.duration(age)}"))
    if flow.peak:
        figures.append(("Most since it was empty", words.count(flow.peak, "entry", "entries")))
    came, gone = _history(flow, waiting)
    graphs = (
        Graph("waiting", "Entries waiting", "At each reading.", "count", (("waiting", waiting),)),
        Graph(
            "flow",
            "Coming and going",
            "Entries a second over the 20 s before.",
            "rate",
            (("in", came), ("out", gone)),
        ),
    )
    if load.kind != "stream":
        note = "What comes and goes is estimated: the server's count of calls covers all of its lists."
        return Lens(tuple(figures), graphs, note)
    note = " ".join(_aged(group) for group in load.groups or () if group.pending)
    if not load.groups:
        note = "No consumer group reads this stream."
    return Lens(
        tuple(figures), graphs, note, _HEADS, tuple(line for g in load.groups or () for line in _members(g, wall))
    )


_HEADS = ("Group", "Consumer", "Pending", "Asked last", "Its oldest")


def _drained(depth: int | None, coming: float | None, going: float | None) -> str:
    if depth is None or coming is None or going is None:
        return "not known yet"
    if not depth:
        return "nothing waits"
    if going <= coming:
        return "never, at this rate" if going < coming else "never: as much comes as goes"
    return f"about {words.duration(depth / (going - coming))}, at this rate"


def _history(flow: Flow, waiting: tuple[Sample, ...]) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """What came and what went, over time: what went is what came less what the queue has grown by."""
    came = speeds(flow.arrived)
    net = dict(_slopes(waiting))
    gone = tuple((at, max(value - net[at], 0.0)) for at, value in came if at in net)
    return came, gone


_AGES = ((10.0, "under 10 s"), (60.0, "under 1 min"), (600.0, "under 10 min"), (math.inf, "longer"))


def _aged(group: Group) -> str:
    """``Pending in workers, by time since delivery: 60 under 10 s, 20 longer.``"""
    counts = Counter(next(words_ for most, words_ in _AGES if age < most) for age in group.ages)
    parts = ", ".join(f"{words.count(counts[words_])} {words_}" for _, words_ in _AGES if counts[words_])
    if not parts:
        return ""
    some = f" (its first {len(group.ages)})" if group.pending > len(group.ages) else ""
    return f"Pending in {group.name}{some}, by time since delivery: {parts}."


def _members(group: Group, wall: float) -> Iterator[tuple[str, ...]]:
    lag = "lag not known" if group.lag is None else f"lag {words.count(group.lag)}"
    pending = group.oldest
    aged = ""
    if pending:
        times = words.count(pending.deliveries, "time")
        aged = f"added {words.duration(max(wall - pending.added_ms / 1000, 0.0))} ago, given out {times}"
    yield group.name, f"{words.count(group.consumers, 'consumer')}, {lag}", words.count(group.pending), "", aged
    for member in sorted(group.members, key=lambda member: -member.pending):
        theirs = f"{words.duration(pending.idle)} with it" if pending and pending.consumer == member.name else ""
        yield "", member.name, words.count(member.pending), f"{words.duration(member.idle)} ago", theirs
