"""Drills about the host detail queue, in both its forms."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fleetcache_gui.cache import ListQueue, StreamQueue
from fleetcache_gui.demo.drills.scene import Drill, Scene, claim
from fleetcache_gui.domain.lessons import Lesson
from fleetcache_gui.domain.words import count

if TYPE_CHECKING:
    from fleetcache_gui.demo.drills.scene import Story

_KEY = "async_host:detail"
_BURST = 300
_PAYLOAD = b'{"host":%d,"detail":"' + b"x" * 440 + b'"}'


async def _list(scene: Scene) -> Story:
    hosts = ListQueue(scene.client("api-1"), limit=100_000)
    workers = [ListQueue(scene.client(name), limit=100_000) for name in ("worker-1", "worker-2")]
    for host in range(20):
        await hosts.push(_PAYLOAD % host)
    for _ in range(20):
        await workers[0].pop(1)
    yield (claim(f"20 came and were taken; {await hosts.depth()} wait", await hosts.depth() == 0),)
    for host in range(_BURST):  # worker-2 has stalled, worker-1 is slow
        await hosts.push(_PAYLOAD % host)
        if host % 10 == 0:
            await workers[0].pop(1)
    depth = await hosts.depth()
    size = await scene.ask("MEMORY", "USAGE", _KEY)
    yield (
        claim(f"{_BURST} came, {_BURST - depth} were taken: {count(depth)} wait", depth == _BURST - _BURST // 10),
        claim(f"They take {count(size // max(depth, 1))} bytes each", 300 < size / max(depth, 1) < 700),
    )
    await scene.rest(10)
    still = await hosts.depth()
    yield (claim(f"{count(still)} still wait: nothing in Redis takes them by itself", still == depth),)
    taken = await asyncio.gather(*(_drain(worker) for worker in workers))
    yield (claim(f"Both work: they took {taken[0]} and {taken[1]}; {await hosts.depth()} wait", sum(taken) == depth),)


async def _drain(queue: ListQueue) -> int:
    taken = 0
    while await queue.depth() and await queue.pop(0.1) is not None:
        taken += 1
    return taken


async def _stream(scene: Scene) -> Story:
    hosts = StreamQueue(scene.client("api-1"), limit=100_000)
    stalled, other = (StreamQueue(scene.client(name), limit=100_000) for name in ("worker-3", "worker-1"))
    first = [await hosts.push(_PAYLOAD % host) for host in range(50)]
    yield (
        claim(f"{len(first)} entries came, in their order, with ids of their time", first == sorted(first, key=_order)),
    )
    got = await stalled.read("worker-3", 20, 1)
    pending = await hosts.pending()
    yield (
        claim(f"worker-3 took {len(got)} and stalls: {pending} are pending, not lost", pending == len(got) == 20),
        claim(f"{await hosts.depth()} are not yet done", await hosts.depth() == 50),
    )
    idle = 0.3
    await asyncio.sleep(idle)
    claimed = await other.claim("worker-1", idle, 100)
    acked = await other.ack([entry.id for entry in claimed])
    yield (
        claim(f"worker-1 claimed {len(claimed)} of them and did them", len(claimed) == acked == 20),
        claim(f"{await hosts.pending()} are pending", await hosts.pending() == 0),
    )
    rest = await other.read("worker-1", 100, 1)
    await other.ack([entry.id for entry in rest])
    again = [entry async for entry in hosts.replay(first[0])]
    yield (
        claim(f"The other {len(rest)} were done too; {await hosts.pending()} are pending", len(rest) == 30),
        claim(f"And yet all {len(again)} can be read again from the first on", [e.id for e in again] == first),
    )


def _order(entry_id: bytes) -> tuple[int, int]:
    at, _, number = entry_id.partition(b"-")
    return int(at), int(number)


DRILLS = (
    Drill(
        Lesson(
            "surge",
            "The queue surges, and a worker stalls (LIST)",
            "Hosts report faster than workers take. What was not taken waits, and takes memory.",
            "Depth, arrival and service rate, the age of the oldest.",
            "Workers trim the queue to a limit: the newest details of a host replace older ones anyway.",
            (
                "A quiet time: what comes is taken at once.",
                "A wave of reports, while one of two workers has stalled.",
                "Nobody works. The backlog stays.",
                "Both workers are back.",
            ),
            "host_queue",
        ),
        _list,
    ),
    Drill(
        Lesson(
            "stream",
            "The same as a STREAM: pending, claim, replay",
            "In a stream, what a worker has taken stays until it is acknowledged. Of a worker that stalls another can "
            "claim it, and everything can be read again.",
            "Pending entries, their consumer, how long it is idle.",
            "Nothing is lost when a worker dies between taking and doing.",
            (
                "Reports come into the stream.",
                "worker-3 takes some and stalls.",
                "worker-1 claims what has been idle for too long.",
                "The rest is done; then somebody reads it all again.",
            ),
            "host_queue",
        ),
        _stream,
    ),
)
