"""What is judged of the server as a whole, from successive readings of its figures. Pure.

Thresholds are those of Fleet's cache specification (memory over 80 %, clients saturating, replicas behind). The window
takes the colours of its tiles from here too, so that what is red there is a finding as well.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.domain.family import Judgement, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from fleetcache_gui.domain.snapshot import Vitals

SERVER = ""
"""In a finding's place for a family: it is about the server as a whole."""

MEMORY, EVICTIONS, CLIENTS, LAG = "server.memory", "server.evictions", "server.clients", "server.replica-lag"
ONE_NODE, OTHER_LAYOUT = "server.one-node", "server.other-layout"
"""Codes of the judgements."""

RECENT = 60.0
"""Seconds over which a rate is told, and that an eviction is held against the server."""

_FULL = ((Severity.CRITICAL, 0.95), (Severity.WARNING, 0.80))
"""Shares of a limit from which on it is told; gravest first."""

_SHARE_SLACK = 0.05
_BEHIND, _BEHIND_SLACK = 10.0, 5.0  # seconds

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
    "Open each primary to see all of it; reading a cluster as a whole is to come.",
)
_LATE = (
    "If it took over now, what was written meanwhile would be lost: locks free again, answers and queued hosts gone.",
    "Look at the replica's load and network; INFO replication on the server names each one.",
)


def judge(history: Sequence[Vitals]) -> tuple[Judgement, ...]:
    """What is wrong with the server at the last of its readings, which come oldest first."""
    if not history:
        return ()
    found = (_one_node(history[-1]), _memory(history), _evictions(history), _clients(history), _lag(history))
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
            f"Open the server again with --layout both to see all of it, or with --layout {layout} for these alone.",
        )
        for layout in sorted(elsewhere)
    )


def _one_node(now: Vitals) -> Judgement | None:
    if now.mode != "cluster":
        return None
    text = "This server is one node of a cluster, and only its own keys are read."
    return Judgement(ONE_NODE, b"", Severity.WARNING, text, *_IN_PART)


def memory_share(vitals: Vitals) -> float | None:
    """Memory used, of its limit; None without a limit."""
    return vitals.memory / vitals.memory_limit if vitals.memory is not None and vitals.memory_limit else None


def clients_share(vitals: Vitals) -> float | None:
    """Connections, of their limit."""
    return vitals.clients / vitals.clients_limit if vitals.clients is not None and vitals.clients_limit else None


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


def _over(history: Sequence[Vitals], read: Callable[[Vitals], float | None], threshold: float, slack: float) -> bool:
    """True from above `threshold` until `slack` below it, so that what moves about it does not come and go."""
    for vitals in reversed(history):
        figure = read(vitals)
        if figure is None or vitals.run_id != history[-1].run_id or figure <= threshold - slack:
            return False
        if figure > threshold:
            return True
    return False


def _fullness(history: Sequence[Vitals], read: Callable[[Vitals], float | None]) -> Severity | None:
    return next((severity for severity, share in _FULL if _over(history, read, share, _SHARE_SLACK)), None)


def _memory(history: Sequence[Vitals]) -> Judgement | None:
    severity, now = _fullness(history, memory_share), history[-1]
    if severity is None:
        return None
    state = "nearly full" if severity is Severity.CRITICAL else "filling up"
    used, limit = 100 * (memory_share(now) or 0.0), words.size(now.memory_limit or 0)
    text = f"The server's memory is {state}: {used:.0f} % of {limit} are used."
    return Judgement(MEMORY, b"", severity, text, _at_the_limit(now.policy or ""), _FULL_ADVICE)


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


def _evictions(history: Sequence[Vitals]) -> Judgement | None:
    steps = list(growth(lately(history), lambda v: v.evicted))
    evicted = sum(grown for _, _, grown in steps)
    if not evicted:
        return None
    within = words.duration(int(steps[-1][1].at - steps[0][0].at))  # longer than a minute after a pause
    text = f"{words.count(evicted, 'key was evicted', 'keys were evicted')} within {within}."
    return Judgement(EVICTIONS, b"", Severity.WARNING, text, *_EVICTED)


def _clients(history: Sequence[Vitals]) -> Judgement | None:
    severity, now = _fullness(history, clients_share), history[-1]
    if severity is None:
        return None
    used, limit = words.count(now.clients or 0), words.count(now.clients_limit or 0)
    text = f"{used} of the {limit} connections that the server allows are in use."
    return Judgement(CLIENTS, b"", severity, text, *_CROWDED)


def _lag(history: Sequence[Vitals]) -> Judgement | None:
    if not _over(history, lambda v: v.lag_s, _BEHIND, _BEHIND_SLACK):
        return None
    text = f"A replica is {words.duration(history[-1].lag_s or 0.0)} behind."
    return Judgement(LAG, b"", Severity.WARNING, text, *_LATE)
