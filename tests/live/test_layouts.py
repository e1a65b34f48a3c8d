"""Which layout a server is shown in: by a short look, as pinned, and when keys of another one come."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import redis

from fleetcache_gui import aio
from fleetcache_gui.families.layouts import BOTH, LAYOUTS, elsewhere
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.families.upstream import UPSTREAM
from fleetcache_gui.redis_io.layouts import PAGES, look
from fleetcache_gui.session import Session
from tests.live.commands import run
from tests.live.readers import address, assert_only_reads, begin_counting, calls, connected, fill

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

    from fleetcache_gui.domain.layout import Layout
    from tests.servers import Server

    Eventually = Callable[..., Coroutine[Any, Any, None]]

KEYS = {
    "spec": ("SADD", "live_query:active", 7),
    "upstream": ("SADD", "livequery:active", 7),
    "spec, one of many": ("SET", "lock:cron:vuln", "x", "EX", 60),
    "upstream, one of many": ("SET", "fleet:hostcache:v1:nk:x", "{}", "EX", 60),
}


def noise(server: Server, keys: int) -> None:
    with redis.Redis(port=server.port) as client:
        for first in range(0, keys, 5000):
            client.mset({f"session:{n}": "x" for n in range(first, min(first + 5000, keys))})


# ---- the look


@pytest.mark.parametrize("what", KEYS)
async def test_a_short_look_finds_the_layout(server: Server, what: str) -> None:
    noise(server, 5000)
    server.call(*KEYS[what])
    async with connected(server) as node:
        assert await look(node, LAYOUTS) == {what.split(",")[0]}


async def test_an_empty_server_and_one_of_strangers(server: Server) -> None:
    async with connected(server) as node:
        assert await look(node, LAYOUTS) == frozenset()
        noise(server, 300)
        assert await look(node, LAYOUTS) == frozenset()


async def test_both(server: Server) -> None:
    for command in KEYS.values():
        server.call(*command)
    async with connected(server) as node:
        assert await look(node, LAYOUTS) == {"spec", "upstream"}


async def test_the_look_is_bounded_and_only_reads(valkey: Server) -> None:
    noise(valkey, 100_000)
    begin_counting(valkey)
    async with connected(valkey) as node:
        assert await look(node, LAYOUTS) == frozenset()
    assert 1 <= calls(valkey)["scan"] <= PAGES
    assert_only_reads(valkey)


async def test_known_keys_end_the_look_at_once(valkey: Server) -> None:
    noise(valkey, 20_000)
    valkey.call(*KEYS["spec"])
    valkey.call(*KEYS["upstream"])
    begin_counting(valkey)
    async with connected(valkey) as node:
        assert len(await look(node, LAYOUTS)) == 2
    assert "scan" not in calls(valkey)


async def test_an_account_that_may_not_look(valkey: Server) -> None:
    valkey.call(*KEYS["upstream"])
    valkey.call("ACL", "SETUSER", "narrow", "reset", "on", ">x", "~lock:*", "-@all", "+ping", "+info", "+type")
    try:
        async with connected(valkey, username="narrow", password="x") as node:
            assert await look(node, LAYOUTS) == frozenset()
    finally:
        valkey.call("ACL", "DELUSER", "narrow")


# ---- the command line


def shown(server: Server, *args: str) -> dict[str, Any]:
    done = run("snapshot", server.url, "--json", *args)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


@pytest.mark.parametrize(
    ("keys", "args", "layout"),
    [
        ((), (), SPEC),
        (("spec",), (), SPEC),
        (("upstream",), (), UPSTREAM),
        (("spec", "upstream"), (), BOTH),
        (("upstream",), ("--layout", "spec"), SPEC),
        (("spec",), ("--layout", "upstream"), UPSTREAM),
        ((), ("--layout", "both"), BOTH),
    ],
)
def test_the_layout_of_a_snapshot(valkey: Server, keys: tuple[str, ...], args: tuple[str, ...], layout: Layout) -> None:
    for key in keys:
        valkey.call(*KEYS[key])
    found = shown(valkey, *args)
    assert found["schema"] == "fleetcache-snapshot/1"
    assert found["layout"] == layout.id
    assert list(found["families"]) == [family.id for family in layout.families]
    told = [f["id"] for f in found["server_findings"] if f["id"] == "server.other-layout"]
    assert bool(told) == any(other.id in keys for other in elsewhere(layout))


def test_a_layout_that_is_none(valkey: Server) -> None:
    done = run("snapshot", valkey.url, "--layout", "mine")
    assert done.code == 2
    assert "'auto', 'spec', 'upstream', 'both'" in done.err


def test_families_are_those_of_the_layout(valkey: Server) -> None:
    valkey.call(*KEYS["upstream"])
    assert list(shown(valkey, "--family", "upstream_locks")["families"]) == ["upstream_locks"]
    done = run("snapshot", valkey.url, "--family", "locks")
    assert done.code == 2
    assert "There is no family 'locks'. There are: upstream_live_queries," in done.err


# ---- keys that come later


@asynccontextmanager
async def watching(server: Server, layout: Layout) -> AsyncIterator[Session]:
    session = Session(address(server), layout, interval=0.5, elsewhere=elsewhere(layout))
    task = aio.spawn(session.run(), name="session")
    try:
        yield session
    finally:
        await aio.cancel_and_wait([task])


def told(session: Session) -> list[str]:
    return [f.judgement.text for f in session.findings if f.judgement.code == "server.other-layout"]


async def test_keys_of_another_layout_are_told_and_forgotten(
    valkey: Server, qapp: object, eventually: Eventually
) -> None:
    fill(valkey)
    async with watching(valkey, SPEC) as session:
        await eventually(lambda: session.inventory.finished_at is not None and session.vitals is not None)
        assert told(session) == []
        valkey.call("SET", "livequery:{7}", "x", "EX", 60)
        session.refresh()
        await eventually(lambda: bool(told(session)))
        assert told(session) == ["Keys of the layout “upstream” are on this server as well, and are not shown as such."]
        valkey.call("DEL", "livequery:{7}")
        session.refresh()
        await eventually(lambda: not told(session))


async def test_nothing_is_elsewhere_where_both_are_shown(valkey: Server, qapp: object, eventually: Eventually) -> None:
    fill(valkey)
    valkey.call("SET", "livequery:{7}", "x", "EX", 60)
    async with watching(valkey, BOTH) as session:
        await eventually(lambda: all(session.snapshot(family.id) is not None for family in BOTH.families))
        await eventually(lambda: session.inventory.finished_at is not None)
        assert told(session) == []
        assert session.inventory.elsewhere == frozenset()


# ---- too many campaigns


async def test_orphans_by_the_thousand(valkey: Server, qapp: object, eventually: Eventually) -> None:
    """As in fleetdm/fleet#33254: more bitmaps than are looked at one by one; each is counted, some are named."""
    with redis.Redis(port=valkey.port) as client:
        client.mset({f"livequery:{{{n}}}": "\0" for n in range(1, 3001)})
        client.sadd("livequery:active", 9001)
        client.sadd("livequery:active:reverse", 9001)
        client.set("sql:livequery:{9001}", "SELECT 1", ex=60)
    async with watching(valkey, UPSTREAM) as session:
        family = "upstream_live_queries"
        await eventually(lambda: (s := session.snapshot(family)) is not None and s.complete and s.suspects_read > 0)
        codes = [f.judgement.code for f in session.findings]
        assert codes.count("campaign.orphaned") == 50
        (many,) = (f.judgement for f in session.findings if f.judgement.code == f"{family}.many")
        assert many.text.startswith("3,000 campaigns break the rule of this family; 50 of them were read.")
