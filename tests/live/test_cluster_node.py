"""One node of a cluster tells what it knows, says that this is not all, and judges nothing from what it cannot see."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from typing import TYPE_CHECKING

from fleetcache_gui.cache import LiveQueries

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleetcache_gui.cache import Client
    from tests.servers import Cluster


def test_a_node_is_told_to_be_one_and_orphans_are_not_made_up(
    cluster: Cluster, open_cluster: Callable[[], Client]
) -> None:
    async def start() -> None:
        async with open_cluster() as client:
            queries = LiveQueries(client)
            for campaign in range(1, 31):  # enough for each node to hold halves of campaigns
                await queries.start(campaign, "SELECT 1")
                await queries.complete_hosts(campaign, (1, 2))

    asyncio.run(start())
    kept = 0
    for node in cluster.nodes:
        command = [sys.executable, "-m", "fleetcache_gui", "snapshot", node.url, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert told["complete"] is False
        summary = subprocess.run(command[:-1], capture_output=True, text=True, check=False).stdout
        assert summary.endswith("\nNot complete: this is one node of a cluster, and only its own keys are read.\n")
        assert [finding["id"] for finding in told["server_findings"]] == ["server.one-node"]
        assert told["families"]["live_queries"]["findings"] == []
        kept += sum(len(row["keys"]) for row in told["families"]["live_queries"]["rows"])
    assert kept >= 60
