"""The account that `acl --actions` makes: it can do all that actions do, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redis

from fleetcache_gui.domain.plan import Outcome
from fleetcache_gui.domain.verbs import Scope
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.acl import acting_line
from fleetcache_gui.redis_io.act import flush
from fleetcache_gui.redis_io.faults import Trouble
from tests.live.desk import desk
from tests.live.readers import ROWS, address, fill
from tests.servers import REDIS_7

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Server

USER, PASSWORD = "doer", "PASSWORD"


async def test_it_can_remove_and_put_back_every_family(server: Server, tmp_path: Path) -> None:
    fill(server)
    before = {key: server.call("DUMP", key) for key in server.call("KEYS", "*")}
    server.call(*acting_line(USER, recent=server.name != REDIS_7.name).split())
    try:
        async with desk(address(server, username=USER, password=PASSWORD), tmp_path) as at:
            for family in SPEC.families[:-1]:
                verb = next(verb for verb in family.verbs if verb.scope is Scope.FAMILY)
                plan = await at.plan(verb.id, await at.rows(family.id, *ROWS[family.id]))
                receipt = await at.do(plan)
                assert set(receipt.counts) == {Outcome.DONE}, (family.id, receipt.counts, receipt.notes)
                assert set((await at.undo(plan)).counts) == {Outcome.DONE}, family.id
            with pytest.raises(Trouble, match="FLUSHDB"):
                await flush.permitted(at.hands)
        assert {key: server.call("DUMP", key) for key in server.call("KEYS", "*")} == before
        with redis.Redis(port=server.port, username=USER, password=PASSWORD, protocol=2) as client:
            for refused in (("FLUSHDB",), ("SET", "x", "y"), ("DEL", "x"), ("CONFIG", "GET", "*"), ("KEYS", "*")):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    client.execute_command(*refused)
    finally:
        server.call("ACL", "DELUSER", USER)


async def test_nothing_that_a_stream_needs_is_missing(server: Server, tmp_path: Path) -> None:
    for i in range(6):
        server.call("XADD", "async_host:detail", "*", "payload", f"host {i}")
    server.call("XGROUP", "CREATE", "async_host:detail", "workers", "0")
    server.call(*acting_line(USER, recent=server.name != REDIS_7.name).split())
    try:
        async with desk(address(server, username=USER, password=PASSWORD), tmp_path) as at:
            missing = {command for _, command in at.hands.nodes[""].missing}
            assert {name for name in missing if name.startswith((b"X", b"L"))} == set()
            plan = await at.plan("host_queue.flush", await at.rows("host_queue", b"async_host:detail"))
            assert set((await at.do(plan)).counts) == {Outcome.DONE}
            assert server.call("XLEN", "async_host:detail") == 0
            assert set((await at.undo(plan)).counts) == {Outcome.DONE}
            assert server.call("XLEN", "async_host:detail") == 6
    finally:
        server.call("ACL", "DELUSER", USER)
