"""Live query campaigns: the SQL to run, the set of active campaigns, the hosts that have answered.

| key | type | lives |
|---|---|---|
| `live_query:active` | SET of campaign ids | always |
| `live_query:campaign:<id>:sql` | STRING | until finish() |
| `live_query:campaign:<id>:hosts_completed` | SET of host ids | until finish() |

While Redis is away live queries are paused: every method raises LiveQueriesPaused, nothing is distributed,
and nothing need be restored afterwards. Each method may simply be called again, as all of them are
idempotent. On a cluster the three keys live in different slots; no command touches two of them.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from fleetcache_gui.cache.availability import CacheUnavailable, Client, send

if TYPE_CHECKING:
    from collections.abc import Iterable

ACTIVE = b"live_query:active"
_HOSTS_PER_COMMAND = 1000  # keeps one SADD near 1 ms of the server's time


class LiveQueriesPaused(CacheUnavailable):
    """Redis is away: campaigns are neither started, distributed nor counted until it is back."""


class LiveQueries:
    """The campaigns of all Fleet servers on one Redis."""

    def __init__(self, client: Client) -> None:
        self._send = partial(send, client, away=LiveQueriesPaused)

    async def start(self, campaign_id: int, sql: str) -> None:
        """SET the SQL, then SADD the active set: 2 round trips.

        In this order no one sees an active campaign without SQL. Cut in between, an orphaned SQL remains
        that a further start() completes and cleanup() removes.
        """
        await self._send("SET", _sql_key(campaign_id), sql)
        await self._send("SADD", ACTIVE, campaign_id)

    async def active(self) -> set[int]:
        """SMEMBERS: 1 round trip. Members that are not campaign ids are left out."""
        members = await self._send("SMEMBERS", ACTIVE)
        return {int(member) for member in members if member.isdigit()}

    async def sql(self, campaign_id: int) -> str | None:
        """GET: 1 round trip. None for a campaign that has ended; undecodable bytes become U+FFFD."""
        sql: bytes | None = await self._send("GET", _sql_key(campaign_id))
        return None if sql is None else sql.decode(errors="replace")

    async def complete_hosts(self, campaign_id: int, host_ids: Iterable[int]) -> int:
        """SADD, 1 round trip for each 1,000 hosts; how many of them are newly completed.

        Hosts may be reported twice: they count once. Cut in between, a part has been counted; report all
        again.
        """
        remaining = iter(host_ids)
        completed = 0
        while batch := list(islice(remaining, _HOSTS_PER_COMMAND)):
            completed += await self._send("SADD", _hosts_key(campaign_id), *batch)
        return completed

    async def progress(self, campaign_id: int) -> int:
        """SCARD: 1 round trip. The number of hosts that have answered."""
        completed: int = await self._send("SCARD", _hosts_key(campaign_id))
        return completed

    async def finish(self, campaign_id: int) -> None:
        """SREM from the active set, then UNLINK of the SQL and of the hosts: 3 round trips.

        First it ceases to be distributed. Cut in between, orphans remain for a further finish() or cleanup().
        """
        await self._remove(campaign_id)

    async def cleanup(self, finished: Iterable[int]) -> int:
        """The cleanup cron: finish each campaign that Fleet's database says is over, 3 round trips each.

        How many of them had left anything behind.
        """
        return sum([await self._remove(campaign_id) > 0 for campaign_id in finished])

    async def _remove(self, campaign_id: int) -> int:
        removed: int = await self._send("SREM", ACTIVE, campaign_id)
        for key in (_sql_key(campaign_id), _hosts_key(campaign_id)):
            removed += await self._send("UNLINK", key)
        return removed


def _sql_key(campaign_id: int) -> bytes:
    return b"live_query:campaign:%d:sql" % campaign_id


def _hosts_key(campaign_id: int) -> bytes:
    return b"live_query:campaign:%d:hosts_completed" % campaign_id
