"""What is known of a family or a server at one moment, and how well it is known."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  (recordings are checked against it)
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import takewhile
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.family import Row


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All rows of a family at monotonic time `at`.

    A `long` family has too many rows to read the values of: `rows` then holds those on screen and the suspect ones,
    `count` tells how many there are, `suspects` how many break the family's rule, and `suspects_read` how many of those
    are among `rows`. `complete` is False until a whole sweep has been seen, and while a part of a cluster is missing.
    `refused` says why keys of it could not be read (no permission).
    """

    family: str
    rows: tuple[Row, ...]
    count: int
    at: float
    complete: bool
    long: bool = False
    suspects: int = 0
    suspects_read: int = 0
    refused: str | None = None


Slots: TypeAlias = "tuple[tuple[int, int], ...]"
"""First and last of each range of a cluster's slots."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A part of a cluster that cannot be read now: its slots, the node that should serve them (empty where none is
    assigned), and why, as a sentence."""

    slots: Slots
    address: str
    why: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """How far discovery has come: `scanned` keys of about `keys` in this sweep; `finished_at` is the monotonic time at
    which the last sweep ended, None before the first. With `missing` it is an inventory of the rest. `elsewhere` are
    the ids of layouts that are not shown and have keys here."""

    keys: int = 0
    scanned: int = 0
    finished_at: float | None = None
    refused: int = 0
    elsewhere: frozenset[str] = frozenset()
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True, slots=True)
class Persistence:
    """What a server tells of its files; None where it does not. `saved_at`: Unix seconds of the last good RDB file;
    `unsaved`: changes since then; `save_s` and `rewrite_s`: how long the last ones took; `fork_s`: how long the server
    stood still for the last of either."""

    saved_at: int | None = None
    unsaved: int | None = None
    saving: bool = False
    save_failed: bool = False
    save_s: int | None = None
    aof: bool = False
    rewriting: bool = False
    aof_failed: bool = False
    rewrite_s: int | None = None
    fork_s: float | None = None


@dataclass(frozen=True, slots=True)
class NodeVitals:
    """One node of a cluster; None where it did not tell, or is not asked.

    `role`: ``primary`` or ``replica``; `of`: the address of a replica's primary. `link`: ``live`` where we read it,
    ``away`` where we would and cannot, ``in step`` or ``failed`` as the cluster says of one that we do not read.
    `lag_s`: of a replica, seconds since its primary last heard of it. `run_id`: a new one with each start.
    `figures`: all that it tells of itself, where it is read.
    """

    id: str
    address: str
    role: str
    slots: Slots = ()
    of: str = ""
    link: str = "live"
    run_id: str = ""
    keys: int | None = None
    memory: int | None = None
    memory_limit: int | None = None
    clients: int | None = None
    clients_limit: int | None = None
    lag_s: float | None = None
    figures: Vitals | None = None


@dataclass(frozen=True, slots=True)
class Vitals:
    """One reading of the server's own figures (INFO); None where the server did not tell or may not be asked.

    Of a cluster: sums over the nodes that are read; `nodes` are all of them, `missing` is what cannot be read.
    `parameters` are those of its settings that a layout asks for (CONFIG GET), where that is permitted.
    `all_keys` and `volatile`: keys of all databases, and those of them that have an expiry. `output_buffer`: bytes that
    wait for the client with the most; `buffer_kills`: clients that were cut off for such. `calls` and `ours`: calls by
    command since the server started, and how many of them were this program's own. `lags`: of each replica by its
    address, seconds since it was heard of.
    """

    at: float
    server_name: str = "Redis"  # Redis, Valkey
    version: str = "?"
    mode: str = "standalone"
    role: str = "master"
    run_id: str = ""
    keys: int | None = None
    memory: int | None = None
    memory_limit: int | None = None
    policy: str | None = None
    clients: int | None = None
    clients_limit: int | None = None
    blocked: int | None = None
    hits: int | None = None
    misses: int | None = None
    evicted: int | None = None
    expired: int | None = None
    commands: int | None = None
    replicas: int | None = None
    lag_s: float | None = None
    rss: int | None = None
    net_in: int | None = None
    net_out: int | None = None
    uptime: int | None = None
    all_keys: int | None = None
    volatile: int | None = None
    output_buffer: int | None = None
    buffer_kills: int | None = None
    persistence: Persistence | None = None
    calls: Mapping[str, int] = field(default_factory=dict)
    ours: Mapping[str, int] = field(default_factory=dict)
    lags: Mapping[str, float] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    nodes: tuple[NodeVitals, ...] = ()
    missing: tuple[Missing, ...] = ()


CALLS_APART = 10.0
"""Seconds between two readings of a history that keep their calls by command, which are most of its bytes."""


def kept(vitals: Vitals, history: Sequence[Vitals]) -> Vitals:
    """A reading as it is to be appended to `history`: without its calls where those before it were kept just now."""
    recent = takewhile(lambda v: v.at > vitals.at - CALLS_APART, reversed(history))
    if not vitals.calls or not any(before.calls and before.run_id == vitals.run_id for before in recent):
        return vitals
    nodes = tuple(
        replace(node, figures=replace(node.figures, calls={}, ours={})) if node.figures else node
        for node in vitals.nodes
    )
    return replace(vitals, calls={}, ours={}, nodes=nodes)


class Phase(Enum):
    """Where the link to the server stands."""

    CONNECTING = "connecting"
    LIVE = "live"
    PAUSED = "paused"
    DOWN = "down"
    RECORDED = "recorded"  # what is shown was read before, perhaps elsewhere


@dataclass(frozen=True, slots=True)
class Link:
    """The link's state in words that can stand in front of a person.

    `server_away`: nobody can use the server now, Fleet as little as we; False while only our own access fails.
    `since` and `next_try` are monotonic seconds; `round_trip` seconds of the last poll's first exchange; `load` is our
    share of one core of the server, 0..1, estimated; `skew` is the server's clock minus ours in seconds.
    """

    phase: Phase
    address: str
    since: float = 0.0
    text: str = ""
    advice: str = ""
    server_away: bool = False
    next_try: float | None = None
    last_read: float | None = None
    round_trip: float | None = None
    load: float | None = None
    skew: float | None = None
    database: int = 0
