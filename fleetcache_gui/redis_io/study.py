"""What is looked at seldom, since it costs more or changes slowly: the slow log, and the memory of keys.

Each is asked for until the server refuses it, and then no more on this connection: every refusal would be an entry of
the ACL's log.
"""

from __future__ import annotations

import asyncio
import random
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from fleetcache_gui import clock
from fleetcache_gui.domain.slow_log import SlowCall, SlowLog
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import Command, Reply, ReplyError
from fleetcache_gui.domain.weights import Weight, Weights, estimate
from fleetcache_gui.redis_io import acl
from fleetcache_gui.redis_io.pace import COMMAND_COST
from fleetcache_gui.redis_io.server import CLIENT_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.domain.store import KeyStore
    from fleetcache_gui.redis_io.keyspace import Keyspace
    from fleetcache_gui.redis_io.pace import Meter

BEAT = 30.0
"""Seconds from one look to the next."""

DRAWN = 64
"""Keys of a family that are measured at the most, beside those known by name."""

CALLS = 50
"""Slow calls of a node that are read."""

_SAMPLES = b"5"
"""Elements of a collection that the server itself looks at to tell its size."""

_USAGE_COST = 3 * COMMAND_COST
_SLOW_LOG_COST = 20 * COMMAND_COST
_TEXT = 60  # characters


class Sink(Protocol):
    """Whoever wants to know. Called on the loop; must return at once."""

    def on_slow_log(self, slow_log: SlowLog) -> None: ...
    def on_weights(self, weights: Weights) -> None: ...


class Study:
    """Of one connection. `store` gives all keys, once a sweep has `swept`; nothing is asked unless it is `opened`."""

    def __init__(
        self,
        keyspace: Keyspace,
        layout: Layout,
        sink: Sink,
        meter: Meter,
        store: Callable[[], KeyStore],
        swept: asyncio.Event,
        opened: asyncio.Event,
    ) -> None:
        self._keyspace, self._layout, self._sink, self._meter = keyspace, layout, sink, meter
        self._store, self._swept, self._opened = store, swept, opened
        self._slow_refused = self._usage_refused = False

    async def run(self) -> None:
        """Look, for ever. Raises `Trouble`."""
        await self._opened.wait()
        await self._read_slow_log()
        await self._swept.wait()
        while True:
            await self._opened.wait()
            await self._read_slow_log()
            await self._weigh()
            await asyncio.sleep(BEAT)

    # --- slow log ----------------------------------------------------------------------------------------------

    async def _read_slow_log(self) -> None:
        if self._slow_refused:
            return
        answers = await self._keyspace.each(((b"SLOWLOG", b"LEN"), (b"SLOWLOG", b"GET", b"%d" % CALLS)))
        self._meter.add(clock.now(), _SLOW_LOG_COST * len(answers))
        calls: list[SlowCall] = []
        length = 0
        for node, (number, listed) in answers:
            refused = next((reply for reply in (number, listed) if isinstance(reply, ReplyError)), None)
            if refused is not None:
                self._slow_refused = _for_good(refused)
                self._sink.on_slow_log(SlowLog(refused=_reason(refused, "SLOWLOG"), read=True))
                return
            length += number if isinstance(number, int) else 0
            calls += (call for entry in _entries(listed) if (call := slow_call(node, entry, self._layout)))
        calls.sort(key=lambda call: (-call.wall, -call.id))
        self._sink.on_slow_log(SlowLog(tuple(calls[:CALLS]), length, read=True))

    # --- memory ------------------------------------------------------------------------------------------------

    async def _weigh(self) -> None:
        if self._usage_refused or not await self._may_measure():
            return
        store = self._store()
        found: dict[str, Weight] = {}
        for position, family in enumerate(self._layout.families):
            named = [name for name in {family.index, *family.fixed} if name and store.find(name) >= 0]
            keys = store.families.count(position)
            drawn = _draw(store, position, keys, frozenset(named))
            told = await self._usage([*named, *drawn])
            drawn_told = [reply for reply in told[len(named) :] if reply is not None]  # None: gone since the sweep
            rest = keys - len(named) if len(drawn) < keys - len(named) else len(drawn_told)
            first, others = _sizes(told[: len(named)]), _sizes(drawn_told)
            if first or others or not keys:
                found[family.id] = estimate(first, others, rest)
            await asyncio.sleep(0)
        self._sink.on_weights(Weights(found))

    async def _may_measure(self) -> bool:
        """Whether the server answers MEMORY USAGE at all: one call that shows it, of a key that need not exist."""
        (reply,) = await self._usage(self._layout.samples[:1])
        if isinstance(reply, ReplyError) and _for_good(reply):
            self._usage_refused = True
            self._sink.on_weights(Weights(refused=_reason(reply, "MEMORY USAGE")))
        return not self._usage_refused

    async def _usage(self, keys: Sequence[bytes]) -> list[Reply]:
        commands: list[Command] = [(b"MEMORY", b"USAGE", key, b"SAMPLES", _SAMPLES) for key in keys]
        self._meter.add(clock.now(), _USAGE_COST * len(commands))
        return await self._keyspace.exchange(commands)


def _for_good(error: ReplyError) -> bool:
    """The command itself is refused, and not just now or for this key."""
    return acl.denies_command(error) or acl.unknown(error)


def _sizes(replies: Sequence[Reply]) -> list[int]:
    return [reply for reply in replies if isinstance(reply, int)]


def _draw(store: KeyStore, position: int, keys: int, named: frozenset[bytes]) -> list[bytes]:
    """Keys of a family by chance, those that are measured anyway left out; all of them where they are few.

    From a place by chance the next one on: their order is that of a hash table, and has nothing to do with their size.
    """
    if keys <= DRAWN + len(named):
        return [name for row in store.members(position) if (name := store.name(row)) not in named]
    families, rows = store.families, set[int]()
    for _ in range(DRAWN):
        row = families.find(position, random.randrange(len(families)))
        rows.add(row if row >= 0 else families.find(position))
    return [name for row in rows if (name := store.name(row)) not in named]


def _entries(listed: Reply) -> list[list[Reply]]:
    return [entry for entry in islice(listed, CALLS) if isinstance(entry, list)] if isinstance(listed, list) else []


def slow_call(node: str, entry: Sequence[Reply], layout: Layout) -> SlowCall | None:
    """From ``[id, Unix seconds, microseconds, [command, …], address, name]``; None where it has another shape."""
    number, wall, took, told = entry[:4] if len(entry) >= 4 else (None, None, None, None)
    if not (isinstance(number, int) and isinstance(wall, int) and isinstance(took, int) and isinstance(told, list)):
        return None
    arguments = [word for word in told if isinstance(word, bytes)]
    address, name = (word if isinstance(word, bytes) else b"" for word in (*entry[4:6], b"", b"")[:2])
    return SlowCall(
        node,
        number,
        float(wall),
        took / 1e6,
        show(arguments[0].upper(), _TEXT) if arguments else "?",
        _key(arguments, layout),
        show(name or address, _TEXT),
        ours=name.startswith(CLIENT_NAME),
    )


def _key(arguments: Sequence[bytes], layout: Layout) -> str:
    """The key of a call, where it is one of Fleet's: most have it first, containers second, scripts third."""
    for key in arguments[1:4]:
        if layout.claims(key):
            family = layout.families[layout.router(key)]
            return family.mask(key) if family.mask else show(key, _TEXT)
    return ""


def _reason(error: ReplyError, command: str) -> str:
    if error.code == "NOPERM":
        return f"The account may not use {command}."
    if acl.unknown(error):
        return f"The server does not know {command}: it is older, or has it renamed."
    return f"The server refuses {command}."
