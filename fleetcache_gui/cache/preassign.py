"""MDM preassignment (Apple): which profiles a device gets, held between two steps of its enrollment.

`mdm:apple:preassign:<serial>` is a HASH with the fields `external_id`, `team` and `profile`, living for the
enrollment window. Each method is one script on that one key, so nobody sees a half, and none lacks its
expiry.

While Redis is away every method raises CacheUnavailable: enrollment goes on without preassignment, or is
tried again. What was preassigned before a restart of Redis is gone; the sender assigns again.
"""

from __future__ import annotations

from dataclasses import dataclass

from fleetcache_gui.cache.availability import Client, milliseconds, send

_ASSIGN = """
redis.call('HSET', KEYS[1], 'external_id', ARGV[1], 'team', ARGV[2], 'profile', ARGV[3])
return redis.call('PEXPIRE', KEYS[1], ARGV[4])
"""
_TAKE = """
local fields = redis.call('HMGET', KEYS[1], 'external_id', 'team', 'profile')
if redis.call('UNLINK', KEYS[1]) == 0 then return false end
return fields
"""


@dataclass(frozen=True, slots=True)
class Preassignment:
    """What is to happen to a device when it enrolls. A field that is missing in Redis is empty."""

    serial: str
    external_id: str
    team: str
    profile: str


class Preassignments:
    """Preassignments that live for `window` seconds each."""

    def __init__(self, client: Client, window: float = 600.0) -> None:
        self._client = client
        self._window = milliseconds(window)

    async def assign(self, serial: str, external_id: str, team: str, profile: str) -> None:
        """Set or replace the preassignment and start its window anew: EVAL of HSET and PEXPIRE, 1 round trip.

        A cut call may have been done; calling again is harmless.
        """
        await send(self._client, "EVAL", _ASSIGN, 1, _key(serial), external_id, team, profile, self._window)

    async def get(self, serial: str) -> Preassignment | None:
        """HMGET: 1 round trip. None when there is none (any more)."""
        fields = await send(self._client, "HMGET", _key(serial), "external_id", "team", "profile")
        return None if fields == [None] * 3 else _preassignment(serial, fields)

    async def take(self, serial: str) -> Preassignment | None:
        """Read and remove, so that only one taker gets it: EVAL of HMGET and UNLINK, 1 round trip.

        A cut call may have removed it: then get() finds nothing and the sender must assign again.
        """
        fields = await send(self._client, "EVAL", _TAKE, 1, _key(serial))
        return None if fields is None else _preassignment(serial, fields)


def _preassignment(serial: str, fields: list[bytes | None]) -> Preassignment:
    external_id, team, profile = ((value or b"").decode(errors="replace") for value in fields)
    return Preassignment(serial, external_id, team, profile)


def _key(serial: str) -> str:
    return f"mdm:apple:preassign:{serial}"
