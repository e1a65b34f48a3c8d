"""Another client that changes keys all the time, and sees every state between two of its own changes.

Each of its turns is one script: the state of all watched keys, its changes, and the state after them. Whatever differs
between the end of a turn and the beginning of the next was done by somebody else, and the state that they met is known
to the byte.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, cast

from fleetcache_gui.redis_io.lane import Lane

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fleetcache_gui.domain.values import Command, Reply
    from fleetcache_gui.redis_io.address import Address

ACTIVE = b"live_query:active"

_TURN = b"""
local function state()
  local seen = {}
  for i, key in ipairs(KEYS) do
    seen[i] = {redis.call('TYPE', key).ok, redis.call('DUMP', key) or '', redis.call('PEXPIRETIME', key)}
  end
  seen[#KEYS + 1] = redis.call('TYPE', KEYS[1]).ok == 'set' and redis.call('SMEMBERS', KEYS[1]) or {}
  return seen
end
local before = state()
local at = 1
while at <= #ARGV do
  local words = {}
  for i = 1, tonumber(ARGV[at]) do words[i] = ARGV[at + i] end
  at = at + #words + 1
  redis.pcall(unpack(words))
end
return {before, state()}
"""


class Free(Lane):
    """A lane on which anything may be said."""

    @staticmethod
    def allows(command: Command) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Fact:
    """A key at one moment; `ends` is PEXPIRETIME."""

    type: str
    dump: bytes
    ends: int


@dataclass(frozen=True, slots=True)
class State:
    """All watched keys that exist, and the members of the active set."""

    keys: dict[bytes, Fact]
    active: frozenset[bytes]


class Hammer:
    """`turns` holds the states before and after each turn, in order."""

    def __init__(self, lane: Free) -> None:
        self._lane = lane
        self.watched: tuple[bytes, ...] = (ACTIVE,)
        self.turns: list[tuple[State, State]] = []

    @classmethod
    async def connect(cls, address: Address) -> Self:
        return cls(await Free.open(address))

    async def close(self) -> None:
        await self._lane.close()

    async def begin(self, keys: Sequence[bytes], commands: Sequence[Command]) -> None:
        """Empty the server and fill it; the first turn of a new timeline."""
        self.watched = (ACTIVE, *(key for key in keys if key != ACTIVE))
        self.turns = []
        await self._lane.ask(b"FLUSHALL", b"SYNC")
        await self.turn(*commands)

    async def turn(self, *commands: Command) -> None:
        """Change something; without commands just look."""
        words: list[bytes] = []
        for command in commands:
            words += (b"%d" % len(command), *command)
        reply = await self._lane.ask(b"EVAL", _TURN, b"%d" % len(self.watched), *self.watched, *words)
        assert isinstance(reply, list), reply
        before, after = (self._state(cast("list[Reply]", part)) for part in reply)
        self.turns.append((before, after))

    async def strike(self, changes: Callable[[], Sequence[Command]], stop: Callable[[], bool]) -> None:
        """Turn after turn until `stop`."""
        while not stop():
            await self.turn(*changes())

    def _state(self, reply: list[Reply]) -> State:
        *facts, members = cast("list[list[bytes]]", reply)
        keys = {
            key: Fact(kind.decode(), dump, cast("int", ends))
            for key, (kind, dump, ends) in zip(self.watched, facts, strict=True)
            if dump
        }
        return State(keys, frozenset(members))
