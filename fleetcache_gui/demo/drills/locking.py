"""Drills about locks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fleetcache_gui.cache import Locks
from fleetcache_gui.demo.drills.scene import Drill, Scene, claim, until
from fleetcache_gui.domain.lessons import Lesson
from fleetcache_gui.domain.words import duration

if TYPE_CHECKING:
    from fleetcache_gui.demo.drills.scene import Story

_NAME, _KEY = "cron:vuln", "lock:cron:vuln"
_LONG = 3600.0  # real seconds: of locks whose end is no part of the lesson


async def _holder(scene: Scene) -> str:
    token = await scene.ask("GET", _KEY)
    return token.decode().partition(":")[0] if token else "nobody"


async def _left(scene: Scene) -> float:
    """Real seconds."""
    return max(float(await scene.ask("PTTL", _KEY)), 0.0) / 1000


async def _contention(scene: Scene) -> Story:
    a, b = (Locks(scene.client(name), name) for name in ("api-1", "api-2"))
    lock = await a.acquire(_NAME, _LONG)  # people read at their own pace
    yield (claim(f"{_KEY} belongs to {await _holder(scene)}, for {duration(await _left(scene))}", lock),)
    other = await b.acquire(_NAME, _LONG)
    holder = await _holder(scene)
    yield (
        claim(f"api-2 asked and got {'the lock' if other else 'nothing'}", other is None),
        claim(f"The lock still belongs to {holder}: SET NX never overwrites", holder == "api-1"),
    )
    gone = bool(lock and await lock.release())
    yield (claim(f"api-1 released it; {await scene.ask('EXISTS', _KEY)} keys are left", gone),)
    other = await b.acquire(_NAME, _LONG)
    late = bool(lock and await lock.release())
    yield (
        claim(f"Now it belongs to {await _holder(scene)}", other),
        claim(f"A second release by api-1 removed {'it' if late else 'nothing'}: the token is another", not late),
    )
    if other:
        await other.release()


async def _crash(scene: Scene) -> Story:
    ttl = scene.lifetime(30)
    lock = await Locks(scene.fresh(), "api-1").acquire(_NAME, ttl)
    yield (claim(f"api-1 holds the lock for {duration(await _left(scene))}", lock),)
    b = Locks(scene.client("api-2"), "api-2")
    if not (lock and await lock.renew()):  # somebody took their time between the steps
        await Locks(scene.fresh(), "api-1").acquire(_NAME, ttl)
    refused = await b.acquire(_NAME, ttl)
    left = await _left(scene)
    yield (claim(f"api-2 is refused; nobody will release the lock, which has {duration(left)} left", refused is None),)
    taken = []

    async def try_again() -> bool:
        if found := await b.acquire(_NAME, ttl):
            taken.append(found)
        return bool(taken)

    waited = await until(try_again)
    yield (
        claim(f"api-2 got it after {waited:.1f} s, when the time was up ({ttl:.1f} s at most)", waited <= ttl + 1),
        claim(f"It belongs to {await _holder(scene)}", await _holder(scene) == "api-2"),
    )
    await taken[0].release()


async def _pause(scene: Scene) -> Story:
    ttl = scene.lifetime(9)
    a, b = (Locks(scene.client(name), name) for name in ("worker-1", "worker-2"))
    async with a.hold(_NAME, ttl, renew_every=ttl / 3, jitter=0.2, rng=scene.rng("jitter")) as held:
        lengthened, before = 0, await _left(scene)
        for _ in range(round(1.5 * ttl / 0.05)):
            await asyncio.sleep(0.05)
            now = await _left(scene)
            lengthened += now > before + 0.1
            before = now
        yield (
            claim(
                f"Held for {1.5 * ttl:.1f} s with a lifetime of {ttl:.1f} s: renewed {lengthened} times",
                lengthened >= 2,
            ),
            claim("The task was never told that it lost the lock", not held.lost.is_set()),
        )
    lock = await a.acquire(_NAME, ttl)  # from here on it renews by hand, until its process stands still
    yield (
        claim(f"worker-1 begins a task; then its process stands still. {duration(await _left(scene))} are left", lock),
    )
    taken = []

    async def try_again() -> bool:
        if found := await b.acquire(_NAME, _LONG):
            taken.append(found)
        return bool(taken)

    await until(try_again)
    yield (claim(f"The lock ran out, and belongs to {await _holder(scene)}", await _holder(scene) == "worker-2"),)
    renewed = bool(lock and await lock.renew())
    yield (
        claim(
            f"worker-1 wakes up and renews: {'done' if renewed else 'refused, for the token is another'}", not renewed
        ),
        claim(f"The lock still belongs to {await _holder(scene)}", await _holder(scene) == "worker-2"),
    )
    await taken[0].release()


DRILLS = (
    Drill(
        Lesson(
            "two-servers",
            "Two servers want lock:cron:vuln",
            "Two instances want to run the same cron job. SET NX gives the lock to one; the other gets nothing.",
            "The lock's holder. That a claim failed leaves no trace in Redis.",
            "The one without the lock skips this run; the next one may be its own.",
            (
                "api-1 takes the lock.",
                "api-2 wants it too.",
                "api-1 is done and releases it.",
                "api-2 takes it; a late release by api-1 does no harm.",
            ),
            "locks",
        ),
        _contention,
    ),
    Drill(
        Lesson(
            "crash",
            "The holder crashes: the TTL frees the lock",
            "An instance dies with a lock in its hand. Nobody releases it, and nobody has to: it ends with its time.",
            "The countdown, and the new holder when it has run out.",
            "The job waits for the lifetime of the lock at most, so lifetimes are kept short.",
            ("api-1 takes the lock.", "It crashes. api-2 wants the lock.", "The time runs out."),
            "locks",
        ),
        _crash,
    ),
    Drill(
        Lesson(
            "gc-pause",
            "A long task renews its lock, until a pause loses it",
            "A task that takes longer than its lock renews it, each time a little earlier or later than the others. A "
            "process that stands still for longer than the lifetime cannot: another takes over.",
            "Renewals, then the change of hands.",
            "A task must stop when it learns that the lock is lost; Fleet's renewal tells it.",
            (
                "A task holds the lock for longer than its lifetime, renewing it with jitter.",
                "The next task begins, and its process stands still.",
                "The lock's time runs out; worker-2 takes it.",
                "worker-1 wakes up and wants to renew.",
            ),
            "locks",
        ),
        _pause,
    ),
)
