"""Families that gather several small uses of the cache under one tab: one row a key, each of a kind that is declared.

A kind says what its keys are called, what they look like, and how they are when all is well. Where a key's name is a
credential, its kind is secret, and so is every key of a secret family that is of no kind at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.domain.decoding import (
    CELL,
    NAME,
    Advice,
    Verdict,
    answers,
    blob,
    fault,
    key_named,
    keys_now,
    malformed,
    no_expiry,
    number,
    preview,
    refusals,
    row_from,
    too_long,
    wrong_type,
)
from fleetcache_gui.domain.family import Column, Kind, Reading, Row, Rule, Severity
from fleetcache_gui.domain.text import mask, show

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

    from fleetcache_gui.domain.values import Cell, Command, KeyFact

LENGTH = {
    "string": b"STRLEN",
    "list": b"LLEN",
    "set": b"SCARD",
    "zset": b"ZCARD",
    "hash": b"HLEN",
    "stream": b"XLEN",
}
"""The command that tells the length of a value, by Redis's word for its type."""

_SHOWN = b"95"  # the last byte that is read of a value for the table

_STAYS = (
    "Fleet gives such a key a lifetime: one that stays is used beyond its time, or just takes memory.",
    "Find out what wrote it; remove the key, and Fleet makes it anew when it needs it.",
)
_LATE = (
    "Fleet gives such a key a shorter life: what it stands for is believed for longer than it should be.",
    "Find out what wrote it, or whether Fleet is configured so; remove the key if nobody needs it.",
)
_ENDS = (
    "Fleet gives this key no expiry: when it ends, what it holds is lost before its time.",
    "Find out who set it, and take it off with PERSIST.",
)


@dataclass(frozen=True, slots=True)
class KeyKind:
    """One kind of keys. The first group of `pattern`, which fits whole keys, is the name of what a key stands for.

    `expiry` and `longest` are as in a `Rule`. `stays`, `late` are what it means, and the next step, where a key has no
    expiry and needs one, or too much time. `shown`: the value is short and no secret, so the table shows it.
    """

    word: str
    pattern: re.Pattern[bytes]
    written: str
    fine: Verdict
    types: frozenset[str] = frozenset({"string"})
    expiry: str = "required"
    longest: float = math.inf
    stays: Advice = _STAYS
    late: Advice = _LATE
    grave: Severity = Severity.WARNING
    secret: bool = False
    shown: bool = False


@dataclass(frozen=True, slots=True)
class Kinds:
    """The kinds of one family. `code` begins its judgements; `secret`: keys of no kind are masked too."""

    family: str
    code: str
    kinds: tuple[KeyKind, ...]
    prefixes: tuple[bytes, ...]
    secret: bool = False

    def find(self, key: bytes) -> tuple[KeyKind, bytes] | None:
        """A key's kind, and the name of what it stands for."""
        for kind in self.kinds:
            if match := kind.pattern.fullmatch(key):
                return kind, match[1] if match.re.groups else b""
        return None

    def mask(self, key: bytes) -> str:
        """The key's name as it may be shown unasked."""
        found = self.find(key)
        if found is None:
            prefix = max((p for p in self.prefixes if key.startswith(p)), key=len, default=b"")
            return show(prefix) + mask(show(key[len(prefix) :], NAME)) if self.secret else show(key)
        if not found[0].secret:
            return show(key)
        match = found[0].pattern.fullmatch(key)
        first, last = match.span(1) if match else (0, len(key))
        return show(key[:first]) + mask(show(key[first:last], NAME)) + show(key[last:])

    def probes(self, row: bytes, keys: tuple[KeyFact, ...]) -> tuple[Command, ...]:
        """Lengths, and short values."""
        commands: list[Command] = []
        for key in keys:
            if key.type in LENGTH:
                commands.append((LENGTH[key.type], key.name))
            if key.type == "string" and (found := self.find(key.name)) and found[0].shown:
                commands.append(_value(key.name))
        return tuple(commands)

    def decode(self, reading: Reading, before: Row | None) -> Row:
        """A row with the cells of `columns`; its memory is the length."""
        keys = keys_now(reading, before)
        key = key_named(keys, reading.id)
        got = answers(self.probes(reading.id, reading.keys), reading.replies)
        length = number(got.get((LENGTH.get(key.type, b""), key.name)))
        raw = blob(got.get(_value(key.name)))
        found = self.find(reading.id)
        secret = found[0].secret if found else self.secret
        shown = self.mask(reading.id)
        if found is None:
            written = " or ".join(kind.written for kind in self.kinds[:4])
            word, name, title = "malformed", shown[:CELL], shown[:NAME]
            verdict = malformed(reading.id, self.code, title, written + (" …" if len(self.kinds) > 4 else ""))
        else:
            kind, what = found
            word = kind.word
            name = mask(show(what, NAME)) if secret else show(what, CELL)
            title = f"{word} {name[:NAME]}" if what else word
            verdict = self._verdict(reading, kind, title, key)
        reveal = ""
        if secret:
            reveal = show(found[1] if found else _rest(reading.id, self.prefixes)) or "…"
        content: Cell = length
        if self._valued:
            content = _size(key.type, length) if raw is None else preview(raw) or "(empty)"
        cells = (word, name or "–", content, key.expiry if key.exists else None)
        facts = refusals(got)
        return row_from(
            self.family, reading, before, keys, verdict, title, cells, facts=facts, memory=length, reveal=reveal
        )

    def columns(self, title: str, told: str, value: str = "") -> tuple[Column, ...]:
        """The family's columns: title and help of the name's, and help of the value's where values are shown."""
        return (
            Column("kind", "Kind", Kind.TEXT, 18, "What the key is used for.", probed=False),
            Column("name", title, Kind.CODE, 0, told, probed=False),
            Column("value", "Value", Kind.TEXT, 14, value)
            if self._valued
            else Column("length", "Length", Kind.NUMBER, 10, "Elements of a collection, bytes of a string."),
            Column("left", "Time left", Kind.CLOCK, 16, "Until Redis removes the key.", probed=False),
            Column("state", "State", Kind.STATE, 12),
        )

    @property
    def _valued(self) -> bool:
        """Values have a column where there is a kind that shows them; there it tells lengths too."""
        return any(kind.shown for kind in self.kinds)

    def _verdict(self, reading: Reading, kind: KeyKind, title: str, key: KeyFact) -> Verdict:
        row, rule = reading.id, Rule(kind.types, kind.expiry, kind.longest)
        return (
            wrong_type(row, self.code, title, key, kind.types)
            or (
                no_expiry(row, self.code, title, key, kind.grave, kind.stays)
                if kind.expiry == "required"
                else self._ends(reading, title, key)
                if kind.expiry == "none"
                else None
            )
            or too_long(reading, self.code, title, key.expiry, rule, kind.late)
            or kind.fine
        )

    def _ends(self, reading: Reading, title: str, key: KeyFact) -> Verdict | None:
        if not key.exists or not key.expiry.ends:
            return None
        text = f"{title} ends in {words.duration(key.expiry.left(reading.at))}."
        return fault(reading.id, f"{self.code}.ttl", "expires", Severity.WARNING, text, _ENDS)


def _rest(key: bytes, prefixes: Sequence[bytes]) -> bytes:
    return key[max((len(prefix) for prefix in prefixes if key.startswith(prefix)), default=0) :]


def _size(type_word: str, length: int | None) -> str | None:
    """``41 B``, ``3 elements``."""
    if length is None:
        return None
    return words.size(length) if type_word == "string" else words.count(length, "element")


def _value(key: bytes) -> Command:
    return (b"GETRANGE", key, b"0", _SHOWN)
