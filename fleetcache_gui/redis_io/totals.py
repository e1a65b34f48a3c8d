"""The figures of a cluster from those of its nodes."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fleetcache_gui.domain.snapshot import NodeVitals, Vitals
from fleetcache_gui.domain.values import Reply, ReplyError
from fleetcache_gui.redis_io import info

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fleetcache_gui.domain.snapshot import Missing
    from fleetcache_gui.redis_io.server import Server
    from fleetcache_gui.redis_io.topology import Node, Topology

PARTIAL = "PARTIAL"
"""The code in place of a count of listeners while not all nodes were asked."""

_SUMMED = (
    *("keys", "memory", "memory_limit", "clients", "clients_limit", "blocked"),
    *("hits", "misses", "evicted", "expired", "commands", "rss", "net_in", "net_out"),
    *("all_keys", "volatile", "buffer_kills"),
)


def total(
    topology: Topology, read: Mapping[str, Server], away: Mapping[str, str], missing: Iterable[Missing]
) -> Vitals:
    """One `Vitals` for the whole: sums over the nodes `read`, by id, which are one at least; `away` has, by id, the
    last run id of those that should have been read. A figure that one of the nodes does not tell is not told."""
    parts = [server.vitals for server in read.values()]
    places = {node.id: str(node.address) for node in topology.nodes}
    lags = dict(_lags(topology, read))
    nodes = tuple(_node(node, places, read.get(node.id), away, lags) for node in topology.nodes)
    versions = list(dict.fromkeys(part.version for part in parts))
    calls: Counter[str] = Counter()
    for part in parts:
        calls.update(part.calls)
    replicas = [node for node in topology.nodes if not node.primary]
    figures: dict[str, Any] = {name: _sum([getattr(part, name) for part in parts]) for name in _SUMMED}
    return replace(
        parts[0],
        **figures,
        mode="cluster",
        role="master",
        version=versions[0] if len(versions) == 1 else ", ".join(versions),
        # Growth is reckoned between readings of the same processes only.
        run_id="+".join(sorted(part.run_id for part in parts)),
        at=max(part.at for part in parts),
        replicas=len(replicas),
        lag_s=max((lag for lag in lags.values() if lag is not None), default=None),
        # The files, the largest buffer and the age of a cluster are each node's own: `figures` of the nodes have them.
        uptime=None,
        output_buffer=max((part.output_buffer for part in parts if part.output_buffer is not None), default=None),
        persistence=None,
        calls=calls,
        lags={places[name]: lag for name, lag in lags.items() if lag is not None},
        parameters=parameters(read.values()),
        nodes=nodes,
        missing=tuple(missing),
    )


def parameters(servers: Iterable[Server]) -> dict[str, str]:
    """The settings of the nodes, each as the first that tells it has it."""
    told: dict[str, str] = {}
    for server in servers:
        told = {**server.vitals.parameters, **told}
    return told


def listeners(told: Sequence[Reply], *, whole: bool) -> Reply:
    """One reply to PUBSUB NUMSUB of a channel for those of several nodes. Where nobody listens at these, and they are
    not the `whole` cluster, it is not known whether anybody does."""
    counts = [part[1] if isinstance(part, list) and len(part) == 2 else part for part in told]
    known = [number for number in counts if isinstance(number, int)]
    if len(known) == len(counts) and (any(known) or whole):
        return [told[0][0] if isinstance(told[0], list) else b"", sum(known)]
    refused = next((part for part in told if isinstance(part, ReplyError)), None)
    return refused or ReplyError(f"{PARTIAL} nobody listens at the nodes that were asked")


def _sum(figures: Sequence[int | None]) -> int | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) if len(known) == len(figures) else None


def _node(
    node: Node,
    places: Mapping[str, str],
    server: Server | None,
    away: Mapping[str, str],
    lags: Mapping[str, float | None],
) -> NodeVitals:
    told = NodeVitals(
        id=node.id,
        address=str(node.address),
        role="primary" if node.primary else "replica",
        slots=node.slots,
        of=places.get(node.of, ""),
        run_id=away.get(node.id, ""),
        link="away" if node.id in away else "in step" if node.healthy else "failed",
        lag_s=lags.get(node.id),
    )
    if server is None:
        return told
    vitals = server.vitals
    return replace(
        told,
        link="live",
        run_id=vitals.run_id,
        keys=vitals.keys,
        memory=vitals.memory,
        memory_limit=vitals.memory_limit,
        clients=vitals.clients,
        clients_limit=vitals.clients_limit,
        figures=vitals,
    )


def _lags(topology: Topology, read: Mapping[str, Server]) -> Iterable[tuple[str, float | None]]:
    """Seconds that each replica is behind, by id: as its primary tells, or itself where it is the one that is read."""
    for node in topology.nodes:
        if node.primary:
            continue
        if node.id in read:
            yield node.id, info.behind(read[node.id].info)
        elif node.of in read:
            yield node.id, info.lags(read[node.of].info).get((node.address.host, node.address.port))
