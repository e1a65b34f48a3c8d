"""The demo's cluster: it forms, the fleet works on all of it, and nothing of it outlives us."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from fleetcache_gui.cache import connect
from fleetcache_gui.demo import EmbeddedCluster, NoEmbeddedServer, SimulatedFleet, cluster
from fleetcache_gui.demo import server as demo_server
from fleetcache_gui.domain.family import Expected
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.address import parse_url
from fleetcache_gui.redis_io.poll import Poller
from tests.live.commands import ended, run, start
from tests.live.readers import Recorder
from tests.servers import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    Eventually = Callable[..., Coroutine[Any, Any, None]]


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_the_fleet_works_on_all_of_it_and_is_seen_whole(eventually: Eventually) -> None:
    async with EmbeddedCluster() as source:
        ports = [node.port for node in source.nodes]
        seen = Recorder()
        poller = Poller(parse_url(source.url), SPEC, seen, Expected(), 0.5)
        fleet = SimulatedFleet(source.url, hosts=200, speed=10, cluster=True)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(fleet.run()), group.create_task(poller.run())]
            had: set[str] = set()
            lasting = {family.id for family in SPEC.families} - {"host_queue"}  # which may be empty at each poll
            await eventually(lambda: had.update(f for f in lasting if seen.rows(f)) or had == lasting, 25)
            await eventually(seen.complete)
            nodes = seen.vitals[-1].nodes
            assert [node.role for node in nodes] == ["primary"] * 3 + ["replica"] * 3
            await eventually(lambda: all(node.keys for node in seen.vitals[-1].nodes[:3]))
            assert not seen.vitals[-1].missing
            for task in tasks:
                task.cancel()
    assert not any(map(listens, ports))


async def test_what_was_started_ends_when_a_later_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = iter([free_port() for _ in range(4)])
    taken: list[int] = []

    def next_port() -> int:
        taken.append(next(ports))
        return taken[-1]

    monkeypatch.setattr(demo_server, "_free_port", next_port)
    with pytest.raises(RuntimeError):  # the third finds no port: StopIteration within a coroutine
        await EmbeddedCluster().__aenter__()
    assert len(taken) == 4
    assert not any(map(listens, taken))


async def test_one_that_does_not_form_says_so_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_FORM_TIMEOUT", 0.05)
    source = EmbeddedCluster()
    with pytest.raises(NoEmbeddedServer, match=r"did not form \(TimeoutError\); leave --cluster away\."):
        await source.__aenter__()
    assert len(source.nodes) == 6
    assert not any(listens(node.port) for node in source.nodes)


_PARENT = """
import asyncio
from fleetcache_gui.demo import EmbeddedCluster

async def main():
    async with EmbeddedCluster() as cluster:
        print(*(node.port for node in cluster.nodes), *(node._dir for node in cluster.nodes), flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize("deed", [signal.SIGKILL, signal.SIGINT], ids=lambda deed: deed.name)
def test_it_ends_with_us_however_we_end(deed: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        words = parent.stdout.readline().split()
        ports, folders = [int(word) for word in words[:6]], [Path(word) for word in words[6:]]
        assert all(map(listens, ports))
        assert all(folder.exists() for folder in folders)
        parent.send_signal(deed)
    wait_until(
        lambda: not any(map(listens, ports)) and not any(folder.exists() for folder in folders),
        "all servers and folders are gone",
    )


@pytest.mark.parametrize("moment", ["forming", "at work"])
def test_ctrl_c_ends_the_demo_at_any_moment(tmp_path: Path, moment: str) -> None:
    files = tmp_path / "files"
    files.mkdir()
    args = ("demo", "--cluster", "--speed", "10", "--hosts", "100", "--pictures", str(tmp_path / "pictures"))
    with ended(start(*args, TMPDIR=str(files), QT_QPA_PLATFORM="offscreen")) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"Six servers are finding together as a cluster")

        def ports() -> list[int]:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            lines = [Path(f"/proc/{child}/cmdline").read_bytes() for child in children]
            return [int(found[1]) for line in lines if (found := re.search(rb"(?:--port\0|127\.0\.0\.1:)(\d+)", line))]

        def works() -> bool:
            try:
                with redis.RedisCluster.from_url(f"redis://127.0.0.1:{started[0]}") as client:
                    return client.dbsize() > 0
            except (redis.RedisError, redis.RedisClusterException):
                return False

        wait_until(lambda: len(ports()) == 6, "six servers run")
        started = ports()
        if moment == "at work":
            wait_until(works, "the fleet fills the cluster", 20)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (128 + signal.SIGINT, b"")
    wait_until(lambda: not any(map(listens, started)), "all servers are gone")
    wait_until(lambda: not list(files.iterdir()), "nothing is left of their files")


def test_a_cluster_and_a_server_of_ones_own_exclude_each_other() -> None:
    assert "--cluster starts servers of its own" in run("demo", "--cluster", "--server", "redis://localhost").failed()


async def test_a_node_is_a_server_of_a_cluster() -> None:
    async with demo_server.EmbeddedServer(cluster=True) as node:
        client = connect(node.url)
        assert (await client.info("cluster"))["cluster_enabled"] == 1
        await client.aclose()
