"""INFO as figures."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fleetcache_gui.domain.snapshot import Persistence, Vitals
from fleetcache_gui.domain.text import show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fleetcache_gui.domain.values import Reply


_DIGITS = 18
"""More digits than a figure can have: such a one counts as not told, for it is no number to reckon with."""

_WORD = 32  # characters


def fields(reply: Reply) -> dict[str, str]:
    """The `name:value` lines of an INFO reply; empty for an error."""
    if not isinstance(reply, bytes):
        return {}
    pairs = (line.split(":", 1) for line in reply.decode("utf-8", "replace").splitlines() if ":" in line)
    return {name: value for name, value in pairs if not name.startswith("#")}


def figure(told: str) -> int | None:
    """A count as a server writes it; None where it is odd."""
    return int(told) if told.isascii() and told.isdigit() and len(told) <= _DIGITS else None


def whole(info: Mapping[str, str], name: str) -> int | None:
    """An integer field, or None where it is missing or odd."""
    return figure(info.get(name, ""))


def _word(told: str) -> str:
    """A word of the server's, fit for a terminal and a window."""
    return show(told.encode(), _WORD)


def calls(info: Mapping[str, str]) -> dict[str, int]:
    """Calls by lower-case command from INFO commandstats: `cmdstat_lpush:calls=3,usec=…`."""
    counts: dict[str, int] = {}
    for name, value in info.items():
        if name.startswith("cmdstat_") and value.startswith("calls="):
            count = figure(value[6:].partition(",")[0])
            if count is not None:
                counts[sys.intern(name[8:].lower())] = count  # a history of them shares the names
    return counts


def lags(info: Mapping[str, str]) -> dict[tuple[str, int], float]:
    """Seconds since each replica was last heard of, by its host and port: from lines such as `slave0:ip=…,lag=1`."""
    found: dict[tuple[str, int], float] = {}
    for name, value in info.items():
        if name.startswith("slave") and name[5:].isdigit():
            told = dict(part.split("=", 1) for part in value.split(",") if "=" in part)
            lag = figure(told.get("lag", ""))
            if lag is not None:
                found[told.get("ip", ""), figure(told.get("port", "")) or 0] = float(lag)
    return found


def databases(info: Mapping[str, str]) -> tuple[int | None, int | None]:
    """Keys of all databases, and those with an expiry, from lines such as `db0:keys=3,expires=1,avg_ttl=0`."""
    if "keyspace_hits" not in info:  # nothing was told at all: that no database is listed means nothing
        return None, None
    keys = volatile = 0
    for name, value in info.items():
        if name.startswith("db") and name[2:].isdigit():
            told = dict(part.split("=", 1) for part in value.split(",") if "=" in part)
            keys += figure(told.get("keys", "")) or 0
            volatile += figure(told.get("expires", "")) or 0
    return keys, volatile


def persistence(info: Mapping[str, str]) -> Persistence | None:
    """The section of that name; None where it is not told."""
    if "rdb_last_save_time" not in info:
        return None
    forked = whole(info, "latest_fork_usec")
    return Persistence(
        saved_at=whole(info, "rdb_last_save_time"),
        unsaved=whole(info, "rdb_changes_since_last_save"),
        saving=info.get("rdb_bgsave_in_progress") == "1",
        save_failed=info.get("rdb_last_bgsave_status") == "err",
        save_s=whole(info, "rdb_last_bgsave_time_sec"),
        aof=info.get("aof_enabled") == "1",
        rewriting=info.get("aof_rewrite_in_progress") == "1",
        aof_failed="err" in (info.get("aof_last_write_status"), info.get("aof_last_bgrewrite_status")),
        rewrite_s=whole(info, "aof_last_rewrite_time_sec"),
        fork_s=forked / 1e6 if forked else None,
    )


def behind(info: Mapping[str, str]) -> float | None:
    """Seconds since a replica last heard of its primary, or since it lost it."""
    lost = whole(info, "master_link_down_since_seconds")
    heard = whole(info, "master_last_io_seconds_ago") if lost is None else lost
    return None if heard is None else float(heard)


def vitals(info: Mapping[str, str], at: float, keys: int | None) -> Vitals:
    """The figures of one INFO at monotonic time `at`; `keys` is DBSIZE."""
    all_keys, volatile = databases(info)
    told = lags(info)
    valkey = info.get("server_name", "").lower() == "valkey" or "valkey_version" in info
    return Vitals(
        at=at,
        server_name="Valkey" if valkey else "Redis",
        version=_word(info.get("valkey_version") or info.get("redis_version", "?")),
        mode=_word(info.get("server_mode") or info.get("redis_mode", "standalone")),
        role=_word(info.get("role", "master")),
        run_id=info.get("run_id", ""),
        keys=keys,
        memory=whole(info, "used_memory"),
        memory_limit=whole(info, "maxmemory"),
        policy=_word(info["maxmemory_policy"]) if "maxmemory_policy" in info else None,
        clients=whole(info, "connected_clients"),
        clients_limit=whole(info, "maxclients"),
        blocked=whole(info, "blocked_clients"),
        hits=whole(info, "keyspace_hits"),
        misses=whole(info, "keyspace_misses"),
        evicted=whole(info, "evicted_keys"),
        expired=whole(info, "expired_keys"),
        commands=whole(info, "total_commands_processed"),
        replicas=whole(info, "connected_slaves"),
        lag_s=max(told.values(), default=None),
        rss=whole(info, "used_memory_rss"),
        net_in=whole(info, "total_net_input_bytes"),
        net_out=whole(info, "total_net_output_bytes"),
        uptime=whole(info, "uptime_in_seconds"),
        all_keys=all_keys,
        volatile=volatile,
        output_buffer=whole(info, "client_recent_max_output_buffer"),
        buffer_kills=whole(info, "client_output_buffer_limit_disconnections"),
        persistence=persistence(info),
        calls=calls(info),
        lags={f"{_word(host)}:{port}": lag for (host, port), lag in told.items()},
    )
