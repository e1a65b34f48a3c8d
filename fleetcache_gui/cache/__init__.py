"""The cache as Fleet itself uses it: an asyncio library of all seven uses, on standalone and cluster clients.

Keys, types and lifetimes are those of the product's specification. Each class takes a client of redis-py's
with `decode_responses=False` (`connect` and `connect_cluster` make fitting ones); times are in seconds. Every
public method says which commands it sends, in how many round trips, and what happens when Redis is away. Scripts
go as EVAL with KEYS and ARGV; no command touches two slots of a cluster.
"""

from __future__ import annotations

from fleetcache_gui.cache.availability import CacheUnavailable, Client
from fleetcache_gui.cache.config_cache import ConfigCache
from fleetcache_gui.cache.connection import close, connect, connect_cluster
from fleetcache_gui.cache.host_queue import Entry, HostQueue, ListQueue, StreamQueue
from fleetcache_gui.cache.host_updates import HostUpdates
from fleetcache_gui.cache.live_queries import LiveQueries, LiveQueriesPaused
from fleetcache_gui.cache.locks import Held, Lock, LockLost, LockNotAcquired, Locks, LockUnavailable
from fleetcache_gui.cache.preassign import Preassignment, Preassignments
from fleetcache_gui.cache.rate_limits import RateLimits, Verdict
from fleetcache_gui.cache.tokens import InstallerTokens, TokenMetadata

__all__ = [
    "CacheUnavailable",
    "Client",
    "ConfigCache",
    "Entry",
    "Held",
    "HostQueue",
    "HostUpdates",
    "InstallerTokens",
    "ListQueue",
    "LiveQueries",
    "LiveQueriesPaused",
    "Lock",
    "LockLost",
    "LockNotAcquired",
    "LockUnavailable",
    "Locks",
    "Preassignment",
    "Preassignments",
    "RateLimits",
    "StreamQueue",
    "TokenMetadata",
    "Verdict",
    "close",
    "connect",
    "connect_cluster",
]
