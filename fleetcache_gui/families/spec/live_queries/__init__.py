"""Live queries: the set of active campaigns, and for each its SQL and the hosts that have answered.

`live_query:active` (SET), `live_query:campaign:<id>:sql` (STRING), `live_query:campaign:<id>:hosts_completed`
(SET), all without expiry. A row is a campaign; the active set has a row of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcache_gui.domain import closer, words
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
    number,
    preview,
    refusals,
    row_from,
    wrong_type,
)
from fleetcache_gui.domain.family import Column, Family, Kind, Reading, Row, Rule, Severity, extend, slope
from fleetcache_gui.domain.telling import Happening, Told
from fleetcache_gui.domain.text import shorten, show
from fleetcache_gui.domain.values import Command, Expiry, KeyFact, Progress, State, Tone
from fleetcache_gui.families.spec.live_queries.keys import ACTIVE, CAMPAIGN, hosts_key, keys_of, row_of, sql_key
from fleetcache_gui.families.spec.live_queries.verbs import VERBS

if TYPE_CHECKING:
    from fleetcache_gui.domain.lens import Lens

QUIET = 120.0
"""Seconds without a new answer after which a campaign is called quiet."""

SILENT = 600.0
"""Seconds without a new answer after which that is a finding."""

_SETTLED = 1.0  # seconds: starting and finishing take several commands, and a poll may fall between them
_RATE_WINDOW = 30.0
_ID = "live_queries"
_CODE = "campaign"
_PATTERN = "live_query:campaign:<id>:sql or …:hosts_completed"
_RUNNING = State("running", Tone.ACCENT)
_ORPHANED = "orphaned"


@dataclass(frozen=True, slots=True)
class Watch:
    """What is remembered of a campaign: its last answer and since when something is odd (monotonic
    seconds)."""

    answered: int | None
    moved: float
    odd: str = ""
    odd_since: float = 0.0


def _sql_command(key: bytes) -> Command:
    return (b"GETRANGE", key, b"0", b"%d" % (PREVIEW - 1))


def _probes(row: bytes, keys: tuple[KeyFact, ...]) -> tuple[Command, ...]:
    commands: list[Command] = []
    for key in keys:
        if key.type == "string":
            commands.append(_sql_command(key.name))
        elif key.type == "set":
            commands.append((b"SCARD", key.name))
    return tuple(commands)


def _decode(reading: Reading, before: Row | None) -> Row:
    if reading.id == ACTIVE:
        return _active_set(reading, before)
    # A long family is listed by its keys: then a row knows one key only.
    campaign = row_of(reading.id)
    if CAMPAIGN.fullmatch(campaign):
        return _campaign(campaign.decode(), reading, before)
    return _stray(reading, before)


# ---- the active set, and names that fit nothing -----------------------------------------------------------


def _active_set(reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    key = key_named(keys, ACTIVE)
    got = answers(_probes(reading.id, reading.keys), reading.replies)
    listed = number(got.get((b"SCARD", ACTIVE)))
    left = key.expiry.left(reading.at)
    why = "The ids of the campaigns that hosts are asked for; Fleet's servers read it all the time."
    verdict = wrong_type(ACTIVE, _CODE, "live_query:active", key, ("set",))
    if verdict is None and key.expiry.ends:
        verdict = fault(
            ACTIVE,
            "campaign.active-ttl",
            "expires",
            Severity.WARNING,
            f"live_query:active ends in {words.duration(left)}.",
            (
                "With it every campaign ends to be asked for, and all of their keys are orphaned.",
                "Fleet sets no expiry here: find out who does, and take it off with PERSIST.",
            ),
        )
    facts = refusals(got) if listed is None else (("Campaigns listed", words.count(listed)), *refusals(got))
    cells = (None, "live_query:active", None, None, key.expiry if key.exists else None, ())
    verdict = verdict or Verdict(State("index"), why)
    return row_from(_ID, reading, before, keys, verdict, "Active set", cells, facts=facts)


def _stray(reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    name = show(reading.id, NAME)
    if keys or not reading.listed:
        verdict = malformed(reading.id, _CODE, name, _PATTERN)
    else:
        verdict = fault(
            reading.id,
            "campaign.malformed",
            "malformed",
            Severity.WARNING,
            f"live_query:active lists {name}, which is no campaign id.",
            (
                "Fleet's servers meet it each time they look for campaigns, and cannot use it.",
                "Find out who wrote it, and take it out of the set with SREM.",
            ),
        )
    expiry = key_named(keys, reading.id).expiry if keys else None
    cells = (None, show(reading.id, CELL), None, None, expiry, ())
    return row_from(_ID, reading, before, keys, verdict, name, cells)


# ---- a campaign -------------------------------------------------------------------------------------------


def _campaign(campaign: str, reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    sql, hosts = key_named(keys, sql_key(campaign.encode())), key_named(keys, hosts_key(campaign.encode()))
    got = answers(_probes(reading.id, reading.keys), reading.replies)
    raw = blob(got.get(_sql_command(sql.name)))
    answered = number(got.get((b"SCARD", hosts.name))) or None  # there are no empty sets: it went a moment ago
    if answered is None and hosts.type == "none" and reading.id == campaign.encode():
        # Both keys gone: it has just ended, or never had any. What was counted last stays.
        last = before.memory if before and sql.type == "none" else None
        answered = last.answered if isinstance(last, Watch) else 0
    samples = before.samples if before else ()
    if answered is not None:
        samples = extend(before, reading.at, answered)
    odd = "" if reading.id != campaign.encode() else _odd(reading, sql, hosts)
    watch = _watch(reading, before, answered, odd)
    speed = slope(samples, _RATE_WINDOW) if reading.listed else None
    rate = None if speed is None else max(speed, 0.0)
    total = reading.expected.hosts
    verdict = (
        wrong_type(reading.id, _CODE, f"The SQL of campaign {campaign}", sql, ("string",))
        or wrong_type(reading.id, _CODE, f"The set of hosts that answered campaign {campaign}", hosts, ("set",))
        or _odd_verdict(campaign, reading, before, watch, sql, hosts)
        or _progress_verdict(campaign, reading, watch, total)
    )
    cells = (
        campaign,
        None if raw is None else preview(raw),
        None if answered is None else Progress(answered, total),
        rate,
        _soonest(sql, hosts),
        samples,
    )
    facts = (*_facts(reading, answered, total, rate), *refusals(got))
    title = f"Campaign {campaign}"
    return row_from(_ID, reading, before, keys, verdict, title, cells, facts=facts, samples=samples, memory=watch)


def _odd(reading: Reading, sql: KeyFact, hosts: KeyFact) -> str:
    """What does not go together in this one reading."""
    if reading.listed is None:
        return ""  # nobody knows what is listed: nothing may be called orphaned
    if reading.listed:
        return "no SQL" if sql.type == "none" else ""
    return _ORPHANED if sql.exists or hosts.exists else ""


def _watch(reading: Reading, before: Row | None, answered: int | None, odd: str) -> Watch:
    old = before.memory if before and isinstance(before.memory, Watch) else None
    if old is None:
        return Watch(answered, reading.at, odd, reading.at - _SETTLED)  # no history: believe what is seen
    moved = old.moved if answered is None or answered == old.answered else reading.at
    since = old.odd_since if odd == old.odd else reading.at
    return Watch(old.answered if answered is None else answered, moved, odd, since)


def _odd_verdict(
    campaign: str, reading: Reading, before: Row | None, watch: Watch, sql: KeyFact, hosts: KeyFact
) -> Verdict | None:
    if not watch.odd:
        return None
    if reading.at - watch.odd_since < _SETTLED and before:
        return Verdict(before.state, before.why, before.judgements)
    if watch.odd == _ORPHANED:
        return _orphan(campaign, reading, sql, hosts)
    return fault(
        reading.id,
        "campaign.no-sql",
        "no SQL",
        Severity.CRITICAL,
        f"Campaign {campaign} is active but has no SQL.",
        (
            "There is nothing to send to hosts: the campaign never gets another answer.",
            "Stop it in Fleet and start it again. If it happens again, look whether Redis evicts keys.",
        ),
    )


def _orphan(campaign: str, reading: Reading, sql: KeyFact, hosts: KeyFact) -> Verdict:
    kept = [what for key, what in ((sql, "its SQL"), (hosts, "the hosts that answered")) if key.exists]
    verb = "is" if kept == ["its SQL"] else "are"
    end = _soonest(sql, hosts)
    for_ever = end is None or not end.ends
    stay = (
        "the keys have no expiry, so they stay until someone removes them"
        if for_ever or end is None
        else f"the first of its keys ends in {words.duration(end.left(reading.at))}"
    )
    return fault(
        reading.id,
        "campaign.orphaned",
        _ORPHANED,
        Severity.WARNING,
        f"Campaign {campaign} is not in live_query:active, but {' and '.join(kept)} {verb} still there.",
        (
            f"No host is asked any more, and {stay}. It costs memory and nothing else.",
            "Clean the campaign up, unless Fleet is about to start it.",
        ),
    )


def _progress_verdict(campaign: str, reading: Reading, watch: Watch, total: int | None) -> Verdict:
    hosts = words.count(watch.answered or 0, "host")
    if reading.id != campaign.encode():
        return Verdict(State("not read"), "Too many campaigns to look at each: this one's keys were not read together.")
    if watch.answered is None:
        return Verdict(State("not known"), "How many hosts have answered could not be read.")
    if reading.listed is None:
        why = f"{hosts} answered so far. Whether hosts are still asked is not known: live_query:active was not read."
        return Verdict(State("not known"), why)
    if total is not None and watch.answered >= total > 0:
        why = f"{hosts} answered, which is all that are enrolled; Fleet has not ended the campaign yet."
        return Verdict(State("finished?", Tone.OK), why)
    still = reading.at - watch.moved
    if still < QUIET:
        return Verdict(_RUNNING, f"Hosts are asked when they check in; {hosts} answered so far.")
    why = f"{hosts} answered; no new answer came in the last {words.duration(still)}."
    if still < SILENT:
        return Verdict(State("quiet", Tone.NEUTRAL), why)
    return fault(
        reading.id,
        "campaign.quiet",
        "quiet",
        Severity.WARNING,
        f"Campaign {campaign} has had no new answer for {words.duration(still)} ({hosts} so far).",
        (
            "The other hosts are offline, or no Fleet server hands out the query any more.",
            "Check that hosts are online. If the answers suffice, stop the campaign in Fleet.",
        ),
    )


def _soonest(sql: KeyFact, hosts: KeyFact) -> Expiry | None:
    """The expiry of whichever key goes first; None where there is no key."""
    return min((key.expiry for key in (sql, hosts) if key.exists), key=lambda expiry: expiry.deadline, default=None)


def _facts(
    reading: Reading, answered: int | None, total: int | None, rate: float | None
) -> tuple[tuple[str, str], ...]:
    facts = [("In live_query:active", "not known" if reading.listed is None else "yes" if reading.listed else "no")]
    if answered is not None:
        facts.append(("Hosts answered", words.count(answered) + (f" of {words.count(total)}" if total else "")))
    if rate and total and answered is not None and answered < total:
        facts.append(("All answered in", f"about {words.duration((total - answered) / rate)}, at this rate"))
    return tuple(facts)


def _tell(before: Row | None, now: Row | None) -> Told | None:
    """Started and finished; what goes wrong is told by the findings."""
    row = now or before
    if row is None or not isinstance(row.memory, Watch):
        return None
    if before is None and row.memory.odd != _ORPHANED:
        query = row.cells[1]
        sql = f": {shorten(query, 60)}" if isinstance(query, str) else "."
        return Told(Happening.STARTED, f"{row.title} started{sql}")
    if before and now is None:
        if before.state.word == _ORPHANED:
            return Told(Happening.CLEANED, f"{row.title} was cleaned up.")
        answered = words.count(row.memory.answered or 0, "host")
        watched = words.duration(row.at - row.since)
        text = f"{row.title} finished: {answered} answered, {watched} after it was first seen."
        return Told(Happening.FINISHED, text)
    return None


def _weight(rows: tuple[Row, ...]) -> int | None:
    """Campaigns, without the row of the active set."""
    return sum(row.id != ACTIVE for row in rows)


def _lens(row: Row, now: float, _wall: float) -> Lens | None:
    answered = next((cell for cell in row.cells if isinstance(cell, Progress)), None)
    return closer.campaign(row.samples, answered, now)


FAMILY = Family(
    id=_ID,
    title="Live queries",
    tab="Live queries",
    noun=("campaign", "campaigns"),
    purpose="Queries that hosts are asked live, and which hosts have answered; keys appear when "
    "someone runs a live query in Fleet and go when it ends.",
    patterns=(
        "live_query:active",
        "live_query:campaign:<id>:sql",
        "live_query:campaign:<id>:hosts_completed",
    ),
    prefixes=(b"live_query:",),
    columns=(
        Column("id", "ID", Kind.TEXT, 8, "The campaign's id in Fleet.", probed=False),
        Column("query", "Query", Kind.CODE, 0, "The SQL that hosts are asked to run."),
        Column(
            "answered",
            "Answered",
            Kind.PROGRESS,
            20,
            "Hosts that have answered, of those enrolled where that is known.",
        ),
        Column("rate", "Rate", Kind.RATE, 10, "New answers a second, over the last 30 s."),
        Column(
            "left",
            "Time left",
            Kind.CLOCK,
            16,
            "Campaign keys have no expiry: Fleet removes them at the end.",
            probed=False,
        ),
        Column("trend", "Trend", Kind.TREND, 14, "Hosts answered, over the last five minutes at most."),
        Column("state", "State", Kind.STATE, 12),
    ),
    rule=Rule(frozenset({"string", "set"})),
    decode=_decode,
    row_of=row_of,
    keys_of=keys_of,
    key_titles=("SQL", "Hosts that answered"),
    probes=_probes,
    index=ACTIVE,
    tell=_tell,
    weight=_weight,
    lens=_lens,
    sort=("id", True),
    verbs=VERBS,
)
