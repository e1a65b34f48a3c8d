"""What happens when Redis is away: one gate for all commands, one family of errors.

Nothing in the cache is authoritative, so its absence is an ordinary state of the product: each use says
what it does then. A server that does not answer, or answers that it cannot serve now (loading, full,
failing over), is *away*; what it refuses for good (wrong type, no permission, wrong password) is raised as
redis-py raises it.

The library never sends a write a second time. After CacheUnavailable a write may have been done or not: the
reply may have been lost after the server acted. That promise needs a client that does not resend either; see
`connection.connect`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from redis import exceptions as redis_errors
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster

Client = Redis | RedisCluster
"""A standalone or a cluster client with `protocol=2` and `decode_responses=False`."""

_AWAY = (
    redis_errors.ConnectionError,
    redis_errors.TimeoutError,
    redis_errors.RedisClusterException,  # a cluster of which no node answers; not a RedisError
    redis_errors.ClusterError,
    redis_errors.ClusterDownError,
    redis_errors.TryAgainError,
    redis_errors.ReadOnlyError,
    redis_errors.OutOfMemoryError,
    OSError,
)
_AWAY_CODES = frozenset({"MISCONF", "NOREPLICAS", "BUSY"})  # redis-py has no class for these
_LONGEST_BLOCK = 1.0  # seconds one blocking command waits at most
_DEFAULT_SOCKET_TIMEOUT = 5.0  # redis-py's own, when the client was built without one


class CacheUnavailable(Exception):
    """Redis is away. A write that ended in this may have been done or not; it was sent at most once."""


async def send(
    client: Client, command: str, *args: bytes | str | float, away: type[CacheUnavailable] = CacheUnavailable
) -> Any:  # noqa: ANN401, each command replies with a type of its own
    """Send one command once and give redis-py's reply to it: one round trip.

    `away` is raised when Redis is away; redis-py's ResponseError or AuthenticationError when it refuses.
    """
    task = asyncio.current_task()
    cancelled = task.cancelling() if task else 0
    try:
        return await client.execute_command(command, *args)
    except redis_errors.AuthenticationError:
        raise  # a ConnectionError to redis-py, but waiting does not mend a password
    except _AWAY as error:
        raise away(f"Redis is away ({type(error).__name__})") from error
    except AttributeError as error:
        if not isinstance(client, RedisCluster):
            raise
        # redis-py's cluster client fails so on a connection that another task of its has closed meanwhile.
        raise away("Redis is away (connection closed)") from error
    except redis_errors.ResponseError as error:
        code = error_code(error)
        if code in _AWAY_CODES:
            raise away(f"Redis cannot serve now ({code})") from error
        raise
    finally:
        # redis-py waits for its socket with `asyncio.wait_for`, which on Python 3.11 swallows a cancellation that
        # arrives together with the result: https://github.com/python/cpython/issues/86296
        if task and task.cancelling() > cancelled:
            raise asyncio.CancelledError


def error_code(error: redis_errors.ResponseError) -> str:
    """The first word of an error reply, such as `NOGROUP` or `WRONGTYPE`."""
    return str(error).partition(" ")[0]


def longest_block(client: Client) -> float:
    """Seconds for which one blocking command may wait on this client.

    Shorter than the socket timeout: a command that the client has given up still waits in the server, and
    takes an item that then reaches nobody.
    """
    owner = client if isinstance(client, RedisCluster) else client.connection_pool
    timeout = owner.connection_kwargs.get("socket_timeout", _DEFAULT_SOCKET_TIMEOUT)
    return _LONGEST_BLOCK if timeout is None else min(_LONGEST_BLOCK, timeout / 2)


def milliseconds(seconds: float) -> int:
    """A lifetime for PX and PEXPIRE. ValueError when it is shorter than one millisecond."""
    whole = round(seconds * 1000)
    if whole < 1:
        raise ValueError(f"a lifetime must be at least 0.001 s, not {seconds:g} s")
    return whole
