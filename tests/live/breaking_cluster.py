"""What tests of acts on a cluster share: keys at their nodes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import redis

from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.redis_io.topology import slot_of
from tests.live.breaking import names
from tests.servers import HOST, Cluster, Server

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEYS = names(300)
ACTIVE = b"livequery:active"


def by_node(cluster: Cluster, keys: Sequence[bytes]) -> dict[int, list[bytes]]:
    """Keys by the port of the node that owns them."""
    found: dict[int, list[bytes]] = {}
    slots = cluster.nodes[0].call("CLUSTER", "SLOTS")
    owners = [(first, last, port) for first, last, (_, port, *_), *_ in slots]
    for key in keys:
        port = next(port for first, last, port in owners if first <= slot_of(key) <= last)
        found.setdefault(port, []).append(key)
    return found


def each(cluster: Cluster, keys: Sequence[bytes], *command: str | bytes) -> dict[bytes, Any]:
    """A command for each key, at its node; the replies."""
    found: dict[bytes, Any] = {}
    for port, some in by_node(cluster, keys).items():
        with redis.Redis(port=port, protocol=2) as client, client.pipeline(transaction=False) as pipe:
            for key in some:
                pipe.execute_command(command[0], key, *command[1:])
            found |= dict(zip(some, pipe.execute(), strict=True))
    return found


def fill(cluster: Cluster, keys: Sequence[bytes] = KEYS) -> None:
    each(cluster, keys, "SET", b"value")


def there(cluster: Cluster, keys: Sequence[bytes] = KEYS) -> set[bytes]:
    return {key for key, found in each(cluster, keys, "EXISTS").items() if found}


def at(cluster: Cluster) -> Address:
    return Address(HOST, cluster.nodes[0].port)


def named(cluster: Cluster, node: str) -> Server:
    """The server of a node's id."""
    return next(server for server in cluster.nodes if server.call("CLUSTER", "MYID").decode() == node)


@contextmanager
def losing_a_part(cluster: Cluster) -> Iterator[None]:
    """The other parts serve while one is down."""
    for node in cluster.nodes:
        node.call("CONFIG", "SET", "cluster-require-full-coverage", "no")
    yield
    cluster.revive()
    for node in cluster.nodes:
        node.call("CONFIG", "SET", "cluster-require-full-coverage", "yes")
