"""What real clusters tell of themselves, and who is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.redis_io import topology
from tests.live.readers import lane_to
from tests.servers import REDIS_7, REDIS_8, Binary, Cluster, Server, free_port

if TYPE_CHECKING:
    from fleetcache_gui.redis_io.topology import Topology


async def seen_by(node: Server) -> Topology:
    async with lane_to(node) as lane:
        found = await topology.read(lane)
        assert found is not None
        return found


async def test_primaries_replicas_and_owners(six_nodes: Cluster) -> None:
    found = await seen_by(six_nodes.nodes[0])
    assert {node.address.port for node in found.nodes} == {node.port for node in six_nodes.nodes}
    assert found.missing == ()
    assert len(found.primaries) == 3
    assert {node.of for node in found.nodes if not node.primary} == {node.id for node in found.primaries}
    for node in found.nodes:
        assert node.healthy
        server = next(server for server in six_nodes.nodes if server.port == node.address.port)
        assert server.call("CLUSTER", "MYID") == node.id.encode()
    for key in (b"a", b"live_query:active", b"{tag}x", bytes(range(256))):
        slot = topology.slot_of(key)
        assert six_nodes.nodes[0].call("CLUSTER", "KEYSLOT", key) == slot
        owner = found.owner(slot)
        assert owner is not None
        assert owner.address.port == six_nodes.owner(slot).port


@pytest.mark.parametrize("binary", [REDIS_7, REDIS_8], ids=lambda binary: binary.name)
async def test_other_versions_tell_it_in_the_same_way(binary: Binary) -> None:
    with Cluster(binary=binary) as cluster:
        found = await seen_by(cluster.nodes[1])
        assert [node.slots for node in found.nodes] == [((0, 5460),), ((5461, 10921),), ((10922, 16383),)]
        assert [node.address.port for node in found.nodes] == [node.port for node in cluster.nodes]


async def test_a_server_by_itself_is_no_cluster(server: Server) -> None:
    async with lane_to(server) as lane:
        assert await topology.read(lane) is None


async def test_who_refuses_the_command_is_no_cluster(valkey: Server) -> None:
    valkey.call("ACL", "SETUSER", "narrow", "on", ">pw", "~*", "+@read", "+ping")
    async with lane_to(valkey, username="narrow", password="pw") as lane:
        assert await topology.read(lane) is None
    with Server(REDIS_7, "--rename-command", "CLUSTER", "") as renamed:
        async with lane_to(renamed) as lane:
            assert await topology.read(lane) is None


async def test_a_cluster_of_one_node_that_serves_nothing() -> None:
    with Server(REDIS_7, "--cluster-enabled", "yes", "--cluster-port", str(free_port())) as alone:
        found = await seen_by(alone)
        assert [node.address.port for node in found.nodes] == [alone.port]
        assert found.missing == ((0, topology.SLOTS - 1),)
