"""What is judged of the server as a whole, from successive readings of its figures. Pure.

Thresholds may be chosen (`thresholds.py`); what is open stays so until its figure is well below. The window takes the
colours of its tiles from the findings too, so that what is red there is a finding as well.
"""

from __future__ import annotations

import itertools
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from fleetcache_gui.domain import server_advice, words
from fleetcache_gui.domain.family import Judgement, Severity
from fleetcache_gui.domain.snapshot import NodeVitals, Vitals
from fleetcache_gui.domain.thresholds import USUAL, Thresholds, grade, raised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_Figures: TypeAlias = "Vitals | NodeVitals"
"""Of a server by itself, or of one node."""

SERVER = ""
"""In a finding's place for a family: it is about the server as a whole."""

MEMORY, EVICTIONS, CLIENTS, LAG = "server.memory", "server.evictions", "server.clients", "server.replica-lag"
ONE_NODE, PARTIAL, OTHER_LAYOUT = "server.one-node", "server.partial", "server.other-layout"
"""Codes of the judgements."""

RECENT = 60.0
"""Seconds over which a rate is told, and that an eviction is held against the server."""

_PERCENT_SLACK = 5.0
_LAG_SLACK = 0.5  # of the threshold

NOTHING_HELD: Mapping[str, Severity] = MappingProxyType({})

_FULL_ADVICE = "See on the overview which family grows; clean up what is orphaned, or give the server more memory."
_EVICTED = (
    "What is evicted is gone before its time: a campaign without its SQL or its answers, a lock that is free while "
    "its holder works, a queue that lost what waited. Caches come again by themselves.",
    "Give the server more memory, or shorten the lifetimes of what piles up.",
)
_CROWDED = (
    "At the limit the server refuses connections: Fleet instances that start or connect again do without the cache.",
    "Find out who holds so many (CLIENT LIST); close what is idle, make Fleet's pools smaller, or raise maxclients.",
)
_IN_PART = (
    "What lies on the other nodes is missing: a campaign may show one of its two keys, and counts are of one part.",
    "To have the whole cluster read, allow the account CLUSTER NODES; or open each primary to see all of it.",
)
_LOST = (
    "What stands here of these slots is old. If the node is away for Fleet too, campaigns, locks and queues whose keys "
    "hash to them can be neither read nor written until a replica takes over or it is back.",
    "Look at the node and its log, and whether its address can be reached from here; CLUSTER NODES on another one "
    "tells what the cluster thinks of it.",
)
_LATE = (
    "If it took over now, what was written meanwhile would be lost: locks free again, answers and queued hosts gone.",
    "Look at the replica's load and network; INFO replication on the server names each one.",
)


def judge(
    history: Sequence[Vitals],
    thresholds: Thresholds = USUAL,
    held: Mapping[str, Severity] = NOTHING_HELD,
) -> tuple[Judgement, ...]:
    """What is wrong with the server at the last of its readings, which come oldest first; `held` are the codes that
    are open now, with their severities."""
    if not history:
        return ()
    now = history[-1]
    if len(history) > 1 and history[-2].run_id != now.run_id:  # of another process nothing is held against this one
        held = NOTHING_HELD
    found = (
        _one_node(now),
        _partial(now),
        _memory(now, thresholds, held),
        _evictions(history, thresholds),
        _clients(now, thresholds, held),
        _lag(now, thresholds, held),
        *server_advice.judge(history, thresholds, held),
    )
    return tuple(judgement for judgement in found if judgement)


def other_layout(elsewhere: Iterable[str]) -> tuple[Judgement, ...]:
    """That keys of a layout are here which is not shown; no key is named, for a name may be a credential."""
    return tuple(
        Judgement(
            OTHER_LAYOUT,
            b"",
            Severity.INFO,
            f"Keys of the layout “{layout}” are on this server as well, and are not shown as such.",
            "They stand among the other keys, and nothing is judged of them.",
            f"Show both layouts to see all of it, or “{layout}” for these alone (palette, or --layout).",
        )
        for layout in sorted(elsewhere)
    )


def _one_node(now: Vitals) -> Judgement | None:
    if now.mode != "cluster" or now.nodes:
        return None
    text = "This server is one node of a cluster, and only its own keys are read."
    return Judgement(ONE_NODE, b"", Severity.WARNING, text, *_IN_PART)


def _partial(now: Vitals) -> Judgement | None:
    if not now.missing:
        return None
    lost = words.missing_words(now.missing)
    why = " ".join(dict.fromkeys(part.why for part in now.missing))
    meaning, advice = _LOST
    return Judgement(
        PARTIAL, b"", Severity.CRITICAL, f"A part of the cluster is missing: {lost}.", f"{why} {meaning}", advice
    )


def memory_share(vitals: Vitals) -> float | None:
    """Memory used, of its limit; None without a limit. Of a cluster, by the node that is the fullest."""
    return _share(vitals, _memory_of)


def clients_share(vitals: Vitals) -> float | None:
    """Connections, of their limit; of a cluster, on the node with the most."""
    return _share(vitals, _clients_of)


def _memory_of(figures: _Figures) -> tuple[int | None, int | None]:
    return figures.memory, figures.memory_limit


def _clients_of(figures: _Figures) -> tuple[int | None, int | None]:
    return figures.clients, figures.clients_limit


def _share(vitals: Vitals, of: Callable[[_Figures], tuple[int | None, int | None]]) -> float | None:
    used, limit = of(_fullest(vitals, of))
    return used / limit if used is not None and limit else None


def _fullest(vitals: Vitals, of: Callable[[_Figures], tuple[int | None, int | None]]) -> _Figures:
    """The server itself; of a cluster, the node that is nearest to its limit: no other helps it out."""

    def share(node: NodeVitals) -> float:
        used, limit = of(node)
        return (used or 0) / limit if limit else -1.0

    return max(vitals.nodes, key=share, default=vitals)


def lately(history: Sequence[Vitals]) -> list[Vitals]:
    """The readings of the last minute, from the one at its beginning on."""
    newest: list[Vitals] = []
    for vitals in reversed(history):
        newest.append(vitals)
        if vitals.at <= history[-1].at - RECENT:
            break
    return newest[::-1]


def growth(history: Sequence[Vitals], read: Callable[[Vitals], int | None]) -> Iterator[tuple[Vitals, Vitals, int]]:
    """From reading to reading how much a counter grew; nothing across a restart or a reset of the statistics."""
    for then, now in itertools.pairwise(history):
        before, after = read(then), read(now)
        if before is None or after is None or then.run_id != now.run_id or now.at <= then.at:
            continue
        if after >= before:
            yield then, now, after - before


def _memory(now: Vitals, limits: Thresholds, held: Mapping[str, Severity]) -> Judgement | None:
    share = memory_share(now)
    levels = ((Severity.CRITICAL, limits.memory_critical), (Severity.WARNING, limits.memory))
    severity = grade(None if share is None else 100 * share, levels, _PERCENT_SLACK, held.get(MEMORY))
    if severity is None or share is None:
        return None
    state = "nearly full" if severity is Severity.CRITICAL else "filling up"
    fullest = _fullest(now, _memory_of)
    whose = f"The memory of {fullest.address}" if isinstance(fullest, NodeVitals) else "The server's memory"
    text = f"{whose} is {state}: {100 * share:.0f} % of {words.size(fullest.memory_limit or 0)} are used."
    advice = " ".join(filter(None, (_FULL_ADVICE, server_advice.endless(now))))
    return Judgement(MEMORY, b"", severity, text, _at_the_limit(now.policy or ""), advice)


def _at_the_limit(policy: str) -> str:
    if policy == "noeviction":
        return (
            "At the limit it refuses writes: campaigns cannot start, locks cannot be taken, and host details are "
            "handled synchronously or wait."
        )
    if policy.startswith("volatile"):
        return (
            "At the limit it evicts keys that have an expiry, locks and tokens among them, and refuses writes when "
            "there are none."
        )
    if policy:
        return "At the limit it evicts keys: campaigns, locks and queued hosts can vanish before their time."
    return "At the limit it evicts keys or refuses writes; it does not tell which."


def _evictions(history: Sequence[Vitals], limits: Thresholds) -> Judgement | None:
    steps = list(growth(lately(history), lambda v: v.evicted))
    evicted = sum(grown for _, _, grown in steps)
    if evicted <= limits.evicted:  # counted over a minute, so that it does not come and go
        return None
    within = words.duration(int(steps[-1][1].at - steps[0][0].at))  # longer than a minute after a pause
    text = f"{words.count(evicted, 'key was evicted', 'keys were evicted')} within {within}."
    return Judgement(EVICTIONS, b"", Severity.WARNING, text, *_EVICTED)


def _clients(now: Vitals, limits: Thresholds, held: Mapping[str, Severity]) -> Judgement | None:
    share = clients_share(now)
    levels = ((Severity.CRITICAL, limits.clients_critical), (Severity.WARNING, limits.clients))
    severity = grade(None if share is None else 100 * share, levels, _PERCENT_SLACK, held.get(CLIENTS))
    if severity is None:
        return None
    fullest = _fullest(now, _clients_of)
    used, limit = words.count(fullest.clients or 0), words.count(fullest.clients_limit or 0)
    who = fullest.address if isinstance(fullest, NodeVitals) else "the server"
    text = f"{used} of the {limit} connections that {who} allows are in use."
    return Judgement(CLIENTS, b"", severity, text, *_CROWDED)


def _lag(now: Vitals, limits: Thresholds, held: Mapping[str, Severity]) -> Judgement | None:
    if not raised(now.lag_s, limits.lag, _LAG_SLACK * limits.lag, held=LAG in held):
        return None
    text = f"A replica is {words.duration(now.lag_s or 0.0)} behind."
    return Judgement(LAG, b"", Severity.WARNING, text, *_LATE)
