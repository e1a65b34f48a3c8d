"""Locks of an upstream Fleet server, which have no prefix in common.

`calendar:lock:<event>` (STRING, the owner's token, 20 min), `calendar:reserved:<event>` (40 min: the cron job has the
next turn), `calendar:recent_update:<event>` (10 s: ignore the calendar's call-back), `calendar:queue` (SET of events
to be looked at again, no expiry), `locks:async_collector:{<task>}` (the literal 1, a minute). The last names no
holder, and is released by a plain DEL. Cron jobs are locked in Fleet's database: their locks are not here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.domain.coming import comes_and_goes
from fleetcache_gui.domain.decoding import (
    CELL,
    NAME,
    PREVIEW,
    Answers,
    Verdict,
    answers,
    blob,
    fault,
    key_named,
    keys_now,
    malformed,
    no_expiry,
    number,
    refusals,
    row_from,
    too_long,
    wrong_type,
)
from fleetcache_gui.domain.drafting import EXPIRY, VALUE, expiring, flush, give_expiry, gone, present, remove
from fleetcache_gui.domain.family import Column, Family, Kind, Reading, Row, Rule, Severity, Verb
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import Claim, Command, KeyFact, State, Tone
from fleetcache_gui.domain.verbs import Refusal

if TYPE_CHECKING:
    from fleetcache_gui.domain.plan import Draft

QUEUE = b"calendar:queue"

STAYS = 300.0
"""Seconds that an event may wait in the queue before that is a finding."""

SAMPLE = 100
"""Events of the queue that are followed one by one."""

_KINDS = (
    (re.compile(rb"calendar:lock:(.+)", re.DOTALL), "Calendar event", 1200.0),
    (re.compile(rb"calendar:reserved:(.+)", re.DOTALL), "Reserved event", 2400.0),
    (re.compile(rb"calendar:recent_update:(.+)", re.DOTALL), "Recent update", 60.0),
    (re.compile(rb"locks:async_collector:\{(.+)\}", re.DOTALL), "Collector", 3600.0),
)
"""Patterns of the keys, what is locked, and the most seconds that it should be."""

_ID = "upstream_locks"
_CODE = "lock"
_FOR_EVER = (
    "If its holder has died, nobody ever gets this lock, and the work behind it is never done again.",
    "Find out whether the work still goes on; if not, remove the key.",
)
_LATE = (
    "If its holder dies, the work behind it is not done for all that time.",
    "Find out whether the work still goes on, and what took the lock for so long.",
)
_UNDRAINED = (
    "Changes of these calendar events reach Fleet late or never: nobody who held their lock took them up again.",
    "Look at Fleet's log for the calendar; its next cron run should take them out. If not, remove them with SREM.",
)


@dataclass(frozen=True, slots=True)
class Hold:
    """A lock's value, and the monotonic time at which it was first seen under it."""

    token: bytes
    since: float


def _members(key: bytes) -> Command:
    return (b"SSCAN", key, b"0", b"COUNT", b"%d" % SAMPLE)


def _probes(row: bytes, keys: tuple[KeyFact, ...]) -> tuple[Command, ...]:
    commands: list[Command] = []
    for key in keys:
        if key.type == "string":
            commands.append((b"GETRANGE", key.name, b"0", b"%d" % (PREVIEW - 1)))
        elif key.type == "set":
            commands += [(b"SCARD", key.name), _members(key.name)]
    return tuple(commands)


def _decode(reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    key = key_named(keys, reading.id)
    got = answers(_probes(reading.id, reading.keys), reading.replies)
    if reading.id == QUEUE:
        return _queue(reading, before, keys, key, got)
    token = blob(got.get((b"GETRANGE", key.name, b"0", b"%d" % (PREVIEW - 1))))
    for pattern, kind, longest in _KINDS:
        if match := pattern.fullmatch(reading.id):
            return _lock(reading, before, keys, key, got, (kind, show(match[1], CELL), longest), token)
    title = show(reading.id, NAME)
    verdict = malformed(reading.id, _CODE, title, "calendar:lock:<event> or locks:async_collector:{<task>}")
    cells = ("malformed", show(reading.id, CELL), None, key.expiry if key.exists else None)
    return row_from(_ID, reading, before, keys, verdict, title, cells, facts=refusals(got))


def _lock(
    reading: Reading,
    before: Row | None,
    keys: tuple[KeyFact, ...],
    key: KeyFact,
    got: Answers,
    what: tuple[str, str, float],
    token: bytes | None,
) -> Row:
    kind, name, longest = what
    title = f"{kind} {name[:NAME]}"
    hold = before.memory if before and isinstance(before.memory, Hold) else None
    if token is not None and (hold is None or hold.token != token):
        hold = Hold(token, reading.at)
    ownerless = kind != "Calendar event"
    verdict = (
        wrong_type(reading.id, _CODE, title, key, ("string",))
        or no_expiry(reading.id, _CODE, title, key, Severity.CRITICAL, _FOR_EVER)
        or too_long(reading, _CODE, title, key.expiry, Rule(frozenset({"string"}), "required", longest), _LATE)
        or _held(kind)
    )
    since = hold.since if hold and key.exists else None
    cells = (kind, name, since, key.expiry if key.exists else None)
    facts = refusals(got)
    if token is not None:
        said = "not told: the value names nobody" if ownerless else show(token, CELL) or "(empty)"
        facts = (("Holder", said), *facts)
    return row_from(_ID, reading, before, keys, verdict, title, cells, facts=facts, memory=hold)


def _held(kind: str) -> Verdict:
    if kind == "Collector":
        return Verdict(
            State("held", Tone.ACCENT), "An instance collects reports of hosts; which one, the key does not say."
        )
    if kind == "Reserved event":
        return Verdict(State("reserved", Tone.ACCENT), "Fleet's calendar cron job has the next turn with this event.")
    if kind == "Recent update":
        return Verdict(State("recent"), "Fleet changed this event itself, and ignores what the calendar says of it.")
    return Verdict(
        State("held", Tone.ACCENT), "An instance works on this event. It ends with its time, or is released."
    )


def _queue(reading: Reading, before: Row | None, keys: tuple[KeyFact, ...], key: KeyFact, got: Answers) -> Row:
    """The events to be looked at again, with the time since which each was seen there."""
    length = number(got.get((b"SCARD", QUEUE))) if key.exists else 0
    old = before.memory if before and isinstance(before.memory, dict) else {}
    reply = got.get(_members(QUEUE))
    page = reply[1] if isinstance(reply, list) and len(reply) == 2 and isinstance(reply[1], list) else []
    seen = {event: old.get(event, reading.at) for event in page[:SAMPLE] if isinstance(event, bytes)}
    since = min(seen.values(), default=None)
    quiet = 0.0 if since is None else reading.at - since
    waiting = words.count(length or 0, "event waits", "events wait")
    verdict = wrong_type(QUEUE, _CODE, "The calendar queue", key, ("set",))
    if verdict is None and length and quiet >= STAYS:
        stay = [event for event, first in seen.items() if reading.at - first >= STAYS]
        text = f"{words.count(len(stay), 'event stays', 'events stay')} in calendar:queue, for {words.duration(quiet)}."
        verdict = fault(QUEUE, f"{_CODE}.queue", "undrained", Severity.WARNING, text, _UNDRAINED)
    state = State("waiting", Tone.ACCENT) if length else State("empty")
    verdict = verdict or Verdict(state, f"{waiting} for whoever holds their lock to look again.")
    cells = ("Queue", f"calendar:queue, {waiting}", since, key.expiry if key.exists else None)
    facts = refusals(got)
    return row_from(_ID, reading, before, keys, verdict, "Calendar queue", cells, facts=facts, memory=seen)


def _claim(row: Row) -> Claim | None:
    hold, key = row.memory, key_named(row.keys, row.id)
    if not isinstance(hold, Hold) or not key.exists:
        return None
    owned = row.id.startswith(b"calendar:lock:")
    return Claim(show(hold.token, 14) or "(empty)" if owned else "not told", hold.token, key.expiry)


def _release(row: Row, _choice: str) -> tuple[Draft, ...]:
    """The lock goes only while it holds the token on screen; of those that name no holder, the time tells one from
    the next."""
    hold = row.memory if isinstance(row.memory, Hold) else None
    token = hold.token if hold and len(hold.token) < PREVIEW else None
    owned = row.id.startswith(b"calendar:lock:")
    return tuple(
        remove(key, row.title, value=token, moves=EXPIRY if owned else frozenset(), otherwise="it was taken anew")
        for key in present(row)
    )


def _releasable(row: Row, _now: float) -> Refusal | None:
    return Refusal("It is no lock, but what waits for one.") if row.id == QUEUE else gone(row)


def _expire(row: Row, choice: str) -> tuple[Draft, ...]:
    return () if row.id == QUEUE else expiring(row, choice)


def _every_key(row: Row, _choice: str) -> tuple[Draft, ...]:
    return tuple(remove(key, row.title, moves=VALUE | EXPIRY) for key in present(row))


FAMILY = Family(
    id=_ID,
    title="Locks",
    tab="Locks",
    noun=("lock", "locks"),
    purpose="Who works on a calendar event or collects reports of hosts just now; a key appears when an instance "
    "takes a "
    "lock and goes when it is done or its time is up. Locks of cron jobs are in Fleet's database.",
    patterns=("calendar:lock:<event>", "calendar:reserved:<event>", "calendar:queue", "locks:async_collector:{<task>}"),
    prefixes=(b"calendar:lock:", b"calendar:reserved:", b"calendar:recent_update:", QUEUE, b"locks:async_collector:"),
    columns=(
        Column("kind", "Kind", Kind.TEXT, 15, "What is locked.", probed=False),
        Column("name", "Name", Kind.CODE, 0, "The event or the task.", probed=False),
        Column("held", "Held for", Kind.AGE, 11, "Since it was first seen; it may have been held before that."),
        Column("left", "Time left", Kind.CLOCK, 16, "Until the lock ends.", probed=False),
        Column("state", "State", Kind.STATE, 12),
    ),
    rule=Rule(frozenset({"string", "set"}), "required", max(most for _, _, most in _KINDS), frozenset({QUEUE})),
    decode=_decode,
    probes=_probes,
    tell=comes_and_goes("was taken", "was released"),
    claim=_claim,
    sort=("kind", False),
    verbs=(
        Verb(
            f"{_ID}.release",
            "Release lock…",
            "Release {}",
            _release,
            ("Whoever holds it still works: another instance may begin the same work beside it.",),
            fits=_releasable,
            hidden=lambda row: row.id == QUEUE,
        ),
        give_expiry(_ID, _expire, "Afterwards it is free, unless its holder lengthens it."),
        flush(_ID, "locks", _every_key, "Work on calendar events and collections of reports may be begun twice."),
    ),
)
