"""Drills about live queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.cache import LiveQueries
from fleetcache_gui.demo.drills.scene import Drill, Scene, claim
from fleetcache_gui.demo.queries import QUERIES
from fleetcache_gui.domain.lessons import Lesson
from fleetcache_gui.domain.words import count

if TYPE_CHECKING:
    from fleetcache_gui.demo.drills.scene import Story

_ACTIVE = "live_query:active"
_HOSTS = 400


def _keys(number: int) -> tuple[str, str]:
    return f"live_query:campaign:{number}:sql", f"live_query:campaign:{number}:hosts_completed"


async def _life(scene: Scene) -> Story:
    queries, number = LiveQueries(scene.client("api-1")), 4101
    sql, hosts = _keys(number)
    await queries.start(number, scene.rng("sql").choice(QUERIES))
    left = await scene.ask("PTTL", sql)
    yield (
        claim(f"{sql} holds {await scene.ask('STRLEN', sql)} bytes of SQL, without expiry (PTTL {left})", left == -1),
        claim(f"{_ACTIVE} names the campaign", await scene.ask("SISMEMBER", _ACTIVE, number)),
    )
    answers, rng = LiveQueries(scene.client("api-2")), scene.rng("hosts")
    waiting = list(range(1, _HOSTS + 1))
    rng.shuffle(waiting)
    new = 0
    for first in range(0, _HOSTS // 2, 40):
        new += await answers.complete_hosts(number, waiting[first : first + 40])
        await scene.rest(1)
    again = await answers.complete_hosts(number, waiting[:40])
    there = await scene.ask("SCARD", hosts)
    yield (
        claim(f"{count(new, 'host')} answered, and {there} are in the set", there == new == _HOSTS // 2),
        claim(f"40 that answered twice were counted {again} times more", again == 0),
    )
    for first in range(_HOSTS // 2, _HOSTS, 40):
        await answers.complete_hosts(number, waiting[first : first + 40])
        await scene.rest(1)
    done = await queries.progress(number)
    yield (claim(f"Progress is {done} of {_HOSTS}", done == _HOSTS),)
    await queries.finish(number)
    rest = await scene.ask("EXISTS", sql) + await scene.ask("EXISTS", hosts)
    yield (
        claim(f"{rest} of its keys are left", rest == 0),
        claim(f"{_ACTIVE} no longer names it", not await scene.ask("SISMEMBER", _ACTIVE, number)),
    )


async def _orphan(scene: Scene) -> Story:
    queries, number = LiveQueries(scene.client("api-1")), 4107
    sql, hosts = _keys(number)
    await queries.start(number, scene.rng("sql").choice(QUERIES))
    await queries.complete_hosts(number, range(1, 151))
    there = await scene.ask("SCARD", hosts)
    yield (claim(f"Campaign {number} runs; {there} hosts have answered", there == 150),)
    await scene.ask("SREM", _ACTIVE, number)  # an instance of Fleet that died between two commands
    asked = await queries.active()
    yield (
        claim(f"Hosts are asked for {count(len(asked), 'campaign')}: not for this one", number not in asked),
        claim(
            f"Its SQL is there without expiry (PTTL {await scene.ask('PTTL', sql)})", await scene.ask("PTTL", sql) == -1
        ),
    )
    await scene.rest(20)
    bytes_ = await scene.ask("MEMORY", "USAGE", hosts)
    yield (claim(f"Nothing removes it: its answers still take {count(bytes_)} bytes", bytes_),)
    removed = await queries.cleanup([number])
    rest = await scene.ask("EXISTS", sql) + await scene.ask("EXISTS", hosts)
    yield (
        claim(
            f"Cleanup found {count(removed, 'campaign')} with something left; now {rest} keys are", rest == 0 < removed
        ),
    )


DRILLS = (
    Drill(
        Lesson(
            "campaign",
            "A live campaign from start to cleanup",
            "Somebody runs a live query: its SQL and its place in the active set are written, hosts answer, each once, "
            "and at the end all of it goes.",
            "The row's progress and rate; that it leaves when the campaign ends.",
            "Every instance reads the active set, so that any of them can serve any host.",
            (
                "Fleet starts a live query: SQL and active set are written.",
                "Half of the hosts answer; some answer twice.",
                "The other half answers.",
                "The campaign ends, and Fleet cleans up.",
            ),
            "live_queries",
        ),
        _life,
    ),
    Drill(
        Lesson(
            "orphan",
            "An orphaned campaign: found and cleaned up",
            "An instance dies between two commands, and a campaign is left that is in Redis but not active. It has no "
            "expiry: it stays, and so do its answers.",
            "The finding of an orphaned campaign, and its button.",
            "Fleet's cleanup cron removes finished campaigns; what it does not know of stays until somebody "
            "removes it.",
            (
                "A campaign runs.",
                "The instance dies as it takes the campaign out of the active set.",
                "Time passes. Nothing happens, and that is the trouble.",
                "Cleanup removes what is left, as the inspector's action would.",
            ),
            "live_queries",
        ),
        _orphan,
    ),
)
