"""Values by page: every element of every type, little on the wire, problems as sentences."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import redis

from fleetcache_gui.domain.pages import ITEMS, STRING_WINDOW, KeyAbout, PageCursor
from fleetcache_gui.redis_io.faults import Fault, Trouble
from fleetcache_gui.redis_io.pages import about, page
from tests.live.readers import assert_only_reads, begin_counting, connected, memory_within
from tests.servers import REDIS_8, VALKEY, Server

if TYPE_CHECKING:
    from fleetcache_gui.domain.pages import Page, PageItem
    from fleetcache_gui.redis_io.keyspace import Keyspace as Node

HOSTILE = bytes(range(256)) + "\u202e<img src=file:///x>".encode()


async def pages(node: Node, key: bytes, type_word: str) -> list[Page]:
    """All pages of a value."""
    found: list[Page] = []
    cursor: PageCursor | None = None
    while True:
        found.append(await page(node, key, type_word, cursor))
        assert found[-1].problem is None
        cursor = found[-1].next
        if cursor is None:
            return found
        assert len(found) < 1000


async def items(node: Node, key: bytes, type_word: str) -> list[PageItem]:
    return [item for one in await pages(node, key, type_word) for item in one.items]


@pytest.mark.parametrize("size", [1, ITEMS, ITEMS + 1, 1234])
async def test_every_element_of_a_collection(server: Server, size: int) -> None:
    names = [b"%d:" % n + HOSTILE for n in range(size)]
    with redis.Redis(port=server.port) as client:
        client.rpush("list", *names)
        client.sadd("set", *names)
        client.hset("hash", mapping={name: name[::-1] for name in names})
        client.zadd("zset", {name: n for n, name in enumerate(names)})
        for name in names:
            client.xadd("stream", {name: name, b"again": b""})
    begin_counting(server)
    async with connected(server) as node:
        listed = await items(node, b"list", "list")
        assert [item.value for item in listed] == names
        assert [item.label for item in listed] == [b"%d" % n for n in range(size)]
        assert {item.value for item in await items(node, b"set", "set")} == set(names)
        assert {item.label: item.value for item in await items(node, b"hash", "hash")} == {n: n[::-1] for n in names}
        ranked = await items(node, b"zset", "zset")
        assert [(item.label, item.value) for item in ranked] == [(b"%d" % n, name) for n, name in enumerate(names)]
        entries = await items(node, b"stream", "stream")
        assert [item.value for item in entries] == [name + b": " + name + b"\nagain: " for name in names]
        assert all(b"-" in item.label for item in entries)
        for type_word in ("list", "set", "hash", "zset", "stream"):
            first = await page(node, type_word.encode(), type_word, None)
            assert (first.total, first.first, first.type) == (size, 0, type_word)
    assert_only_reads(server)


async def test_a_string_comes_in_windows(server: Server) -> None:
    whole = bytes(range(256)) * 600  # 153,600 bytes
    with redis.Redis(port=server.port) as client:
        client.set("text", whole)
        client.set("empty", b"")
        client.set("exact", b"x" * STRING_WINDOW)
    async with connected(server) as node:
        found = await pages(node, b"text", "string")
        assert [one.first for one in found] == [0, STRING_WINDOW, 2 * STRING_WINDOW]
        assert all(one.total == len(whole) for one in found)
        # An item of a string is never cut: it is the window.
        assert b"".join(item.value for one in found for item in one.items) == whole
        assert not any(item.cut for one in found for item in one.items)
        assert (await page(node, b"empty", "string", None)).items == ()
        assert len(await pages(node, b"exact", "string")) == 1


async def test_of_a_large_string_one_window_is_fetched(valkey: Server) -> None:
    valkey.call("SETRANGE", "large", 100 << 20, "x")
    async with connected(valkey) as node:
        before = valkey.info("stats")["total_net_output_bytes"]
        first = await page(node, b"large", "string", None)
        sent = valkey.info("stats")["total_net_output_bytes"] - before
    assert first.total == (100 << 20) + 1
    assert [len(item.value) for item in first.items] == [STRING_WINDOW]
    assert first.next is not None
    assert sent < 2 * STRING_WINDOW


async def test_huge_elements_are_refused(valkey: Server) -> None:
    with redis.Redis(port=valkey.port) as client:
        huge = b"x" * (10 << 20)
        client.rpush("list", huge)
        client.sadd("set", huge)
        client.hset("hash", "field", huge)
        client.zadd("zset", {huge: 1})
        client.xadd("stream", {"field": huge})
    async with connected(valkey) as node:
        before = valkey.info("stats")["total_net_output_bytes"]
        for type_word in ("list", "set", "hash", "zset", "stream"):
            refused = await page(node, type_word.encode(), type_word, None)
            assert refused.problem is not None, type_word
            assert "MB are not fetched." in refused.problem
            assert (refused.items, refused.total, refused.next) == ((), 1, None)
        assert valkey.info("stats")["total_net_output_bytes"] - before < 200_000


async def test_a_huge_element_among_small_ones_is_not_taken_in(valkey: Server) -> None:
    """Nothing tells its size beforehand; the connection is given up before it fills the memory."""
    with redis.Redis(port=valkey.port) as client:
        client.rpush("list", *(b"%d" % n for n in range(20_000)))
        client.rpush("list", b"x" * (150 << 20))
        client.lpush("list", b"first")
    async with connected(valkey) as node:
        cursor = PageCursor(b"20000", 20_000)
        with memory_within(250_000), pytest.raises(Trouble) as refused:
            await page(node, b"list", "list", cursor)
        assert refused.value.fault is Fault.TOO_LARGE


async def test_pages_of_large_elements_are_short_and_elements_are_cut(valkey: Server) -> None:
    with redis.Redis(port=valkey.port) as client:
        client.rpush("list", *(b"%d" % n * 100_000 for n in range(40)))
    async with connected(valkey) as node:
        found = await pages(node, b"list", "list")
        assert len(found) > 3
        assert [item.label for one in found for item in one.items] == [b"%d" % n for n in range(40)]
        assert all(item.cut and len(item.value) == 16 * 1024 for one in found for item in one.items)


@pytest.mark.parametrize(
    ("type_word", "problem"),
    [
        ("none", "The key is gone."),
        ("ReJSON-RL", "A value of type ReJSON-RL is not shown."),
        ("list", "The key has another type now. Refresh to read it afresh."),
        ("stream", "The key has another type now. Refresh to read it afresh."),
    ],
)
async def test_what_cannot_be_read_is_a_sentence(valkey: Server, type_word: str, problem: str) -> None:
    valkey.call("SET", "k", "x")
    async with connected(valkey) as node:
        assert (await page(node, b"k", type_word, None)).problem == problem


async def test_a_key_that_is_gone_is_empty(valkey: Server) -> None:
    async with connected(valkey) as node:
        for type_word in ("string", "list", "set", "hash", "zset", "stream"):
            empty = await page(node, b"gone", type_word, PageCursor(b"0", 0) if type_word == "set" else None)
            assert (empty.items, empty.next, empty.problem) == ((), None, None)


async def test_a_list_that_shrank_ends(valkey: Server) -> None:
    with redis.Redis(port=valkey.port) as client:
        client.rpush("list", *range(250))
        async with connected(valkey) as node:
            first = await page(node, b"list", "list", None)
            client.ltrim("list", 0, 9)
            last = await page(node, b"list", "list", first.next)
    assert (last.items, last.next, last.total) == ((), None, 10)


async def test_an_account_that_may_not_read_values(valkey: Server) -> None:
    valkey.call("SET", "k", "hunter2")
    valkey.call("ACL", "SETUSER", "scanner", "on", ">x", "resetkeys", "~other:*", "-@all", "+scan", "+ping", "+strlen")
    try:
        async with connected(valkey, username="scanner", password="x") as node:
            refused = await page(node, b"k", "string", None)
            assert refused.problem == "The account may not read this value."
            assert await about(node, b"k") == KeyAbout()
    finally:
        valkey.call("ACL", "DELUSER", "scanner")


async def test_what_a_server_tells_about_a_key(server: Server) -> None:
    with redis.Redis(port=server.port) as client:
        client.rpush("list", *range(10))
        client.set("number", 7)
    async with connected(server) as node:
        listed, number, gone = [await about(node, key) for key in (b"list", b"number", b"gone")]
    assert listed.encoding in ("listpack", "quicklist")
    assert listed.memory is not None
    assert listed.memory > 50
    assert number.encoding == "int"
    assert gone == KeyAbout()


@pytest.mark.parametrize("server", [VALKEY, REDIS_8], indirect=True, ids=lambda binary: binary.name)
async def test_looking_leaves_idle_times_alone(server: Server) -> None:
    """Redis 7.0 has no NO-TOUCH: there a value that is read looks used."""
    with redis.Redis(port=server.port) as client:
        client.set("k", "x" * 100)
        async with connected(server) as node, asyncio.timeout(30):
            while client.object("IDLETIME", "k") < 1:  # it counts whole seconds
                await page(node, b"k", "string", None)
                await about(node, b"k")
