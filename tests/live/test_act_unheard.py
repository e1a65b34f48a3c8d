"""Guarded actions on a server that is busy, frozen or paused: sent once, and what became of it is found out."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.domain.plan import Outcome
from fleetcache_gui.redis_io.act import scripts
from fleetcache_gui.redis_io.act.hands import WriteLane
from fleetcache_gui.redis_io.address import Address
from tests.live.breaking import (
    WRITES,
    armed,
    assert_told_truly,
    calls,
    existing,
    fill,
    impatient,
    names,
    proxied,
    removal,
    said,
    soon,
)
from tests.live.desk import desk
from tests.monitor import Monitor
from tests.proxy import Proxy
from tests.servers import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fleetcache_gui.domain.plan import Receipt
    from tests.servers import Server

THAWS = int(os.environ.get("FLEETCACHE_THAWS", "6"))
"""How often a server is frozen and thawed in the midst of a batch; 100 for the full measure."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    impatient(monkeypatch)


@contextmanager
def held_up(server: Server, how: str) -> Iterator[Callable[[], None]]:
    """The server does not answer; calling it lets it go on."""
    if how == "frozen":
        with server.frozen():
            yield server.thaw
        return
    if how == "paused WRITE":
        server.call("CLIENT", "PAUSE", 60_000, "WRITE")
        yield lambda: server.call("CLIENT", "UNPAUSE")
        server.call("CLIENT", "UNPAUSE")
        return
    if how == "paused ALL":  # who would end that is paused too
        server.call("CLIENT", "PAUSE", 1500)
        yield lambda: None
        return
    busy = threading.Thread(target=lambda: server.call("DEBUG", "SLEEP", "1.5"))
    busy.start()
    yield lambda: None
    busy.join()


@pytest.mark.parametrize(
    ("verb", "how"),
    [
        *(("remove", how) for how in ("frozen", "paused WRITE", "paused ALL", "busy")),
        *(("release", "frozen"), ("flush", "frozen"), ("flush", "paused WRITE")),
    ],
)
async def test_a_server_that_does_not_answer_is_asked_once(second: Server, tmp_path: Path, verb: str, how: str) -> None:
    with proxied(second) as (proxy, address):
        async with desk(address, tmp_path) as at:
            plan, word, done = await armed(at, second, verb)
            before = calls(second, *WRITES)
            hold = proxy.hold_request(word)
            async with asyncio.TaskGroup() as group:
                act = group.create_task(at.do(plan))
                await soon(lambda: hold.held)
                with held_up(second, how) as go_on:
                    hold.release()
                    await soon(lambda: act.done() or any(told.waiting for told in at.told))
                    go_on()
                    await soon(act.done)
            receipt: Receipt = act.result()
            made = calls(second, *WRITES) - before
            assert receipt.outcomes == ((Outcome.DONE,) if made else (Outcome.FAILED,)), said(receipt)
            assert made == done(second) <= 1


async def test_what_lies_in_a_cut_off_connection_is_never_done_later(valkey: Server, tmp_path: Path) -> None:
    """The request is on its way for longer than anybody waits; it arrives after the verdict."""
    with proxied(valkey) as (proxy, address):
        for verb in ("remove", "release", "flush"):
            async with desk(address, tmp_path) as at:
                plan, word, done = await armed(at, valkey, verb)
                hold = proxy.hold_request(word)
                receipt = await at.do(plan)
                hold.release()
                assert receipt.outcomes == (Outcome.FAILED,), said(receipt)
                valkey.call("PING")
                await soon(lambda: proxy.connections.open <= 1)
                assert not done(valkey)


@pytest.mark.parametrize("may_kill", [True, False])
async def test_a_thawed_server_does_nothing_after_the_verdict(valkey: Server, tmp_path: Path, may_kill: bool) -> None:
    user = "fine" if may_kill else "tame"
    valkey.call("ACL", "SETUSER", user, "on", ">pw", "~*", "+@all", *(() if may_kill else ("-client|kill",)))
    address = Address(HOST, valkey.port, username=user, password="pw")
    met: set[Outcome] = set()
    with Proxy(valkey.host, valkey.port) as proxy:
        through = Address(proxy.host, proxy.port, username=user, password="pw")
        for round_ in range(THAWS if may_kill else 2 * THAWS // 6):
            keys = names(30)
            fill(valkey, keys, size=2000)
            async with desk(through if round_ % 2 else address, tmp_path) as at:
                plan = await removal(at.hands, keys)
                hold = proxy.hold_request(scripts.REMOVE.text) if round_ % 2 else None
                async with asyncio.TaskGroup() as group:
                    act = group.create_task(at.do(plan))
                    await soon(lambda: hold.held if hold else bool(at.log.entries))  # noqa: B023
                    with valkey.frozen():
                        if hold:
                            hold.release()
                        await soon(lambda: act.done() or any(told.waiting for told in at.told))  # noqa: B023
                receipt = act.result()
            there = existing(valkey, keys)
            assert_told_truly(receipt, there)
            assert Outcome.UNKNOWN not in receipt.outcomes, said(receipt)
            met.update(receipt.outcomes)
            with Monitor(valkey) as seen:  # nothing is left that would still come
                valkey.call("PING")
                assert seen.writes() == []
            assert existing(valkey, keys) == there
    assert met & {Outcome.DONE, Outcome.FAILED}


async def test_cancel_ends_the_waiting(second: Server, tmp_path: Path) -> None:
    with proxied(second) as (proxy, address):
        async with desk(address, tmp_path) as at:
            plan, word, _ = await armed(at, second, "remove")
            hold = proxy.hold_request(word)
            async with asyncio.TaskGroup() as group:
                act = group.create_task(at.do(plan))
                await soon(lambda: hold.held)
                with second.frozen():
                    hold.release()
                    await soon(lambda: any(told.waiting for told in at.told))
                    at.stop.set()
                    await soon(act.done)
            assert act.result().outcomes == (Outcome.UNKNOWN,)
            assert "is not known" in act.result().notes[0]


async def test_what_was_not_sent_yet_is_not_sent_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that does not read while anybody waits, and then reads all that comes."""
    monkeypatch.setattr(WriteLane, "longer", 0.15)
    size, got = 64 << 20, bytearray()
    with socket.create_server((HOST, 0)) as listening:
        opened = asyncio.get_running_loop().run_in_executor(None, listening.accept)
        address = Address(HOST, listening.getsockname()[1])
        opening = asyncio.gather(WriteLane.open(address), opened)
        while not opened.done():
            await asyncio.sleep(0)
        peer, _ = opened.result()
        with peer:
            peer.sendall(b"+PONG\r\n")
            lane, _ = await opening
            replies, trouble = await lane.once([(b"RESTORE", b"k", b"0", b"x" * size)])
            assert (replies, trouble is not None, lane.closed) == ([], True, True)
            await asyncio.sleep(0)
            while data := await asyncio.to_thread(_received, peer):
                got += data
    assert len(got) < size


def _received(peer: socket.socket) -> bytes:
    try:
        return peer.recv(1 << 20)
    except ConnectionError:
        return b""
