"""The monitor itself: every command is seen, byte for byte, and told a write or not by the server's own flags."""

from __future__ import annotations

import threading

import pytest
import redis

from tests.monitor import Monitor
from tests.servers import Server, ServerError


def words(server: Server, *command: bytes) -> list[tuple[bytes, ...]]:
    """What is seen of one command that a client has sent."""
    with Monitor(server) as seen:
        server.call(*command)
        return [found.words for found in seen.commands(exclude={b"client"})]


def test_words_are_seen_byte_for_byte(server: Server) -> None:
    texts = [bytes(range(256)), b"", b'"', b"\\", b"\\x41", b'\\"', b"a b", b'" "', b"\r\n", "ключ".encode(), b"] ["]
    for text in texts:
        assert words(server, b"SET", text, text[::-1]) == [(b"SET", text, text[::-1])]


def test_each_pair_of_bytes_is_seen(valkey: Server) -> None:
    pairs = [bytes([first, second]) for first in b'\\"x0nartb \xff' for second in range(256)]
    assert words(valkey, b"DEL", *pairs) == [(b"DEL", *pairs)]


def test_commands_are_seen_with_client_and_database_in_order(server: Server) -> None:
    with Monitor(server) as seen, redis.Redis(port=server.port, db=3, protocol=2) as client:
        for number in range(1000):
            client.set("k", number)
        found = seen.commands(exclude={b"client", b"select"})
        address = client.client_info()["addr"]
    assert [command.words for command in found] == [(b"SET", b"k", b"%d" % number) for number in range(1000)]
    assert {(command.client, command.db) for command in found} == {(address, 3)}


def test_writes_are_told_by_the_servers_flags(server: Server) -> None:
    script = "redis.call('GET', KEYS[1]); return redis.Call and 0 or redis.call('SeT', KEYS[1], 'v')"
    with Monitor(server) as seen:
        server.call("GET", "k")
        server.call("EVAL", script, 1, "k")
        server.call("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
        server.call("XINFO", "STREAM", "s")
        server.call("UNLINK", "k")
        writes = seen.writes()
        assert b"eval" in {command.name for command in seen.commands()}
    assert [command.name for command in writes] == [b"set", b"xgroup", b"unlink"]
    assert [command.client == "lua" for command in writes] == [True, False, False]


def test_nothing_but_reads_are_no_writes(valkey: Server) -> None:
    with Monitor(valkey) as seen:
        assert seen.commands() == []
        valkey.call("GET", "k")
        assert seen.writes() == []


def test_a_server_that_is_gone_is_not_one_that_did_nothing(valkey: Server) -> None:
    before = threading.active_count()
    with Monitor(valkey) as seen:
        valkey.restart()
        with pytest.raises(ServerError, match="closed the connection"):
            seen.commands()
    assert threading.active_count() == before
