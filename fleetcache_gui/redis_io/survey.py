"""From drafts to steps: how each key is just now, as the condition under which it may be changed. Only reads.

What is on screen may be a poll old. The survey asks the servers that would be written to; what it finds is what the
plan shows, and what must still hold when a step is made.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fleetcache_gui.domain.plan import Deed, Draft, Fingerprint, Guard, Skipped, Step
from fleetcache_gui.domain.values import Command, Reply, ReplyError
from fleetcache_gui.redis_io import survey_queue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    Ask = Callable[[Sequence[tuple[bytes, Command]]], Awaitable[list[Reply]]]
    """Commands, each with the key whose owner is asked; the replies in order."""

WHOLE = 16 << 10
"""A key that takes up to so many bytes is compared by all of its value."""

HEAD = 4096
"""Bytes of a longer string that are compared, beside its length."""

LARGEST_SAVED = 32 << 20
"""Bytes of one key that can be saved for undo."""

SLICE = 150
"""Drafts looked at in one exchange."""

MOST = 200_000
"""Drafts in one plan; the rest are another plan."""

_LENGTHS = {"string": b"STRLEN", "list": b"LLEN", "set": b"SCARD", "hash": b"HLEN", "zset": b"ZCARD", "stream": b"XLEN"}
_WHOLE_KEY = frozenset({Deed.REMOVE, Deed.EXPIRE})

GONE = "it is gone already"
"""Why a draft whose key does not exist falls out."""
_UNREAD = "the account may not read it"
_MOVING = "its slot is moving to another node; plan again"
_ELSEWHERE = {
    "CLUSTERDOWN": "no node of the cluster serves it now",
    **dict.fromkeys(("MOVED", "ASK", "TRYAGAIN"), _MOVING),
}


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found: steps in the order of their drafts, and what fell out."""

    steps: tuple[Step, ...]
    skipped: tuple[Skipped, ...]


@dataclass(slots=True)
class _Look:
    """One draft on its way to a step."""

    draft: Draft
    kind: str = "none"
    expires_ms: int | None = None
    size: int | None = None
    refused: str = ""


async def survey(
    ask: Ask, drafts: Sequence[Draft], *, absolute: bool, room: int, node_of: Callable[[bytes], str]
) -> Survey:
    """Look at every draft's key. `absolute`: PEXPIRETIME is there. `room`: bytes that the undo bin takes.

    Raises `Trouble`.
    """
    steps: list[Step] = []
    skipped: list[Skipped] = []
    for first in range(0, len(drafts), SLICE):
        for draft, found in await _slice(ask, drafts[first : first + SLICE], absolute=absolute):
            if isinstance(found, str):
                skipped.append(Skipped(draft.what, found))
                continue
            for step in found:
                # What can be saved for undo: in order, for as long as there is room.
                size = 0 if draft.deed is Deed.EXPIRE else step.size or 0  # of an expiry a few bytes are saved
                saved = step.saved and size <= min(room, LARGEST_SAVED)
                room -= size if saved else 0
                steps.append(replace(step, node=node_of(draft.key), saved=saved))
        await asyncio.sleep(0)
    broken = await _guards(ask, steps)
    skipped += [Skipped(steps[position].draft.what, problem) for position, problem in broken.items()]
    return Survey(tuple(step for position, step in enumerate(steps) if position not in broken), tuple(skipped))


async def _slice(ask: Ask, drafts: Sequence[Draft], *, absolute: bool) -> list[tuple[Draft, list[Step] | str]]:
    looks = [_Look(draft) for draft in drafts]
    await _outlines(ask, looks, absolute=absolute)
    details = await _details(ask, looks)
    found: list[tuple[Draft, list[Step] | str]] = []
    for look, detail in zip(looks, details, strict=True):
        made = _step(look, detail)
        if isinstance(made, Step) and look.draft.deed in survey_queue.DEEDS:
            ends = look.expires_ms != -1
            found.append((look.draft, await survey_queue.look(ask, look.draft, look.kind, look.size, ends=ends)))
        else:
            found.append((look.draft, made if isinstance(made, str) else [made]))
    return found


async def _outlines(ask: Ask, looks: Sequence[_Look], *, absolute: bool) -> None:
    """Type, expiry and size."""
    moment = b"PEXPIRETIME" if absolute else b"PTTL"
    questions: list[tuple[bytes, Command]] = []
    for look in looks:
        key = look.draft.key
        questions += [(key, (b"TYPE", key)), (key, (moment, key)), (key, (b"MEMORY", b"USAGE", key))]
    replies = await ask(questions)
    for position, look in enumerate(looks):
        kind, ends, size = replies[3 * position : 3 * position + 3]
        if isinstance(kind, ReplyError):
            look.refused = _ELSEWHERE.get(kind.code, _UNREAD)
        elif isinstance(kind, bytes):
            look.kind = kind.decode("utf-8", "surrogateescape")
        if isinstance(ends, int):
            look.expires_ms = ends if absolute else min(ends, 0)
        elif look.draft.deed in _WHOLE_KEY:
            # It could not be told from its successor, nor be put back for the time that it had left.
            look.refused = look.refused or _UNREAD
        look.size = size if isinstance(size, int) else None


async def _details(ask: Ask, looks: Sequence[_Look]) -> list[tuple[Reply, ...]]:
    """Of each look: its length, what its digest is made of, and the value that must be the one on screen."""
    questions: list[tuple[bytes, Command]] = []
    counts: list[int] = []
    for look in looks:
        asked = _asked(look)
        questions += [(look.draft.key, command) for command in asked]
        counts.append(len(asked))
    replies = iter(await ask(questions))
    return [tuple(next(replies) for _ in range(count)) for count in counts]


def _asked(look: _Look) -> list[Command]:
    key, kind = look.draft.key, look.kind
    if look.draft.deed not in _WHOLE_KEY or kind not in _LENGTHS or look.refused:
        return []
    commands: list[Command] = [(_LENGTHS[kind], key)]
    digest_of = _digest_of(look)
    if digest_of == "dump":
        commands.append((b"DUMP", key))
    elif digest_of == "head":
        commands.append((b"GETRANGE", key, b"0", b"%d" % (HEAD - 1)))
    elif digest_of == "id":
        commands.append((b"XINFO", b"STREAM", key))
    if look.draft.value is not None:
        commands.append((b"GETRANGE", key, b"0", b"%d" % len(look.draft.value)))
    return commands


def _digest_of(look: _Look) -> str:
    if "value" in look.draft.moves:
        return ""
    if look.kind == "stream":  # its consumers are part of its dump, and are seen at other times
        return "id"
    if look.size is not None and look.size <= WHOLE:
        return "dump"
    return "head" if look.kind == "string" else ""


def _step(look: _Look, detail: tuple[Reply, ...]) -> Step | str:
    draft = look.draft
    if look.refused:
        return look.refused
    if look.kind == "none":
        return GONE
    if draft.type and look.kind != draft.type:
        return f"it is now a {look.kind}, not a {draft.type}"
    if draft.deed is Deed.EXPIRE and look.expires_ms != -1:
        return "it has an expiry by now"
    if draft.deed is Deed.DROP_MEMBER:
        size = sum(map(len, draft.args))
        return Step(draft, Fingerprint(look.kind), size, count=max(len(draft.args), 1))
    if draft.deed not in _WHOLE_KEY:
        return Step(draft, Fingerprint(look.kind), look.size)
    if any(isinstance(reply, ReplyError) for reply in detail):
        return _UNREAD
    digest_of, length, digest = _digest_of(look), None, ""
    if detail:
        length = detail[0] if isinstance(detail[0], int) and "value" not in draft.moves else None
        digest = _digest(digest_of, detail[1] if len(detail) > 1 else None)
        if draft.value is not None and detail[-1] != draft.value:
            return draft.otherwise or "it has changed since it was last read"
        if digest_of and not digest:
            return GONE
    expires = None if "expiry" in draft.moves else look.expires_ms
    return Step(draft, Fingerprint(look.kind, length, digest, digest_of if digest else "", expires), look.size)


def _digest(of: str, reply: Reply) -> str:
    if of == "id" and isinstance(reply, list):
        pairs = dict(zip(reply[::2], reply[1::2], strict=False)) if all(map(_plain, reply[::2])) else {}
        reply = pairs.get(b"last-generated-id")
    return sha1(reply) if of and isinstance(reply, bytes) else ""


def _plain(word: Reply) -> bool:
    return isinstance(word, bytes)


def sha1(raw: bytes) -> str:
    """The digest that Redis's scripts can make too."""
    return hashlib.sha1(raw, usedforsecurity=False).hexdigest()


async def _guards(ask: Ask, steps: Sequence[Step]) -> dict[int, str]:
    """Steps whose guards do not hold, by position, with the reason.

    A guard that waits for a key to go holds where an earlier step of the same plan removes that key.
    """
    going = {step.draft.key: step.draft.stage for step in steps if step.draft.deed is Deed.REMOVE}
    watched = [
        (position, guard)
        for position, step in enumerate(steps)
        for guard in step.draft.guards
        if guard.member is not None or guard.present or going.get(guard.key, step.draft.stage) >= step.draft.stage
    ]
    broken: dict[int, str] = {}
    for first in range(0, len(watched), SLICE):
        some = watched[first : first + SLICE]
        for (position, guard), reply in zip(some, await ask([question(g) for _, g in some]), strict=True):
            if problem := unmet(guard, reply):
                broken.setdefault(position, problem)
    return broken


def question(guard: Guard) -> tuple[bytes, Command]:
    """What to ask, of whom, to know whether a guard holds."""
    if guard.member is None:
        return guard.key, (b"EXISTS", guard.key)
    return guard.key, (b"SISMEMBER", guard.key, guard.member)


def unmet(guard: Guard, reply: Reply) -> str:
    """Why a guard does not hold, empty where it does."""
    if isinstance(reply, ReplyError):
        return f"{guard.otherwise}, or that cannot be read"
    return "" if bool(reply) == guard.present else guard.otherwise
