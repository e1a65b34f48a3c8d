"""INFO as figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.domain.snapshot import Vitals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleetcache_gui.domain.values import Reply


def fields(reply: Reply) -> dict[str, str]:
    """The `name:value` lines of an INFO reply; empty for an error."""
    if not isinstance(reply, bytes):
        return {}
    pairs = (line.split(":", 1) for line in reply.decode("utf-8", "replace").splitlines() if ":" in line)
    return {name: value for name, value in pairs if not name.startswith("#")}


def whole(info: Mapping[str, str], name: str) -> int | None:
    """An integer field, or None where it is missing or odd."""
    try:
        return int(info[name])
    except (KeyError, ValueError):
        return None


def calls(info: Mapping[str, str]) -> dict[str, int]:
    """Calls by lower-case command from INFO commandstats: `cmdstat_lpush:calls=3,usec=…`."""
    counts: dict[str, int] = {}
    for name, value in info.items():
        if name.startswith("cmdstat_") and value.startswith("calls="):
            count = value[6:].partition(",")[0]
            if count.isdigit():
                counts[name[8:].lower()] = int(count)
    return counts


def _lag(info: Mapping[str, str]) -> float | None:
    """Seconds since the slowest replica was last heard of, from lines such as `slave0:ip=…,lag=1`."""
    lags = [
        float(part[4:])
        for name, value in info.items()
        if name.startswith("slave") and name[5:].isdigit()
        for part in value.split(",")
        if part.startswith("lag=") and part[4:].isdigit()
    ]
    return max(lags, default=None)


def vitals(info: Mapping[str, str], at: float, keys: int | None) -> Vitals:
    """The figures of one INFO at monotonic time `at`; `keys` is DBSIZE."""
    valkey = info.get("server_name", "").lower() == "valkey" or "valkey_version" in info
    return Vitals(
        at=at,
        server_name="Valkey" if valkey else "Redis",
        version=info.get("valkey_version") or info.get("redis_version", "?"),
        mode=info.get("server_mode") or info.get("redis_mode", "standalone"),
        role=info.get("role", "master"),
        run_id=info.get("run_id", ""),
        keys=keys,
        memory=whole(info, "used_memory"),
        memory_limit=whole(info, "maxmemory"),
        policy=info.get("maxmemory_policy"),
        clients=whole(info, "connected_clients"),
        clients_limit=whole(info, "maxclients"),
        blocked=whole(info, "blocked_clients"),
        hits=whole(info, "keyspace_hits"),
        misses=whole(info, "keyspace_misses"),
        evicted=whole(info, "evicted_keys"),
        expired=whole(info, "expired_keys"),
        commands=whole(info, "total_commands_processed"),
        replicas=whole(info, "connected_slaves"),
        lag_s=_lag(info),
        calls=calls(info),
    )
