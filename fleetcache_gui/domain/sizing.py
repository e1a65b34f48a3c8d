"""How much memory a cache needs: what a layout's things take each, times how many there will be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcache_gui.domain import words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fleetcache_gui.domain.family import Row
    from fleetcache_gui.domain.weights import Weight

KB, MB, GB = 2**10, 2**20, 2**30

SERVER = 2 * MB
"""Bytes of a server that holds nothing: about 1 MB with Valkey 9 and Redis 8, and the buffers of its first clients."""
FULL = 0.80
"""Share of maxmemory from which an alert is due (the specification's)."""
SLACK = 1.25
"""Fragmentation, clients' buffers, and copies of pages while the server saves."""
SIZES = tuple(mb * MB for mb in (256, 512, 768)) + tuple(gb * GB for gb in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64))
"""Sizes of memory that are recommended and sold."""
FEW_HOSTS = 50_000
"""Below it the specification starts at 256 to 512 MB."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a fleet asks of its cache at its busiest: enrolled `hosts`, `campaigns` at once, the share of hosts that
    have `answered` each (0..1), entries that wait in the `backlog`, valid `tokens`."""

    hosts: int
    campaigns: int
    answered: float
    backlog: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that takes memory, `rule` bytes each. `source` says where that figure is from.

    `count` tells how many there are under a load; `knob` is the field of `Load` that the family's own number is now.
    `measure` makes the bytes of one out of the weight of the whole family
    and its rows, None where that cannot be told from them.
    """

    family: str
    title: str
    rule: float
    source: str
    count: Callable[[Load], float]
    measure: Callable[[Weight, Sequence[Row]], float | None] = lambda weight, rows: None
    knob: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One part of a projection: bytes each by rule and as measured (None: not known here), and how many."""

    part: Part
    count: float
    measured: float | None

    @property
    def by_rule(self) -> float:
        """Bytes by the rule of thumb."""
        return self.count * self.part.rule

    @property
    def as_measured(self) -> float:
        """Bytes at what one takes on this server; by rule where that is not known."""
        return self.count * (self.part.rule if self.measured is None else self.measured)


@dataclass(frozen=True, slots=True)
class Projection:
    """What a load needs; `lines` in the order of the layout."""

    load: Load
    lines: tuple[Line, ...]

    @property
    def by_rule(self) -> float:
        """Bytes of keys and server, by the rules of thumb."""
        return SERVER + sum(line.by_rule for line in self.lines)

    @property
    def as_measured(self) -> float:
        """The same at what things take on this server."""
        return SERVER + sum(line.as_measured for line in self.lines)

    @property
    def known(self) -> bool:
        """Whether anything was measured on this server."""
        return any(line.measured is not None for line in self.lines)

    @property
    def needed(self) -> float:
        """Bytes of the more cautious of the two, with what fragmentation and buffers take."""
        return max(self.by_rule, self.as_measured) * SLACK

    @property
    def maxmemory(self) -> int:
        """Bytes to give the server, so that it stays below the alert at this load."""
        least = 512 * MB if self.load.hosts >= FEW_HOSTS else SIZES[0]
        wanted = max(self.needed / FULL, least)
        return next((size for size in SIZES if size >= wanted), -(-int(wanted) // GB) * GB)


def each_key(weight: Weight, rows: Sequence[Row]) -> float | None:
    """The measure of a part that is one key."""
    return weight.size / weight.keys if weight.keys else None


def project(parts: Sequence[Part], load: Load, measured: Mapping[Part, float]) -> Projection:
    """`measured`: bytes of one thing of a part, where they are known."""
    return Projection(load, tuple(Line(part, part.count(load), measured.get(part)) for part in parts))


def recommendation(plan: Projection, limit: int | None, policy: str | None) -> str:
    """Settings to copy, under comments that say what they rest on. `limit` and `policy` are the server's own now."""
    load, here = plan.load, f", as measured here {words.size(plan.as_measured)}" if plan.known else ""
    lines = [
        f"# Fleet's cache: {words.count(load.hosts, 'host')}, {words.count(load.campaigns, 'campaign')} at once "
        f"({load.answered:.0%} answered),",
        f"# {words.count(load.backlog, 'queued entry', 'queued entries')}, {words.count(load.tokens, 'token')}.",
        f"# By rule {words.size(plan.by_rule)}{here};",
        f"# {words.size(plan.needed)} with fragmentation and buffers, at most {FULL:.0%} full:",
        f"maxmemory {_setting(plan.maxmemory)}",
        "# A cache is not authoritative: evict rather than refuse writes.",
        "maxmemory-policy allkeys-lru",
    ]
    if limit is not None:
        now = words.size(limit) if limit else "no limit"
        lines.append(f"# Now: {now}{f', {policy}' if policy else ''}.")
    return "\n".join(lines) + "\n"


def _setting(size: int) -> str:
    return f"{size // GB}gb" if size % GB == 0 else f"{size // MB}mb"
