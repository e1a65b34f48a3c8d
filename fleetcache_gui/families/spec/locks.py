"""Locks: `lock:<name>`, a STRING with the owner's token, whose TTL is the lock's timeout.

Fleet's tokens are `<instance>:<random>`; the tokens of others are shown as they are. Renewals cannot be read
from Redis: they are seen as the expiry moving later under the same token.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.domain.decoding import (
    CELL,
    NAME,
    PREVIEW,
    Verdict,
    answers,
    blob,
    fault,
    key_named,
    keys_now,
    malformed,
    no_expiry,
    refusals,
    row_from,
    too_long,
    wrong_type,
)
from fleetcache_gui.domain.drafting import EXPIRY, expiring, flush, give_expiry, gone, present, remove
from fleetcache_gui.domain.family import Column, Family, Kind, Reading, Row, Rule, Severity, Verb
from fleetcache_gui.domain.telling import AT_ITS_END, Happening, Told
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import Claim, Command, Expiry, KeyFact, State, Tone
from fleetcache_gui.domain.verbs import Refusal

if TYPE_CHECKING:
    from fleetcache_gui.domain.plan import Draft

PREFIX = b"lock:"

HASTE = 5.0
"""A lock that ends by itself within so many seconds is better waited for."""

LONG_HELD = 3600.0
"""Seconds that a lock may be held without a renewal before that is a finding."""

_TOKEN = re.compile(rb"(.+):[0-9a-fA-F-]{8,}", re.DOTALL)
_TOLERANCE = 0.05  # seconds: jitter of PTTL and of the way back
_FOREIGN = 14  # characters shown of a token that names no instance
_ID = "locks"
_CODE = "lock"
_RULE = Rule(frozenset({"string"}), "required", 86400.0)
_FOR_EVER = (
    "If its holder has died, nobody ever gets this lock, and the job behind it never runs again.",
    "Find out whether the holder still works; if not, release the lock.",
)
_LATE = (
    "If its holder dies, the job behind it does not run for all that time.",
    "Find out whether the holder still works; a lock should live for minutes and be renewed.",
)
_STUCK = (
    "Its holder may hang or have died: the job behind the lock waits until the lock ends.",
    "Look at the holder's log. If it is gone, release the lock or wait until it ends.",
)
_ENDING = (
    "If the holder is still at work when the lock ends, another instance starts the same job beside it.",
    "Nothing, if the job is about done. If this happens often, give the lock a longer timeout, or renew it.",
)


@dataclass(frozen=True, slots=True)
class Hold:
    """One holder's time with a lock, as far as it was watched; monotonic seconds.

    `usual` is the longest time seen between two renewals, `pause` the time between the last two readings. A renewal
    seen after a pause far longer than usual may be the last of several: it says nothing of the time between two.
    """

    token: bytes
    since: float
    renewals: int = 0
    renewed: float = 0.0
    usual: float = 0.0
    pause: float = 0.0


def _probes(row: bytes, keys: tuple[KeyFact, ...]) -> tuple[Command, ...]:
    return tuple((b"GETRANGE", key.name, b"0", b"%d" % (PREVIEW - 1)) for key in keys if key.type == "string")


def _holder(token: bytes) -> str:
    match = _TOKEN.fullmatch(token)
    return show(match[1], CELL) if match else show(token, _FOREIGN) or "(empty)"


def _moved_later(before: Expiry, now: Expiry) -> bool:
    if before.at_ms is not None and now.at_ms is not None:
        return now.at_ms > before.at_ms
    return before.ends and now.ends and now.deadline > before.deadline + _TOLERANCE


def _hold(reading: Reading, before: Row | None, token: bytes | None) -> Hold | None:
    old = before.memory if before and isinstance(before.memory, Hold) else None
    if token is None:
        return old
    pause = reading.at - before.at if before else 0.0
    if old is None or before is None or old.token != token:
        return Hold(token, reading.at, pause=pause)
    name = reading.id
    if not _moved_later(key_named(before.keys, name).expiry, key_named(reading.keys, name).expiry):
        return Hold(token, old.since, old.renewals, old.renewed, old.usual, pause)
    skipped = pause > 2 * max(old.pause, old.usual) + 1
    usual = max(old.usual, reading.at - old.renewed) if old.renewals and not skipped else old.usual
    return Hold(token, old.since, old.renewals + 1, reading.at, usual, pause)


def _verdict(reading: Reading, name: str, key: KeyFact, hold: Hold | None) -> Verdict:
    left = key.expiry.left(reading.at)
    holder = f" by {_holder(hold.token)}" if hold else ""
    if hold and (stuck := _stuck(reading, name, hold)):
        return stuck
    if left < max(min(0.2 * key.expiry.lifetime, 60.0), 3.0):
        renewed = bool(hold and hold.renewals)
        told = "although it was renewed before" if renewed else "and was not renewed while watched"
        text = f"{name}, held{holder}, ends in {words.duration(left)} {told}."
        severity = Severity.WARNING if renewed else Severity.INFO
        verdict = fault(reading.id, "lock.expiring", "expiring", severity, text, _ENDING)
        return Verdict(State("expiring", Tone.WARN), verdict.why, verdict.judgements)
    return Verdict(State("held", Tone.ACCENT), f"Held{holder}. It ends with its time unless it is renewed or released.")


def _stuck(reading: Reading, name: str, hold: Hold) -> Verdict | None:
    """A holder that used to renew and does not any more, or that has never renewed and holds on for very
    long."""
    quiet = reading.at - (hold.renewed if hold.renewals else hold.since)
    overdue = hold.usual > 0 and quiet > 3 * hold.usual + 5
    if not overdue and quiet <= LONG_HELD:
        return None
    text = f"{name}, held by {_holder(hold.token)}, has not been renewed for {words.duration(quiet)}"
    text += f"; before, it was at least each {words.duration(hold.usual)}." if overdue else "."
    return fault(reading.id, "lock.stuck", "stuck", Severity.WARNING, text, _STUCK)


def _decode(reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    key = key_named(keys, reading.id)
    asked = _probes(reading.id, reading.keys)
    got = answers(asked, reading.replies)
    token = blob(got.get(asked[0])) if asked else None
    hold = _hold(reading, before, token) if key.type == "string" else None
    if hold and hold.since == reading.at:  # another holder's timeout says nothing about this one's
        keys = reading.keys
        key = key_named(keys, reading.id)
    suffix = reading.id.removeprefix(PREFIX)
    name = f"Lock {show(suffix, NAME)}"
    verdict = (
        (None if suffix else malformed(reading.id, _CODE, show(reading.id), "lock:<name>"))
        or wrong_type(reading.id, _CODE, name, key, _RULE.types)
        or no_expiry(reading.id, _CODE, name + _held_by(hold), key, Severity.CRITICAL, _FOR_EVER)
        or too_long(reading, _CODE, name + _held_by(hold), key.expiry, _RULE, _LATE)
        or _verdict(reading, name, key, hold)
    )
    cells = (
        show(suffix, CELL),
        _holder(hold.token) if hold else None,
        hold.since if hold else None,
        hold.renewals if hold else None,
        key.expiry if key.exists else None,
    )
    facts = (*_facts(hold), *refusals(got))
    return row_from(_ID, reading, before, keys, verdict, name, cells, facts=facts, memory=hold)


def _held_by(hold: Hold | None) -> str:
    return f", held by {_holder(hold.token)}," if hold else ""


def _facts(hold: Hold | None) -> tuple[tuple[str, str], ...]:
    if hold is None:
        return ()
    facts = [("Token", show(hold.token)), ("Renewals seen", words.count(hold.renewals))]
    if hold.usual:
        facts.append(("Renewed at least each", words.duration(hold.usual)))
    return tuple(facts)


def _tell(before: Row | None, now: Row | None) -> Told | None:
    """Taken, handed over or gone. Renewals are too frequent to be told."""
    old = before.memory if before and isinstance(before.memory, Hold) else None
    new = now.memory if now and isinstance(now.memory, Hold) else None
    if before is None and now and new:
        expiry = key_named(now.keys, now.id).expiry
        span = f"for {words.duration(expiry.left(now.at))}" if expiry.ends else "without expiry"
        return Told(Happening.TAKEN, f"{now.title} was taken by {_holder(new.token)} {span}.")
    if before and now and old and new and old.token != new.token:
        old_holder, new_holder = _holder(old.token), _holder(new.token)
        if old_holder == new_holder:
            return Told(Happening.TAKEN, f"{now.title} was taken again by {new_holder}.")
        return Told(Happening.CHANGED_HANDS, f"{now.title} changed hands: from {old_holder} to {new_holder}.")
    if before and now is None and old:
        expiry = key_named(before.keys, before.id).expiry
        if expiry.never:
            return Told(Happening.RELEASED, f"{before.title} of {_holder(old.token)} was released.")
        # Released or run out: after a pause nobody can tell, so what is known is said.
        left = f"; it had {words.duration(expiry.left(before.at))} left when last read" if expiry.ends else ""
        what = Happening.EXPIRED if expiry.ends and expiry.left(before.at) < AT_ITS_END else Happening.GONE
        return Told(what, f"{before.title} of {_holder(old.token)} is gone{left}.")
    return None


def _claim(row: Row) -> Claim | None:
    hold, key = row.memory, key_named(row.keys, row.id)
    if not isinstance(hold, Hold) or not key.exists:
        return None
    return Claim(_holder(hold.token), hold.token, key.expiry)


# ---- what may be done -------------------------------------------------------------------------------------

_ANOTHER = "it belongs to another holder now"


def _token(row: Row) -> bytes | None:
    """The whole token on screen; None where it was not read, or not to its end."""
    held = row.memory if isinstance(row.memory, Hold) else None
    return held.token if held and len(held.token) < PREVIEW else None


def _release(row: Row, _choice: str) -> tuple[Draft, ...]:
    """The lock goes only while it holds the token on screen; it may have been renewed meanwhile."""
    return tuple(remove(key, row.title, moves=EXPIRY, value=_token(row), otherwise=_ANOTHER) for key in present(row))


def _releasable(row: Row, now: float) -> Refusal | None:
    left = min((key.expiry.left(now) for key in present(row) if key.expiry.ends), default=HASTE)
    if left < HASTE:
        text = f"It ends by itself in {words.duration(left)}, sooner than you could confirm."
        return Refusal(text, left)
    return gone(row)


def _lend(row: Row, choice: str) -> tuple[Draft, ...]:
    return expiring(row, choice, value=_token(row), otherwise=_ANOTHER)


_VERBS = (
    Verb(
        f"{_ID}.release",
        "Release lock…",
        "Release {}",
        _release,
        (
            "Another instance can take the lock at once. Its holder is not told: if it still works, the same job runs "
            "twice at a time.",
        ),
        fits=_releasable,
    ),
    give_expiry(_ID, _lend, "When its time is up and nobody renews it, another instance can take the lock."),
    flush(
        _ID,
        "locks",
        _release,
        "Every lock is free at once, whether its holder still works or not: cron jobs may run twice at a time.",
    ),
)


FAMILY = Family(
    id=_ID,
    title="Locks",
    tab="Locks",
    noun=("lock", "locks"),
    purpose="Who may run a cron job or async task just now; a key appears when an instance takes a "
    "lock and goes when it releases it, or when its time is up.",
    patterns=("lock:<name>",),
    prefixes=(PREFIX,),
    columns=(
        Column("name", "Lock", Kind.TEXT, 0, "What is locked.", probed=False),
        Column(
            "holder",
            "Holder",
            Kind.CODE,
            18,
            "The instance that holds it, from the token; foreign tokens as they are.",
        ),
        Column(
            "held",
            "Held for",
            Kind.AGE,
            12,
            "Since this token was first seen; it may have been held before that.",
        ),
        Column(
            "renewals",
            "Renewals",
            Kind.NUMBER,
            11,
            "How often the expiry was seen to move later under this token.",
        ),
        Column("left", "Time left", Kind.CLOCK, 16, "Until the lock ends unless it is renewed.", probed=False),
        Column("state", "State", Kind.STATE, 12),
    ),
    rule=_RULE,
    decode=_decode,
    probes=_probes,
    tell=_tell,
    claim=_claim,
    sort=("name", False),
    verbs=_VERBS,
)
