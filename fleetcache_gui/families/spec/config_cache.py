"""Config cache: `cache:app_config` and `cache:team:<id>`, JSON kept for seconds to shield the database from
bursts.

The values may hold credentials of integrations, so nothing of them is read for the table but their size.
"""

from __future__ import annotations

import re

from fleetcache_gui.domain.coming import comes_and_goes
from fleetcache_gui.domain.decoding import (
    CELL,
    NAME,
    Verdict,
    answers,
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
from fleetcache_gui.domain.drafting import single_keys
from fleetcache_gui.domain.family import Column, Family, Kind, Reading, Row, Rule, Severity
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import Command, KeyFact, State, Tone

APP_CONFIG = b"cache:app_config"

_TEAM = re.compile(rb"cache:team:([1-9][0-9]{0,18}|0)")
_ID = "config_cache"
_CODE = "config"
_RULE = Rule(frozenset({"string"}), "required", 3600.0)
_CACHED = Verdict(
    State("cached", Tone.OK), "Fleet answers from this copy until it ends, then reads its database again."
)
_STALE = (
    "Changes made in Fleet do not reach the servers that read this copy, until somebody removes it.",
    "Remove the key: the next request reads the database and caches the answer with an expiry.",
)
_SLOW = (
    "Changes made in Fleet reach the servers that read this copy only when it ends.",
    "Check which TTL the servers are configured with; seconds are enough to shield the database.",
)


def _probes(row: bytes, keys: tuple[KeyFact, ...]) -> tuple[Command, ...]:
    return tuple((b"STRLEN", key.name) for key in keys if key.type == "string")


def _name(key: bytes) -> str | None:
    team = _TEAM.fullmatch(key)
    return "App config" if key == APP_CONFIG else f"Team {team[1].decode()}" if team else None


def _decode(reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    key = key_named(keys, reading.id)
    got = answers(_probes(reading.id, reading.keys), reading.replies)
    name = _name(reading.id)
    if name is None:
        title = show(reading.id, NAME)
        verdict = malformed(reading.id, _CODE, title, "cache:app_config or cache:team:<id>")
    else:
        title = name if reading.id == APP_CONFIG else f"Config of {name.lower()}"
        verdict = (
            wrong_type(reading.id, _CODE, title, key, _RULE.types)
            or no_expiry(reading.id, _CODE, title, key, Severity.WARNING, _STALE)
            or too_long(reading, _CODE, title, key.expiry, _RULE, _SLOW)
            or _CACHED
        )
    size = number(got.get((b"STRLEN", key.name)))
    cells = (name or show(reading.id, CELL), size, key.expiry if key.exists else None)
    return row_from(_ID, reading, before, keys, verdict, title, cells, facts=refusals(got))


FAMILY = Family(
    id=_ID,
    title="Config cache",
    tab="Config",
    noun=("cached config", "cached configs"),
    purpose="Copies of the app config and of team configs that shield the database from bursts; a "
    "key appears with the first request after the last copy has ended.",
    patterns=("cache:app_config", "cache:team:<id>"),
    prefixes=(APP_CONFIG, b"cache:team:"),
    columns=(
        Column("name", "Config", Kind.TEXT, 0, "Whose configuration is cached.", probed=False),
        Column("size", "Size", Kind.SIZE, 12, "Bytes of the cached JSON."),
        Column("left", "Time left", Kind.CLOCK, 16, "Until Fleet reads its database again.", probed=False),
        Column("state", "State", Kind.STATE, 11, probed=False),
    ),
    rule=_RULE,
    decode=_decode,
    probes=_probes,
    tell=comes_and_goes("was cached", "was dropped", ends=False),
    private=True,
    sort=("name", False),
    verbs=single_keys(
        _ID,
        "cached configs",
        title="Drop from the cache…",
        phrase="Drop {} from the cache",
        consequence="The next request reads the database and caches the answer afresh.",
        flushed="For a moment every request reads the database, until the answers are cached again.",
        ending="Afterwards the database is read again.",
    ),
)
