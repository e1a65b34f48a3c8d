"""Consumer groups of a stream, from XINFO GROUPS, XINFO CONSUMERS and XPENDING.

None of these returns an entry's payload; XINFO STREAM does, twice, however large, and is not used.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcache_gui.domain.decoding import NAME, Answers, blob, number, records
from fleetcache_gui.domain.text import show

if TYPE_CHECKING:
    from fleetcache_gui.domain.values import Command, Reply

MOST_GROUPS = 8
"""Groups that are looked into."""

MOST_PENDING = 100
"""Entries that were given out and not acknowledged, of which the age is known: those with the lowest ids."""

MOST_CONSUMERS = 200
"""A group with more consumers is told of in sum only."""

_ENTRY_ID = re.compile(rb"([0-9]{1,20})-([0-9]{1,20})")


@dataclass(frozen=True, slots=True)
class Consumer:
    """`idle`: seconds since it last asked for entries. `raw`: its name as the server has it."""

    name: str
    pending: int
    idle: float
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Pending:
    """An entry that was delivered and not acknowledged. `added_ms`: Unix ms; `idle`: seconds since its
    delivery."""

    added_ms: int
    consumer: str
    idle: float
    deliveries: int


@dataclass(frozen=True, slots=True)
class Group:
    """`lag`: entries never delivered to it; `read`: entries delivered to it since the stream began. Both are
    None where the server cannot tell (before Redis 7.0, or after entries were deleted). `delivered_ms`: Unix
    ms of the last entry delivered. `oldest` is its pending entry with the lowest id. `raw`: its name as the
    server has it; `delivered`: the id of the last entry delivered. `ages`: of its first `MOST_PENDING` pending entries,
    seconds since each was delivered."""

    name: str
    consumers: int
    pending: int
    lag: int | None
    read: int | None
    delivered_ms: int
    members: tuple[Consumer, ...]
    oldest: Pending | None
    raw: bytes = b""
    delivered: bytes = b"0-0"
    ages: tuple[float, ...] = ()

    @property
    def arrived(self) -> int | None:
        """Entries that were ever added to the stream."""
        return None if self.lag is None or self.read is None else self.lag + self.read

    def waiting(self, length: int) -> int:
        """Entries of a stream of `length` that this group has not done; at most so many where there is no
        lag."""
        return length if self.lag is None else self.pending + min(self.lag, length)


def order(entry: bytes) -> tuple[int, int]:
    """An id as numbers, to be compared; ValueError for what is no id. The second part may be left out."""
    match = _ENTRY_ID.fullmatch(entry if b"-" in entry else entry + b"-0")
    if match is None or max(ends := (int(match[1]), int(match[2]))) >= 1 << 64:
        raise ValueError(f"not the id of an entry: {show(entry, NAME)}")
    return ends


def groups_command(key: bytes) -> Command:
    """What tells of all groups."""
    return (b"XINFO", b"GROUPS", key)


def members_commands(key: bytes, groups_reply: Reply) -> tuple[Command, ...]:
    """What tells of each group's oldest pending entries, and of its consumers."""
    commands: list[Command] = []
    for facts in records(groups_reply)[:MOST_GROUPS]:
        name = blob(facts.get(b"name"))
        if name is not None:
            commands.append(_oldest_command(key, name))
            if _count(facts.get(b"consumers")) <= MOST_CONSUMERS:
                commands.append(_consumers_command(key, name))
    return tuple(commands)


def groups(key: bytes, got: Answers) -> tuple[Group, ...] | None:
    """The groups of a stream from the answers to the commands above; None where the server did not tell."""
    if not isinstance(got.get(groups_command(key)), list):
        return None
    return tuple(_group(key, facts, got) for facts in records(got.get(groups_command(key)))[:MOST_GROUPS])


def _group(key: bytes, facts: dict[bytes, Reply], got: Answers) -> Group:
    name = blob(facts.get(b"name")) or b""
    members = tuple(
        Consumer(
            show(blob(consumer.get(b"name")) or b"", NAME),
            _count(consumer.get(b"pending")),
            _count(consumer.get(b"idle")) / 1000,
            blob(consumer.get(b"name")) or b"",
        )
        for consumer in records(got.get(_consumers_command(key, name)))
    )
    return Group(
        name=show(name, NAME),
        consumers=_count(facts.get(b"consumers")),
        pending=_count(facts.get(b"pending")),
        lag=number(facts.get(b"lag")),
        read=number(facts.get(b"entries-read")),
        delivered_ms=_entry_ms(facts.get(b"last-delivered-id")),
        members=members,
        oldest=_pending(got.get(_oldest_command(key, name))),
        raw=name,
        delivered=blob(facts.get(b"last-delivered-id")) or b"0-0",
        ages=_ages(got.get(_oldest_command(key, name))),
    )


def _pending(reply: Reply) -> Pending | None:
    if not isinstance(reply, list) or not reply or not isinstance(reply[0], list) or len(reply[0]) != 4:
        return None
    entry, consumer, idle, deliveries = reply[0]
    return Pending(_entry_ms(entry), show(blob(consumer) or b"", NAME), _count(idle) / 1000, _count(deliveries))


def _ages(reply: Reply) -> tuple[float, ...]:
    entries = reply if isinstance(reply, list) else []
    return tuple(_count(entry[2]) / 1000 for entry in entries if isinstance(entry, list) and len(entry) == 4)


def _oldest_command(key: bytes, group: bytes) -> Command:
    return (b"XPENDING", key, group, b"-", b"+", b"%d" % MOST_PENDING)


def _consumers_command(key: bytes, group: bytes) -> Command:
    return (b"XINFO", b"CONSUMERS", key, group)


def _count(reply: Reply) -> int:
    return max(number(reply) or 0, 0)


def _entry_ms(reply: Reply) -> int:
    match = _ENTRY_ID.fullmatch(reply) if isinstance(reply, bytes) else None
    return int(match[1]) if match else 0
