"""Asynchronous host processing of an upstream Fleet server: reports that wait for the database.

`label_membership:active_host_ids`, `policy_pass:active_host_ids`, `scheduled_query_stats:active_host_ids` (ZSETs: host
id, scored by the Unix time of its report) name the hosts whose own keys (see Hosts) wait to be collected.
`{host_seen:host_ids}` (SET) holds the hosts seen since the last collection, `{host_seen:host_ids}:processing` (SET)
those being written now. The indexes have no expiry by design, the two sets a week that is begun anew with each report.
A row is a task.
"""

from __future__ import annotations

import math
from functools import partial

from fleetcache_gui.domain import words
from fleetcache_gui.domain.decoding import (
    Answers,
    Verdict,
    answers,
    fault,
    key_named,
    keys_now,
    malformed,
    number,
    refusals,
    row_from,
    wrong_type,
)
from fleetcache_gui.domain.drafting import EXPIRY, VALUE, flush, removal
from fleetcache_gui.domain.family import Column, Family, Kind, Reading, Row, Rule, Severity, extend
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import Command, KeyFact, Reply, State, Tone

SEEN, PROCESSING = b"{host_seen:host_ids}", b"{host_seen:host_ids}:processing"

LATE = 300.0
"""Seconds that a report may wait before that is a finding: ten times Fleet's usual interval of collection."""

STUCK = 3600.0
"""Seconds from which on nobody can be expected to collect it any more."""

WEEK = 7 * 86400.0
"""Seconds that a report begins the two sets anew with."""

_TASKS = {
    b"label_membership:active_host_ids": "Label membership",
    b"policy_pass:active_host_ids": "Policy results",
    b"scheduled_query_stats:active_host_ids": "Query statistics",
    SEEN: "Hosts seen",
}
_ID = "upstream_host_tasks"
_CODE = "hosttask"
_LATE = (
    "What these hosts reported does not reach Fleet's database: labels, policies and query statistics there are old.",
    "Look at Fleet's log for the collector of this task and at the database; see under Locks who collects.",
)
_LEFT_OVER = (
    "The run that wrote these hosts to the database has failed or hangs; when they were last seen is not up to date.",
    "Look at Fleet's log for the collector; the next run that works takes them along.",
)
_ENDING = (
    "When the index ends, nobody knows which hosts have reports to be collected: they are lost.",
    "Fleet sets no expiry here: find out who does, and take it off with PERSIST.",
)


def _row_of(key: bytes) -> bytes:
    return SEEN if key == PROCESSING else key


def _keys_of(row: bytes) -> tuple[bytes, ...]:
    return (SEEN, PROCESSING) if row == SEEN else (row,)


def _oldest(key: bytes) -> Command:
    return (b"ZRANGE", key, b"0", b"0", b"WITHSCORES")


def _probes(row: bytes, keys: tuple[KeyFact, ...]) -> tuple[Command, ...]:
    commands: list[Command] = []
    for key in keys:
        if key.type == "zset":
            commands += [(b"ZCARD", key.name), _oldest(key.name)]
        elif key.type == "set":
            commands.append((b"SCARD", key.name))
    return tuple(commands)


def _size(key: KeyFact, got: Answers) -> int | None:
    """Members of a key, 0 where there is none."""
    command = b"ZCARD" if key.type == "zset" else b"SCARD"
    return number(got.get((command, key.name))) if key.exists else 0


def _lag(reading: Reading, reply: Reply) -> float | None:
    """Seconds since the oldest report, by the server's clock."""
    if not isinstance(reply, list) or len(reply) != 2 or not isinstance(reply[1], bytes):
        return None
    try:
        lag = reading.wall - float(reply[1])
    except ValueError:
        return None
    return max(lag, 0.0) if math.isfinite(lag) else None


def _since(reading: Reading, key: KeyFact) -> float | None:
    """Seconds since a key that was given a week was written."""
    left = key.expiry.left(reading.at)
    return WEEK - left if key.exists and key.expiry.ends and left <= WEEK else None


def _decode(reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    key = key_named(keys, reading.id)
    got = answers(_probes(reading.id, reading.keys), reading.replies)
    name = _TASKS.get(reading.id)
    title = name or show(reading.id, 120)
    busy = key_named(keys, PROCESSING)
    waiting = _size(key, got)
    processing = _size(busy, got) if reading.id == SEEN else None
    lag = _since(reading, busy) if reading.id == SEEN else _lag(reading, got.get(_oldest(reading.id)))
    samples = before.samples if before else ()
    if waiting is not None:
        samples = extend(before, reading.at, waiting)
    if name is None:
        verdict = malformed(reading.id, _CODE, title, "label_membership:active_host_ids and the like")
    else:
        wanted = ("set",) if reading.id == SEEN else ("zset",)
        verdict = (
            wrong_type(reading.id, _CODE, f"The index of {name.lower()}", key, wanted)
            or (wrong_type(reading.id, _CODE, "The set of hosts being written", busy, ("set",)) if processing else None)
            or (_expires(reading, name, key) if reading.id != SEEN else None)
            or _backlog(reading, name, waiting, processing, lag)
        )
    cells = (title, waiting, lag, processing, key.expiry if key.exists else None, samples)
    facts = refusals(got)
    return row_from(_ID, reading, before, keys, verdict, title, cells, facts=facts, samples=samples, memory=waiting)


def _expires(reading: Reading, name: str, key: KeyFact) -> Verdict | None:
    if not key.exists or not key.expiry.ends:
        return None
    text = f"The index of {name.lower()} ends in {words.duration(key.expiry.left(reading.at))}."
    return fault(reading.id, f"{_CODE}.ttl", "expires", Severity.WARNING, text, _ENDING)


def _backlog(reading: Reading, name: str, waiting: int | None, processing: int | None, lag: float | None) -> Verdict:
    if waiting is None:
        return Verdict(State("not read"), "The index is there, but its length could not be read.")
    hosts = words.count(waiting, "host")
    if reading.id == SEEN:
        if processing and lag is not None and lag >= LATE:
            left = words.count(processing, "host")
            text = f"A run has been writing {left} that reported for {words.duration(lag)}."
            return fault(reading.id, f"{_CODE}.processing", "stuck", Severity.WARNING, text, _LEFT_OVER)
    elif waiting and lag is not None and lag >= LATE:
        verb = "waits" if waiting == 1 else "wait"
        text = f"{name}: {hosts} {verb} to be collected, the oldest report for {words.duration(lag)}."
        severity = Severity.CRITICAL if lag >= STUCK else Severity.WARNING
        return fault(reading.id, f"{_CODE}.backlog", "behind", severity, text, _LATE)
    if waiting or processing:
        return Verdict(State("flowing", Tone.OK), f"{hosts} reported since the last collection.")
    return Verdict(State("idle"), "Nothing waits to be collected.")


def _weight(rows: tuple[Row, ...]) -> int | None:
    """Hosts that wait, of the task that has most of them."""
    return max((row.memory for row in rows if isinstance(row.memory, int)), default=None)


FAMILY = Family(
    id=_ID,
    title="Host tasks",
    tab="Host tasks",
    noun=("task", "tasks"),
    purpose="How many hosts have reports that Fleet has yet to write to its database, and how old those are; keys "
    "appear "
    "when asynchronous host processing is on and hosts report.",
    patterns=("label_membership:active_host_ids", "policy_pass:active_host_ids", "{host_seen:host_ids}", "…"),
    prefixes=(*_TASKS,),
    columns=(
        Column("task", "Task", Kind.TEXT, 0, "What is collected.", probed=False),
        Column("waiting", "Waiting", Kind.NUMBER, 10, "Hosts that reported and were not collected yet."),
        Column("oldest", "Oldest", Kind.SECONDS, 12, "How long the oldest report waits, by the server's clock."),
        Column("processing", "Writing", Kind.NUMBER, 9, "Hosts that a run is writing to the database now."),
        Column("left", "Time left", Kind.CLOCK, 16, "Indexes have no expiry by design.", probed=False),
        Column("trend", "Trend", Kind.TREND, 14, "Hosts waiting, over the last five minutes at most."),
        Column("state", "State", Kind.STATE, 12),
    ),
    rule=Rule(frozenset({"zset", "set"}), "required", math.inf, frozenset(_TASKS)),
    decode=_decode,
    row_of=_row_of,
    keys_of=_keys_of,
    key_titles=("Hosts waiting", "Hosts being written"),
    probes=_probes,
    fixed=tuple(_TASKS),
    weight=_weight,
    sort=("task", False),
    verbs=(
        flush(
            _ID,
            "indexes",
            partial(removal, moves=VALUE | EXPIRY),
            "Fleet no longer finds the reports that wait: they are lost, until their hosts report again.",
        ),
    ),
)
