"""What the tests of reading a cluster share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import redis

from fleetcache_gui.domain.family import AWAY
from tests.live.readers import TOKEN, Recorder

if TYPE_CHECKING:
    from tests.servers import Cluster, Server

KEYS = 300
ENOUGH = [
    "%R~*",
    "+@read",
    "+ping",
    "+select",
    "+info",
    "+time",
    "+client|setname",
    "+client|no-touch",
    "+cluster|nodes",
    "+asking",
]
NAMES = {b"lock:cron:%d" % n for n in range(KEYS)}


def fill(cluster: Cluster, names: set[bytes] = NAMES) -> None:
    """Locks on all nodes."""
    with redis.RedisCluster.from_url(cluster.url, protocol=2) as client:
        for name in names:
            client.set(name, TOKEN, ex=3600)


def primaries(cluster: Cluster) -> list[Server]:
    return [node for node in cluster.nodes if node.info("replication")["role"] == "master"]


def live(seen: Recorder) -> set[bytes]:
    """Locks that were read at the last poll."""
    return {name for name, row in seen.rows("locks").items() if row.state is not AWAY}


def held_by(*nodes: Server) -> set[bytes]:
    return {name for node in nodes for name in node.call("KEYS", "lock:*")}


def all_known(seen: Recorder) -> bool:
    return seen.complete() and live(seen) == NAMES
