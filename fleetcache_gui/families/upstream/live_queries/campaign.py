"""One campaign: how far it is, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from fleetcache_gui.domain import words
from fleetcache_gui.domain.bitmaps import BitCount
from fleetcache_gui.domain.decoding import (
    PREVIEW,
    Answers,
    Verdict,
    blob,
    fault,
    key_named,
    keys_now,
    number,
    preview,
    refusals,
    row_from,
    wrong_type,
)
from fleetcache_gui.domain.family import Reading, Row, Severity, extend
from fleetcache_gui.domain.values import Expiry, KeyFact, State, Tone
from fleetcache_gui.families.upstream.live_queries.asking import (
    Watch,
    all_answers,
    bitmap_key,
    listeners_command,
    reverse_command,
    sql_key,
    to_count,
)

ID, CODE = "upstream_live_queries", "campaign"

LIFETIME = 7 * 86400.0
"""Seconds that Fleet gives the keys of a campaign."""

WAITING = 60.0
"""Seconds that Fleet lets a campaign wait for somebody who listens."""

OLD = 86400.0
"""Seconds after which Fleet's own clean-up should have ended a campaign."""

_SETTLED = 1.0  # seconds: starting and ending take several commands, and a poll may fall between them
_MADE_ANEW = (
    "A host that answered after its campaign had ended made it anew; Fleet did so until the end of 2025 "
    "(fleetdm/fleet#33254). Nothing removes it: such keys pile up until Redis is full.",
    "Remove the key: no campaign uses it. Update Fleet, so that no more of them come.",
)
_AMONG_MANY = (
    _MADE_ANEW[0],
    "If its id is not in livequery:active, remove the key. Update Fleet, so that no more of them come.",
)
_ENDLESS = (
    "Fleet removes it when it ends the campaign; if that fails, nothing ever does.",
    "Nothing while the campaign runs. If the key is still there afterwards, remove it.",
)
_NO_SQL = (
    "There is nothing to send to hosts: the campaign has ended or expired, and only its id was left behind. "
    "Fleet takes such ids out now and then.",
    "If it stays, take the id out of livequery:active with SREM. If it happens often, see whether Redis evicts keys.",
)
_NO_TARGETS = (
    "To every host the campaign looks done, so none is asked, and no result comes.",
    "Stop the campaign in Fleet and run the query again. If it happens again, see whether Redis evicts keys.",
)
_UNHEARD = (
    "Whoever ran it is gone. What hosts send is thrown away, and Fleet ends the campaign with the next answer; "
    "until then each host is asked at its check-in.",
    "Stop it in Fleet, or run it again. If this happens to many, see whether the server cuts listeners off.",
)
_TOO_OLD = (
    "Fleet ends a campaign after a day at the latest: this one was forgotten, and is still asked of each host.",
    "Stop it in Fleet; turn the server's frequent_cleanups_enabled on, so that it finds such campaigns.",
)
_LEFT = (
    "No host is asked any more. Fleet removes these keys when it ends a campaign: it was interrupted, or starts one "
    "now.",
    "Nothing: the keys end by themselves. They can be removed if memory is short.",
)


@dataclass(frozen=True, slots=True)
class _Seen:
    """One reading of a campaign, sorted out."""

    name: str
    whole: bool  # read as a campaign, and not by one key of it
    sql: KeyFact
    bitmap: KeyFact
    listeners: int | None
    reverse: bool | None


def decode_campaign(campaign: bytes, reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    got = all_answers(reading)
    sql, bitmap = key_named(keys, sql_key(campaign)), key_named(keys, bitmap_key(campaign))
    heard, kept = got.get(listeners_command(campaign)), number(got.get(reverse_command(campaign)))
    listeners = number(heard[1]) if isinstance(heard, list) and len(heard) == 2 else None
    seen = _Seen(
        f"Campaign {campaign.decode()}",
        reading.id == campaign,
        sql,
        bitmap,
        None if listeners is None else max(listeners, 0),
        None if kept is None else kept == 1,
    )
    length = number(got.get((b"STRLEN", bitmap.name)))
    watch = _watch(reading, before, seen, length, got)
    pending = watch.pending.total if watch.pending else None
    samples = before.samples if before else ()
    if pending is not None and reading.listed:
        samples = extend(before, reading.at, pending)
    verdict = (
        wrong_type(reading.id, CODE, f"The SQL of {seen.name.lower()}", sql, ("string",))
        or wrong_type(reading.id, CODE, f"The bitmap of {seen.name.lower()}", bitmap, ("string",))
        or _odd_verdict(reading, before, seen, watch, length)
        or _running(reading, seen, watch, pending)
    )
    raw = blob(got.get((b"GETRANGE", sql.name, b"0", b"%d" % (PREVIEW - 1))))
    cells = (
        campaign.decode(),
        None if raw is None else preview(raw),
        pending,
        seen.listeners,
        _soonest(sql, bitmap),
        samples,
    )
    facts = (*_facts(reading, seen, watch, length), *refusals(got))
    return row_from(ID, reading, before, keys, verdict, seen.name, cells, facts=facts, samples=samples, memory=watch)


def _watch(reading: Reading, before: Row | None, seen: _Seen, length: int | None, got: Answers) -> Watch:
    old = before.memory if before and isinstance(before.memory, Watch) else None
    count = old.pending if old and seen.bitmap.exists else None
    if going_on := to_count(reading, length):
        count = going_on.counted(number(got.get(going_on.command(seen.bitmap.name))))
    elif length == 0:
        count = BitCount.unknown(0)
    pending = count.total if count else None
    odd = _odd(reading, seen)
    if old is None:  # no history: what is seen is believed
        heard = reading.at - (WAITING if seen.listeners == 0 else 0.0)
        return Watch(count, pending, heard, odd, reading.at - _SETTLED)
    most = old.most if pending is None else max(pending, old.most or 0)
    heard = old.heard if seen.listeners == 0 else reading.at
    return Watch(count, most, heard, odd, old.odd_since if odd == old.odd else reading.at)


def _odd(reading: Reading, seen: _Seen) -> str:
    """What does not go together in this one reading."""
    if seen.bitmap.exists and seen.bitmap.expiry.never and reading.listed is False:
        return "orphaned"  # of a long family nobody asks what is listed: there each of these breaks the rule
    if not seen.whole or reading.listed is None:
        return ""
    if not reading.listed:
        return "left behind" if seen.sql.exists or seen.bitmap.exists else ""
    if not seen.sql.exists:
        return "no SQL"
    return "no targets" if not seen.bitmap.exists and seen.reverse is False else ""


def _odd_verdict(reading: Reading, before: Row | None, seen: _Seen, watch: Watch, length: int | None) -> Verdict | None:
    if not watch.odd:
        return None
    if reading.at - watch.odd_since < _SETTLED and before:
        return Verdict(before.state, before.why, before.judgements)
    if watch.odd == "orphaned":
        size = f" of {words.size(length)}" if length is not None else ""
        text = f"The bitmap{size} of {seen.name.lower()} has no expiry."
        if seen.whole:
            text = f"{seen.name} is not active, but its bitmap{size} is still there and has no expiry."
        advice = _MADE_ANEW if seen.whole else _AMONG_MANY
        return fault(reading.id, "campaign.orphaned", "orphaned", Severity.WARNING, text, advice)
    if watch.odd == "left behind":
        text = f"{seen.name} is not in livequery:active, but keys of it are still there."
        return fault(reading.id, "campaign.left-behind", "left behind", Severity.INFO, text, _LEFT)
    if watch.odd == "no SQL":
        text = f"{seen.name} is active but has no SQL."
        return fault(reading.id, "campaign.no-sql", "no SQL", Severity.WARNING, text, _NO_SQL)
    text = f"{seen.name} is active but names no hosts: its bitmap is gone, and hosts have no sets for it."
    return fault(reading.id, "campaign.no-targets", "no targets", Severity.WARNING, text, _NO_TARGETS)


def _running(reading: Reading, seen: _Seen, watch: Watch, pending: int | None) -> Verdict:
    if not seen.whole:
        return Verdict(State("not read"), "Too many campaigns to look at each: this one's keys were not read together.")
    if reading.listed is None:
        return Verdict(State("not known"), "Whether hosts are still asked is not known: livequery:active was not read.")
    if not reading.listed:
        return Verdict(State("gone"), "The campaign has ended.")
    age = _age(reading, seen.sql)
    if pending == 0:
        return Verdict(State("answered", Tone.OK), "Every targeted host has answered; Fleet has not ended it yet.")
    quiet = reading.at - watch.heard
    if pending and seen.listeners == 0 and quiet >= WAITING and (age is None or age >= WAITING):
        waits = words.count(pending, "host is", "hosts are")
        text = f"Nobody listens for the results of {seen.name.lower()}, and {waits} pending."
        return fault(reading.id, "campaign.unheard", "unheard", Severity.WARNING, text, _UNHEARD)
    if age is not None and age >= OLD:
        text = f"{seen.name} has been active for {words.duration(age)}."
        return fault(reading.id, "campaign.old", "forgotten", Severity.WARNING, text, _TOO_OLD)
    if seen.bitmap.exists and seen.bitmap.expiry.never:
        text = f"The bitmap of {seen.name.lower()} has no expiry."
        return fault(reading.id, "campaign.no-ttl", "no expiry", Severity.WARNING, text, _ENDLESS)
    if seen.reverse:
        return Verdict(State("running", Tone.ACCENT), "Its few hosts each have a set that names it, under Hosts.")
    told = "Hosts are" if pending is None else words.count(pending, "host is", "hosts are")
    return Verdict(State("running", Tone.ACCENT), f"{told} pending: each is asked when it checks in.")


def _age(reading: Reading, sql: KeyFact) -> float | None:
    """Seconds since the SQL was written, which Fleet does once, for a week."""
    left = sql.expiry.left(reading.at)
    return LIFETIME - left if sql.exists and sql.expiry.ends and left <= LIFETIME else None


def _soonest(*keys: KeyFact) -> Expiry | None:
    """The expiry of whichever key goes first; None where there is no key."""
    return min((key.expiry for key in keys if key.exists), key=lambda expiry: expiry.deadline, default=None)


def _facts(reading: Reading, seen: _Seen, watch: Watch, length: int | None) -> tuple[tuple[str, str], ...]:
    listed = "not known" if reading.listed is None else "yes" if reading.listed else "no"
    facts = [("In livequery:active", listed if seen.whole else "not asked")]
    if (age := _age(reading, seen.sql)) is not None:
        facts.append(("Started", f"{words.duration(age)} ago, by the time its SQL has left"))
    if length is not None:
        pending = watch.pending.total if watch.pending else None
        counted = "not counted" if watch.pending is None else "being counted"
        counted = counted if pending is None else f"{words.count(pending, 'host')} pending"
        facts.append(("Bitmap", f"{words.size(length)}, for host ids below {words.count(8 * length)}; {counted}"))
        if reading.listed and pending is not None and watch.most is not None:
            facts.append(("Answered", f"{words.count(watch.most - pending, 'host')} since this was first seen"))
    if seen.reverse:
        facts.append(("Hosts", "in sets of their own (livequery:host:<id>)"))
    if seen.listeners is not None:
        facts.append(("Listeners", f"{words.count(seen.listeners)} on results_{seen.name.removeprefix('Campaign ')}"))
    return tuple(facts)
