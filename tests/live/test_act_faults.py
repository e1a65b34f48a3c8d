"""Guarded actions whose requests or replies get lost, and servers that refuse: told truly, resumable."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from fleetcache_gui.domain.plan import Outcome
from fleetcache_gui.redis_io.act import scripts, settle
from fleetcache_gui.redis_io.act.hands import ready
from fleetcache_gui.redis_io.address import Address
from tests.live.breaking import (
    OTHER,
    VERBS,
    WRITES,
    armed,
    assert_told_truly,
    calls,
    existing,
    fill,
    kept,
    names,
    proxied,
    removal,
    said,
    soon,
)
from tests.live.desk import PREFIXES, desk
from tests.proxy import Proxy
from tests.servers import HOST, Server, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

# --- replies and requests that get lost (F3) --------------------------------------------------------------------------


@pytest.mark.parametrize("verb", VERBS)
async def test_a_lost_reply_is_found_to_be_done(server: Server, tmp_path: Path, verb: str) -> None:
    with proxied(server) as (proxy, address):
        async with desk(address, tmp_path) as at:
            plan, word, done = await armed(at, server, verb)
            before = calls(server, *WRITES)
            proxy.cut_reply_to(word)
            receipt = await at.do(plan)
            assert receipt.outcomes == (Outcome.DONE,), said(receipt)
            assert receipt.notes[0].startswith("found by reading")
            assert calls(server, *WRITES) == before + 1
            assert done(server)
            events = [event.removeprefix("undo-") for _, event, _ in at.log.entries[-3:]]
            assert events == ["intent", "progress", "outcome"]


@pytest.mark.parametrize(("verb", "asked", "nth"), [("remove", b"MEMORY", 1), ("flush", b"commandstats", 2)])
async def test_a_look_that_breaks_is_taken_again(
    valkey: Server, tmp_path: Path, verb: str, asked: bytes, nth: int
) -> None:
    with proxied(valkey) as (proxy, address):
        async with desk(address, tmp_path) as at:
            plan, word, done = await armed(at, valkey, verb)
            proxy.cut_reply_to(word)
            proxy.cut_reply_to(asked, nth)
            receipt = await at.do(plan)
            assert receipt.outcomes == (Outcome.DONE,), said(receipt)
            assert done(valkey)
            assert proxy.connections.made >= 3


@pytest.mark.parametrize("verb", VERBS)
async def test_a_lost_request_is_found_not_to_be_done(server: Server, tmp_path: Path, verb: str) -> None:
    with proxied(server) as (proxy, address):
        async with desk(address, tmp_path) as at:
            plan, word, done = await armed(at, server, verb)
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
            plan, word, done = await armed(at, server, "flush")
            hold = proxy.hold_request(word)
            async with asyncio.TaskGroup() as group:
                act = group.create_task(at.do(plan))
                await soon(lambda: hold.held)
                hold.drop()
            assert act.result().outcomes == (Outcome.FAILED,), said(act.result())
            assert not done(server)


async def test_what_has_lapsed_meanwhile_is_not_told_as_done(valkey: Server, tmp_path: Path) -> None:
    with proxied(valkey) as (proxy, address):
        async with desk(address, tmp_path) as at:
            valkey.call("SET", OTHER, "value", "PX", 1500)
            hold = proxy.hold_request(scripts.REMOVE.text)
            plan = await removal(at.hands, [OTHER])
            async with asyncio.TaskGroup() as group:
                act = group.create_task(at.do(plan))
                await soon(lambda: hold.held and not valkey.call("EXISTS", OTHER))
                hold.drop()
            assert act.result().outcomes == (Outcome.GONE,), said(act.result())
            assert act.result().notes[0] == "it is gone: it was removed, or its time was over before"


async def test_a_name_that_is_taken_by_then_is_not_told_as_put_back(valkey: Server, tmp_path: Path) -> None:
    """The request to put back is lost, and another comes by the name: what is there is not what was saved."""
    with proxied(valkey) as (proxy, address):
        async with desk(address, tmp_path) as at:
            plan, word, _ = await armed(at, valkey, "undo")
            hold = proxy.hold_request(word)
            async with asyncio.TaskGroup() as group:
                act = group.create_task(at.do(plan))
                await soon(lambda: hold.held)
                valkey.call("SET", OTHER, "new")
                hold.drop()
            assert act.result().outcomes == (Outcome.CHANGED,)
    assert valkey.call("GET", OTHER) == b"new"


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
            plan, word, _ = await armed(at, valkey, "remove")
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
            plan, word, _ = await armed(at, valkey, "remove")
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
        plan, _, _ = await armed(at, valkey, "undo")
        valkey.call("CONFIG", "SET", "maxmemory", 1, "maxmemory-policy", "noeviction")
        try:
            receipt = await at.do(plan)
        finally:
            valkey.call("CONFIG", "SET", "maxmemory", 0)
    assert receipt.outcomes == (Outcome.FAILED,)
    assert receipt.trouble == "The server's memory is full. Nothing more was sent."
    assert valkey.call("EXISTS", OTHER) == 0
