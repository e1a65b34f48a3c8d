"""A client for the cache with settings under which a write is sent at most once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

if TYPE_CHECKING:
    from fleetcache_gui.cache.availability import Client

T = TypeVar("T")


def connect(url: str, *, max_connections: int = 16) -> Redis:
    """A standalone client for `redis://[[user]:password@]host:port[/db]`; it connects at the first command.

    redis-py by default resends a command up to ten times after a timeout, which doubles writes; hence no
    retries here (of the *asyncio* Retry: the other one is accepted and ignored). Protocol 2 without
    maintenance notifications makes the pool discard connections that the server closed or that hold an
    unread reply.

    A connection takes 2 s at most, a reply 5 s. Each blocking pop or read occupies one of `max_connections`;
    further commands wait for a free one. Close it with `await client.aclose()`.

    ValueError for a malformed URL (without quoting it: it may hold a password) and for one with `?options`,
    which would override these settings and the checks of TLS.
    """
    pool: BlockingConnectionPool = _from_url(BlockingConnectionPool, url, max_connections=max_connections)
    return Redis.from_pool(pool)


def connect_cluster(url: str) -> RedisCluster:
    """A client for the cluster of which a node is at `url`, in all else as `connect`."""
    return _from_url(RedisCluster, url)


async def close(client: Client) -> None:
    """Close all connections of a client of either kind."""
    await client.aclose()
    if isinstance(client, RedisCluster):
        # redis-py leaves the connections of one that was about to look at its cluster anew.
        for nodes in ("nodes_cache", "startup_nodes"):
            await client.nodes_manager.aclose(nodes)


def _from_url(kind: type[T], url: str, **more: object) -> T:
    if urlsplit(url).query:
        raise ValueError("a cache URL takes no ?options")
    try:
        made: T = kind.from_url(  # type: ignore[attr-defined]
            url,
            protocol=2,
            decode_responses=False,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=2,
            socket_timeout=5,
            maint_notifications_config=MaintNotificationsConfig(enabled=False),
            **more,
        )
    except ValueError:
        raise ValueError("not a redis:// or rediss:// URL") from None
    return made
