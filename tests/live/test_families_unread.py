"""Families where something cannot be read, or is hostile: nothing is made up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.families.spec import SPEC, live_queries
from fleetcache_gui.redis_io.address import parse_url
from fleetcache_gui.redis_io.keyspace import Keyspace as Inspected
from tests.live.test_families_spec import Inspector, inspecting

if TYPE_CHECKING:
    from tests.servers import Server


async def test_an_account_that_may_read_nothing_but_names(server: Server) -> None:
    """What is refused is said, and nothing is called wrong for it."""
    server.call("SET", "lock:a", "api-1:0123456789abcdef", "EX", 60)
    server.call("ACL", "SETUSER", "narrow", "on", ">narrow-secret", "~*", "+@connection", "+info", "+type", "+pttl")
    url = server.url.replace("redis://", "redis://narrow:narrow-secret@")
    inspected = await Inspected.connect(parse_url(url))
    try:
        row = await Inspector(inspected)(b"lock:a")
    finally:
        await inspected.close()
        server.call("ACL", "DELUSER", "narrow")
    assert dict(row.facts) == {"Could not be read": "NOPERM"}
    assert (row.state.word, row.judgements) == ("held", ())
    assert row.cells[1:4] == (None, None, None)


async def test_hostile_names_and_values_are_read_as_they_are(valkey: Server) -> None:
    async with inspecting(valkey) as look:
        for family in SPEC.families:
            key = b"".join(family.prefixes[-1:]) + b"<img src=x>\xff\x00\n\xe2\x80\xae" + b"y" * 3000
            valkey.call("SET", key, b"\x00\xff<b>" * 50_000, "EX", 60)
            row = await look(key)
            texts = (row.title, row.why, *(cell for cell in row.cells if isinstance(cell, str)))
            assert all(text.isprintable() for text in texts)
            assert max(len(cell) for cell in row.cells if isinstance(cell, str)) <= 256


async def test_what_may_be_listed_is_never_called_orphaned(valkey: Server) -> None:
    """An index of another type, or larger than is read of it, leaves open what is listed."""
    valkey.call("SET", live_queries.ACTIVE, "x")
    valkey.call("SET", "live_query:campaign:8:sql", "SELECT 1")
    async with inspecting(valkey) as look:
        assert (await look(b"live_query:campaign:8:sql")).state.word == "not known"
    valkey.call("DEL", live_queries.ACTIVE)
    for first in range(0, 30_000, 1000):
        valkey.call("SADD", live_queries.ACTIVE, *range(100_000 + first, 101_000 + first))
    async with inspecting(valkey) as look:
        assert (await look(b"live_query:campaign:8:sql")).state.word == "not known"
