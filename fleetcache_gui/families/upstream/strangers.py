"""Keys that no family of the layout claims, among them sign-ins in progress.

Fleet keeps a sign-in by SSO under its session id alone, without any prefix, so that it is known by its value: JSON with
`request_id`, `metadata`, `original_url` and `request_data`. The id is a credential. So each name that could be one is
masked, before its value was read as after it: letters, digits and `+/=_-`, eight of them or more, that are not words.
"""

from __future__ import annotations

import re

from fleetcache_gui.domain.decoding import (
    CELL,
    NAME,
    Verdict,
    answers,
    blob,
    fault,
    key_named,
    keys_now,
    number,
    refusals,
    row_from,
)
from fleetcache_gui.domain.family import Column, Family, Kind, Reading, Row, Rule, Severity
from fleetcache_gui.domain.kinds import LENGTH
from fleetcache_gui.domain.text import mask, show
from fleetcache_gui.domain.values import Command, KeyFact, State, Tone

_ID_LIKE = re.compile(rb"[A-Za-z0-9+/=_-]{8,}")
_WORDS = re.compile(rb"[a-z]{2,}(?:[_-][a-z]{2,})+")
_SHAPE = re.compile(rb'\s*\{\s*"(?:request_id|metadata|original_url|request_data)"\s*:')
_CODE = "sso"
_FOREIGN = Verdict(State("foreign"), "No use of the cache by Fleet has keys of this name.")
_SIGNING_IN = Verdict(State("signing in", Tone.OK), "Somebody signs in by SSO; the key goes when that is done.")
_FOR_EVER = (
    "Whoever knows its id can end this sign-in at any time.",
    "Remove the key: who is signing in begins again.",
)


def _mask(key: bytes) -> str:
    """The name, or its start where it could be a session id."""
    name = show(key)
    return mask(name) if _ID_LIKE.fullmatch(key) and not _WORDS.fullmatch(key) else name


def _start(key: bytes) -> Command:
    return (b"GETRANGE", key, b"0", b"63")


def _probes(row: bytes, keys: tuple[KeyFact, ...]) -> tuple[Command, ...]:
    commands: list[Command] = []
    for key in keys:
        if key.type in LENGTH:
            commands.append((LENGTH[key.type], key.name))
        if key.type == "string" and _ID_LIKE.fullmatch(key.name):
            commands.append(_start(key.name))
    return tuple(commands)


def _decode(reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    key = key_named(keys, reading.id)
    got = answers(_probes(reading.id, reading.keys), reading.replies)
    length = number(got.get((LENGTH.get(key.type, b""), key.name)))
    shown = _mask(reading.id)
    raw = blob(got.get(_start(key.name)))
    session = raw is not None and _SHAPE.match(raw) is not None
    verdict, title = _FOREIGN, shown[:NAME]
    if session:
        title, verdict = f"Sign-in {mask(show(reading.id))}", _SIGNING_IN
        if key.exists and key.expiry.never:
            verdict = fault(
                reading.id, f"{_CODE}.no-ttl", "no expiry", Severity.WARNING, f"{title} has no expiry.", _FOR_EVER
            )
    kind = show(key.type.encode(errors="replace"), NAME)
    cells = (shown[:CELL], kind, length, key.expiry if key.exists else None)
    reveal = "" if shown == show(reading.id) else show(reading.id)
    return row_from("other", reading, before, keys, verdict, title, cells, facts=refusals(got), reveal=reveal)


FAMILY = Family(
    id="other",
    title="Other keys",
    tab="Other",
    noun=("key", "keys"),
    purpose="Keys without a prefix of Fleet's: sign-ins in progress, something new of Fleet's, or another program's "
    "data. "
    "Names that may be session ids are cut.",
    patterns=("<sso session id>", "everything else"),
    prefixes=(),
    columns=(
        Column("key", "Key", Kind.CODE, 0, "The key's name, cut where it may be a credential.", probed=False),
        Column("type", "Type", Kind.TEXT, 9, "Redis's type of the value.", probed=False),
        Column("length", "Length", Kind.NUMBER, 12, "Elements of a collection, bytes of a string."),
        Column("left", "Time left", Kind.CLOCK, 16, "Until Redis removes the key.", probed=False),
        Column("state", "State", Kind.STATE, 12),
    ),
    rule=Rule(frozenset()),
    decode=_decode,
    probes=_probes,
    secret=True,
    mask=_mask,
    private=True,
    sort=("key", False),
)
