"""Drills about tokens, preassignments, rate limits and the config cache."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fleetcache_gui.cache import ConfigCache, InstallerTokens, Preassignments, RateLimits
from fleetcache_gui.demo.drills.scene import Drill, Scene, claim, until
from fleetcache_gui.domain.lessons import Lesson
from fleetcache_gui.domain.words import count

if TYPE_CHECKING:
    from fleetcache_gui.demo.drills.scene import Story

_LIMIT = 10
_TOGETHER = 40


async def _windows(scene: Scene) -> Story:
    window = scene.lifetime(30)
    tokens = InstallerTokens(scene.client("api-1"), lifetime=window)
    devices = Preassignments(scene.client("api-2"), window=window)
    used, unused = await InstallerTokens(scene.client("api-1")).issue(12, 3), await tokens.issue(12, None)
    await devices.assign("C02DRILL0001", "ext-1", "Laptops", "wifi")
    left = await scene.ask("PTTL", f"sw:installer:token:{unused}")
    yield (
        claim(
            f"Two tokens and a preassignment are there, one token for {left / 1000:.1f} s", 0 < left <= window * 1000
        ),
    )
    first, second = await tokens.use(used), await tokens.use(used)
    yield (
        claim(f"The first use gave title {first.title_id if first else '-'}, the second nothing", first and not second),
    )
    keys = (f"sw:installer:token:{unused}", "mdm:apple:preassign:C02DRILL0001")

    async def gone() -> bool:
        return not any([await scene.ask("EXISTS", key) for key in keys])

    waited = await until(gone)
    yield (
        claim(f"After {waited:.1f} s the other and the preassignment are gone, by themselves", waited <= window + 1),
        claim("The unused token is refused", await tokens.use(unused) is None),
        claim("The device gets the default team", await devices.take("C02DRILL0001") is None),
    )


async def _burst(scene: Scene) -> Story:
    limits = RateLimits(scene.client("api-1"), window=scene.lifetime(20))
    name = "10.0.9.9"
    verdicts = [await limits.count("login", name, _LIMIT) for _ in range(_LIMIT)]
    yield (
        claim(
            f"{sum(v.allowed for v in verdicts)} of {_LIMIT} requests were allowed", all(v.allowed for v in verdicts)
        ),
    )
    while (await limits.count("login", name, _LIMIT)).count < _LIMIT:
        pass  # the window has ended between the steps: up to the limit once more
    verdicts = [await limits.count("login", name, _LIMIT) for _ in range(25)]
    refused, left = sum(not v.allowed for v in verdicts), await scene.ask("PTTL", f"rate_limit:login:{name}")
    yield (
        claim(f"{refused} of 25 more were refused; the count is {verdicts[-1].count}", refused == 25),
        claim(f"The window did not move: {left / 1000:.1f} s are left of it", 0 < left <= 1000 * scene.lifetime(20)),
    )

    async def over() -> bool:
        return not await scene.ask("EXISTS", f"rate_limit:login:{name}")

    waited = await until(over)
    verdict = await limits.count("login", name, _LIMIT)
    yield (claim(f"{waited:.1f} s later the next request is number {verdict.count}, and allowed", verdict.allowed),)


async def _stampede(scene: Scene) -> Story:
    ttl, reads = scene.lifetime(15), 0

    async def database() -> dict[str, object]:
        nonlocal reads
        reads += 1
        await asyncio.sleep(0.05)  # what a query takes
        return {"org_info": {"org_name": "Drill"}}

    cache = ConfigCache(scene.client("api-1"), ttl)
    await cache.app_config(database)
    before, reads = reads, 0
    await asyncio.gather(*(cache.app_config(database) for _ in range(_TOGETHER)))
    yield (
        claim(f"{before} read of the database filled the cache; {_TOGETHER} requests made {reads} more", reads == 0),
    )

    async def cold() -> bool:
        return not await scene.ask("EXISTS", "cache:app_config")

    waited, reads = await until(cold), 0
    await asyncio.gather(*(cache.app_config(database) for _ in range(_TOGETHER)))
    yield (
        claim(
            f"After {waited:.1f} s the copy ended; of {_TOGETHER} requests at once {count(reads)} read the database",
            reads > 1,
        ),
        claim("One copy is there again", await scene.ask("EXISTS", "cache:app_config")),
    )
    await cache.app_config(database)  # the copy may have ended between the steps
    reads = 0
    await cache.app_config(database)
    yield (claim(f"The next request made {reads} reads", reads == 0),)


DRILLS = (
    Drill(
        Lesson(
            "windows",
            "Token and preassignment windows expire",
            "A token is good for one download, a preassignment for one enrolment, both for a short time.",
            "The countdowns in Tokens and Preassign; that rows leave by themselves.",
            "What ran out is refused before the database is asked.",
            (
                "Two tokens are issued, a device is preassigned.",
                "One token is used, twice.",
                "The windows close.",
            ),
            "installer_tokens",
        ),
        _windows,
    ),
    Drill(
        Lesson(
            "burst",
            "A burst against a rate limit",
            "Requests of a client are counted in a window that begins with the first and does not move.",
            "The counter's progress; near, then over.",
            "Fleet refuses what is over the limit until the window ends.",
            ("Requests up to the limit.", "Twenty-five more.", "The window ends."),
            "rate_limits",
        ),
        _burst,
    ),
    Drill(
        Lesson(
            "stampede",
            "A stampede on the config cache",
            "While a copy is there, nobody asks the database. When it ends, everybody who comes before the new one is "
            "there asks at once.",
            "The copy's countdown, and look-ups that miss.",
            "Lifetimes of seconds keep stampedes small, and changes quick to arrive.",
            ("The cache is warm.", "The copy ends, and forty requests come at once.", "Warm again."),
            "config_cache",
        ),
        _stampede,
    ),
)
