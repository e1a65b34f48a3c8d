"""Rate limits: how often a client called an endpoint in the present window.

`rate_limit:<endpoint>:<client>` is a STRING with a count. The window is fixed: it opens with the first
request and ends with the key's TTL. Counting and setting the TTL are one script, so no count can outlive
its window.

While Redis is away both methods raise CacheUnavailable: the endpoint decides whether it then admits or
refuses. After a restart of Redis all windows begin anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from fleetcache_gui.cache.availability import Client, milliseconds, send

_COUNT = """
local count = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  left = tonumber(ARGV[1])
  redis.call('PEXPIRE', KEYS[1], left)
end
return {count, left}
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one request: its number in the window; if refused, seconds until the window ends."""

    count: int
    limit: int
    allowed: bool
    retry_after: float


class RateLimits:
    """Counters over windows of `window` seconds."""

    def __init__(self, client: Client, window: float = 60.0) -> None:
        self._client = client
        self._window = milliseconds(window)

    async def count(self, endpoint: str, client_id: str, limit: int) -> Verdict:
        """Count one request and judge it: EVAL of INCR and PEXPIRE, 1 round trip.

        The first `limit` requests of a window are allowed. A cut call may have been counted.
        """
        reply = await send(self._client, "EVAL", _COUNT, 1, _key(endpoint, client_id), self._window)
        count, left = reply
        allowed = count <= limit
        return Verdict(count, limit, allowed, 0.0 if allowed else left / 1000)

    async def reset(self, endpoint: str, client_id: str) -> None:
        """Let the client start a new window: UNLINK, 1 round trip."""
        await send(self._client, "UNLINK", _key(endpoint, client_id))


def _key(endpoint: str, client_id: str) -> str:
    return f"rate_limit:{endpoint}:{client_id}"
