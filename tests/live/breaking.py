"""What tests of faults share: plans of bare drafts, an act under way, and what became of each key."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fleetcache_gui import clock
from fleetcache_gui.domain import planning
from fleetcache_gui.domain.plan import Deed, Draft, Outcome, Plan
from fleetcache_gui.redis_io.act import flush, plans, scripts
from fleetcache_gui.redis_io.act.hands import WriteLane
from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.redis_io.survey import survey
from fleetcache_gui.redis_io.undo import Saved
from tests.live.desk import until
from tests.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence

    import pytest

    from fleetcache_gui.domain.plan import Receipt, Step
    from fleetcache_gui.domain.values import Command, Reply
    from fleetcache_gui.redis_io.act.hands import Hands
    from fleetcache_gui.redis_io.faults import Trouble
    from fleetcache_gui.redis_io.undo import UndoBin
    from tests.live.desk import Desk
    from tests.servers import Server

GONE = {Outcome.DONE, Outcome.GONE}
KEPT = {Outcome.CHANGED, Outcome.UNSAVED, Outcome.REFUSED, Outcome.UNREACHABLE, Outcome.CANCELLED, Outcome.FAILED}
PREFIX = b"cache:team:"
LOCK, TOKEN, OTHER = b"lock:cron:vuln", b"token-1", b"cache:team:1"
ACTIVE = b"livequery:active"


def names(count: int) -> list[bytes]:
    """So many keys, of the family of cached config."""
    return [b"%b%d" % (PREFIX, number) for number in range(count)]


def fill(server: Server, keys: Sequence[bytes], size: int = 20) -> None:
    """Make them, each with a value of its own; on a cluster each node must own its share."""
    for first in range(0, len(keys), 5000):
        words = [word for key in keys[first : first + 5000] for word in (key, key.ljust(size, b"."))]
        server.call("MSET", *words)


def plan_of(hands: Hands, steps: Sequence[Step], verb: str = "config_cache.flush") -> Plan:
    """A plan of ready steps, as the window would confirm it."""
    return Plan(
        id=uuid.uuid4().hex,
        verb=verb,
        family="config_cache",
        title="Remove",
        button="Remove",
        where="bench",
        environment="TEST",
        servers=hands.identities,
        steps=tuple(steps),
        skipped=(),
        consequence=(),
        way_back="",
        strictness=planning.Strictness.HOLD,
        word="bench",
        made_at=clock.now(),
    )


async def removal(hands: Hands, keys: Sequence[bytes]) -> Plan:
    """The plan that removes them."""
    drafts = [Draft(Deed.REMOVE, key, "a key", "string") for key in keys]
    absolute = all(hand.absolute for hand in hands.nodes.values())
    found = await survey(hands.ask, drafts, absolute=absolute, room=1 << 30, node_of=hands.node_of)
    return plan_of(hands, found.steps)


async def undoing(at: Desk, plan: Plan) -> Plan:
    """The plan that puts back what another took."""
    made = await plans.for_undo(at.place, at.hands, plan.title, at.bin.load(plan.id), repr)
    assert isinstance(made, Plan), made
    return made


async def soon(condition: Callable[[], object]) -> None:
    """Wait for a condition, on a machine that may be busy with other things."""
    await until(condition, 60.0)


def when(at: Desk, event: str, then: Callable[[], object]) -> None:
    """Once, when that is put on record: at "intent" everything was looked at and nothing was sent."""
    append, waiting = at.log.append, [then]

    async def append_and_break(deed: str, happened: str, facts: Mapping[str, object]) -> object:
        await append(deed, happened, facts)
        if happened == event and waiting:
            waiting.pop()()
        return None

    at.log.append = append_and_break  # type: ignore[method-assign]


def impatient(monkeypatch: pytest.MonkeyPatch, seconds: float = 0.7) -> None:
    """From now on the replies to what writes are waited for as long only; those to reads as long as ever, so that a
    busy machine is not taken for a frozen server."""
    once = WriteLane.once

    async def once_for_short(lane: WriteLane, commands: Sequence[Command]) -> tuple[list[Reply], Trouble | None]:
        usual, lane.patience = lane.patience, seconds
        try:
            return await once(lane, commands)
        finally:
            lane.patience = usual

    monkeypatch.setattr(WriteLane, "once", once_for_short)


async def flushing(hands: Hands) -> Plan:
    """The plan that flushes the whole database."""
    return plan_of(hands, await flush.steps(hands), "flush.database")


def calls(server: Server, *commands: str) -> int:
    """How often these succeeded since the server was started, inside scripts or not."""
    stats = server.info("commandstats")
    told = [stats.get(f"cmdstat_{command}", {"calls": 0, "failed_calls": 0}) for command in commands]
    return sum(figures["calls"] - figures["failed_calls"] for figures in told)


WRITES = ("unlink", "del", "srem", "pexpireat", "restore", "flushdb", "delifeq", "delex", "sadd", "persist")


def assert_told_truly(receipt: Receipt, exists: Sequence[bool]) -> None:
    """What is told of each key is what the server has."""
    lies = [
        (step.draft.key, outcome, receipt.notes.get(position))
        for position, (step, outcome, there) in enumerate(
            zip(receipt.plan.steps, receipt.outcomes, exists, strict=True)
        )
        if (there and outcome in GONE) or (not there and outcome in KEPT)
    ]
    assert lies == []


def existing(server: Server, keys: Sequence[bytes]) -> list[bool]:
    """Which of the keys are there."""
    found: list[bool] = []
    for first in range(0, len(keys), 5000):
        some = keys[first : first + 5000]
        found += [value is not None for value in server.call("MGET", *some)]
    return found


async def kept(bin_: UndoBin, deed: str) -> dict[bytes, bytes]:
    """What the undo bin would give back of a deed."""
    return {item.key: item.payload async for item in bin_.load(deed) if isinstance(item, Saved)}


def said(receipt: Receipt) -> Any:
    """For the message of a failing test."""
    return receipt.counts, receipt.trouble, dict(list(receipt.notes.items())[:3])


@contextmanager
def proxied(server: Server) -> Iterator[tuple[Proxy, Address]]:
    """A proxy in front of a server, and its address."""
    with Proxy(server.host, server.port) as proxy:
        yield proxy, Address(proxy.host, proxy.port)


# --- one step of each verb --------------------------------------------------------------------------------------------


async def release(at: Desk) -> Plan:
    """The plan that releases the lock."""
    return await at.plan("locks.release", await at.rows("locks", LOCK))


async def _unlist(at: Desk) -> Plan:
    drafts = [Draft(Deed.DROP_MEMBER, ACTIVE, "campaign 7", "set", args=(b"7",))]
    return await _plan(at, drafts)


async def _expire(at: Desk) -> Plan:
    return await _plan(at, [Draft(Deed.EXPIRE, LOCK, "a lock", "string", args=(b"60000",))])


async def _plan(at: Desk, drafts: list[Draft]) -> Plan:
    found = await survey(at.hands.ask, drafts, absolute=False, room=1 << 20, node_of=at.hands.node_of)
    assert len(found.steps) == len(drafts)
    return plan_of(at.hands, found.steps)


async def _undo(at: Desk) -> Plan:
    gone = await removal(at.hands, [OTHER])
    assert (await at.do(gone)).outcomes == (Outcome.DONE,)
    return await undoing(at, gone)


VERBS: dict[str, tuple[Callable[[Desk], Coroutine[Any, Any, Plan]], bytes, Callable[[Server], bool]]] = {
    "remove": (lambda at: removal(at.hands, [OTHER]), scripts.REMOVE.text, lambda s: not s.call("EXISTS", OTHER)),
    "unlist": (_unlist, scripts.DROP_MEMBER.text, lambda s: not s.call("SISMEMBER", ACTIVE, "7")),
    "expire": (_expire, scripts.EXPIRE.text, lambda s: s.call("PTTL", LOCK) > 0),
    "undo": (_undo, b"ABSTTL", lambda s: bool(s.call("EXISTS", OTHER))),
    "flush": (lambda at: flushing(at.hands), scripts.FLUSH.text, lambda s: s.call("DBSIZE") == 0),
    "release": (release, b"", lambda s: not s.call("EXISTS", LOCK)),
}


async def armed(at: Desk, server: Server, verb: str) -> tuple[Plan, bytes, Callable[[Server], bool]]:
    """A plan of that verb, the word of the command that will do it, and whether it is done."""
    server.call("SET", LOCK, TOKEN)
    server.call("SET", OTHER, "value", "PX", 600_000)
    server.call("SADD", ACTIVE, "7", "8")
    if verb == "release":
        server.call("PEXPIRE", LOCK, 600_000)  # a lock without expiry goes by the script, everywhere
    make, word, done = VERBS[verb]
    plan = await make(at)
    assert not done(server)
    native = at.hands.nodes[""].native
    return plan, word or (TOKEN if native else scripts.REMOVE.text), done
