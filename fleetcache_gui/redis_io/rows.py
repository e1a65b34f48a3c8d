"""From row ids to rows: their keys, what the family asks of them, its judgement. Three round trips a batch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fleetcache_gui import clock
from fleetcache_gui.domain.family import Expected, Family, Reading, Row, out_of_reach
from fleetcache_gui.domain.values import FOREVER, UNKNOWN, Command, Expiry, KeyFact, Reply
from fleetcache_gui.redis_io.keyspace import AWAY
from fleetcache_gui.redis_io.lane import midpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fleetcache_gui.redis_io.keyspace import Keyspace

BATCH = 150
"""Rows asked for in one exchange: keeps each slice of work on either side within a few milliseconds."""

_INDEX_PAGES = 10


@dataclass(frozen=True, slots=True)
class Listed:
    """The ids that a family's index holds; without `whole` there may be others, of which nobody knows."""

    ids: frozenset[bytes] = frozenset()
    whole: bool = True

    def holds(self, row_id: bytes) -> bool | None:
        """Whether a row is listed; None where that is not known."""
        return True if row_id in self.ids else False if self.whole else None


@dataclass(frozen=True, slots=True)
class Question:
    """Which rows of which family to read, and what is known: whether listed in the index, and as read before."""

    family: Family
    ids: Sequence[bytes]
    listed: Listed = Listed()
    before: Mapping[bytes, Row] = field(default_factory=dict)


async def members(keyspace: Keyspace, index: bytes) -> Listed:
    """The members of an index SET, by SSCAN: some 10,000 at most, and none where it may not be read."""
    found: set[bytes] = set()
    cursor = b"0"
    for _ in range(_INDEX_PAGES):
        reply = await keyspace.ask(b"SSCAN", index, cursor, b"COUNT", b"1000")
        if not isinstance(reply, list) or len(reply) != 2 or not isinstance(reply[0], bytes):
            break  # no permission, another type, or another node has it
        page = reply[1] if isinstance(reply[1], list) else []
        keyspace.lookups.count(found=bool(page), missed=not page)
        cursor = reply[0]
        found.update(member for member in page if isinstance(member, bytes))
        if cursor == b"0":
            return Listed(frozenset(found))
    return Listed(frozenset(found), whole=False)


async def read(keyspace: Keyspace, questions: Iterable[Question], expected: Expected) -> dict[str, list[Row]]:
    """The rows asked for, by family id; rows of which nothing exists any more are left out. Raises `Trouble`."""
    found: dict[str, list[Row]] = {}
    pending: list[tuple[Question, bytes]] = []
    for question in questions:
        found.setdefault(question.family.id, [])
        pending += ((question, row_id) for row_id in question.ids)
    for first in range(0, len(pending), BATCH):
        for question, row in await _batch(keyspace, pending[first : first + BATCH], expected):
            found[question.family.id].append(row)
    return found


async def _batch(
    keyspace: Keyspace, asked: Sequence[tuple[Question, bytes]], expected: Expected
) -> list[tuple[Question, Row]]:
    started = clock.now()
    names = [question.family.keys_of(row_id) for question, row_id in asked]
    told, away = await _facts(keyspace, [name for group in names for name in group], started)
    facts = iter(told)
    readings: list[tuple[Question, Reading]] = []
    commands: list[tuple[Command, ...]] = []
    for (question, row_id), group in zip(asked, names, strict=True):
        keys = tuple(next(facts) for _ in group)
        listed = question.listed.holds(row_id)
        kept = row_id in question.family.fixed and row_id in question.before
        if listed or kept or any(key.exists for key in keys):
            commands.append(question.family.probes(row_id, keys))
            before = question.before.get(row_id)
            memory = before.memory if before else None
            reading = Reading(row_id, started, 0.0, keys, listed=listed, expected=expected, memory=memory)
            readings.append((question, reading))
    replies = await _grouped(keyspace, commands)
    at = midpoint(started)
    wall = keyspace.wall(at)
    full = [
        (question, replace(reading, at=at, wall=wall, counters=keyspace.vitals.calls, replies=answered))
        for (question, reading), answered in zip(readings, replies, strict=True)
    ]
    more = await _grouped(keyspace, [question.family.follow(reading) for question, reading in full])
    return [
        (question, _row(question, replace(reading, more=extra), away))
        for (question, reading), extra in zip(full, more, strict=True)
    ]


def _row(question: Question, reading: Reading, away: set[bytes]) -> Row:
    before = question.before.get(reading.id)
    answered = not any(reply is AWAY for reply in (*reading.replies, *reading.more))
    if answered and (not away or away.isdisjoint(key.name for key in reading.keys)):
        return question.family.decode(reading, before)
    return out_of_reach(before or question.family.decode(reading, None))


async def _grouped(keyspace: Keyspace, groups: Sequence[tuple[Command, ...]]) -> list[tuple[Reply, ...]]:
    commands = [command for group in groups for command in group]
    keyspace.lookups.count(found=sum(command[0] != b"PUBSUB" for command in commands))  # of keys that exist
    replies = iter(await keyspace.exchange(commands))
    return [tuple(next(replies) for _ in group) for group in groups]


async def _facts(keyspace: Keyspace, names: Sequence[bytes], asked: float) -> tuple[list[KeyFact], set[bytes]]:
    """Type and expiry of each key, as facts; and the keys that nobody serves now."""
    per_key = 3 if keyspace.absolute else 2
    commands: list[Command] = []
    for name in names:
        commands += ((b"TYPE", name), (b"PTTL", name))
        if keyspace.absolute:
            commands.append((b"PEXPIRETIME", name))
    replies = await keyspace.exchange(commands)
    at = midpoint(asked)
    facts = [_fact(name, replies[i * per_key : (i + 1) * per_key], at) for i, name in enumerate(names)]
    away = {name for name, reply in zip(names, replies[::per_key], strict=True) if reply is AWAY}
    there = sum(fact.exists for fact in facts)
    keyspace.lookups.count(found=per_key * (there - len(away)), missed=per_key * (len(facts) - there))
    return facts, away


def _fact(name: bytes, replies: Sequence[Reply], at: float) -> KeyFact:
    type_word, left = replies[0], replies[1]
    moment = replies[2] if len(replies) > 2 else None
    word = type_word.decode("ascii", "replace") if isinstance(type_word, bytes) else "?"
    if left == -2:
        word = "none"
    expiry = FOREVER if left == -1 else UNKNOWN
    if isinstance(left, int) and left >= 0:
        expiry = Expiry(at + left / 1000, left / 1000, moment if isinstance(moment, int) and moment > 0 else None)
    return KeyFact(name, word, expiry)
