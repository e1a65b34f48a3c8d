"""Guarded actions where another server, role or database answers by then: nothing is sent, a new plan is needed."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest
import redis

from fleetcache_gui.domain.plan import Outcome
from fleetcache_gui.redis_io.act.execute import execute
from fleetcache_gui.redis_io.act.hands import Hands
from fleetcache_gui.redis_io.address import Address
from tests.live.breaking import LOCK, TOKEN, WRITES, calls, flushing, proxied, release, said
from tests.live.desk import PREFIXES, desk
from tests.monitor import Monitor
from tests.servers import HOST

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

SWAPS = int(os.environ.get("FLEETCACHE_SWAPS", "8"))
"""How often another server answers by then; 200 for the full measure."""


async def test_another_server_at_the_address_gets_no_write(valkey: Server, second: Server, tmp_path: Path) -> None:
    dice = random.Random(4)
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


async def test_a_confirmation_is_not_good_for_other_hands(valkey: Server, second: Server, tmp_path: Path) -> None:
    valkey.call("SET", LOCK, TOKEN)
    second.call("SET", LOCK, TOKEN)
    async with desk(Address(HOST, valkey.port), tmp_path) as at, desk(Address(HOST, second.port), tmp_path) as other:
        plan = await release(at)
        confirmed = at.gate.confirm(plan, plan.word)
        record = at.bin.begin(plan.id, plan.title, {})
        receipt = await execute(at.gate, confirmed, other.hands, record, at.log, at.told.append, at.stop)
    assert receipt.outcomes == (Outcome.CANCELLED,)
    assert second.call("EXISTS", LOCK) == valkey.call("EXISTS", LOCK) == 1


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
