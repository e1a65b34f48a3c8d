"""What is asked of a campaign's keys, and what is remembered of the answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcache_gui.domain.bitmaps import BitCount
from fleetcache_gui.domain.decoding import PREVIEW, Answers, answers, key_named, number

if TYPE_CHECKING:
    from fleetcache_gui.domain.family import Reading
    from fleetcache_gui.domain.values import Command, KeyFact

ACTIVE, REVERSE = b"livequery:active", b"livequery:active:reverse"

ENDED = 16 * 1024
"""Bytes up to which the bitmap of a campaign that is not active is counted, once; a longer one is not."""

CAMPAIGN = re.compile(rb"[1-9][0-9]{0,18}")
_KEY = re.compile(rb"(?:sql:)?livequery:\{([1-9][0-9]{0,18})\}")


@dataclass(frozen=True, slots=True)
class Watch:
    """What is remembered of a campaign, in monotonic seconds: its pending hosts and the most that were seen, when their
    number last changed, when somebody last listened, and since when something is odd."""

    pending: BitCount | None
    most: int | None
    heard: float
    odd: str
    odd_since: float


def sql_key(campaign: bytes) -> bytes:
    return b"sql:livequery:{" + campaign + b"}"


def bitmap_key(campaign: bytes) -> bytes:
    return b"livequery:{" + campaign + b"}"


def row_of(key: bytes) -> bytes:
    match = _KEY.fullmatch(key)
    return match[1] if match else key


def keys_of(row: bytes) -> tuple[bytes, ...]:
    if CAMPAIGN.fullmatch(row):
        return sql_key(row), bitmap_key(row)
    # Anything else is a key of its own, or a stray member of the active set behind which there is no key.
    return (row,) if row.startswith((b"livequery:", b"sql:livequery:")) else ()


def probes(row: bytes, keys: tuple[KeyFact, ...]) -> tuple[Command, ...]:
    commands: list[Command] = []
    for key in keys:
        if key.type == "string" and key.name.startswith(b"sql:"):
            commands.append((b"GETRANGE", key.name, b"0", b"%d" % (PREVIEW - 1)))
        elif key.type == "string":
            commands.append((b"STRLEN", key.name))
        elif key.type == "set":
            commands.append((b"SCARD", key.name))
    return tuple(commands)


def to_count(reading: Reading, length: int | None) -> BitCount | None:
    """The count of the campaign's bitmap that is to be carried on now. That of an active campaign changes; another is
    counted once, if that is cheap."""
    old = reading.memory.pending if isinstance(reading.memory, Watch) else None
    known = old if old and old.length == length else None
    if not length or not (reading.listed or (known is None and length <= ENDED)):
        return None
    return known or BitCount.unknown(length)


def follow(reading: Reading) -> tuple[Command, ...]:
    campaign = row_of(reading.id)
    if not CAMPAIGN.fullmatch(campaign):
        return ()
    got = answers(probes(reading.id, reading.keys), reading.replies)
    bitmap = key_named(reading.keys, bitmap_key(campaign))
    commands: list[Command] = []
    if count := to_count(reading, number(got.get((b"STRLEN", bitmap.name)))):
        commands.append(count.command(bitmap.name))
    if reading.listed:
        commands.append(listeners_command(campaign))
        if not bitmap.exists:
            commands.append(reverse_command(campaign))
    return tuple(commands)


def listeners_command(campaign: bytes) -> Command:
    return (b"PUBSUB", b"NUMSUB", b"results_" + campaign)


def reverse_command(campaign: bytes) -> Command:
    return (b"SISMEMBER", REVERSE, campaign)


def all_answers(reading: Reading) -> Answers:
    asked = answers(probes(reading.id, reading.keys), reading.replies)
    return {**asked, **answers(follow(reading), reading.more)}
