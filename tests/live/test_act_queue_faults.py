"""Acting on a queue over a connection that breaks: what was done is found out by reading, and nothing is sent twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from fleetcache_gui.domain.plan import Deed, Draft, Outcome, Receipt
from fleetcache_gui.redis_io.act.hands import WriteLane
from fleetcache_gui.redis_io.act.queue import Done
from fleetcache_gui.redis_io.act.queue_undo import standing
from tests.live.acting import Acting, acting, chunks_of
from tests.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from tests.servers import Server

    Eventually = Callable[..., Coroutine[Any, Any, None]]

KEY = b"async_host:detail"
GROUP = b"workers"

LISTS = {
    "trim": (Deed.TRIM, b"4"),
    "drop": (Deed.DROP_RANGE, b"3", b"9"),
    "drop the newest": (Deed.DROP_RANGE, b"0", b"9"),
}
STREAMS = {
    "delete": (Deed.DROP_RANGE, b"3-0", b"9-0"),
    "acknowledge": (Deed.ACK, GROUP, b"a", b"0"),
    "claim": (Deed.CLAIM, GROUP, b"a", b"b"),
    "forget": (Deed.DELETE_CONSUMER, GROUP, b"b"),
    "replay": (Deed.REPLAY, GROUP, b"2-0"),
}
ALL = {**LISTS, **STREAMS}


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    with Proxy(server.host, server.port) as proxy:
        yield proxy


def prepare(server: Server, name: str) -> Draft:
    """A queue of twenty entries for the deed."""
    if name in LISTS:
        server.call("LPUSH", KEY, *(b"host %d" % entry for entry in range(20)))
    else:
        for entry in range(1, 21):
            server.call("XADD", KEY, f"{entry}-0", "payload", f"host {entry}")
        server.call("XGROUP", "CREATE", KEY, GROUP, 0)
        server.call("XGROUP", "CREATECONSUMER", KEY, GROUP, "b")
        server.call("XREADGROUP", "GROUP", GROUP, "a", "COUNT", 5, "STREAMS", KEY, ">")
    deed, *args = ALL[name]
    return Draft(deed, KEY, "q", "list" if name in LISTS else "stream", args=tuple(args))


def state(server: Server) -> Any:
    """Everything that a deed may change, but for times."""
    if server.call("TYPE", KEY) in (b"list", b"none"):
        return server.call("LRANGE", KEY, 0, -1)
    pending = server.call("EVAL", "return redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 99)", 1, KEY, GROUP)
    consumers = sorted(facts["name"] for facts in server.call("XINFO CONSUMERS", KEY, GROUP))
    groups = server.call("XINFO GROUPS", KEY)
    entries = server.call("XRANGE", KEY, "-", "+")
    return entries, [(one[0], one[1], one[3]) for one in pending], consumers, groups[0]["last-delivered-id"]


async def undo(act: Acting) -> Done:
    """What the receipt says of the one step that there is."""
    receipt = await act.undo_queue()
    (outcome,) = receipt.outcomes
    return Done(outcome, receipt.notes.get(0, ""), receipt.taken.get(0, 0))


async def drop(proxy: Proxy, word: bytes, eventually: Eventually, acting_: Coroutine[Any, Any, Any]) -> Any:
    """Do something while the next request with this word never reaches the server."""
    hold = proxy.hold_request(word)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(acting_)
        await eventually(lambda: hold.held)
        hold.drop()
    return task.result()


@pytest.mark.parametrize("name", ALL)
async def test_a_lost_reply(server: Server, proxy: Proxy, name: str) -> None:
    draft = prepare(server, name)
    before = state(server)
    async with acting(proxy) as act:
        plan = await act.plan(draft)
        proxy.cut_reply_to(b"EVAL")
        proxy.clear()
        receipt = await act.run(plan)
        assert (receipt.outcomes, receipt.count(Outcome.DONE)) == ((Outcome.DONE,), plan.count)
        assert "found by reading" in receipt.notes[0]
        assert "connection" in receipt.trouble
        assert len([words for words in proxy.requests if words[0].startswith(b"EVAL")]) == 1
        assert state(server) != before
        done = await undo(act)
        assert done.outcome is Outcome.DONE
    if name in ("trim", "acknowledge", "claim", "forget", "replay"):
        assert state(server) == before


@pytest.mark.parametrize("name", ALL)
async def test_a_request_that_never_arrived(server: Server, proxy: Proxy, name: str, eventually: Eventually) -> None:
    draft = prepare(server, name)
    before = state(server)
    async with acting(proxy) as act:
        plan = await act.plan(draft)
        receipt: Receipt = await drop(proxy, b"EVAL", eventually, act.run(plan))
        assert receipt.outcomes == (Outcome.FAILED,)
        assert standing(act.keeper.items) == []
    assert state(server) == before


@pytest.mark.parametrize("name", ["trim", "delete"])
async def test_cut_between_chunks(server: Server, proxy: Proxy, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chunks_of(monkeypatch, 3)
    draft = prepare(server, name)
    before = state(server)
    async with acting(proxy) as act:
        plan = await act.plan(draft)
        proxy.cut_reply_to(b"EVALSHA")
        receipt = await act.run(plan)
        assert (receipt.outcomes, receipt.taken) == ((Outcome.DONE,), {0: 6})
        assert receipt.notes[0].startswith(f"6 of {plan.count}: found by reading")
        assert (await undo(act)).taken == 6
        assert name != "trim" or state(server) == before
        before = state(server)
        plan = await act.plan(Draft(Deed.TRIM, KEY, "q", draft.type, args=(b"0",)))
        proxy.cut_reply_to(b"LRANGE" if name == "trim" else b"XRANGE", 2)
        receipt = await act.run(plan)
        assert (receipt.outcomes, receipt.taken) == ((Outcome.DONE,), {0: 3})
        assert "The rest was kept" in receipt.notes[0]
        await act.hands.again("")
        assert (await undo(act)).taken == 3
    assert name != "trim" or state(server) == before


async def test_workers_take_while_the_reply_is_lost(server: Server, proxy: Proxy) -> None:
    """Then nobody can tell who took how many, and that is what is said."""
    draft = prepare(server, "trim")
    async with acting(proxy) as act:
        plan = await act.plan(draft)
        proxy.cut_reply_to(b"EVAL")
        act.told = lambda progress: progress.waiting and server.call("RPOP", KEY)
        receipt = await act.run(plan)
    assert receipt.outcomes == (Outcome.UNKNOWN,)
    assert receipt.notes[0].startswith("up to 16 entries were removed by this or taken by workers")


async def test_workers_take_while_the_request_is_lost(server: Server, proxy: Proxy, eventually: Eventually) -> None:
    draft = prepare(server, "trim")
    before = state(server)
    async with acting(proxy) as act:
        plan = await act.plan(draft)
        act.told = lambda progress: progress.waiting and server.call("RPOP", KEY)
        receipt = await drop(proxy, b"EVAL", eventually, act.run(plan))
        assert receipt.outcomes == (Outcome.FAILED,)
        assert standing(act.keeper.items) == []
    assert len(state(server)) < len(before)
    assert state(server) == before[: len(state(server))]


@pytest.mark.parametrize("name", ALL)
async def test_a_server_that_was_restarted(server: Server, proxy: Proxy, name: str) -> None:
    draft = prepare(server, name)
    async with acting(proxy) as act:
        plan = await act.plan(draft)
        proxy.cut_reply_to(b"EVAL")
        restarted: list[bool] = []
        act.told = lambda progress: progress.waiting and (restarted or restarted.append(True) or server.restart())
        receipt = await act.run(plan)
    assert receipt.outcomes == (Outcome.UNKNOWN,)
    assert "restarted" in receipt.notes[0]


@pytest.mark.parametrize("name", ["trim", "delete"])
async def test_putting_back_over_a_connection_that_breaks(
    server: Server, proxy: Proxy, name: str, eventually: Eventually
) -> None:
    draft = prepare(server, name)
    before = state(server)
    async with acting(proxy) as act:
        receipt = await act.do(draft)
        left = state(server)
        done = await drop(proxy, b"EVAL", eventually, undo(act))
        assert (done.outcome, done.taken) == (Outcome.FAILED, 0)
        assert state(server) == left
        proxy.cut_reply_to(b"EVAL")
        done = await undo(act)
        assert (done.outcome, done.taken) == (Outcome.DONE, receipt.count(Outcome.DONE))
    if name == "trim":
        assert state(server) == before
    else:
        assert len(state(server)[0]) == 20


async def test_a_script_that_the_server_forgot_is_sent_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    chunks_of(monkeypatch, 3)
    draft = prepare(server, "trim")
    async with acting(server) as act:
        plan = await act.plan(draft)
        act.keeper.saved = lambda: server.call("SCRIPT FLUSH")
        assert (await act.run(plan)).taken == {0: 16}


@pytest.mark.parametrize("name", ["trim", "delete"])
async def test_a_frozen_server(server: Server, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may still do what lies in its connection when it goes on: what it did is what is said."""
    monkeypatch.setattr(WriteLane, "longer", 1.0)
    draft = prepare(server, name)
    before = state(server)
    async with acting(server, reply_timeout=0.2) as act:
        plan = await act.plan(draft)
        act.keeper.saved = lambda: len(act.keeper.items) == 1 and server.freeze()
        act.told = lambda progress: progress.waiting and server.thaw()
        receipt = await act.run(plan)
        if receipt.outcomes == (Outcome.FAILED,):
            assert standing(act.keeper.items) == []
            assert state(server) == before
        else:
            assert (receipt.outcomes, receipt.taken) == ((Outcome.DONE,), {0: plan.count})
            await undo(act)
            assert len(state(server)[0] if name == "delete" else state(server)) == 20
