"""Keys that no family of the layout claims: other programs' data, or Fleet keys of another version."""

from __future__ import annotations

from fleetcache_gui.domain.decoding import (
    CELL,
    NAME,
    Verdict,
    answers,
    key_named,
    keys_now,
    number,
    refusals,
    row_from,
)
from fleetcache_gui.domain.family import Column, Family, Kind, Reading, Row, Rule
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import Command, KeyFact, State, Tone

_LENGTH = {
    "string": b"STRLEN",
    "list": b"LLEN",
    "set": b"SCARD",
    "zset": b"ZCARD",
    "hash": b"HLEN",
    "stream": b"XLEN",
}
_FOREIGN = Verdict(State("foreign", Tone.NEUTRAL), "No use of the cache by Fleet has keys of this name.")


def _probes(row: bytes, keys: tuple[KeyFact, ...]) -> tuple[Command, ...]:
    return tuple((_LENGTH[key.type], key.name) for key in keys if key.type in _LENGTH)


def _decode(reading: Reading, before: Row | None) -> Row:
    keys = keys_now(reading, before)
    key = key_named(keys, reading.id)
    got = answers(_probes(reading.id, reading.keys), reading.replies)
    length = number(got.get((_LENGTH.get(key.type, b""), key.name)))
    kind = show(key.type.encode(errors="replace"), NAME)
    cells = (show(key.name, CELL), kind, length, key.expiry if key.exists else None)
    title = show(key.name, NAME)
    return row_from("other", reading, before, keys, _FOREIGN, title, cells, facts=refusals(got))


FAMILY = Family(
    id="other",
    title="Other keys",
    tab="Other",
    noun=("key", "keys"),
    purpose="Keys that belong to none of Fleet's uses of the cache: another program shares this "
    "server, or Fleet keeps something new here.",
    patterns=("everything else",),
    prefixes=(),
    columns=(
        Column(
            "key",
            "Key",
            Kind.CODE,
            0,
            "The key's name; bytes that cannot be shown are escaped.",
            probed=False,
        ),
        Column("type", "Type", Kind.TEXT, 9, "Redis's type of the value.", probed=False),
        Column("length", "Length", Kind.NUMBER, 12, "Elements of a collection, bytes of a string."),
        Column("left", "Time left", Kind.CLOCK, 16, "Until Redis removes the key.", probed=False),
        Column("state", "State", Kind.STATE, 11),
    ),
    rule=Rule(frozenset()),
    decode=_decode,
    probes=_probes,
    private=True,
    sort=("key", False),
)
