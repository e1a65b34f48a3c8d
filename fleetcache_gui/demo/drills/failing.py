"""Drills about a server that dies, freezes, is full, or is emptied."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from fleetcache_gui.cache import (
    CacheUnavailable,
    ConfigCache,
    HostUpdates,
    ListQueue,
    LiveQueries,
    LiveQueriesPaused,
    Locks,
    LockUnavailable,
)
from fleetcache_gui.demo.drills.scene import Drill, Scene, claim, until
from fleetcache_gui.domain.lessons import Lesson
from fleetcache_gui.domain.words import count, size

if TYPE_CHECKING:
    from fleetcache_gui.demo.drills.scene import Story

_SQL = "SELECT * FROM os_version"
_ROOM = 4 * 2**20
_PIECE = 16 * 1024
_FROZEN = 1.0  # real seconds after which an answer is no longer waited for


async def _fill(scene: Scene) -> int:
    """Something of each kind; how many keys there are."""
    await LiveQueries(scene.client("api-1")).start(4111, _SQL)
    await LiveQueries(scene.client("api-2")).complete_hosts(4111, range(1, 101))
    queue = ListQueue(scene.client("api-1"), limit=100_000)
    for host in range(50):
        await queue.push(b'{"host":%d}' % host)
    await Locks(scene.client("worker-1"), "worker-1").acquire("cron:vuln", 86_400)
    return int(await scene.ask("DBSIZE"))


async def _answers(scene: Scene) -> bool:
    return bool(await scene.ask("PING"))


async def _restart(scene: Scene) -> Story:
    node, keys = scene.nodes[0], await _fill(scene)
    run_id = (await scene.ask("INFO", "server"))["run_id"]
    yield (claim(f"{count(keys, 'key')} are there: a campaign, a queue of 50, a lock", keys == 5),)
    node.kill()
    told: list[str] = []
    database: list[bytes] = []

    async def at_once(payload: bytes) -> None:
        database.append(payload)

    try:
        await LiveQueries(scene.client("api-1")).start(4112, _SQL)
    except LiveQueriesPaused:
        told.append("live queries")
    try:
        await Locks(scene.client("api-2"), "api-2").acquire("cron:vuln", 60)
    except LockUnavailable:
        told.append("locks")
    updates = HostUpdates(ListQueue(scene.client("api-3"), limit=1000), at_once)
    way = await updates.submit(b"{}")
    yield (
        claim("Live queries are paused", "live queries" in told),
        claim("Locks can be neither taken nor renewed: callers are told, and guard themselves", "locks" in told),
        claim(f"Host details go the {way} way: {len(database)} was written at once", way == "synchronous"),
    )
    await node.restart()
    await until(lambda: _answers(scene))
    info = await scene.ask("INFO", "server")
    left = await scene.ask("DBSIZE")
    yield (
        claim(f"Another run of the server: {info['run_id'][:8]}… after {run_id[:8]}…", info["run_id"] != run_id),
        claim(f"It is empty: {left} keys", left == 0),
    )
    await LiveQueries(scene.client("api-1")).start(4113, _SQL)
    way = await updates.submit(b"{}")
    lock = await Locks(scene.client("api-2"), "api-2").acquire("cron:vuln", 60)
    yield (
        claim("A new campaign starts, and nothing had to be restored", await scene.ask("DBSIZE")),
        claim(f"Host details are {way} again", way == "queued"),
        claim("The lock is taken by whoever comes first", lock),
    )


async def _frozen(scene: Scene) -> Story:
    node, keys = scene.nodes[0], await _fill(scene)
    yield (claim(f"{count(keys, 'key')} are there", keys),)
    node.freeze()
    try:
        started = time.monotonic()
        answered = await _in_time(scene)
        waited = time.monotonic() - started
        connected = await _connects(node.port)
        yield (
            claim(f"No answer within {waited:.1f} s, and no refusal: who asks waits", not answered),
            claim("Connections are still accepted: by the system, not by the server", connected),
        )
    finally:
        node.thaw()
    waited = await until(lambda: _answers(scene))
    left = await scene.ask("DBSIZE")
    yield (claim(f"It answers again after {waited:.1f} s, and has its {left} keys", left == keys),)


async def _in_time(scene: Scene) -> bool:
    try:
        async with asyncio.timeout(_FROZEN):
            await scene.fresh().ping()
    except (TimeoutError, CacheUnavailable, OSError):
        return False
    return True


async def _connects(port: int) -> bool:
    try:
        async with asyncio.timeout(_FROZEN):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except (TimeoutError, OSError):
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def _full(scene: Scene) -> Story:
    limit = (await scene.ask("INFO", "memory"))["used_memory"] + _ROOM
    before = await _settings(scene)
    piece, number = b"x" * _PIECE, 0
    try:
        await _set(scene, limit, "noeviction")
        error = ""
        while not error and number < 4 * _ROOM // _PIECE:
            try:
                await scene.ask("SET", f"cache:team:{number}", piece, "EX", 3600)
                number += 1
            except CacheUnavailable as refused:
                error = type(refused.__cause__).__name__
        kept = await scene.ask("DBSIZE")
        yield (
            claim(f"After {size(number * _PIECE)} writes are refused ({error})", error == "OutOfMemoryError"),
            claim(f"Nothing was forgotten: {kept} of {number} keys are there", kept == number),
        )
        reads = await scene.ask("GET", "cache:team:0")
        yield (claim("Reads still work", reads == piece),)
        evicted = (await scene.ask("INFO", "stats"))["evicted_keys"]
        await _set(scene, limit, "allkeys-lru")
        for more in range(number, 2 * number):
            await scene.ask("SET", f"cache:team:{more}", piece, "EX", 3600)
        evicted = (await scene.ask("INFO", "stats"))["evicted_keys"] - evicted
        kept = await scene.ask("DBSIZE")
        yield (
            claim(
                f"{count(number, 'more write')} went through; {count(evicted, 'key')} were evicted for them",
                evicted > 0,
            ),
            claim(f"{kept} of {2 * number} keys are there: the least used went", kept < 2 * number),
        )
    finally:
        await _set(scene, *before)


async def _settings(scene: Scene) -> tuple[int, str]:
    info = await scene.ask("INFO", "memory")
    return info["maxmemory"], info["maxmemory_policy"]


async def _set(scene: Scene, limit: int, policy: str) -> None:
    await scene.ask("CONFIG", "SET", "maxmemory", limit, "maxmemory-policy", policy)


async def _flush(scene: Scene) -> Story:
    keys, loads = await _fill(scene), 0

    async def database() -> dict[str, object]:
        nonlocal loads
        loads += 1
        return {}

    config = ConfigCache(scene.client("api-1"), 60)
    await config.app_config(database)
    yield (claim(f"{count(keys + 1, 'key')} are there", await scene.ask("DBSIZE") == keys + 1),)
    await scene.ask("FLUSHALL")
    queries = LiveQueries(scene.client("api-1"))
    waiting = await ListQueue(scene.client("api-1"), limit=1000).depth()
    yield (
        claim(f"{await scene.ask('DBSIZE')} keys are left", await scene.ask("DBSIZE") == 0),
        claim(f"The campaign is lost: {len(await queries.active())} are active", not await queries.active()),
        claim(f"50 reports are lost, {waiting} wait; hosts report again with their next check-in", waiting == 0),
    )
    loads = 0
    await config.app_config(database)
    await queries.start(4114, _SQL)
    lock = await Locks(scene.client("api-2"), "api-2").acquire("cron:vuln", 60)
    way = await HostUpdates(ListQueue(scene.client("api-3"), limit=1000), None).submit(b"{}")
    yield (
        claim(f"The config is read from the database once ({loads}), and is cached again", loads == 1),
        claim("The lost campaign's successor runs, the lock is taken, reports are " + way, lock and way == "queued"),
    )


DRILLS = (
    Drill(
        Lesson(
            "restart",
            "Redis is killed and restarted",
            "The server dies with everything in it, and comes back empty.",
            "The banner, its countdown, what Fleet suffers meanwhile; that another run of the server is noticed.",
            "Live queries pause, host updates are written at once, locks are refused. Nothing is restored afterwards: "
            "hosts report again, caches fill by themselves.",
            (
                "An ordinary moment.",
                "The server is killed (SIGKILL).",
                "It is started again.",
                "Fleet goes on.",
            ),
        ),
        _restart,
    ),
    Drill(
        Lesson(
            "frozen",
            "The server is frozen",
            "The process stands still, as with a swapping machine. Who asks gets no refusal: they wait.",
            "That the window stays alive, and says what is wrong.",
            "Time-outs, not refusals: every request takes as long as the time-out, which is why it should be short.",
            ("An ordinary moment.", "The server stands still (SIGSTOP).", "It goes on (SIGCONT)."),
        ),
        _frozen,
    ),
    Drill(
        Lesson(
            "memory-full",
            "Memory is full: noeviction against allkeys-lru",
            "At maxmemory a server refuses writes, or forgets what was used least, as its policy says.",
            "The memory tile and its finding; evictions.",
            "The cache is not authoritative: forgetting is better than refusing, and short lifetimes are better still.",
            (
                "The policy is noeviction, and memory fills up.",
                "What is there can be read.",
                "The policy is allkeys-lru, and writing goes on.",
            ),
        ),
        _full,
    ),
    Drill(
        Lesson(
            "flush",
            "Everything is flushed",
            "FLUSHALL on a working Fleet: a small, passing disturbance.",
            "All tabs empty themselves, and fill again.",
            "Running campaigns and waiting reports are lost; all else is built anew at its next use.",
            ("An ordinary moment.", "FLUSHALL.", "Fleet goes on."),
        ),
        _flush,
    ),
)
