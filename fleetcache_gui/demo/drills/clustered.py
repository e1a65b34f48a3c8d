"""Drills on a cluster: three primaries, each with a replica."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from fleetcache_gui.cache import CacheUnavailable
from fleetcache_gui.cache.availability import send
from fleetcache_gui.demo.drills.scene import Drill, Scene, claim, until
from fleetcache_gui.domain.lessons import Lesson
from fleetcache_gui.domain.words import count

if TYPE_CHECKING:
    from redis.asyncio import Redis

    from fleetcache_gui.cache import Client
    from fleetcache_gui.demo.drills.scene import Story
    from fleetcache_gui.demo.server import EmbeddedServer

_KEYS = 60


async def _primary_and_replica(scene: Scene) -> tuple[EmbeddedServer, EmbeddedServer]:
    """A primary that has a replica in step, and that replica."""
    ports = {node.port: node for node in scene.nodes}
    for node in scene.nodes:
        info = await scene.node(node).info("replication")
        if info["role"] == "slave" and info["master_link_status"] == "up" and info["master_port"] in ports:
            return ports[info["master_port"]], node
    raise CacheUnavailable("No replica is in step with its primary")


async def _role(client: Redis) -> str:
    return str((await client.info("replication"))["role"])


async def _write(scene: Scene) -> int:
    for number in range(_KEYS):
        await scene.ask("SET", f"cache:team:{number}", b"{}", "EX", 86_400)
    return await _readable(scene)


async def _readable(scene: Scene) -> int:
    return sum([await scene.ask("EXISTS", f"cache:team:{number}") for number in range(_KEYS)])


async def _failover(scene: Scene) -> Story:
    primary, replica = await _primary_and_replica(scene)
    there = await _write(scene)
    yield (claim(f"{there} of {_KEYS} keys are there, over three primaries", there == _KEYS),)
    reader, writer = scene.node(replica), scene.node(primary)
    held = await writer.dbsize()
    await until(lambda: _same_size(reader, held))
    async with reader.client() as connection:  # READONLY holds for a connection
        await send(connection, "READONLY")
        key = await send(connection, "RANDOMKEY")
        value = await send(connection, "GET", key) if key else None
    lag = (await writer.info("replication"))["slave0"]["lag"]
    yield (
        claim(f"The replica has all {held} keys of its primary, and answers for them", value is not None),
        claim(f"What it says is {lag} s old at most, says the primary", lag <= 2),
    )
    await send(reader, "CLUSTER", "FAILOVER")

    async def took_over() -> bool:
        return await _role(reader) == "master" and await _role(writer) == "slave"

    waited = await until(took_over)
    yield (claim(f"They changed parts within {waited:.1f} s", waited < 20),)

    async def all_there() -> bool:
        return await _readable(scene) == _KEYS

    await until(all_there)
    await scene.ask("SET", "cache:app_config", b"{}")
    yield (claim(f"All {_KEYS} keys are there, and writing goes on", await scene.ask("EXISTS", "cache:app_config")),)


async def _same_size(client: Redis, keys: int) -> bool:
    return bool(await client.dbsize() == keys)


async def _partition(scene: Scene) -> Story:
    primary, replica = await _primary_and_replica(scene)
    there = await _write(scene)
    reader = scene.node(replica)
    held = await scene.node(primary).dbsize()
    await until(lambda: _same_size(reader, held))
    yield (claim(f"{there} of {_KEYS} keys are there; this primary has {held} of them", there == _KEYS),)
    primary.freeze()
    try:
        lost = _KEYS - await _within_reach(scene.client("measuring"))
        yield (claim(f"{count(lost, 'key')} cannot be reached, the other {_KEYS - lost} can", 0 < lost < _KEYS),)

        async def took_over() -> bool:
            return await _role(reader) == "master"

        waited = await until(took_over)

        reached = 0

        async def all_there() -> bool:  # a client that begins with the replica learns how things are now
            nonlocal reached
            reached = await _within_reach(scene.fresh(replica))
            return reached == _KEYS

        await until(all_there)
        yield (
            claim(f"After {waited:.1f} s more its replica is a {await _role(reader)}", await _role(reader) == "master"),
            claim(f"{reached} of {_KEYS} keys can be reached", reached == _KEYS),
        )
    finally:
        primary.thaw()
    old = scene.node(primary)

    async def stepped_down() -> bool:
        return await _role(old) == "slave"

    waited = await until(stepped_down)
    yield (claim(f"It came back, and is a replica now ({waited:.1f} s)", await _role(old) == "slave"),)


async def _within_reach(client: Client) -> int:
    """How many of the keys can be asked for without a long wait."""
    first = await _reach(client, 0)  # alone: redis-py's cluster client is not made for a first use by many
    return first + sum(await asyncio.gather(*(_reach(client, number) for number in range(1, _KEYS))))


async def _reach(client: Client, number: int) -> bool:
    try:
        async with asyncio.timeout(1):
            return bool(await send(client, "EXISTS", f"cache:team:{number}"))
    except (TimeoutError, CacheUnavailable, RedisError):
        return False


DRILLS = (
    Drill(
        Lesson(
            "failover",
            "A cluster fails over, and replicas are read",
            "A replica takes its primary's place. What it had is what there is.",
            "The table of nodes: roles and slots change; no key is counted twice, none is missing.",
            "Clients are redirected. Reading replicas spares primaries, at the price of being a little late.",
            (
                "Keys on three primaries.",
                "A replica is read.",
                "It takes over from its primary.",
                "Fleet goes on.",
            ),
            cluster=True,
        ),
        _failover,
    ),
    Drill(
        Lesson(
            "partition",
            "One primary is cut off",
            "A primary can no longer be reached by anyone: here its process stands still, which to all others is the "
            "same as a cut cable.",
            "Which part of the keys is away, and for how long; the node that takes over.",
            "A third of the keys is away until the others agree that the primary is gone; then its replica serves "
            "them. What it had accepted and not passed on is lost.",
            (
                "Keys on three primaries.",
                "One primary is cut off.",
                "The others agree, and its replica takes over.",
                "The cut is mended.",
            ),
            cluster=True,
        ),
        _partition,
    ),
)
