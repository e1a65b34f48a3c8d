"""The proxy itself: each fault is proved on both sides of it, by what the client got and what the server holds."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import redis

from fleetcache_gui import clock
from fleetcache_gui.cache import connect
from tests.proxy import Proxy, ProxyError
from tests.resp import pack
from tests.servers import VALKEY, Server, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

INCR, PING, PONG = pack(b"INCR", b"n"), pack(b"PING"), b"+PONG\r\n"


class Wire:
    """A client that does nothing by itself."""

    def __init__(self, proxy: Proxy) -> None:
        self.socket = socket.create_connection((proxy.host, proxy.port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, *requests: bytes) -> None:
        self.socket.sendall(b"".join(requests))

    def expect(self, reply: bytes) -> None:
        """These bytes come next."""
        found = b""
        while len(found) < len(reply) and (data := self.socket.recv(len(reply) - len(found))):
            found += data
        assert found == reply

    def ask(self, request: bytes, reply: bytes) -> None:
        self.send(request)
        self.expect(reply)

    def until_reset(self) -> bytes:
        """What comes before the reset; waits for it."""
        found = b""
        try:
            while data := self.socket.recv(65536):
                found += data
        except ConnectionResetError:
            return found
        pytest.fail(f"an orderly end instead of a reset, after {found!r}")

    def is_reset(self) -> bool:
        """Nothing comes but a reset; waits for it."""
        return self.until_reset() == b""

    def is_silent(self) -> bool:
        """Nothing has come so far."""
        self.socket.setblocking(False)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(10)
        return False

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def proxy(valkey: Server) -> Iterator[Proxy]:
    with Proxy(valkey.host, valkey.port) as proxy:
        yield proxy


@pytest.fixture
def wire(proxy: Proxy) -> Iterator[Wire]:
    with closing(Wire(proxy)) as wire:
        yield wire


def again(proxy: Proxy) -> None:
    """A new connection works."""
    with closing(Wire(proxy)) as wire:
        wire.ask(PING, PONG)


def server_clients(server: Server) -> int:
    """How many connections the server has, without the one that asks."""
    return int(server.info("clients")["connected_clients"]) - 1


# ---- what passes ------------------------------------------------------------------------------------------


def test_requests_are_seen_as_words_whatever_their_bytes(proxy: Proxy, wire: Wire, valkey: Server) -> None:
    key, value = bytes(range(256)), b"\r\n$3\r\n*1\r\n" * 20_000
    wire.ask(pack(b"set", key, value) + b"ping\r\n" + pack(b"GET", key), b"+OK\r\n+PONG\r\n")
    wire.expect(b"$%d\r\n%b\r\n" % (len(value), value))
    assert proxy.requests == [(b"SET", key, value), (b"PING",), (b"GET", key)]
    assert valkey.call("GET", key) == value
    proxy.clear()
    for byte in INCR:
        wire.send(bytes([byte]))
    wire.expect(b":1\r\n")
    assert proxy.requests == [(b"INCR", b"n")]


def test_what_is_not_resp_passes_as_it_is(proxy: Proxy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as peer:
        proxy.retarget(*peer.getsockname())
        with closing(Wire(proxy)) as wire, peer.accept()[0] as other:
            wire.send(b"\x16\x03\x01")
            assert other.recv(10) == b"\x16\x03\x01"
            other.sendall(b"\x15\x03")
            wire.expect(b"\x15\x03")
    assert proxy.requests == []


def test_connections_are_counted_and_end_on_both_sides(proxy: Proxy, valkey: Server) -> None:
    with closing(Wire(proxy)) as one, closing(Wire(proxy)) as other:
        one.ask(PING, PONG)
        other.ask(PING, PONG)
        assert (proxy.connections.open, proxy.connections.made) == (2, 2)
    wait_until(lambda: proxy.connections.open == 0, "both connections have ended")
    wait_until(lambda: server_clients(valkey) == 0, "the server has lost both")


def test_what_a_client_sent_arrives_though_it_has_gone(proxy: Proxy, wire: Wire, valkey: Server) -> None:
    proxy.stall("up")
    wire.send(INCR)
    wire.close()
    wait_until(lambda: proxy.requests == [(b"INCR", b"n")], "the request has come to the proxy")
    assert valkey.call("GET", "n") is None
    proxy.go_on("up")
    wait_until(lambda: valkey.call("GET", "n") == b"1", "the request has come to the server")


def test_a_server_that_closes_or_is_not_there(proxy: Proxy, wire: Wire, valkey: Server) -> None:
    wire.ask(pack(b"QUIT"), b"+OK\r\n")
    assert wire.socket.recv(1) == b""
    valkey.kill()
    with pytest.raises(ConnectionResetError):  # it may come as early as in the client's connect
        again(proxy)
    wait_until(lambda: proxy.connections.open == 0, "none is left")


def test_nothing_is_left_behind(valkey: Server) -> None:
    before = threading.active_count()
    with Proxy(valkey.host, valkey.port) as proxy, closing(Wire(proxy)) as wire:
        hold = proxy.hold_request(b"PING")
        wire.send(PING)
        hold.wait_held()
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        Wire(proxy)


# ---- slow links -------------------------------------------------------------------------------------------


def test_latency_is_added_in_both_directions(proxy: Proxy, wire: Wire) -> None:
    wire.ask(PING, PONG)
    proxy.latency = 0.05
    start = clock.now()
    wire.ask(PING, PONG)
    assert clock.now() - start >= 0.1


def test_a_rate_holds_towards_the_client(proxy: Proxy, wire: Wire, valkey: Server) -> None:
    valkey.call("SET", "k", b"v" * 2000)
    proxy.rate = 10_000
    start = clock.now()
    wire.ask(pack(b"GET", b"k"), b"$2000\r\n" + b"v" * 2000)
    assert clock.now() - start >= 0.2


def test_slices_are_segments_of_their_own(proxy: Proxy, wire: Wire, valkey: Server) -> None:
    def segments() -> int:
        info = wire.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        return int.from_bytes(info[152:156], "little")  # tcpi_data_segs_in

    value = bytes(range(256)) * 4
    valkey.call("SET", "k", value)
    wire.ask(PING, PONG)
    assert segments() == 1
    proxy.slice = 1
    wire.ask(pack(b"GET", b"k"), b"$1024\r\n%b\r\n" % value)
    assert segments() > 5  # and not 2; TCP joins some again while the window is full or the client reads


# ---- silence ----------------------------------------------------------------------------------------------


def test_stalled_upwards_nothing_reaches_the_server(proxy: Proxy, wire: Wire, valkey: Server) -> None:
    wire.ask(INCR, b":1\r\n")
    proxy.stall("up")
    wire.send(INCR)
    wait_until(lambda: len(proxy.requests) == 2, "the request has come to the proxy")
    assert valkey.call("GET", "n") == b"1"
    proxy.go_on()
    wire.expect(b":2\r\n")


def test_stalled_downwards_replies_wait(proxy: Proxy, wire: Wire, valkey: Server) -> None:
    proxy.stall("down")
    wire.send(INCR)
    wait_until(lambda: valkey.call("GET", "n") == b"1", "the server has carried it out")
    assert wire.is_silent()
    proxy.go_on("down")
    wire.expect(b":1\r\n")


def test_stalled_in_both_directions_closing_waits_too(proxy: Proxy, wire: Wire, valkey: Server) -> None:
    wire.ask(PING, PONG)
    proxy.stall()
    valkey.kill()
    wire.send(INCR)
    wait_until(lambda: len(proxy.requests) == 2, "the request has come to the proxy")
    assert wire.is_silent()
    assert proxy.connections.open == 1
    proxy.go_on()
    assert wire.socket.recv(1) == b""


# ---- resets -----------------------------------------------------------------------------------------------


def test_cut_resets_all_and_new_ones_are_accepted(proxy: Proxy, valkey: Server) -> None:
    with closing(Wire(proxy)) as one, closing(Wire(proxy)) as other:
        one.ask(PING, PONG)
        proxy.cut()  # the other has connected and need not have been taken yet
        assert one.is_reset()
        assert other.is_reset()
    assert proxy.connections.open == 0
    wait_until(lambda: server_clients(valkey) == 0, "the server has lost both")
    again(proxy)


def test_refused_connections_leave_open_ones_alone(proxy: Proxy, wire: Wire) -> None:
    wire.ask(PING, PONG)
    proxy.refuse()
    for _ in range(3):
        with pytest.raises(ConnectionRefusedError):
            Wire(proxy)
    wire.ask(PING, PONG)
    proxy.accept()
    again(proxy)


def test_a_request_cut_short_is_not_carried_out(proxy: Proxy, wire: Wire, valkey: Server) -> None:
    proxy.cut_after(up=len(INCR) - 1)
    wire.send(INCR)
    assert wire.is_reset()
    assert valkey.call("GET", "n") is None
    again(proxy)


def test_a_pipeline_is_cut_at_the_byte(proxy: Proxy, wire: Wire, valkey: Server) -> None:
    wire.ask(PING, PONG)
    with valkey.frozen():
        proxy.cut_after(up=4000 * len(INCR) + 8)
        wire.send(INCR * 5000)
        wait_until(lambda: len(proxy.requests) > 4000, "the pipeline has come to the proxy")
    replies = b"".join(b":%d\r\n" % number for number in range(1, 4001))
    assert replies.startswith(wire.until_reset())
    assert valkey.call("GET", "n") == b"4000"  # all that was through has been carried out by now


def test_a_reply_is_lost_after_its_request_went_through(proxy: Proxy, wire: Wire, valkey: Server) -> None:
    proxy.cut_after(down=0)
    wire.send(INCR)
    assert wire.is_reset()
    assert valkey.call("GET", "n") == b"1"
    again(proxy)


def test_a_reply_is_cut_at_the_byte(proxy: Proxy, wire: Wire) -> None:
    proxy.cut_after(down=2)
    wire.ask(PING, b"+P")
    assert wire.is_reset()


def test_the_reply_to_one_request_is_lost(proxy: Proxy, wire: Wire, valkey: Server) -> None:
    proxy.cut_reply_to(b"INCR", nth=2)
    value = b"v" * 100_000
    wire.send(PING, INCR, pack(b"ECHO", value), INCR, INCR)
    wire.expect(PONG + b":1\r\n$100000\r\n" + value + b"\r\n")
    assert wire.is_reset()
    assert valkey.call("GET", "n") == b"2"  # and what followed it has not been passed on
    with closing(Wire(proxy)) as later:
        later.ask(INCR, b":3\r\n")  # and only once


def test_the_reply_is_found_among_replies_of_every_kind(proxy: Proxy, wire: Wire, valkey: Server) -> None:
    wire.send(pack(b"HELLO", b"3"))
    wait_until(lambda: not wire.is_silent(), "the server speaks RESP3")
    proxy.cut_reply_to(b"last")
    wire.send(pack(b"CLIENT", b"TRACKING", b"ON"), pack(b"GET", b"n"), pack(b"CONFIG", b"GET", b"maxmemory*"))
    wire.send(b"\r\n", pack(b"NONESUCH"), INCR, pack(b"COMMAND", b"DOCS", b"get"), pack(b"LRANGE", b"l", b"0", b"-1"))
    wire.send(pack(b"GET", b"none"), pack(b"SET", b"last", b"1"))
    found = wire.until_reset()
    assert b"invalidate" in found  # came unasked, and was not counted
    assert found.endswith(b"*0\r\n_\r\n")
    assert valkey.call("GET", "last") == b"1"


# ---- held requests ----------------------------------------------------------------------------------------


def test_a_dropped_request_was_never_carried_out(proxy: Proxy, wire: Wire, valkey: Server) -> None:
    hold = proxy.hold_request(b"INCR")
    wire.send(PING, INCR, pack(b"SET", b"after", b"1"))
    hold.wait_held()
    wire.expect(PONG)
    again(proxy)  # other connections are not held
    hold.drop()
    assert wire.is_reset()
    wait_until(lambda: server_clients(valkey) == 0, "the server has lost the connection")
    assert valkey.call("EXISTS", "n", "after") == 0
    with closing(Wire(proxy)) as later:
        later.ask(INCR, b":1\r\n")  # a hold is for one request


def test_a_released_request_goes_on(proxy: Proxy, wire: Wire, valkey: Server) -> None:
    hold = proxy.hold_request(b"n")
    assert not hold.held
    wire.send(INCR, INCR)
    hold.wait_held()
    assert hold.held
    assert valkey.call("GET", "n") is None
    hold.release()
    wire.expect(b":1\r\n:2\r\n")


def test_a_request_may_be_released_after_its_client_has_gone(proxy: Proxy, wire: Wire, valkey: Server) -> None:
    hold = proxy.hold_request(b"INCR")
    wire.send(INCR)
    hold.wait_held()
    wire.close()
    hold.release()
    wait_until(lambda: valkey.call("GET", "n") == b"1", "the server has carried it out")


async def test_a_test_on_a_loop_holds_requests_of_its_own_client(
    proxy: Proxy, valkey: Server, eventually: Callable[..., Coroutine[Any, Any, None]]
) -> None:
    async with connect(proxy.url) as client:
        hold = proxy.hold_request(b"INCR")
        async with asyncio.TaskGroup() as group:
            group.create_task(client.execute_command("INCR", "n"))
            await eventually(lambda: hold.held)
            assert valkey.call("GET", "n") is None
            hold.release()
        proxy.cut_reply_to(b"INCR")
        with pytest.raises(redis.ConnectionError):
            await client.execute_command("INCR", "n")
    assert valkey.call("GET", "n") == b"2"


def test_what_is_not_held_can_be_neither_dropped_nor_awaited(proxy: Proxy, wire: Wire) -> None:
    hold = proxy.hold_request(b"INCR")
    wire.ask(PING, PONG)
    with pytest.raises(ProxyError, match="no request is held"):
        hold.drop()
    with pytest.raises(ProxyError, match="no request is held"):
        hold.release()
    with pytest.raises(ProxyError, match="no such request"):
        hold.wait_held(timeout=0)


# ---- lies -------------------------------------------------------------------------------------------------


def test_one_byte_of_the_replies_is_corrupted(proxy: Proxy, wire: Wire) -> None:
    wire.ask(PING, PONG)
    proxy.corrupt_down(len(PONG) + 1)
    wire.ask(PING, PONG)
    wire.ask(PING, b"+" + bytes([ord("P") ^ 0xFF]) + b"ONG\r\n")
    wire.ask(PING, PONG)


def test_another_server_answers_at_the_same_address(proxy: Proxy, wire: Wire, valkey: Server) -> None:
    wire.ask(INCR, b":1\r\n")
    with Server(VALKEY) as other:
        proxy.retarget(other.host, other.port)
        wire.ask(INCR, b":2\r\n")  # what is open stays
        with closing(Wire(proxy)) as later:
            later.ask(INCR, b":1\r\n")
        assert other.call("GET", "n") == b"1"
    assert valkey.call("GET", "n") == b"2"
