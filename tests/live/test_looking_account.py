"""The account that `acl` makes: it can look at everything, needs each rule that it has, and changes nothing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import redis

from fleetcache_gui import aio
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.families.upstream import UPSTREAM
from fleetcache_gui.redis_io.acl import READING, reading_line
from fleetcache_gui.redis_io.check import Outcome, Step, check
from fleetcache_gui.session import Session
from tests.live.readers import ROWS, address, fill, watching
from tests.servers import REDIS_7, Server
from tests.upstream_fleet import populate

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    Eventually = Callable[..., Coroutine[Any, Any, None]]

USER, PASSWORD = "looker", "PASSWORD"
LOGIN = {"username": USER, "password": PASSWORD}


@contextmanager
def looker(server: Server) -> Iterator[None]:
    server.call(*reading_line(USER, recent=server.name != REDIS_7.name).split())
    server.call("ACL", "LOG", "RESET")
    try:
        yield
    finally:
        server.call("ACL", "DELUSER", USER)


def refused(server: Server) -> set[str]:
    """What it was not allowed."""
    return {entry["object"].lower() for entry in server.call("ACL LOG")}


async def test_it_sees_everything_and_asks_for_nothing_that_it_may_not(server: Server, eventually: Eventually) -> None:
    fill(server)
    with redis.Redis(port=server.port) as client:
        client.xadd("a-stream", {"f": "v"})
        client.zadd("a-sorted-set", {"m": 1})
    with looker(server):
        async with watching(server, **LOGIN) as (_, seen):
            await eventually(seen.complete)
            assert {family: set(seen.rows(family)) for family in ROWS if family not in ("other", "config_cache")} == {
                family: rows for family, rows in ROWS.items() if family not in ("other", "config_cache")
            }
            assert not seen.inventory.refused
            assert "api-1" in str(seen.rows("locks")[b"lock:cron:vuln"].cells)  # its value was read
        assert refused(server) == set()
        with redis.Redis(port=server.port, **LOGIN, protocol=2) as client:
            for command in (("SET", "x", "y"), ("UNLINK", "other"), ("EVAL", "return 1", 0), ("EXPIRE", "other", 9)):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    client.execute_command(*command)
        assert server.call("EXISTS", "other") == 1


async def test_on_an_upstream_server_only_its_settings_stay_unread(valkey: Server, eventually: Eventually) -> None:
    with redis.Redis(port=valkey.port) as client:
        populate(client)
    with looker(valkey):
        session = Session(address(valkey, **LOGIN), UPSTREAM, interval=0.5)
        reading = aio.spawn(session.run(), name="session")
        try:
            await eventually(
                lambda: all((read := session.snapshot(f.id)) and read.complete for f in UPSTREAM.families), 60
            )
            assert all(session.rows_now(f.id, session.row_ids(f.id)) for f in UPSTREAM.families[:3])
        finally:
            await aio.cancel_and_wait([reading])
        assert refused(valkey) == {"config|get"}  # who may use it may read passwords too


async def test_no_rule_is_there_for_nothing(server: Server) -> None:
    """Without any one of them, the test of a connection names what is missing."""
    told: list[Step] = []

    async def notes() -> tuple[str, ...]:
        told.clear()
        await check(address(server, **LOGIN), told.append, SPEC.samples)
        return told[-1].notes

    with looker(server):
        before = await notes()
        assert all("The server has no CLIENT NO-TOUCH" in note for note in before)
        for need in READING:
            if need.name == "PING" or (need.recent and before):
                continue
            server.call("ACL", "SETUSER", USER, need.rule.replace("+", "-"))
            missing = set(await notes()) - set(before)
            assert missing, need.name
            assert all(need.without in note for note in missing), need.name
            assert (told[-1].outcome is Outcome.FAILED) == need.vital
            server.call("ACL", "SETUSER", USER, need.rule)
        assert await notes() == before
