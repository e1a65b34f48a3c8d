"""`snapshot` of a cluster: from any node all of it; where it may not be asked for, one node that says so."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from fleetcache_gui.cache import LiveQueries

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleetcache_gui.cache import Client
    from tests.servers import Cluster

CAMPAIGNS = 30  # enough for each node to hold halves of campaigns


def start_campaigns(open_cluster: Callable[[], Client]) -> None:
    async def start() -> None:
        async with open_cluster() as client:
            queries = LiveQueries(client)
            for campaign in range(1, CAMPAIGNS + 1):
                await queries.start(campaign, "SELECT 1")
                await queries.complete_hosts(campaign, (1, 2))

    asyncio.run(start())


def snapshot(*words: str, code: int = 0) -> str:
    command = [sys.executable, "-m", "fleetcache_gui", "snapshot", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout


def read(url: str, *more: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(snapshot(url, "--json", *more))
    return told


def keys(told: dict[str, Any]) -> list[str]:
    return [key["name"] for row in told["families"]["live_queries"]["rows"] for key in row["keys"]]


def test_any_node_gives_the_whole_cluster(cluster: Cluster, open_cluster: Callable[[], Client]) -> None:
    start_campaigns(open_cluster)
    for node in cluster.nodes:
        told = read(node.url)
        assert (told["complete"], told["missing"], told["server_findings"]) == (True, [], [])
        assert told["families"]["live_queries"]["findings"] == []
        assert len(keys(told)) == len(set(keys(told))) == 2 * CAMPAIGNS + 1
        assert told["server"]["keys"] == 2 * CAMPAIGNS + 1 == sum(n["keys"] for n in told["server"]["nodes"])
        assert [n["slots"] for n in told["server"]["nodes"]] == [[[0, 5460]], [[5461, 10921]], [[10922, 16383]]]
        assert {(n["role"], n["link"], n["of"]) for n in told["server"]["nodes"]} == {("primary", "live", None)}
    assert f"a cluster of 3 nodes, {2 * CAMPAIGNS + 1} keys" in snapshot(cluster.url)


def test_replicas_on_request(six_nodes: Cluster) -> None:
    told = read(six_nodes.url, "--read-from-replicas")
    assert told["complete"]
    assert [n["link"] for n in told["server"]["nodes"]] == ["in step"] * 3 + ["live"] * 3
    assert all(n["of"] for n in told["server"]["nodes"][3:])


def test_a_part_that_is_missing_is_named(cluster: Cluster, open_cluster: Callable[[], Client]) -> None:
    start_campaigns(open_cluster)
    lost = cluster.nodes[1]
    for node in cluster.nodes:
        node.call("CONFIG", "SET", "cluster-require-full-coverage", "no")
    try:
        lost.kill()
        told = read(cluster.url)
        assert told["complete"] is False
        assert [(gap["slots"], gap["address"]) for gap in told["missing"]] == [
            ([[5461, 10921]], f"127.0.0.1:{lost.port}")
        ]
        assert told["missing"][0]["why"].endswith(".")
        assert [finding["id"] for finding in told["server_findings"]] == ["server.partial"]
        assert told["families"]["live_queries"]["findings"] == []
        states = [row["state"] for row in told["families"]["live_queries"]["rows"]]
        assert "away" in states
        summary = snapshot(cluster.url)
        assert f"Not complete: slots 5461–10921 of 127.0.0.1:{lost.port} cannot be read." in summary
        snapshot(cluster.url, "--fail-on", "critical", code=1)
    finally:
        cluster.revive()
        for node in cluster.nodes:
            node.call("CONFIG", "SET", "cluster-require-full-coverage", "yes")


def test_a_node_that_keeps_the_others_from_us_is_told_to_be_one_and_orphans_are_not_made_up(
    cluster: Cluster, open_cluster: Callable[[], Client]
) -> None:
    start_campaigns(open_cluster)
    kept = 0
    for node in cluster.nodes:
        node.call("ACL", "SETUSER", "narrow", "on", ">x", "~*", "+@all", "-cluster")
        url = node.url.replace("redis://", "redis://narrow:x@")
        try:
            told = read(url)
            summary = snapshot(url)
        finally:
            node.call("ACL", "DELUSER", "narrow")
        assert told["complete"] is False
        assert "missing" not in told
        assert "nodes" not in told["server"]
        assert summary.endswith("\nNot complete: this is one node of a cluster, and only its own keys are read.\n")
        assert [finding["id"] for finding in told["server_findings"]] == ["server.one-node"]
        assert told["families"]["live_queries"]["findings"] == []
        kept += len(keys(told))
    assert kept >= 2 * CAMPAIGNS
