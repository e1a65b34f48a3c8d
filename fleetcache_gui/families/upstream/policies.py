"""Failing policies of an upstream Fleet server: hosts whose webhook or ticket is yet to be sent.

`policies:failing_sets` (SET of policy ids) is the index of `policies:failing:<id>` (SET of ``<host id>,<host name>``).
None of them has an expiry. A host is added to its set first, and the policy to the index after it. A row is a policy.
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
from fleetcache_gui.domain.drafting import VALUE, flush, gone, present, remove
from fleetcache_gui.domain.family import Column, Family, Kind, Reading, Row, Rule, Severity, Verb, extend
from fleetcache_gui.domain.plan import Deed, Draft, Guard
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import Command, KeyFact, State, Tone
from fleetcache_gui.domain.verbs import Refusal

INDEX = b"policies:failing_sets"
PREFIX = b"policies:failing:"

_POLICY = re.compile(rb"[0-9]{1,19}")
_SETTLED = 1.0  # seconds: the index is written after the set, and a poll may fall between
_ID = "upstream_policies"
_CODE = "policy"
_UNLISTED = (
    "Fleet looks for failing policies in the index alone: for these hosts no webhook and no ticket is ever sent.",
    "Add the policy's id to policies:failing_sets with SADD, and the next run sends them; or remove the set.",
)
_ENDING = (
    "When it ends, hosts are forgotten before their webhook or ticket was sent.",
    "Fleet sets no expiry here: find out who does, and take it off with PERSIST.",
)


def _row_of(key: bytes) -> bytes:
    rest = key.removeprefix(PREFIX)
    return rest if key.startswith(PREFIX) and _POLICY.fullmatch(rest) else key


def _keys_of(row: bytes) -> tuple[bytes, ...]:
    if _POLICY.fullmatch(row):
        return (PREFIX + row,)
    return (row,) if row.startswith(b"policies:") else ()


def _probes(row: bytes, keys: tuple[KeyFact, ...]) -> tuple[Command, ...]:
    return tuple((b"SCARD", key.name) for key in keys if key.type == "set")


def _decode(reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    policy = _row_of(reading.id)
    key = keys[0] if keys else key_named(keys, reading.id)
    got = answers(_probes(reading.id, reading.keys), reading.replies)
    hosts = number(got.get((b"SCARD", key.name)))
    samples = before.samples if before else ()
    odd_since = before.memory if before and isinstance(before.memory, float) else None
    if _POLICY.fullmatch(policy):
        title, first = f"Policy {policy.decode()}", policy.decode()
        unlisted = reading.listed is False and key.exists and policy == reading.id
        odd_since = (odd_since or reading.at - (0.0 if before else _SETTLED)) if unlisted else None
        samples = extend(before, reading.at, hosts) if hosts is not None else samples
        verdict = (
            wrong_type(reading.id, _CODE, f"The set of {title.lower()}", key, ("set",))
            or _expires(reading, f"The set of {title.lower()}", key)
            or _unlisted(reading, title, hosts, odd_since)
            or _waiting(key, hosts)
        )
    elif reading.id == INDEX:
        title, first, odd_since = "Failing policies", show(INDEX), None
        verdict = (
            wrong_type(reading.id, _CODE, show(INDEX), key, ("set",))
            or _expires(reading, show(INDEX), key)
            or Verdict(State("index"), "The ids of the policies with hosts that wait for a webhook or a ticket.")
        )
    else:
        title, first = show(reading.id, NAME), show(reading.id, CELL)
        verdict = malformed(reading.id, _CODE, title, "policies:failing:<policy id>")
    cells = (first, None if reading.id == INDEX else hosts, key.expiry if key.exists else None, samples)
    facts = refusals(got)
    if reading.id == INDEX and hosts is not None:
        facts = (("Policies listed", words.count(hosts)), *facts)
    return row_from(_ID, reading, before, keys, verdict, title, cells, facts=facts, samples=samples, memory=odd_since)


def _expires(reading: Reading, name: str, key: KeyFact) -> Verdict | None:
    if not key.exists or not key.expiry.ends:
        return None
    text = f"{name} ends in {words.duration(key.expiry.left(reading.at))}."
    return fault(reading.id, f"{_CODE}.ttl", "expires", Severity.WARNING, text, _ENDING)


def _unlisted(reading: Reading, title: str, hosts: int | None, since: float | None) -> Verdict | None:
    if since is None or reading.at - since < _SETTLED:
        return None
    waiting = "hosts wait" if hosts is None else words.count(hosts, "host waits", "hosts wait")
    text = f"{title} is not in policies:failing_sets, and {waiting} in its set."
    return fault(reading.id, f"{_CODE}.not-listed", "not listed", Severity.WARNING, text, _UNLISTED)


def _waiting(key: KeyFact, hosts: int | None) -> Verdict:
    if not key.exists:
        return Verdict(State("sent", Tone.OK), "Nothing waits; the policy's id is still in the index.")
    told = "Hosts wait" if hosts is None else words.count(hosts, "host waits", "hosts wait")
    return Verdict(State("waiting", Tone.ACCENT), f"{told} for the next webhook or ticket.")


def _weight(rows: tuple[Row, ...]) -> int | None:
    """Policies, without the row of the index."""
    return sum(row.id != INDEX for row in rows)


def _drop(row: Row, _choice: str) -> tuple[Draft, ...]:
    """The set as it was seen, then the policy out of the index, as Fleet does when all was sent."""
    drafts = [remove(key, row.title) for key in present(row)]
    empty = Guard(PREFIX + row.id, None, False, "hosts wait again")
    what = f"{row.title} in {show(INDEX)}"
    return (*drafts, Draft(Deed.DROP_MEMBER, INDEX, what, "set", guards=(empty,), args=(row.id,), stage=1))


def _waits(row: Row, _now: float) -> Refusal | None:
    return gone(row) if _POLICY.fullmatch(row.id) else Refusal("It is no policy.")


def _every_key(row: Row, _choice: str) -> tuple[Draft, ...]:
    return tuple(remove(key, row.title, moves=VALUE, stage=int(row.id == INDEX)) for key in present(row))


FAMILY = Family(
    id=_ID,
    title="Failing policies",
    tab="Policies",
    noun=("policy", "policies"),
    purpose="Hosts that fail a policy and whose webhook or ticket is yet to be sent; keys appear when a host begins to "
    "fail a policy with such an automation, and go when it is sent.",
    patterns=("policies:failing_sets", "policies:failing:<policy id>"),
    prefixes=(INDEX, PREFIX),
    columns=(
        Column("policy", "Policy id", Kind.TEXT, 0, "The policy's id in Fleet.", probed=False),
        Column("hosts", "Hosts waiting", Kind.NUMBER, 16, "Hosts whose webhook or ticket is yet to be sent."),
        Column("left", "Time left", Kind.CLOCK, 16, "These keys have no expiry by design.", probed=False),
        Column("trend", "Trend", Kind.TREND, 14, "Hosts waiting, over the last five minutes at most."),
        Column("state", "State", Kind.STATE, 12),
    ),
    rule=Rule(frozenset({"set"}), "none", 0.0),
    decode=_decode,
    row_of=_row_of,
    keys_of=_keys_of,
    key_titles=("Hosts waiting",),
    probes=_probes,
    index=INDEX,
    weight=_weight,
    sort=("policy", False),
    verbs=(
        Verb(
            f"{_ID}.drop",
            "Drop waiting hosts…",
            "Drop the hosts that wait of {}",
            _drop,
            ("No webhook is sent and no ticket is made for these hosts, unless they begin to fail the policy again.",),
            fits=_waits,
            hidden=lambda row: not _POLICY.fullmatch(row.id),
            grave=True,
        ),
        flush(_ID, "policies", _every_key, "No webhook is sent and no ticket is made for any host that waits."),
    ),
)
