"""What answers and is no Redis server, or does not answer: told of in time, without a traceback and within bounds."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from fleetcache_gui.domain.store import KeyStore
from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.redis_io.faults import Fault
from fleetcache_gui.redis_io.keyspace import Keyspace
from tests.live.readers import memory_within, peer, trouble_of
from tests.servers import free_port

GARBAGE = {
    "ssh": (b"SSH-2.0-OpenSSH_9.2p1\r\n", Fault.NOT_REDIS),
    "http": (b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", Fault.NOT_REDIS),
    "smtp": (b"220 mail.example.com ESMTP\r\n", Fault.NOT_REDIS),
    "mysql": (b"J\0\0\0\n8.0.36\0", Fault.NOT_REDIS),
    "tls alert": (b"\x15\x03\x03\0\x02\x02\x28", Fault.TLS),
    "another word": (b"+OK\r\n", Fault.NOT_REDIS),
    "a length below zero": (b"*-5\r\n", Fault.NOT_REDIS),
    "no number": (b":abc\r\n", Fault.NOT_REDIS),
    "two billion elements": (b"*2147483647\r\n", Fault.NOT_REDIS),
    "ten terabytes": (b"$9999999999999\r\n", Fault.NOT_REDIS),
    "nested to death": (b"*1\r\n" * 100_000, Fault.NOT_REDIS),
    "half a reply": (b"+PO", Fault.TIMEOUT),
    "silence": (b"", Fault.TIMEOUT),
    "an odd redirection": (b"-MOVED abc\r\n", Fault.OTHER),
    "an error that reorders text": ("-\u202eERR\r\n".encode(), Fault.OTHER),
    "errors that are no text": (b"-\xff\xfe\r\n", Fault.OTHER),
    "a map that cannot be": (b"%1\r\n*0\r\n+a\r\n", Fault.NOT_REDIS),
    "more than was asked": (b"+PONG\r\n" * 100, Fault.LOST),
}


LOGIN_GARBAGE = {"an open door": (b"+OK\r\n", Fault.TIMEOUT), "a torn word": (b"+O", Fault.TIMEOUT)}


async def test_garbage_peers_are_told_of_in_time() -> None:
    async def meet(said: bytes, fault: Fault, password: str = "") -> None:
        async with peer(said) as target:
            trouble = await trouble_of(replace(target, password=password))
            assert trouble.fault is fault, said[:20]
            assert "hunter2" not in f"{trouble.text}{trouble.advice}"

    met = [meet(*garbage) for garbage in GARBAGE.values()]
    met += [meet(*GARBAGE[name], "hunter2") for name in ("ssh", "http", "tls alert", "two billion elements", "silence")]
    met += [meet(*garbage, "hunter2") for garbage in LOGIN_GARBAGE.values()]
    with memory_within(20_000):
        await asyncio.gather(*met)


@pytest.mark.parametrize("clock", [b"abc", "²".encode(), b"9" * 400, b"-1", b"9" * 18, b"\xff", b""], ids=repr)
async def test_figures_that_are_none_are_not_believed(clock: bytes) -> None:
    moment = b"*2\r\n$%d\r\n%b\r\n$1\r\n0\r\n" % (len(clock), clock)
    keys = b":%d\r\n" % (2**63 - 1)
    async with peer(
        b"+PONG\r\n", b"+OK\r\n+OK\r\n:-2\r\n", moment + keys + b"$0\r\n\r\n$0\r\n\r\n", b"-ERR\r\n"
    ) as target:
        node = await Keyspace.connect(target)
    assert node.skew is None
    assert node.vitals.keys == 2**63 - 1
    with memory_within(2_000_000):  # without a bound it is asked for 2**66 bytes
        KeyStore(node.room)
    await node.close()


async def test_a_peer_that_hangs_up() -> None:
    async with peer(b"", closes=True) as target:
        assert (await trouble_of(target)).fault is Fault.LOST
    async with peer(closes=True) as target:
        assert (await trouble_of(target)).fault is Fault.LOST


async def test_a_flood_is_not_taken_in() -> None:
    with memory_within(200_000):
        async with peer(b"+PONG\r\n", b"$500000000\r\n", floods=True) as target:
            assert (await trouble_of(target)).fault is Fault.TOO_LARGE


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64, "a..b"], ids=len)
async def test_a_host_that_is_not_known(host: str) -> None:
    assert (await trouble_of(Address(host))).fault is Fault.UNKNOWN_HOST


async def test_nobody_listens() -> None:
    port = free_port()
    troubles = await asyncio.gather(trouble_of(Address("127.0.0.1", port)), trouble_of(Address("localhost", port)))
    assert {trouble.fault for trouble in troubles} == {Fault.REFUSED}
