"""A way to the server with long round trips and little room."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import redis

from fleetcache_gui import aio
from fleetcache_gui.redis_io.act.hands import WriteLane
from fleetcache_gui.redis_io.lane import Lane
from tests.live.readers import ROWS, TOKEN, address, fill, trouble_of, watching
from tests.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.servers import Server

    Eventually = Callable[..., Coroutine[Any, Any, None]]


def asked(proxy: Proxy, word: bytes) -> int:
    return sum(request[0].upper() == word for request in proxy.requests)


async def test_everything_is_read_over_one_connection(valkey: Server, eventually: Eventually) -> None:
    fill(valkey)
    with redis.Redis(port=valkey.port) as client:
        client.mset({f"lock:{n}": TOKEN for n in range(200)})
    with Proxy(valkey.host, valkey.port) as proxy:
        proxy.latency, proxy.rate = 0.1, 50_000
        slow = {"connect_timeout": 10.0, "reply_timeout": 10.0}
        async with watching(valkey, port=proxy.port, **slow) as (_, seen):
            await eventually(lambda: seen.complete() and len(seen.rows("locks")) == 201, 60)
            others = ROWS.keys() - {"locks", "config_cache"}  # these are more; that lasts seconds only
            assert all(set(seen.rows(family)) == ROWS[family] for family in others)
            polls = len(seen.vitals)
            await eventually(lambda: len(seen.vitals) > polls + 1, 60)
            assert seen.phases() == ["connecting", "live"]
            assert seen.link.round_trip is not None
            assert seen.link.round_trip > 0.2
        assert proxy.connections.made == 1


async def test_what_one_loop_asks_does_not_wait_for_anothers_reply(valkey: Server, eventually: Eventually) -> None:
    valkey.call("SET", "a", "1")
    with Proxy(valkey.host, valkey.port) as proxy:
        lane = await Lane.open(address(valkey, port=proxy.port))
        proxy.stall("down")
        asking = [aio.spawn(lane.ask(b"STRLEN", b"a"), name="one"), aio.spawn(lane.ask(b"TYPE", b"a"), name="other")]
        await eventually(lambda: asked(proxy, b"STRLEN") == asked(proxy, b"TYPE") == 1)
        proxy.go_on("down")
        assert [await task for task in asking] == [1, b"string"]
        await lane.close()


async def test_nothing_is_written_before_the_last_write_was_answered(valkey: Server, eventually: Eventually) -> None:
    """What follows may depend on it; and with the connection, what was not sent is known not to be done."""
    with Proxy(valkey.host, valkey.port) as proxy:
        lane = await WriteLane.open(address(valkey, port=proxy.port))
        proxy.stall("down")
        one = aio.spawn(lane.once([(b"DUMP", b"a")]), name="one")
        other = aio.spawn(lane.once([(b"DUMP", b"b")]), name="other")
        await eventually(lambda: asked(proxy, b"DUMP") == 1)
        proxy.cut()
        (_, first), (_, second) = await one, await other
        assert first is not None
        assert second is not None
        assert asked(proxy, b"DUMP") == 1
        await lane.close()


async def test_who_gives_up_waiting_for_his_turn_to_write_disturbs_nobody(
    valkey: Server, eventually: Eventually
) -> None:
    """Else a plan that is given up would cut off a deed under way, of which nothing would be known then."""
    with Proxy(valkey.host, valkey.port) as proxy:
        lane = await WriteLane.open(address(valkey, port=proxy.port))
        proxy.stall("down")
        writing = aio.spawn(lane.once([(b"DUMP", b"a")]), name="write")
        await eventually(lambda: asked(proxy, b"DUMP") == 1)
        other = aio.spawn(lane.ask(b"STRLEN", b"a"), name="other")
        await asyncio.sleep(0)
        await aio.cancel_and_wait([other])
        assert not lane.closed
        proxy.go_on("down")
        assert await writing == ([None], None)
        assert asked(proxy, b"STRLEN") == 0
        await lane.close()


async def test_a_way_slower_than_the_time_outs_is_told_with_the_way_out(valkey: Server) -> None:
    with Proxy(valkey.host, valkey.port) as proxy:
        proxy.latency = 0.3
        trouble = await trouble_of(address(valkey, port=proxy.port, reply_timeout=0.4))
        assert "--reply-timeout" in trouble.advice
        assert "Answer within" in trouble.advice
