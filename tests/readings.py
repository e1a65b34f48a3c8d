"""Readings as a server would give them, for tests of the families' pure half.

A small model of the reader: it answers the probes from plain Python values, so that a test says what lies on
the server and gets the row. `tests/live/test_families_*.py` hold the same judgements against real servers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fleetcache_gui.domain.family import Expected, Family, Reading, Row, Severity
from fleetcache_gui.domain.values import FOREVER, Command, Expiry, KeyFact, Reply, ReplyError

if TYPE_CHECKING:
    from collections.abc import Mapping

START = 5000.0
"""Monotonic time at which these stories begin."""

WALL = 1_700_000_000.0
"""The server's Unix time at that moment."""

Value = bytes | list[bytes] | set[bytes] | dict[bytes, bytes] | tuple[tuple[bytes, int], ...] | int | None
"""A string, a list, a set, a hash, a sorted set by ascending score; a number stands for a stream of that length."""

_TYPES = {bytes: "string", list: "list", set: "set", dict: "hash", tuple: "zset", int: "stream"}


@dataclass
class Server:
    """Values and lifetimes (seconds left, absolute milliseconds) by key; `special` replies by command."""

    values: dict[bytes, Value] = field(default_factory=dict)
    left: dict[bytes, float] = field(default_factory=dict)
    at_ms: dict[bytes, int] = field(default_factory=dict)
    special: dict[Command, Reply] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    expected: Expected = field(default_factory=Expected)
    at: float = START
    listeners: dict[bytes, int] = field(default_factory=dict)

    def fact(self, key: bytes) -> KeyFact:
        value = self.values.get(key)
        expiry = FOREVER
        if key in self.left:
            expiry = Expiry(self.at + self.left[key], self.left[key], self.at_ms.get(key))
        return KeyFact(key, "none" if value is None else _TYPES[type(value)], expiry)

    def answer(self, command: Command) -> Reply:
        if command in self.special:
            return self.special[command]
        name, *args = command
        value = self.values.get(args[0])
        match name, value:
            case b"GETRANGE", bytes():
                return value[int(args[1]) : int(args[2]) + 1]
            case (b"STRLEN", bytes()) | (b"LLEN", list()) | (b"SCARD", set()) | (b"HLEN", dict()) | (b"ZCARD", tuple()):
                return len(value)
            case b"BITCOUNT", bytes():
                return int.from_bytes(value[int(args[1]) : int(args[2]) + 1]).bit_count()
            case b"SISMEMBER", _:
                return int(isinstance(value, set) and args[1] in value)
            case b"SSCAN", set():
                return [b"0", sorted(value)]
            case b"ZRANGE", tuple():
                return [word for member, score in value[:1] for word in (member, b"%d" % score)]
            case b"PUBSUB", _:
                return [args[1], self.listeners.get(args[1], 0)]
            case b"XLEN", int():
                return value
            case b"HSTRLEN", dict():
                return len(value.get(args[1], b""))
            case b"HMGET", dict():
                return [value.get(name) for name in args[1:]]
            case b"TYPE", _:
                return self.fact(args[0]).type.encode()
            case b"XINFO", _:
                return []
        raise AssertionError(f"a family asked {command!r} of a {type(value).__name__}")

    def read(self, family: Family, row: bytes, before: Row | None = None, *, listed: bool | None = False) -> Row:
        """What the reader would make of a row now."""
        keys = tuple(self.fact(key) for key in family.keys_of(row))
        replies = tuple(self.answer(command) for command in family.probes(row, keys))
        reading = Reading(
            row,
            self.at,
            WALL + self.at - START,
            keys,
            replies,
            listed=listed,
            counters=self.counters,
            expected=self.expected,
            memory=before.memory if before else None,
        )
        more = tuple(self.answer(command) for command in family.follow(reading))
        return family.decode(replace(reading, more=more), before)


def cell(family: Family, row: Row, column: str) -> object:
    """One cell of a row by its column's id."""
    return row.cells[family.column(column)]


def codes(row: Row) -> dict[str, Severity]:
    """What is judged of a row."""
    return {judgement.code: judgement.severity for judgement in row.judgements}


def refused(commands: Mapping[Command, Reply]) -> dict[Command, Reply]:
    """The same commands, each answered with NOPERM and a text that quotes its arguments."""
    return {
        command: ReplyError(f"NOPERM no permission to run {b' '.join(command).decode('latin-1')}")
        for command in commands
    }


def texts(row: Row) -> str:
    """Everything of a row that a person may read unasked."""
    parts = [row.title, row.why, *(cell for cell in row.cells if isinstance(cell, str))]
    parts += [text for fact in row.facts for text in fact]
    parts += [text for judged in row.judgements for text in (judged.text, judged.meaning, judged.advice)]
    return "\n".join(parts)


def told(family: Family, before: Row | None, now: Row | None) -> str | None:
    """The timeline's sentence about what became of a row."""
    said = family.tell(before, now)
    return said.text if said else None
