"""Software installer tokens: `sw:installer:token:<uuid>`, JSON that lives for an hour at most and is used
once.

Whoever knows the uuid may download the installer, so no text holds more of it than its first four characters.
"""

from __future__ import annotations

import re

from fleetcache_gui.domain.coming import comes_and_goes
from fleetcache_gui.domain.decoding import (
    NAME,
    PREVIEW,
    Verdict,
    answers,
    blob,
    fault,
    json_object,
    key_named,
    keys_now,
    malformed,
    no_expiry,
    refusals,
    row_from,
    too_long,
    wrong_type,
)
from fleetcache_gui.domain.drafting import single_keys
from fleetcache_gui.domain.family import Column, Family, Kind, Reading, Row, Rule, Severity
from fleetcache_gui.domain.text import mask, show
from fleetcache_gui.domain.values import Command, KeyFact, State, Tone

PREFIX = b"sw:installer:token:"

_UUID = re.compile(rb"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LARGEST_ID = 2**63
_ID = "installer_tokens"
_CODE = "token"
_RULE = Rule(frozenset({"string"}), "required", 3600.0)
_VALID = Verdict(State("valid", Tone.OK), "One download with this token is allowed until its time ends.")
_FOR_EVER = (
    "Whoever knows the token can use it at any time: it never ends by itself.",
    "Remove the key; Fleet issues a new token for the next download.",
)
_LATE = (
    "The specification allows an hour at most: a token that leaks stays usable for longer than it should.",
    "Check what wrote it; remove the key if nobody is about to use it.",
)
_UNREADABLE = (
    "Fleet refuses the download, as it cannot tell what the token stands for.",
    "Find out what wrote it; remove the key, and Fleet issues a new token for the next download.",
)


def _probes(row: bytes, keys: tuple[KeyFact, ...]) -> tuple[Command, ...]:
    return tuple((b"GETRANGE", key.name, b"0", b"%d" % (PREVIEW - 1)) for key in keys if key.type == "string")


def _masked(key: bytes) -> str:
    return show(PREFIX) + mask(show(key.removeprefix(PREFIX), NAME))


def _id_of(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < _LARGEST_ID else None


def _decode(reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    key = key_named(keys, reading.id)
    asked = _probes(reading.id, reading.keys)
    got = answers(asked, reading.replies)
    raw = blob(got.get(asked[0])) if asked else None
    meta = json_object(raw) or {}
    title_id, team_id = _id_of(meta.get("title_id")), _id_of(meta.get("team_id"))
    token = reading.id.removeprefix(PREFIX)
    shown = mask(show(token, NAME))
    name = f"Token {shown}"
    verdict = (
        (
            malformed(reading.id, _CODE, _masked(reading.id), "sw:installer:token:<uuid>")
            if not _UUID.fullmatch(token)
            else None
        )
        or wrong_type(reading.id, _CODE, name, key, _RULE.types)
        or no_expiry(reading.id, _CODE, name, key, Severity.CRITICAL, _FOR_EVER)
        or too_long(reading, _CODE, name, key.expiry, _RULE, _LATE)
        or (_unreadable(reading.id, name) if raw is not None and title_id is None else None)
        or _VALID
    )
    cells = (shown, title_id, team_id, key.expiry if key.exists else None)
    reveal = show(token) or "…"
    return row_from(_ID, reading, before, keys, verdict, name, cells, facts=refusals(got), reveal=reveal)


def _unreadable(row: bytes, name: str) -> Verdict:
    text = f"{name} does not say which software title it is for."
    return fault(row, "token.unreadable", "unreadable", Severity.WARNING, text, _UNREADABLE)


FAMILY = Family(
    id=_ID,
    title="Installer tokens",
    tab="Tokens",
    noun=("token", "tokens"),
    purpose="Tokens with which a host may download a software installer once; a key appears when "
    "Fleet offers an installer and goes when it is used, or within an hour.",
    patterns=("sw:installer:token:<uuid>",),
    prefixes=(PREFIX,),
    columns=(
        Column("token", "Token", Kind.CODE, 0, "The start of the token; the rest is a credential.", probed=False),
        Column("title", "Title id", Kind.NUMBER, 12, "The software title that may be downloaded."),
        Column(
            "team",
            "Team id",
            Kind.NUMBER,
            12,
            "The team whose installer it is; none for hosts without a team.",
        ),
        Column("left", "Time left", Kind.CLOCK, 16, "Until the token ends unused.", probed=False),
        Column("state", "State", Kind.STATE, 11),
    ),
    rule=_RULE,
    decode=_decode,
    probes=_probes,
    tell=comes_and_goes("was issued", "was used or removed"),
    secret=True,
    mask=_masked,
    sort=("left", False),
    verbs=single_keys(
        _ID,
        "tokens",
        title="Expire token now…",
        phrase="Expire {} now",
        consequence="A download with it is refused from now on; Fleet issues another with its next offer.",
        flushed="Downloads that were offered and have not begun are refused; Fleet issues other tokens.",
        ending="Afterwards a download with it is refused.",
    ),
)
