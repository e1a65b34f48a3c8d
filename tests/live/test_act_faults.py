"""Guarded actions while the server or the way to it fails: sent once, told truly, resumable."""

from __future__ import annotations

import asyncio
import os
import random
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis

from fleetcache_gui.domain.plan import Deed, Draft, Outcome, Plan
from fleetcache_gui.redis_io.act import scripts, settle
from fleetcache_gui.redis_io.act.execute import execute
from fleetcache_gui.redis_io.act.hands import Hands, WriteLane, ready
from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.redis_io.survey import survey
from tests.live.breaking import (
    WRITES,
    assert_told_truly,
    calls,
    existing,
    fill,
    flushing,
    kept,
    names,
    plan_of,
    removal,
    said,
    soon,
    undoing,
)
from tests.live.desk import PREFIXES, desk
from tests.monitor import Monitor
from tests.proxy import Proxy
from tests.servers import HOST, VALKEY, Server, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from fleetcache_gui.domain.plan import Receipt
    from tests.live.desk import Desk

SWAPS = int(os.environ.get("FLEETCACHE_SWAPS", "8"))
"""How often another server answers by then; 200 for the full measure."""

LOCK, TOKEN, OTHER = b"lock:cron:vuln", b"token-1", b"cache:team:1"
ACTIVE = b"livequery:active"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply is waited for a second only: what is under test is what happens then."""
    monkeypatch.setattr(WriteLane, "patience", 1.0)


@pytest.fixture(scope="module")
def second() -> Iterator[Server]:
    """Another server, for what answers at the same address by then."""
    with Server(VALKEY, "--enable-debug-command", "yes") as server:
        yield server


@contextmanager
def proxied(server: Server) -> Iterator[tuple[Proxy, Address]]:
    with Proxy(server.host, server.port) as proxy:
        yield proxy, Address(proxy.host, proxy.port)


async def release(at: Desk) -> Plan:
    return await at.plan("locks.release", await at.rows("locks", LOCK))


# --- another server answers (F1) --------------------------------------------------------------------------------------


async def test_another_server_at_the_address_gets_no_write(valkey: Server, second: Server, tmp_path: Path) -> None:
    dice = random.Random(4)
    second.revive()
    writes = {id(server): calls(server, *WRITES) for server in (valkey, second)}
    with proxied(valkey) as (proxy, address), Monitor(second) as seen:
        for _ in range(SWAPS):
            proxy.retarget(HOST, valkey.port)
            proxy.cut()
            for server in (valkey, second):
                server.call("SET", LOCK, TOKEN)
            async with desk(address, tmp_path) as at:
                plan = await release(at) if dice.random() < 0.7 else await flushing(at.hands)
                proxy.retarget(HOST, second.port)
                proxy.cut()
                receipt = await at.do(plan)
                assert set(receipt.outcomes) == {Outcome.CANCELLED}
                assert "not the server that was previewed" in receipt.trouble
                assert "Nothing was sent. Plan again." in receipt.trouble
                assert at.log.entries == []
        assert [command.words for command in seen.writes() if command.name != b"set"] == []
    assert writes == {id(server): calls(server, *WRITES) for server in (valkey, second)}


@pytest.mark.parametrize("swap", ["restart", "replica", "database", "gone"])
async def test_a_server_that_changed_gets_no_write(valkey: Server, second: Server, tmp_path: Path, swap: str) -> None:
    second.revive()
    valkey.call("SET", LOCK, TOKEN)
    async with desk(Address(HOST, valkey.port), tmp_path) as at:
        plan, hands = await release(at), at.hands
        if swap == "restart":
            valkey.restart()
            valkey.call("SET", LOCK, TOKEN)
        elif swap == "replica":
            valkey.call("REPLICAOF", HOST, second.port)
        elif swap == "database":
            at.hands = await Hands.open(Address(HOST, valkey.port, 3), PREFIXES)
        else:
            valkey.kill()
        try:
            receipt = await at.do(plan)
        finally:
            valkey.revive()
            valkey.call("REPLICAOF", "NO", "ONE")
            await hands.close()
    assert receipt.outcomes == (Outcome.CANCELLED,)
    assert "Nothing was sent. Plan again" in receipt.trouble
    assert at.log.entries == []
    assert calls(valkey, *WRITES) == calls(valkey, "flushdb")


async def test_a_plan_made_anew_runs_on_the_new_server(valkey: Server, tmp_path: Path) -> None:
    valkey.call("SET", LOCK, TOKEN)
    async with desk(Address(HOST, valkey.port), tmp_path) as at:
        plan = await release(at)
        valkey.restart()
        valkey.call("SET", LOCK, TOKEN)
        assert (await at.do(plan)).outcomes == (Outcome.CANCELLED,)
        assert (await at.do(await release(at))).outcomes == (Outcome.DONE,)
    assert valkey.call("EXISTS", LOCK) == 0


# --- idle connections, and the database they are in (F10, F16) --------------------------------------------------------


async def test_an_idle_connection_that_was_closed_is_no_error(server: Server, tmp_path: Path) -> None:
    server.call("SET", LOCK, TOKEN)
    async with desk(Address(HOST, server.port), tmp_path) as at:
        plan = await release(at)
        before = calls(server, "unlink", "delifeq")
        server.call("CLIENT", "KILL", "TYPE", "normal")
        receipt = await at.do(plan)
    assert receipt.outcomes == (Outcome.DONE,), said(receipt)
    assert calls(server, "unlink", "delifeq") == before + 1


async def test_the_database_stays_the_one_that_was_planned(server: Server, tmp_path: Path) -> None:
    with redis.Redis(port=server.port, db=3, protocol=2) as third:
        third.set("three", 3)
    server.call("SET", "zero", 0)
    async with desk(Address(HOST, server.port, 3), tmp_path) as at:
        plan = await flushing(at.hands)
        assert plan.count == 1
        server.call("CLIENT", "KILL", "TYPE", "normal")
        receipt = await at.do(plan)
    assert receipt.outcomes == (Outcome.DONE,), said(receipt)
    assert server.call("EXISTS", "zero") == 1
    with redis.Redis(port=server.port, db=3, protocol=2) as third:
        assert third.dbsize() == 0


# --- replies and requests that get lost (F3) --------------------------------------------------------------------------


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
    "undo": (_undo, b"RESTORE", lambda s: bool(s.call("EXISTS", OTHER))),
    "flush": (lambda at: flushing(at.hands), scripts.FLUSH.text, lambda s: s.call("DBSIZE") == 0),
    "release": (release, b"", lambda s: not s.call("EXISTS", LOCK)),
}


async def _armed(at: Desk, server: Server, verb: str) -> tuple[Plan, bytes, Callable[[Server], bool]]:
    server.call("SET", LOCK, TOKEN)
    server.call("SET", OTHER, "value", "PX", 600_000)
    server.call("SADD", ACTIVE, "7", "8")
    make, word, done = VERBS[verb]
    plan = await make(at)
    assert not done(server)
    native = at.hands.nodes[""].native
    return plan, word or native or scripts.REMOVE.text, done


@pytest.mark.parametrize("verb", VERBS)
async def test_a_lost_reply_is_found_to_be_done(server: Server, tmp_path: Path, verb: str) -> None:
    with proxied(server) as (proxy, address):
        async with desk(address, tmp_path) as at:
            plan, word, done = await _armed(at, server, verb)
            before = calls(server, *WRITES)
            proxy.cut_reply_to(word)
            receipt = await at.do(plan)
            assert receipt.outcomes == (Outcome.DONE,), said(receipt)
            assert receipt.notes[0].startswith("found by reading")
            assert calls(server, *WRITES) == before + 1
            assert done(server)
            events = [event.removeprefix("undo-") for _, event, _ in at.log.entries[-3:]]
            assert events == ["intent", "progress", "outcome"]


@pytest.mark.parametrize("verb", VERBS)
async def test_a_lost_request_is_found_not_to_be_done(server: Server, tmp_path: Path, verb: str) -> None:
    with proxied(server) as (proxy, address):
        async with desk(address, tmp_path) as at:
            plan, word, done = await _armed(at, server, verb)
            before = calls(server, *WRITES)
            hold = proxy.hold_request(word)
            async with asyncio.TaskGroup() as group:
                act = group.create_task(at.do(plan))
                await soon(lambda: hold.held)
                hold.drop()
            receipt = act.result()
            assert receipt.outcomes == (Outcome.FAILED,), said(receipt)
            assert "the connection broke before it was" in receipt.notes[0]
            assert receipt.trouble.endswith("What was not done can be planned again.") or verb == "flush"
            assert calls(server, *WRITES) == before
            assert not done(server)
            at.hands = await ready(at.hands, address, PREFIXES)
            if verb != "undo":
                assert (await at.do(await VERBS[verb][0](at))).outcomes == (Outcome.DONE,)
                assert done(server)


async def test_a_lost_flush_is_not_taken_for_done_because_of_probes(server: Server, tmp_path: Path) -> None:
    """An account that may not ask ACL DRYRUN tries FLUSHDB in a form that fails, which the server counts, too."""
    server.call("ACL", "SETUSER", "plain", "reset", "on", ">pw", "~*", "&*", "+@all", "-acl|dryrun")
    with Proxy(server.host, server.port) as proxy:
        async with desk(Address(HOST, proxy.port, username="plain", password="pw"), tmp_path) as at:
            plan, word, done = await _armed(at, server, "flush")
            hold = proxy.hold_request(word)
            async with asyncio.TaskGroup() as group:
                act = group.create_task(at.do(plan))
                await soon(lambda: hold.held)
                hold.drop()
            assert act.result().outcomes == (Outcome.FAILED,), said(act.result())
            assert not done(server)


async def test_a_name_that_is_taken_by_then_is_not_told_as_put_back(valkey: Server, tmp_path: Path) -> None:
    """The request to put back is lost, and another comes by the name: what is there is not what was saved."""
    with proxied(valkey) as (proxy, address):
        async with desk(address, tmp_path) as at:
            plan, word, _ = await _armed(at, valkey, "undo")
            hold = proxy.hold_request(word)
            async with asyncio.TaskGroup() as group:
                act = group.create_task(at.do(plan))
                await soon(lambda: hold.held)
                valkey.call("SET", OTHER, "new")
                hold.drop()
            assert act.result().outcomes == (Outcome.CHANGED,)
    assert valkey.call("GET", OTHER) == b"new"


# --- a server that is busy, frozen or paused (F2, F14, F27) -----------------------------------------------------------


@contextmanager
def held_up(server: Server, how: str) -> Iterator[Callable[[], None]]:
    """The server does not answer; calling it lets it go on."""
    if how == "frozen":
        with server.frozen():
            yield server.thaw
        return
    if how == "paused WRITE":
        server.call("CLIENT", "PAUSE", 60_000, "WRITE")
        yield lambda: server.call("CLIENT", "UNPAUSE")
        server.call("CLIENT", "UNPAUSE")
        return
    if how == "paused ALL":  # who would end that is paused too
        server.call("CLIENT", "PAUSE", 1500)
        yield lambda: None
        return
    busy = threading.Thread(target=lambda: server.call("DEBUG", "SLEEP", "1.5"))
    busy.start()
    yield lambda: None
    busy.join()


@pytest.mark.parametrize(
    ("verb", "how"),
    [
        *(("remove", how) for how in ("frozen", "paused WRITE", "paused ALL", "busy")),
        *(("release", "frozen"), ("flush", "frozen"), ("flush", "paused WRITE")),
    ],
)
async def test_a_server_that_does_not_answer_is_asked_once(
    impatient: None, second: Server, tmp_path: Path, verb: str, how: str
) -> None:
    second.revive()
    second.flush()
    with proxied(second) as (proxy, address):
        async with desk(address, tmp_path) as at:
            plan, word, done = await _armed(at, second, verb)
            before = calls(second, *WRITES)
            hold = proxy.hold_request(word)
            async with asyncio.TaskGroup() as group:
                act = group.create_task(at.do(plan))
                await soon(lambda: hold.held)
                with held_up(second, how) as go_on:
                    hold.release()
                    await soon(lambda: act.done() or any(told.waiting for told in at.told))
                    go_on()
                    await soon(act.done)
            receipt: Receipt = act.result()
            made = calls(second, *WRITES) - before
            assert receipt.outcomes == ((Outcome.DONE,) if made else (Outcome.FAILED,)), said(receipt)
            assert made == done(second) <= 1


async def test_what_lies_in_a_cut_off_connection_is_never_done_later(
    impatient: None, valkey: Server, tmp_path: Path
) -> None:
    """The request is on its way for longer than anybody waits; it arrives after the verdict."""
    with proxied(valkey) as (proxy, address):
        for verb in ("remove", "release", "flush"):
            async with desk(address, tmp_path) as at:
                plan, word, done = await _armed(at, valkey, verb)
                hold = proxy.hold_request(word)
                receipt = await at.do(plan)
                hold.release()
                assert receipt.outcomes == (Outcome.FAILED,), said(receipt)
                valkey.call("PING")
                await soon(lambda: proxy.connections.open <= 1)
                assert not done(valkey)


@pytest.mark.parametrize("may_kill", [True, False])
async def test_a_thawed_server_does_nothing_after_the_verdict(
    impatient: None, valkey: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, may_kill: bool
) -> None:
    monkeypatch.setattr(WriteLane, "patience", 0.3)
    user = "fine" if may_kill else "tame"
    valkey.call("ACL", "SETUSER", user, "on", ">pw", "~*", "+@all", *(() if may_kill else ("-client|kill",)))
    address = Address(HOST, valkey.port, username=user, password="pw")
    met: set[Outcome] = set()
    with Proxy(valkey.host, valkey.port) as proxy:
        through = Address(proxy.host, proxy.port, username=user, password="pw")
        for round_ in range(8 if may_kill else 2):
            keys = names(30)
            fill(valkey, keys, size=2000)
            async with desk(through if round_ % 2 else address, tmp_path) as at:
                plan = await removal(at.hands, keys)
                hold = proxy.hold_request(scripts.REMOVE.text) if round_ % 2 else None
                async with asyncio.TaskGroup() as group:
                    act = group.create_task(at.do(plan))
                    await soon(lambda: hold.held if hold else bool(at.log.entries))  # noqa: B023
                    with valkey.frozen():
                        if hold:
                            hold.release()
                        await soon(lambda: act.done() or any(told.waiting for told in at.told))  # noqa: B023
                receipt = act.result()
            there = existing(valkey, keys)
            assert_told_truly(receipt, there)
            assert Outcome.UNKNOWN not in receipt.outcomes, said(receipt)
            met.update(receipt.outcomes)
            with Monitor(valkey) as seen:  # nothing is left that would still come
                valkey.call("PING")
                assert seen.writes() == []
            assert existing(valkey, keys) == there
            await kept(at.bin, plan.id)
    assert met & {Outcome.DONE, Outcome.FAILED}


async def test_cancel_ends_the_waiting(impatient: None, second: Server, tmp_path: Path) -> None:
    second.revive()
    with proxied(second) as (proxy, address):
        async with desk(address, tmp_path) as at:
            plan, word, _ = await _armed(at, second, "remove")
            hold = proxy.hold_request(word)
            async with asyncio.TaskGroup() as group:
                act = group.create_task(at.do(plan))
                await soon(lambda: hold.held)
                with second.frozen():
                    hold.release()
                    await soon(lambda: any(told.waiting for told in at.told))
                    at.stop.set()
                    await soon(act.done)
            assert act.result().outcomes == (Outcome.UNKNOWN,)
            assert "is not known" in act.result().notes[0]


# --- a batch that is cut in the middle (F4) ---------------------------------------------------------------------------


async def test_a_batch_cut_in_the_middle_is_told_key_by_key(valkey: Server, tmp_path: Path) -> None:
    dice, met = random.Random(1), set()
    keys = names(200)
    for round_ in range(8):
        fill(valkey, keys)
        with proxied(valkey) as (proxy, address):
            async with desk(address, tmp_path) as at:
                plan = await removal(at.hands, keys)
                at_byte = dice.randrange(0, 20_000) if round_ % 2 else dice.randrange(0, 60_000)
                proxy.cut_after(**{"down" if round_ % 2 else "up": at_byte})
                receipt = await at.do(plan)
                there = existing(valkey, keys)
                assert_told_truly(receipt, there)
                assert Outcome.UNKNOWN not in receipt.outcomes, said(receipt)
                met.update(receipt.outcomes)
                safe = await kept(at.bin, plan.id)
                assert {key for key, still in zip(keys, there, strict=True) if not still} <= safe.keys()
                left = [key for key, still in zip(keys, there, strict=True) if still]
                if left:  # the rest is done by planning again
                    at.hands = await ready(at.hands, address, PREFIXES)
                    rest = await removal(at.hands, keys)
                    assert len(rest.steps) == len(left)
                    assert set((await at.do(rest)).outcomes) == {Outcome.DONE}
        assert not any(existing(valkey, keys))
    assert {Outcome.DONE, Outcome.UNREACHABLE} <= met


# --- refusals that hold for all that would come (F26) -----------------------------------------------------------------


def _blocked(server: Server) -> Path:
    """A directory where the server would write its data to."""
    return Path(server.call("CONFIG", "GET", "dir")[1].decode()) / "dump.rdb"


def _cannot_save(server: Server) -> None:
    _blocked(server).mkdir()
    server.call("CONFIG", "SET", "save", "3600 1000000")
    server.call("BGSAVE")
    wait_until(lambda: server.info("persistence")["rdb_last_bgsave_status"] == "err", "the server failed to save")


def _mended(server: Server) -> None:
    server.call("REPLICAOF", "NO", "ONE")
    server.call("CONFIG", "SET", "min-replicas-to-write", 0, "save", "")
    if _blocked(server).is_dir():
        _blocked(server).rmdir()


REFUSALS: dict[str, tuple[str, Callable[[Server, Server], object]]] = {
    "READONLY": ("This is a replica: it takes no writes.", lambda s, other: s.call("REPLICAOF", HOST, other.port)),
    "NOREPLICAS": ("(NOREPLICAS)", lambda s, _: s.call("CONFIG", "SET", "min-replicas-to-write", 1)),
    "MISCONF": ("(MISCONF)", lambda s, _: _cannot_save(s)),
}


@pytest.mark.parametrize("what", REFUSALS)
async def test_a_refusal_of_the_whole_server_ends_the_run(
    valkey: Server, second: Server, tmp_path: Path, what: str
) -> None:
    second.revive()
    keys = names(200)
    fill(valkey, keys)
    sentence, refuse = REFUSALS[what]
    with proxied(valkey) as (proxy, address):
        async with desk(address, tmp_path) as at:
            plan = await removal(at.hands, keys)
            hold = proxy.hold_request(scripts.REMOVE.text)
            try:
                async with asyncio.TaskGroup() as group:
                    act = group.create_task(at.do(plan))
                    await soon(lambda: hold.held)
                    refuse(valkey, second)
                    proxy.clear()
                    hold.release()
                receipt = act.result()
            finally:
                _mended(valkey)
            assert sentence in receipt.trouble, said(receipt)
            assert receipt.trouble.endswith("Nothing more was sent.")
            assert set(receipt.outcomes) == {Outcome.FAILED, Outcome.UNREACHABLE}
            sent = [words for words in proxy.requests if words[0] in (b"EVAL", b"EVALSHA")]
            assert len(sent) == receipt.count(Outcome.FAILED) - 1  # each once: the first was held before `clear`


async def test_no_room_for_another_client_is_waited_out(valkey: Server, tmp_path: Path) -> None:
    """The connection is lost, and the server takes no more clients for a while."""
    with proxied(valkey) as (proxy, address):
        async with desk(address, tmp_path) as at:
            plan, word, _ = await _armed(at, valkey, "remove")
            with redis.Redis(port=valkey.port, protocol=2) as admin:
                admin.ping()
                proxy.cut_reply_to(word)
                many = admin.config_get("maxclients")["maxclients"]
                admin.config_set("maxclients", 1)
                async with asyncio.TaskGroup() as group:
                    act = group.create_task(at.do(plan))
                    await soon(lambda: any("takes no more clients" in told.waiting for told in at.told))
                    admin.config_set("maxclients", many)
            assert act.result().outcomes == (Outcome.DONE,)


async def test_a_restarted_server_cannot_tell_what_was_done(
    valkey: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle, "_BETWEEN", 0.05)
    with proxied(valkey) as (proxy, address):
        async with desk(address, tmp_path) as at:
            plan, word, _ = await _armed(at, valkey, "remove")
            hold = proxy.hold_request(word)
            async with asyncio.TaskGroup() as group:
                act = group.create_task(at.do(plan))
                await soon(lambda: hold.held)
                valkey.restart()
            assert act.result().outcomes == (Outcome.UNKNOWN,)
            assert "restarted or replaced" in act.result().notes[0]
            assert at.hands.nodes[""].lane.closed  # nothing more goes there without a new plan


async def test_nothing_is_put_back_into_a_full_server(valkey: Server, tmp_path: Path) -> None:
    async with desk(Address(HOST, valkey.port), tmp_path) as at:
        plan, _, _ = await _armed(at, valkey, "undo")
        valkey.call("CONFIG", "SET", "maxmemory", 1, "maxmemory-policy", "noeviction")
        try:
            receipt = await at.do(plan)
        finally:
            valkey.call("CONFIG", "SET", "maxmemory", 0)
    assert receipt.outcomes == (Outcome.FAILED,)
    assert receipt.trouble == "The server's memory is full. Nothing more was sent."
    assert valkey.call("EXISTS", OTHER) == 0


async def test_a_confirmation_is_not_good_for_other_hands(valkey: Server, second: Server, tmp_path: Path) -> None:
    second.revive()
    valkey.call("SET", LOCK, TOKEN)
    second.call("SET", LOCK, TOKEN)
    async with desk(Address(HOST, valkey.port), tmp_path) as at, desk(Address(HOST, second.port), tmp_path) as other:
        plan = await release(at)
        confirmed = at.gate.confirm(plan, plan.word)
        record = at.bin.begin(plan.id, plan.title, {})
        receipt = await execute(at.gate, confirmed, other.hands, record, at.log, at.told.append, at.stop)
    assert receipt.outcomes == (Outcome.CANCELLED,)
    assert second.call("EXISTS", LOCK) == valkey.call("EXISTS", LOCK) == 1
