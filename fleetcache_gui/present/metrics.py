"""What charts of a server show, worked out from its readings. Pure.

Any sequence of readings will do, oldest first; `within` cuts it to what is looked at.
"""

from __future__ import annotations

import itertools
import math
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.domain.server_advice import FRAGMENTATION, HITS
from fleetcache_gui.domain.server_health import CLIENTS, EVICTIONS, LAG, MEMORY, growth
from fleetcache_gui.domain.text import show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from fleetcache_gui.domain.snapshot import Vitals
    from fleetcache_gui.domain.values import Sample

MOST = 900
"""Readings that a chart is made of at the most: no screen shows more, and each costs about a microsecond a curve."""

COMMANDS = 6
"""Commands that have a curve of their own; the others are one together."""

OURS, OTHERS = "this inspector", "others"

_TEXT = 24  # characters
_SHORTEST = 0.3
"""Seconds; less lies between two readings only when something was asked for out of turn."""


class Unit(Enum):
    """What a chart's figures are. The value is the heading of a column of them."""

    COUNT = "count"
    RATE = "per second"
    BYTES = "bytes"
    BYTE_RATE = "bytes per second"
    PERCENT = "percent"
    RATIO = "ratio"
    SECONDS = "seconds"

    def mark(self, value: float) -> str:
        """The same, for a round value on an axis."""
        return re.sub(r"\.0+(?!\d)", "", self.text(value))

    @property
    def binary(self) -> bool:
        """Steps of powers of two read well."""
        return self in (Unit.BYTES, Unit.BYTE_RATE)

    def text(self, value: float) -> str:
        """``812.0 MB``, ``312/s``, ``41.5 %``"""
        match self:
            case Unit.BYTES:
                return words.size(value)
            case Unit.BYTE_RATE:
                return f"{words.size(value)}/s"
            case Unit.RATE:
                return words.rate(value)
            case Unit.PERCENT:
                return f"{value:.1f} %"
            case Unit.RATIO:
                return f"{value:.2f}"
            case Unit.SECONDS:
                return f"{value:.0f} s"
            case _:
                return f"{value:,.0f}"


@dataclass(frozen=True, slots=True)
class Series:
    """One curve. `limit`: no measurement but what it must stay below. `aside`: told in words and not drawn."""

    title: str
    samples: tuple[Sample, ...]
    limit: bool = False
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart's content; `absent` says why there is none."""

    unit: Unit
    series: tuple[Series, ...]
    absent: str = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """One of the charts that there are; `help` explains it in whole sentences. `seldom`: it is made of readings with
    calls by command, of which a history keeps few."""

    id: str
    title: str
    help: str
    plot: Callable[[Sequence[Vitals]], Plot]
    seldom: bool = False

    def within(self, history: Sequence[Vitals], first: float, last: float) -> Plot:
        """The chart of what lies between two moments (monotonic seconds)."""
        if self.seldom:
            return self.plot(within([v for v in history if v.calls], first, last, MOST // 4))
        return self.plot(within(history, first, last))


def levels(history: Sequence[Vitals], read: Callable[[Vitals], float | None]) -> tuple[Sample, ...]:
    """A figure as it was told, reading by reading."""
    return tuple((v.at, float(value)) for v in history if (value := read(v)) is not None)


def rates(history: Sequence[Vitals], read: Callable[[Vitals], int | None]) -> tuple[Sample, ...]:
    """A counter's growth per second between readings; none across a restart or a reset of the statistics. Readings
    that follow at once are taken together: over so short a time chance is all."""
    found: list[Sample] = []
    last: Vitals | None = None
    since, gathered = 0.0, 0
    for then, now, grown in growth(history, read):
        if then is not last:
            since, gathered = then.at, 0
        gathered += grown
        if now.at - since >= _SHORTEST:
            found.append((now.at, gathered / (now.at - since)))
            since, gathered = now.at, 0
        last = now
    return tuple(found)


def hit_shares(history: Sequence[Vitals]) -> tuple[Sample, ...]:
    """Of the look-ups between readings, the share that found a key, 0..1; none where there were no look-ups."""
    missed = dict(rates(history, lambda v: v.misses))
    pairs = ((at, hit, missed.get(at)) for at, hit in rates(history, lambda v: v.hits))
    return tuple((at, hit / (hit + miss)) for at, hit, miss in pairs if miss is not None and hit + miss)


def within(history: Sequence[Vitals], first: float, last: float, most: int = MOST) -> list[Vitals]:
    """The readings from `first` to `last` (monotonic seconds) with one more at either side, so that lines reach the
    edges; of very many every second, fourth, eighth … one, between which rates are still true."""
    start = max(bisect_left(history, first, key=_at) - 1, 0)
    end = min(bisect_right(history, last, key=_at) + 1, len(history))
    step = 1 << (max(math.ceil((end - start) / most), 1) - 1).bit_length()
    # Counted from the oldest of all: else each new reading would choose others.
    start -= start % step
    return [history[position] for position in range(start, end, step)]


def of_node(history: Sequence[Vitals], node_id: str) -> list[Vitals]:
    """The readings of one node of a cluster."""
    return [node.figures for v in history for node in v.nodes if node.id == node_id and node.figures is not None]


def restarts(history: Sequence[Vitals]) -> tuple[float, ...]:
    """When other processes answered than before."""
    known = [v for v in history if v.run_id]
    return tuple(now.at for then, now in itertools.pairwise(known) if now.run_id != then.run_id)


def as_csv(metric: Metric, plot: Plot, skew: float) -> str:
    """A chart as a table: a row a moment (`skew`: Unix time less monotonic), a column a curve; nothing is a formula."""
    columns = [dict(series.samples) for series in plot.series]
    moments = sorted({at for column in columns for at in column})
    head = ["time_utc", *(f"{metric.title}: {series.title} ({plot.unit.value})" for series in plot.series)]
    lines = [",".join(map(_quoted, head))]
    for at in moments:
        cells = (f"{column[at]:.10g}" if at in column else "" for column in columns)
        lines.append(",".join((words.utc(at + skew), *cells)))
    return "\r\n".join(lines) + "\r\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'  # begins with the metric's own title: never with = + - @


def _at(vitals: Vitals) -> float:
    return vitals.at


def _plot(unit: Unit, absent: str, *series: Series) -> Plot:
    shown = tuple(one for one in series if one.samples)
    return Plot(unit, shown, "" if any(not (one.limit or one.aside) for one in shown) else absent)


_NO_RATE = "Two readings make a rate; the server may not tell it."


def _lookups(history: Sequence[Vitals]) -> Plot:
    found, missed = rates(history, lambda v: v.hits), rates(history, lambda v: v.misses)
    return _plot(Unit.RATE, _NO_RATE, Series("found", found), Series("missed", missed))


def _hit_rate(history: Sequence[Vitals]) -> Plot:
    shares = tuple((at, 100 * share) for at, share in hit_shares(history))
    return _plot(Unit.PERCENT, "Nothing was looked up.", Series("found", shares))


def _memory(history: Sequence[Vitals]) -> Plot:
    return _plot(
        Unit.BYTES,
        "The server does not tell.",
        Series("used", levels(history, lambda v: v.memory)),
        Series("taken from the system", levels(history, lambda v: v.rss)),
        Series("limit", levels(history, lambda v: v.memory_limit or None), limit=True),
    )


def _fragmentation(history: Sequence[Vitals]) -> Plot:
    ratios = levels(history, lambda v: v.rss / v.memory if v.rss is not None and v.memory else None)
    return _plot(Unit.RATIO, "The server does not tell.", Series("taken by used", ratios))


def _going(history: Sequence[Vitals]) -> Plot:
    evicted, expired = rates(history, lambda v: v.evicted), rates(history, lambda v: v.expired)
    return _plot(Unit.RATE, _NO_RATE, Series("expired", expired), Series("evicted", evicted))


def _clients(history: Sequence[Vitals]) -> Plot:
    return _plot(
        Unit.COUNT,
        "The server does not tell.",
        Series("connected", levels(history, lambda v: v.clients)),
        Series("limit", levels(history, lambda v: v.clients_limit or None), limit=True),
    )


def _blocked(history: Sequence[Vitals]) -> Plot:
    return _plot(Unit.COUNT, "The server does not tell.", Series("waiting", levels(history, lambda v: v.blocked)))


def _network(history: Sequence[Vitals]) -> Plot:
    received, sent = rates(history, lambda v: v.net_in), rates(history, lambda v: v.net_out)
    return _plot(Unit.BYTE_RATE, _NO_RATE, Series("received", received), Series("sent", sent))


def _lag(history: Sequence[Vitals]) -> Plot:
    replicas = sorted({place for v in history for place in v.lags})
    series = (Series(place, levels(history, lambda v, place=place: v.lags.get(place))) for place in replicas)  # type: ignore[misc]
    return _plot(Unit.SECONDS, "There is no replica, or the server does not tell.", *series)


def _commands(history: Sequence[Vitals]) -> Plot:
    """Calls of others by command, and ours together."""
    moments = [(at, span, calls, ours) for at, span, calls, ours in _calls(history)]
    totals: Counter[str] = Counter()
    for _, _, calls, _ in moments:
        totals.update(calls)
    named = [name for name, total in totals.most_common(COMMANDS) if total]
    series = [
        Series(show(name.encode(), _TEXT), tuple((at, calls.get(name, 0) / span) for at, span, calls, _ in moments))
        for name in named
    ]
    if len(+totals) > len(named):
        rest = tuple((at, sum(n for c, n in calls.items() if c not in named) / span) for at, span, calls, _ in moments)
        series.append(Series(OTHERS, rest))
    if any(ours for *_, ours in moments):
        series.append(Series(OURS, tuple((at, ours / span) for at, span, _, ours in moments), aside=True))
    return _plot(Unit.RATE, "INFO commandstats was not told twice yet, or may not be read.", *series)


def _calls(history: Sequence[Vitals]) -> Iterator[tuple[float, float, dict[str, int], int]]:
    """Between readings that have them: when, over how many seconds, calls of others by command, and ours in all."""
    told = [v for v in history if v.calls]
    folded = [_folded(v.calls) for v in told]
    for (then, before), (now, after) in itertools.pairwise(zip(told, folded, strict=True)):
        span = now.at - then.at
        if then.run_id != now.run_id or span <= 0 or any(after[name] < number for name, number in before.items()):
            continue  # a restart, or a reset of the statistics
        ours = {name: max(number - then.ours.get(name, 0), 0) for name, number in now.ours.items()}
        calls = {name: max(number - before[name] - ours.get(name, 0), 0) for name, number in after.items()}
        yield now.at, span, calls, sum(ours.values())


def _folded(calls: Mapping[str, int]) -> Counter[str]:
    """``config|get`` and its like by the command's name alone, as older servers tell it and we count ours."""
    folded: Counter[str] = Counter()
    for name, number in calls.items():
        folded[name.partition("|")[0]] += number
    return folded


METRICS: tuple[Metric, ...] = (
    Metric(
        "memory",
        "Memory",
        "What the server uses for its data, what it has taken from the system for that, and its limit (maxmemory).",
        _memory,
    ),
    Metric(
        "fragmentation",
        "Fragmentation",
        "Memory taken from the system by memory used. Near 1 is good; of a small cache a high figure means nothing.",
        _fragmentation,
    ),
    Metric(
        "lookups",
        "Look-ups",
        "Keys that clients looked for per second and found, or missed; our own are left out, but for single nodes.",
        _lookups,
    ),
    Metric("hit_rate", "Hit rate", "Of all look-ups, the share that found a key.", _hit_rate),
    Metric(
        "going",
        "Keys that go",
        "Keys per second whose time was over (expired), and those removed before it for want of memory (evicted).",
        _going,
    ),
    Metric(
        "commands",
        "Commands",
        "Calls per second by command, every ten seconds. What this program asks is left out and told beside them, but "
        "for single nodes, where it is among them.",
        _commands,
        seldom=True,
    ),
    Metric("clients", "Clients", "Connections, and how many the server allows (maxclients).", _clients),
    Metric("blocked", "Blocked clients", "Clients that wait for work in a blocking command, such as BLMOVE.", _blocked),
    Metric("network", "Network", "Bytes per second that the server received and sent.", _network),
    Metric(
        "lag",
        "Replication lag",
        "Seconds since each replica was heard of. If it took over, what was written since would be lost.",
        _lag,
    ),
)
"""In the order of the page."""

CHART_OF: Mapping[str, str] = {
    MEMORY: "memory",
    FRAGMENTATION: "fragmentation",
    HITS: "hit_rate",
    EVICTIONS: "going",
    CLIENTS: "clients",
    LAG: "lag",
}
"""The chart, by its id, that shows how a finding about the server came to be, by the finding's code."""
