"""What an upstream Fleet server counts to hold somebody back: requests, failed sign-ins, install attempts.

`ratelimit::<bucket>` (STRING: the time from which the next request is allowed), `ipbanner::{<address>}::count` and
`…::banned` (STRING), `install:attempts:<installer id>:<host id>` or `install_attempts:<host id>:<installer id>`
(STRING, a number). A row is a bucket, an address, or a host with an installer.
"""

from __future__ import annotations

import re

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
    number,
    refusals,
    row_from,
    too_long,
    wrong_type,
)
from fleetcache_gui.domain.drafting import EXPIRY, VALUE, single_keys
from fleetcache_gui.domain.family import Column, Family, Kind, Reading, Row, Rule, Severity
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import Command, KeyFact, State

_BUCKET = re.compile(rb"ratelimit::(.+)", re.DOTALL)
_ADDRESS = re.compile(rb"(ipbanner::\{[^{}]+\})(?:::(?:count|banned))?", re.DOTALL)
_INSTALL = re.compile(rb"(?:install:attempts:([0-9]+):([0-9]+)|install_attempts:([0-9]+):([0-9]+))")
_COUNT, _BANNED = b"::count", b"::banned"
_ID = "upstream_limits"
_CODE = "limit"
_RULE = Rule(frozenset({"string"}), "required", 7 * 86400.0)
_FOR_EVER = (
    "It never starts anew: whoever is held back by it stays so for ever.",
    "Remove the key: the next request begins a new one, with an expiry.",
)
_LATE = (
    "Whoever is held back by it stays so for all that time.",
    "Check what wrote it; remove the key to let them in again.",
)
_BAN = (
    "Fleet refuses each request from this address until the ban ends: too many sign-ins failed.",
    "If the address is yours, a host or a script there has an outdated key or password: mend that, and wait.",
)


def _row_of(key: bytes) -> bytes:
    match = _ADDRESS.fullmatch(key)
    return match[1] if match else key


def _keys_of(row: bytes) -> tuple[bytes, ...]:
    match = _ADDRESS.fullmatch(row)
    return (row + _COUNT, row + _BANNED) if match and match[1] == row else (row,)


def _read(key: bytes) -> Command:
    return (b"GETRANGE", key, b"0", b"31")


def _probes(row: bytes, keys: tuple[KeyFact, ...]) -> tuple[Command, ...]:
    return tuple(_read(key.name) for key in keys if key.type == "string")


def _decode(reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    got = answers(_probes(reading.id, reading.keys), reading.replies)
    address = _ADDRESS.fullmatch(reading.id)
    # A long family is listed by its keys: then a row knows one of the two only.
    of = address[1] if address else reading.id
    key = key_named(keys, of + _COUNT if address else of)
    ban = key_named(keys, of + _BANNED)
    count = number(blob(got.get(_read(key.name))))
    kind, who = _what(of)
    title = f"{kind} {who[:NAME]}" if who else show(reading.id, NAME)
    verdict = (
        malformed(reading.id, _CODE, title, "ratelimit::<bucket> or ipbanner::{<address>}::count") if not who else None
    )
    for fact in keys:
        verdict = (
            verdict
            or wrong_type(reading.id, _CODE, title, fact, _RULE.types)
            or no_expiry(reading.id, _CODE, title, fact, Severity.WARNING, _FOR_EVER)
            or too_long(reading, _CODE, title, fact.expiry, _RULE, _LATE)
        )
    if verdict is None and ban.exists:
        text = f"{title} is banned."
        verdict = fault(reading.id, f"{_CODE}.banned", "banned", Severity.INFO, text, _BAN)
    expiry = (ban if ban.exists else key).expiry if ban.exists or key.exists else None
    shown = None if kind == "Request rate" else count
    cells = (kind, who or show(reading.id, CELL), shown, expiry)
    verdict = verdict or _fine(kind, count)
    return row_from(_ID, reading, before, keys, verdict, title, cells, facts=refusals(got))


def _what(row: bytes) -> tuple[str, str]:
    """What is counted, and of whom; nobody where the key fits no pattern."""
    if match := _BUCKET.fullmatch(row):
        return "Request rate", show(match[1], CELL)
    if _ADDRESS.fullmatch(row):
        return "Address", show(row[len("ipbanner::{") : -1], CELL)
    if match := _INSTALL.fullmatch(row):
        installer, host = (match[1], match[2]) if match[1] else (match[4], match[3])
        return "Install attempts", f"host {host.decode()[:20]}, installer {installer.decode()[:20]}"
    return "malformed", ""


def _fine(kind: str, count: int | None) -> Verdict:
    told = "" if count is None else words.count(count)
    if kind == "Address":
        return Verdict(State("counting"), f"{told or 'Some'} failed sign-ins in a row came from this address.")
    if kind == "Install attempts":
        return Verdict(State("counting"), f"{told or 'Some'} attempts of this host to install it have failed.")
    return Verdict(State("counting"), "Fleet keeps here when the next request of this kind is allowed.")


FAMILY = Family(
    id=_ID,
    title="Limits and bans",
    tab="Limits",
    noun=("limit", "limits"),
    purpose="Who is held back: request rates, addresses with failed sign-ins, and hosts that fail to install; a key "
    "appears with a request or a failure and goes when its time is up.",
    patterns=(
        "ratelimit::<bucket>",
        "ipbanner::{<address>}::count",
        "ipbanner::{<address>}::banned",
        "install:attempts:…",
    ),
    prefixes=(b"ratelimit::", b"ipbanner::", b"install:attempts:", b"install_attempts:"),
    columns=(
        Column("kind", "Kind", Kind.TEXT, 18, "What is counted.", probed=False),
        Column("who", "Who", Kind.CODE, 0, "The bucket, the address, or the host.", probed=False),
        Column("count", "Count", Kind.NUMBER, 10, "Failures in a row; of request rates only a time is kept."),
        Column("left", "Time left", Kind.CLOCK, 16, "Until it starts anew, or the ban ends.", probed=False),
        Column("state", "State", Kind.STATE, 12),
    ),
    rule=_RULE,
    decode=_decode,
    row_of=_row_of,
    keys_of=_keys_of,
    key_titles=("Count", "Ban"),
    probes=_probes,
    sort=("kind", False),
    verbs=single_keys(
        _ID,
        "limits and bans",
        title="Lift…",
        phrase="Lift the limit of {}",
        consequence="The next request, sign-in or attempt to install is allowed, and counted from the beginning.",
        flushed="Nobody is held back any more: bans of addresses are lifted, and everybody counts from the beginning.",
        ending="Afterwards it counts from the beginning.",
        moves=VALUE | EXPIRY,  # it counts on while it is looked at
    ),
)
