"""What tests of the reading half share: connections that are closed, and what a server saw of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis

from fleetcache_gui import aio
from fleetcache_gui.domain.family import Expected
from fleetcache_gui.domain.slow_log import SlowLog
from fleetcache_gui.domain.snapshot import Inventory, Link, Phase, Vitals
from fleetcache_gui.domain.weights import Weights
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.address import REPLY_TIMEOUT, Address
from fleetcache_gui.redis_io.allow import READS
from fleetcache_gui.redis_io.faults import Trouble
from fleetcache_gui.redis_io.keyspace import Keyspace
from fleetcache_gui.redis_io.lane import Lane
from fleetcache_gui.redis_io.pace import SHARE
from fleetcache_gui.redis_io.poll import Poller
from fleetcache_gui.redis_io.seats import Seats
from fleetcache_gui.redis_io.server import Server as Node

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from fleetcache_gui.domain.family import Family, Row
    from fleetcache_gui.domain.snapshot import Snapshot
    from fleetcache_gui.domain.store import KeyStore
    from tests.servers import Server


_OWN = ("config|resetstat", "client|setinfo", "hello", "replconf")


def address(server: Server, **more: Any) -> Address:
    """Where a server listens."""
    return replace(Address(server.host, server.port), **more)


@asynccontextmanager
async def lane_to(server: Server, **more: Any) -> AsyncIterator[Lane]:
    """A bare lane."""
    lane = await Lane.open(address(server, **more))
    try:
        yield lane
    finally:
        await lane.close()


def alone(lane: Lane) -> Keyspace:
    """What is behind a lane, taken for a whole server."""
    return Keyspace(lane.address, Node(lane, Vitals(0.0), absolute=False), Seats(lane.address, replicas=False))


@asynccontextmanager
async def connected(server: Server, *, replicas: bool = False, **more: Any) -> AsyncIterator[Keyspace]:
    """A server, or the cluster that it is of, as the reader knows it."""
    keyspace = await Keyspace.connect(address(server, **more), replicas=replicas)
    try:
        yield keyspace
    finally:
        await keyspace.close()


def calls(server: Server) -> dict[str, int]:
    """Calls by command since `begin_counting`, without those of the tests' own client when it connects and
    asks, and of replicas."""
    found = {name[8:].lower(): figures["calls"] for name, figures in server.info("commandstats").items()}
    return {name: count for name, count in found.items() if name not in _OWN}


def begin_counting(server: Server) -> None:
    """From now on `calls` counts."""
    server.call("CONFIG", "RESETSTAT")


def assert_only_reads(server: Server) -> None:
    """Nothing but commands of the allow-list arrived: no write, and none that reads a whole collection or keyspace."""
    for name in calls(server):
        command, _, sub = name.encode().upper().partition(b"|")
        assert command in READS, name
        assert not sub or sub in READS[command], name


def inspectors(server: Server) -> int:
    """Connections that this program has to a server."""
    clients: list[dict[str, str]] = server.call("CLIENT LIST")
    return sum(client["name"].startswith("fleetcache-inspector") for client in clients)


IN_TIME = 10 * REPLY_TIMEOUT
"""Seconds after which a test no longer waits to be told of a server that does not answer."""


async def trouble_of(target: Address) -> Trouble:
    """What connecting to `target` fails with; in time, and fit for a person."""
    async with asyncio.timeout(IN_TIME):
        with pytest.raises(Trouble) as caught:
            await Keyspace.connect(target)
    trouble = caught.value
    for sentence in (trouble.text, trouble.advice):
        assert sentence.endswith(".")
        assert sentence.isprintable()
        assert len(sentence) < 200
    return trouble


@asynccontextmanager
async def peer(*said: bytes, closes: bool = False, floods: bool = False) -> AsyncIterator[Address]:
    """Something that listens, and says one thing after the other to whoever speaks."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for words in said:
                await reader.read(65536)
                writer.write(words)
                await writer.drain()
            while floods:
                writer.write(b"x" * 1_000_000)
                await writer.drain()
            if not closes:
                await reader.read()
        except ConnectionError:
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        yield Address("127.0.0.1", listening.sockets[0].getsockname()[1])
        listening.close()
    await asyncio.sleep(0)


@contextmanager
def memory_within(kilobytes: int) -> Iterator[None]:
    """This process's memory grows by no more than that within the block, even for a moment."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _peak()
    yield
    assert _peak() - before < kilobytes


def _peak() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


TOKEN = "api-1:0123456789abcdef"


class Recorder:
    """A sink that remembers what it was told."""

    def __init__(self) -> None:
        self.links = [Link(Phase.CONNECTING, "")]
        self.vitals: list[Vitals] = []
        self.inventory = Inventory()
        self.snapshots: dict[str, Snapshot] = {}
        self.counts: Counter[str] = Counter()
        self.long: dict[str, tuple[KeyStore, list[int]]] = {}
        self.slow_log = SlowLog()
        self.weights = Weights()
        self.came: Counter[str] = Counter()
        self.went: Counter[str] = Counter()

    def on_link(self, link: Link) -> None:
        self.links.append(link)

    def on_vitals(self, vitals: Vitals) -> None:
        self.vitals.append(vitals)

    def on_inventory(self, inventory: Inventory) -> None:
        self.inventory = inventory

    def on_snapshot(self, snapshot: Snapshot) -> None:
        self.snapshots[snapshot.family] = snapshot
        self.counts[snapshot.family] += 1

    def on_long(self, family: Family, store: KeyStore, members: Sequence[int]) -> None:
        self.long[family.id] = (store, list(members))

    def on_slow_log(self, slow_log: SlowLog) -> None:
        self.slow_log = slow_log

    def on_weights(self, weights: Weights) -> None:
        self.weights = weights

    def on_harvest(self, family: Family, came: Sequence[int], went: Sequence[int]) -> None:
        self.came[family.id] += len(came)
        self.went[family.id] += len(went)

    @property
    def link(self) -> Link:
        return self.links[-1]

    def phases(self) -> list[str]:
        """Each phase once, in order, however often it was told."""
        words = [link.phase.value for link in self.links]
        return [word for i, word in enumerate(words) if i == 0 or word != words[i - 1]]

    def rows(self, family: str) -> dict[bytes, Row]:
        """The rows last seen."""
        return {row.id: row for row in self.snapshots[family].rows} if family in self.snapshots else {}

    def complete(self) -> bool:
        """Every family was read, and every key found."""
        return len(self.snapshots) == len(SPEC.families) and all(s.complete for s in self.snapshots.values())


@asynccontextmanager
async def watching(
    server: Server, interval: float = 0.5, *, replicas: bool = False, budget: float = SHARE, **more: Any
) -> AsyncIterator[tuple[Poller, Recorder]]:
    """A poller at work for a recorder, ended with the block."""
    recorder = Recorder()
    poller = Poller(address(server, **more), SPEC, recorder, Expected(), interval, replicas=replicas, budget=budget)
    task = aio.spawn(poller.run(), name="poller")
    try:
        yield poller, recorder
    finally:
        await aio.cancel_and_wait([task])


def fill(server: Server) -> None:
    """Something of every family."""
    with redis.Redis(port=server.port) as client:
        client.sadd("live_query:active", 7)
        client.set("live_query:campaign:7:sql", "SELECT 1")
        client.sadd("live_query:campaign:7:hosts_completed", 1, 2, 3)
        client.set("lock:cron:vuln", TOKEN, ex=60)
        client.lpush("async_host:detail", "a", "b")
        client.hset("mdm:apple:preassign:C02", mapping={"team": "Mac", "external_id": "x", "profile": "y"})
        client.expire("mdm:apple:preassign:C02", 600)
        client.set("sw:installer:token:0c1f6e1e-0000-4000-8000-000000000000", '{"title_id":1,"team_id":2}', ex=600)
        client.set("rate_limit:login:10.0.0.1", 3, ex=60)
        client.set("cache:app_config", "{}", px=5000)
        client.set("other", "x")


ROWS = {
    "live_queries": {b"7", b"live_query:active"},
    "locks": {b"lock:cron:vuln"},
    "host_queue": {b"async_host:detail"},
    "preassign": {b"mdm:apple:preassign:C02"},
    "installer_tokens": {b"sw:installer:token:0c1f6e1e-0000-4000-8000-000000000000"},
    "rate_limits": {b"rate_limit:login:10.0.0.1"},
    "config_cache": {b"cache:app_config"},
    "other": {b"other"},
}


def own_removal(server: Server) -> str:
    """The compare-and-delete that a server has of its own, as in its statistics; empty where it has none."""
    facts = server.info()
    if "valkey_version" in facts:
        return "delifeq"
    major, minor = str(facts["redis_version"]).split(".")[:2]
    return "delex" if (int(major), int(minor)) >= (8, 4) else ""
