"""Locks for cron and async work: `lock:<name>`, a STRING with the owner's token and the timeout as TTL.

The token is `<instance>:<random>`: unique to each acquisition, and the owner can be read off it. Each
change is one command or one script on the lock's single key, so it is atomic, on a cluster as well.

While Redis is away every method raises LockUnavailable: nobody can tell who holds the lock, and work that
must not run twice needs a guard of its own (an idempotent write to the database) or must not start. After a
restart of Redis all locks are free; a holder notices at its next renewal.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import secrets
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from fleetcache_gui.cache.availability import CacheUnavailable, Client, milliseconds, send

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_log = logging.getLogger(__name__)

_RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('UNLINK', KEYS[1]) end
return 0
"""


class LockUnavailable(CacheUnavailable):
    """Redis is away: whether the lock is free, ours or another's is unknown."""


class LockNotAcquired(Exception):
    """Somebody else holds the lock."""


class LockLost(Exception):
    """The lock was held and is no longer: another token is in it, or it ran out without being renewed."""


@dataclass(frozen=True, slots=True)
class Lock:
    """One acquisition of a lock. `ttl` is in seconds."""

    name: str
    token: str
    ttl: float
    _client: Client = field(repr=False, compare=False)

    async def renew(self, ttl: float | None = None) -> bool:
        """Let the lock live `ttl` seconds from now (its first ttl when None): EVAL, 1 round trip.

        False when it is no longer ours; then nothing was changed. LockUnavailable when Redis is away.
        """
        lifetime = milliseconds(self.ttl if ttl is None else ttl)
        return bool(await self._eval(_RENEW, lifetime))

    async def release(self) -> bool:
        """Free the lock if it is still ours: EVAL, 1 round trip.

        False when it ran out or is another's; then nothing was changed. LockUnavailable when Redis is away:
        the lock is then free at the latest when its TTL ends.
        """
        return bool(await self._eval(_RELEASE))

    async def _eval(self, script: str, *args: int) -> int:
        key = _key(self.name)
        reply: int = await send(self._client, "EVAL", script, 1, key, self.token, *args, away=LockUnavailable)
        return reply


class Locks:
    """The locks as one Fleet server takes them. `instance` is its name, the readable part of each token."""

    def __init__(self, client: Client, instance: str) -> None:
        self._client = client
        self._instance = instance

    async def acquire(self, name: str, ttl: float) -> Lock | None:
        """Take the lock for `ttl` seconds if it is free: SET NX PX, 1 round trip. None when it is not.

        After LockUnavailable the lock may have been taken by the command whose reply was lost; nobody then
        renews it and it ends with its TTL.
        """
        token = f"{self._instance}:{secrets.token_hex(16)}"
        command = ("SET", _key(name), token, "NX", "PX", milliseconds(ttl))
        taken = await send(self._client, *command, away=LockUnavailable)
        return Lock(name, token, ttl, self._client) if taken else None

    @contextlib.asynccontextmanager
    async def hold(
        self,
        name: str,
        ttl: float,
        *,
        renew_every: float | None = None,
        jitter: float = 0.2,
        rng: random.Random | None = None,
    ) -> AsyncIterator[Held]:
        """Hold the lock for as long as the `async with` block runs, renewing it meanwhile.

        It is renewed each `renew_every` seconds (a third of `ttl` when None), give or take the share
        `jitter`, so that many holders do not come at once: 1 round trip each, and 1 to acquire and to
        release. While Redis is away renewal is tried four times as often, until the TTL has run out by this
        process's clock.

        LockNotAcquired when another holds it; LockUnavailable when Redis is away at the start; ValueError
        when the slowest renewal would come too late. When the lock is lost, `Held.lost` is set, the block
        is cancelled, and LockLost is raised in place of the cancellation. When Redis is away at the end,
        the lock stays until its TTL, which is logged and is not an error: the work is done.
        """
        interval = ttl / 3 if renew_every is None else renew_every
        if not 0 <= jitter < 1 or not 0 < interval * (1 + jitter) < ttl:
            raise ValueError(f"renewal each {interval:g} s ± {jitter:.0%} does not keep a lock of {ttl:g} s")
        asked_at = asyncio.get_running_loop().time()
        lock = await self.acquire(name, ttl)
        if lock is None:
            raise LockNotAcquired(f"lock {name!r} is held by another")
        held = Held(lock)
        pause = partial(_jittered, interval, jitter, rng or random.Random())
        try:
            async with asyncio.timeout(None) as fuse, _Renewal(held, asked_at + ttl, pause, fuse):
                yield held
        except TimeoutError:
            if not fuse.expired():
                raise
        finally:
            if not held.lost.is_set():
                await _release(lock)
        if held.lost.is_set():
            raise LockLost(f"lock {name!r} was lost while held")


class Held:
    """A lock that is held and renewed. `lost` is set once it is known to be no longer ours."""

    __slots__ = ("lock", "lost")

    def __init__(self, lock: Lock) -> None:
        self.lock = lock
        self.lost = asyncio.Event()


class _Renewal:
    """Renews a held lock within an `async with` block; at a loss it sets `held.lost` and blows the fuse.

    `ends` is the loop's time at which the TTL has run out; `pause` gives the seconds until the next renewal.
    """

    def __init__(self, held: Held, ends: float, pause: Callable[[], float], fuse: asyncio.Timeout) -> None:
        self._held = held
        self._ends = ends
        self._pause = pause
        self._fuse = fuse
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> None:
        await self._group.__aenter__()
        self._task = self._group.create_task(self._run(), name=f"renew lock {self._held.lock.name}")

    async def __aexit__(self, *error: object) -> None:
        self._task.cancel()
        # The group is not told of the block's error: it would wrap it in an ExceptionGroup.
        await self._group.__aexit__(None, None, None)

    async def _run(self) -> None:
        now = asyncio.get_running_loop().time
        pause = self._pause()
        while True:
            await asyncio.sleep(min(pause, self._ends - now()))
            if now() >= self._ends:
                break
            asked_at = now()
            try:
                async with asyncio.timeout_at(self._ends):
                    ours = await self._held.lock.renew()
            except (LockUnavailable, TimeoutError):
                pause = self._pause() / 4
                continue
            except RedisError:  # not a string any more, or forbidden: it cannot be kept
                break
            if not ours:
                break
            self._ends = asked_at + self._held.lock.ttl
            pause = self._pause()
        self._held.lost.set()
        self._fuse.reschedule(now())


async def _release(lock: Lock) -> None:
    try:
        await lock.release()
    except LockUnavailable:
        _log.warning("lock %r was not released as Redis is away; it ends with its TTL", lock.name)


def _jittered(interval: float, jitter: float, rng: random.Random) -> float:
    return interval * (1 + rng.uniform(-jitter, jitter))


def _key(name: str) -> str:
    return f"lock:{name}"
