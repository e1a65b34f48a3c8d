"""What good practice has to say of a server beside its limits: how it evicts, saves, buffers, and finds keys. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.domain.family import Judgement, Severity
from fleetcache_gui.domain.thresholds import Thresholds, raised

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fleetcache_gui.domain.snapshot import Vitals

POLICY, HITS, FRAGMENTATION = "server.policy", "server.hit-rate", "server.fragmentation"
BUFFERS, CUT_OFF, SAVING = "server.buffers", "server.buffer-limit", "server.saving"
"""Codes of the judgements."""

_SPAN = 300.0
"""Seconds of the hit rate that is compared with the one before, which must be as long at the least."""
_LOOKUPS = 1000
_DROP_SLACK = 5.0  # percentage points

_WASTE = 100 * 2**20
"""Bytes; in less, fragmentation costs nobody anything."""
_FRAGMENTATION_SLACK = 0.1

_BUFFER = 32 * 2**20
"""Bytes: the usual limit for one client that listens, where the server does not tell its own."""
_BUFFER_SLACK = 10.0  # percent

_MINUTE = 60.0

_ADVISED = (
    "Fleet's cache can live with allkeys-lru. Better still are expiries that keep stale keys from piling up, and "
    "memory enough that nothing is ever evicted."
)


def judge(history: Sequence[Vitals], limits: Thresholds, held: Mapping[str, Severity]) -> Iterator[Judgement]:
    """Of the last reading; as `server_health.judge`."""
    now = history[-1]
    yield from _policy(now)
    yield from _hit_rate(history, limits, held)
    for where, part in _parts(now):
        yield from _fragmentation(where, part, limits, held)
        yield from _saving(where, part)
    yield from _buffers(now, limits, held)
    yield from _cut_off(history)


def _parts(now: Vitals) -> Iterator[tuple[str, Vitals]]:
    """The server itself; of a cluster each node that is read, with its address."""
    if not now.nodes:
        yield "", now
    yield from ((node.address, node.figures) for node in now.nodes if node.figures is not None)


def endless(now: Vitals) -> str:
    """A sentence on keys without expiry, where they are the most; else empty."""
    if not now.all_keys or now.volatile is None or 2 * now.volatile >= now.all_keys:
        return ""
    without = now.all_keys - now.volatile
    return f"{words.count(without)} of {words.count(now.all_keys, 'key')} have no expiry and go by themselves never."


def _policy(now: Vitals) -> Iterator[Judgement]:
    policy, limit = now.policy or "", now.memory_limit
    if not limit or policy in ("", "noeviction", "allkeys-lru"):
        return
    severity = Severity.WARNING
    text = f"The eviction policy is {policy}."
    if policy.startswith("volatile"):
        meaning = (
            "At its memory limit the server removes only keys with an expiry: held locks, tokens and preassignments "
            "go, while campaigns and the host queue stay; when no such key is left it refuses writes."
        )
        told = endless(now)
        severity = Severity.WARNING if told else Severity.INFO
        meaning = " ".join(filter(None, (meaning, told)))
    elif policy == "allkeys-random":
        meaning = "At its memory limit the server removes keys by chance: a lock in use as soon as a stale one."
    elif policy == "allkeys-lfu":
        severity = Severity.INFO
        meaning = (
            "At its memory limit the server removes what is seldom used: a campaign or a lock that has just begun goes "
            "before a stale key that was once used much."
        )
    else:
        severity = Severity.INFO
        meaning = "What it removes at its memory limit is not known to this program."
    yield Judgement(POLICY, b"", severity, text, meaning, _ADVISED)


def _hit_rate(history: Sequence[Vitals], limits: Thresholds, held: Mapping[str, Severity]) -> Iterator[Judgement]:
    now = history[-1]
    middle = first = now
    for reading in reversed(history):
        if reading.run_id != now.run_id:
            break
        if reading.at >= now.at - _SPAN:
            middle = reading
        first = reading
    if middle.at - first.at < _SPAN:
        return
    before, lately = hit_share(first, middle), hit_share(middle, now)
    if before is None or lately is None:
        return
    drop = 100 * (before - lately)
    if raised(drop, limits.hit_drop, _DROP_SLACK, held=HITS in held):
        text = f"The hit rate has fallen from {100 * before:.0f} % to {100 * lately:.0f} % within five minutes."
        meaning = (
            "More look-ups find nothing: keys are gone that used to be there, or somebody asks for others. What Fleet "
            "does not find in its caches it reads from the database."
        )
        advice = "Look whether keys were evicted, expired too early or flushed, and what changed in Fleet just then."
        yield Judgement(HITS, b"", Severity.WARNING, text, meaning, advice)


def hit_share(then: Vitals, now: Vitals) -> float | None:
    """Of the look-ups between two readings the share that found a key; None for too few, or after a reset."""
    if None in (then.hits, then.misses, now.hits, now.misses):
        return None
    hits, misses = (now.hits or 0) - (then.hits or 0), (now.misses or 0) - (then.misses or 0)
    if hits < 0 or misses < 0 or hits + misses < _LOOKUPS:
        return None
    return hits / (hits + misses)


def _fragmentation(where: str, now: Vitals, limits: Thresholds, held: Mapping[str, Severity]) -> Iterator[Judgement]:
    if not now.memory or now.rss is None or now.rss - now.memory < _WASTE:
        return
    ratio = now.rss / now.memory
    if raised(ratio, limits.fragmentation, _FRAGMENTATION_SLACK, held=FRAGMENTATION in held):
        whose = where or "The server"
        text = f"{whose} holds {words.size(now.rss)} of memory for {words.size(now.memory)} of data."
        meaning = "The rest lies in gaps: the machine may run out of memory before the server reaches its own limit."
        advice = "It often goes by itself after a peak; activedefrag, or a restart at a quiet time, gives it back."
        yield Judgement(FRAGMENTATION, where.encode(), Severity.WARNING, text, meaning, advice)


def _saving(where: str, now: Vitals) -> Iterator[Judgement]:
    files = now.persistence
    if files is None or not (files.save_failed or files.aof_failed):
        return
    what = "append-only file" if files.aof_failed else "data file"
    text = f"{where or 'The server'} could not write its {what} the last time."
    meaning = "While that is so, Redis refuses all writes by default: campaigns cannot start, locks cannot be taken."
    advice = "See the server's log; mostly the disk is full. Fleet's cache need not be saved at all."
    yield Judgement(SAVING, where.encode(), Severity.WARNING, text, meaning, advice)


def _buffers(now: Vitals, limits: Thresholds, held: Mapping[str, Severity]) -> Iterator[Judgement]:
    if now.output_buffer is None or now.replicas:  # a replica's may be large, and has a limit of its own
        return
    limit = _buffer_limit(now.parameters.get("client-output-buffer-limit", ""))
    if raised(100 * now.output_buffer / limit, limits.buffer, _BUFFER_SLACK, held=BUFFERS in held):
        text = f"{words.size(now.output_buffer)} wait for one client, near the limit of {words.size(limit)}."
        meaning = "A client that reads too slowly is cut off at the limit: results of live queries may be lost."
        advice = "Find it with CLIENT LIST (omem); give listeners more room with client-output-buffer-limit."
        yield Judgement(BUFFERS, b"", Severity.WARNING, text, meaning, advice)


def _buffer_limit(told: str) -> int:
    """The hard limit of listeners: ``… pubsub 33554432 8388608 60``."""
    words_told = told.split()
    if "pubsub" in words_told[:-1]:
        limit = words_told[words_told.index("pubsub") + 1]
        if limit.isascii() and limit.isdigit() and int(limit[:18]):
            return int(limit[:18])
    return _BUFFER


def _cut_off(history: Sequence[Vitals]) -> Iterator[Judgement]:
    now = history[-1]
    then = next((v for v in reversed(history) if v.at <= now.at - _MINUTE), history[0])
    if now.buffer_kills is None or then.buffer_kills is None or then.run_id != now.run_id:
        return
    killed = now.buffer_kills - then.buffer_kills
    if killed > 0:
        text = f"{words.count(killed, 'client was', 'clients were')} cut off: more waited for them than is allowed."
        meaning = "What was waiting for them is lost: results of live queries, or a replica that must start over."
        advice = "Give listeners more room with client-output-buffer-limit, or find out why they read so slowly."
        yield Judgement(CUT_OFF, b"", Severity.WARNING, text, meaning, advice)
