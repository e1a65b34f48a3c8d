"""Live queries of an upstream Fleet server: for each campaign its SQL and the hosts that have yet to answer.

`livequery:active` (SET of campaign ids, no expiry), `livequery:active:reverse` (SET: those of them whose hosts each
have a set of their own), `sql:livequery:{<id>}` (STRING, 7 days), `livequery:{<id>}` (STRING, 7 days): a bitmap in
which bit N stands for host N, 1 while it is PENDING and 0 when it is done or was never targeted. Older servers wrote
the names without braces. A row is a campaign; the two sets have rows of their own.

Nothing in Redis tells how many hosts were targeted at first, so what is told as answered is what was seen to be.
Results travel by Pub/Sub on `results_<id>`, which leaves no key; whether anybody listens there is asked (PUBSUB
NUMSUB).
"""

from __future__ import annotations

import re

from fleetcache_gui.domain import words
from fleetcache_gui.domain.decoding import (
    CELL,
    NAME,
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
from fleetcache_gui.domain.family import Column, Family, Kind, Reading, Row, Rule, Severity
from fleetcache_gui.domain.telling import Happening, Told
from fleetcache_gui.domain.text import shorten, show
from fleetcache_gui.domain.values import State
from fleetcache_gui.families.upstream.live_queries.asking import (
    ACTIVE,
    CAMPAIGN,
    REVERSE,
    Watch,
    follow,
    keys_of,
    probes,
    row_of,
)
from fleetcache_gui.families.upstream.live_queries.campaign import CODE, ID, LIFETIME, decode_campaign
from fleetcache_gui.families.upstream.live_queries.verbs import VERBS

CROWD = 100
"""Campaigns at once that are told of: each host asks for all of them at each check-in (fleetdm/fleet#52000)."""

_BARE = re.compile(rb"(?:sql:)?livequery:([1-9][0-9]{0,18})")
_PATTERN = "livequery:{<id>} or sql:livequery:{<id>}"
_ENDING = (
    "With it every campaign ends to be asked for, and Fleet's clean-up no longer finds their keys.",
    "Fleet sets no expiry here: find out who does, and take it off with PERSIST.",
)
_BARE_NAME = (
    "Fleet has written such names without braces in versions long past; nothing ends or removes these keys.",
    "Remove the key unless a Fleet server of that age still runs.",
)
_CROWDED = (
    "Each check-in of each host looks all of them up: Redis and Fleet slow down, until hosts and users are shut out.",
    "Find out which script runs so many live queries at once, and let it wait between them.",
)


def _decode(reading: Reading, before: Row | None) -> Row:
    if reading.id in (ACTIVE, REVERSE):
        return _set(reading, before)
    # A long family is listed by its keys: then a row knows one key only.
    campaign = row_of(reading.id)
    return decode_campaign(campaign, reading, before) if CAMPAIGN.fullmatch(campaign) else _stray(reading, before)


def _set(reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    key = key_named(keys, reading.id)
    got = answers(probes(reading.id, reading.keys), reading.replies)
    listed = number(got.get((b"SCARD", reading.id)))
    name = show(reading.id)
    why = "The ids of the campaigns that hosts are asked for; each Fleet server reads it once a second."
    if reading.id == REVERSE:
        why = "The ids of the active campaigns with few hosts, each of which has a set of its own instead of a bitmap."
    verdict = wrong_type(reading.id, CODE, name, key, ("set",))
    if verdict is None and key.expiry.ends:
        text = f"{name} ends in {words.duration(key.expiry.left(reading.at))}."
        verdict = fault(reading.id, "campaign.active-ttl", "expires", Severity.WARNING, text, _ENDING)
    if verdict is None and reading.id == ACTIVE and listed is not None and listed >= CROWD:
        text = f"{words.count(listed)} live queries are active at once."
        verdict = fault(reading.id, "campaign.crowd", "crowded", Severity.WARNING, text, _CROWDED)
    facts = refusals(got) if listed is None else (("Campaigns listed", words.count(listed)), *refusals(got))
    cells = (None, name, None, None, key.expiry if key.exists else None, ())
    title = "Active campaigns" if reading.id == ACTIVE else "Active campaigns with few hosts"
    return row_from(ID, reading, before, keys, verdict or Verdict(State("index"), why), title, cells, facts=facts)


def _stray(reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    name = show(reading.id, NAME)
    bare = _BARE.fullmatch(reading.id)
    if bare:
        what = "SQL" if reading.id.startswith(b"sql:") else "bitmap"
        text = f"The {what} of campaign {bare[1].decode()} has a name as Fleet gave in early versions."
        verdict = fault(reading.id, "campaign.old-name", "old name", Severity.WARNING, text, _BARE_NAME)
        name = f"Campaign {bare[1].decode()}, old name"
    elif keys or not reading.listed:
        verdict = malformed(reading.id, CODE, name, _PATTERN)
    else:
        advice = (
            "Fleet's servers meet it each time they look for campaigns, and cannot use it.",
            "Find out who wrote it, and take it out of the set with SREM.",
        )
        text = f"livequery:active lists {name}, which is no campaign id."
        verdict = fault(reading.id, "campaign.malformed", "malformed", Severity.WARNING, text, advice)
    if any(not key.exists for key in keys):
        verdict = Verdict(State("gone"), "The key has just gone.")
    expiry = key_named(keys, reading.id).expiry if keys else None
    cells = (bare[1].decode() if bare else None, show(reading.id, CELL), None, None, expiry, ())
    return row_from(ID, reading, before, keys, verdict, name, cells)


def _tell(before: Row | None, now: Row | None) -> Told | None:
    """Started and ended; what goes wrong is told by the findings."""
    row = now or before
    if row is None or not isinstance(row.memory, Watch) or not CAMPAIGN.fullmatch(row.id):
        return None
    if before is None and not row.memory.odd:
        query = row.cells[1]
        sql = f": {shorten(query, 60)}" if isinstance(query, str) else "."
        return Told(Happening.STARTED, f"{row.title} started{sql}")
    if before and now is None:
        if row.memory.odd:
            return Told(Happening.CLEANED, f"{row.title} was cleaned up.")
        watched = words.duration(row.at - row.since)
        left = row.cells[2]
        pending = f" with {words.count(left, 'host')} pending" if isinstance(left, int) else ""
        return Told(Happening.FINISHED, f"{row.title} ended{pending}, {watched} after it was first seen.")
    return None


def _weight(rows: tuple[Row, ...]) -> int | None:
    """Campaigns, without the rows of the two sets."""
    return sum(row.id not in (ACTIVE, REVERSE) for row in rows)


FAMILY = Family(
    id=ID,
    title="Live queries",
    tab="Live queries",
    noun=("campaign", "campaigns"),
    purpose="Queries that hosts are asked live, and which hosts have yet to answer; keys appear when someone runs a "
    "live "
    "query in Fleet and go when it ends, or after a week.",
    patterns=("livequery:active", "livequery:active:reverse", "livequery:{<id>}", "sql:livequery:{<id>}"),
    prefixes=(b"livequery:", b"sql:livequery:"),
    columns=(
        Column("id", "ID", Kind.TEXT, 6, "The campaign's id in Fleet.", probed=False),
        Column("query", "Query", Kind.CODE, 0, "The SQL that hosts are asked to run."),
        Column("pending", "Pending", Kind.NUMBER, 10, "Targeted hosts that have yet to answer: the bits that are set."),
        Column("listeners", "Listeners", Kind.NUMBER, 10, "Fleet instances that listen for its results."),
        Column("left", "Time left", Kind.CLOCK, 14, "Until its keys end; Fleet gives them a week.", probed=False),
        Column("trend", "Trend", Kind.TREND, 12, "Pending hosts, over the last five minutes at most."),
        Column("state", "State", Kind.STATE, 12),
    ),
    rule=Rule(frozenset({"string", "set"}), "required", LIFETIME, frozenset({ACTIVE, REVERSE})),
    decode=_decode,
    row_of=row_of,
    keys_of=keys_of,
    key_titles=("SQL", "Pending hosts"),
    probes=probes,
    follow=follow,
    index=ACTIVE,
    tell=_tell,
    weight=_weight,
    sort=("id", True),
    verbs=VERBS,
)
