"""Rate limits: `rate_limit:<endpoint>:<client>`, the number of requests in a fixed window that ends with the
key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.domain.decoding import (
    CELL,
    NAME,
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
from fleetcache_gui.domain.drafting import VALUE, single_keys
from fleetcache_gui.domain.family import Column, Family, Kind, Reading, Row, Rule, Severity
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import Command, KeyFact, Progress, State, Tone

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = b"rate_limit:"

_PARTS = re.compile(rb"([^:]+):(.+)", re.DOTALL)
_COUNT = re.compile(rb"0|[1-9][0-9]{0,18}")
_NEAR = 0.8  # of the limit
_ID = "rate_limits"
_CODE = "rate"
_RULE = Rule(frozenset({"string"}), "required", 86400.0)
_FOR_EVER = (
    "The count never starts anew: once over its limit, the client stays locked out.",
    "Remove the key: the next request opens a new window with an expiry.",
)
_LATE = (
    "A client that is over its limit stays locked out for all that time.",
    "Check the window of this endpoint; remove the key to let the client in again.",
)
_OVER = (
    "Fleet refuses the client's further requests until the window ends.",
    "If the client is legitimate, find out why it asks so often; otherwise let the limit do its work.",
)
_NEARLY = (
    "If it goes on like this, Fleet will refuse the client's requests until the window ends.",
    "Watch it; a script that asks too often should wait between its requests.",
)
_UNREADABLE = (
    "Fleet cannot count on from a value that is no number: requests of this client fail.",
    "Remove the key: the next request opens a new window.",
)
_NEGATIVE = (
    "Fleet counts on from below zero: the client gets more requests than its limit allows.",
    "Find out what wrote it; remove the key: the next request opens a new window.",
)


def _probes(row: bytes, keys: tuple[KeyFact, ...]) -> tuple[Command, ...]:
    return tuple((b"GETRANGE", key.name, b"0", b"31") for key in keys if key.type == "string")


def _verdict(row: bytes, name: str, raw: bytes | None, count: int | None, limit: int | None) -> Verdict:
    if count is None:
        if raw is None:
            return Verdict(State("counting"), "Requests of this client are counted; its number was not read yet.")
        negative = raw.startswith(b"-") and raw[1:].isdigit()
        text, advice = (" is negative.", _NEGATIVE) if negative else (" is no whole number.", _UNREADABLE)
        return fault(row, "rate.unreadable", "unreadable", Severity.WARNING, name + text, advice)
    told = f"{words.count(count, 'request')} in this window"
    if limit is None:
        return Verdict(State("counting"), f"{told[0].upper()}{told[1:]}; the limit of this endpoint is not known here.")
    told = f"{words.count(count)} of {words.count(limit, 'request')}"
    if count > limit:
        text = f"{name} is over its limit: {told} in this window."
        return fault(row, "rate.over", "over", Severity.WARNING, text, _OVER)
    if count >= limit * _NEAR:
        text = f"{name} is near its limit: {told} in this window."
        verdict = fault(row, "rate.near", "near", Severity.INFO, text, _NEARLY)
        return Verdict(State("near", Tone.WARN), verdict.why, verdict.judgements)
    return Verdict(State("ok", Tone.OK), f"{told} allowed in this window.")


def _count(raw: bytes | None) -> int | None:
    """The count as INCR reads it: no sign, no zeros before it, 64 bits."""
    return int(raw) if raw is not None and _COUNT.fullmatch(raw) and int(raw) < 2**63 else None


def _limit(limits: Mapping[str, int], endpoint: bytes) -> int | None:
    return limits.get(endpoint.decode("utf-8", "surrogateescape"))


def _decode(reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    key = key_named(keys, reading.id)
    asked = _probes(reading.id, reading.keys)
    got = answers(asked, reading.replies)
    raw = blob(got.get(asked[0])) if asked else None
    count = _count(raw)
    parts = _PARTS.fullmatch(reading.id.removeprefix(PREFIX))
    if parts is None:
        title = show(reading.id, NAME)
        verdict = malformed(reading.id, _CODE, title, "rate_limit:<endpoint>:<client>")
        endpoint, client, limit = show(reading.id, CELL), None, None
    else:
        endpoint, client = show(parts[1], CELL), show(parts[2], CELL)
        limit = _limit(reading.expected.limits, parts[1])
        title = f"{show(parts[1], NAME // 2)} · {show(parts[2], NAME // 2)}"
        name = f"The count of {show(parts[2], NAME // 2)} on {show(parts[1], NAME // 2)}"
        verdict = (
            wrong_type(reading.id, _CODE, name, key, _RULE.types)
            or no_expiry(reading.id, _CODE, name, key, Severity.WARNING, _FOR_EVER)
            or too_long(reading, _CODE, name, key.expiry, _RULE, _LATE)
            or _verdict(reading.id, name, raw, count, limit)
        )
    progress = None if count is None else Progress(count, limit)
    cells = (endpoint, client, progress, key.expiry if key.exists else None)
    return row_from(_ID, reading, before, keys, verdict, title, cells, facts=refusals(got))


FAMILY = Family(
    id=_ID,
    title="Rate limits",
    tab="Limits",
    noun=("counter", "counters"),
    purpose="How often a client has called an endpoint in the present window; a key appears with "
    "its first request and goes when the window ends.",
    patterns=("rate_limit:<endpoint>:<client>",),
    prefixes=(PREFIX,),
    columns=(
        Column("endpoint", "Endpoint", Kind.TEXT, 20, "What is called.", probed=False),
        Column("client", "Client", Kind.CODE, 0, "Who calls: an address or an id.", probed=False),
        Column(
            "count",
            "Requests",
            Kind.PROGRESS,
            20,
            "Requests in this window, against the limit where it is known.",
        ),
        Column("left", "Time left", Kind.CLOCK, 16, "Until the count starts anew.", probed=False),
        Column("state", "State", Kind.STATE, 11),
    ),
    rule=_RULE,
    decode=_decode,
    probes=_probes,
    sort=("count", True),
    verbs=single_keys(
        _ID,
        "counters",
        title="Reset limit…",
        phrase="Reset {}",
        consequence="The client's count starts from zero with its next request.",
        flushed="All clients' counts start from zero: for one window each gets its limit again.",
        ending="Afterwards the count starts from zero.",
        moves=VALUE,  # it counts on: what tells it from the next is the window's end
    ),
)
