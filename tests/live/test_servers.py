"""The harness itself: what it starts is ours, and ends with us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.servers import VALKEY, Binary, Cluster, Server, ServerError, wait_until


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_servers_are_of_the_promised_versions(server: Server) -> None:
    info = server.info()
    version = info.get("valkey_version") or info["redis_version"]
    assert version.startswith(server.name.rpartition("-")[2])
    assert info["process_id"] == server.pid
    assert {module[1] for module in server.call("MODULE", "LIST")} <= {b"lua", b"vectorset"}  # built in


def test_restart_keeps_the_port_and_loses_the_data(valkey: Server) -> None:
    port, pid = valkey.port, valkey.pid
    valkey.call("SET", "k", "v")
    valkey.restart()
    assert (valkey.port, valkey.call("GET", "k")) == (port, None)
    assert valkey.pid != pid


def test_a_frozen_server_does_not_answer_until_thawed(valkey: Server) -> None:
    with redis.Redis(port=valkey.port, socket_timeout=0.05, retry=Retry(NoBackoff(), 0)) as client:
        with valkey.frozen(), pytest.raises(redis.TimeoutError):
            client.ping()
        assert client.ping()


def test_a_stranger_on_the_port_is_neither_accepted_nor_flushed() -> None:
    with Server(VALKEY) as stranger:
        stranger.call("SET", "theirs", "1")
        with Server(VALKEY) as ours:
            ours.port = stranger.port
            with pytest.raises(ServerError, match="not by ours"):
                ours.flush()
        assert stranger.call("GET", "theirs") == b"1"


def test_a_server_that_cannot_start_says_why() -> None:
    with pytest.raises(ServerError, match="no-such-directive"):
        Server(VALKEY, "--no-such-directive", "1")


def test_a_missing_binary_names_the_line_to_paste() -> None:
    missing = Binary("redis-99", lambda: Path("/nonexistent/redis-server"), "apt-get install -y redis-99")
    with pytest.raises(ServerError, match="apt-get install -y redis-99"):
        Server(missing)


def test_stop_ends_a_frozen_server_and_removes_its_directory() -> None:
    server = Server(VALKEY)
    pid, directory = server.pid, Path(os.readlink(f"/proc/{server.pid}/cwd"))
    server.freeze()
    server.stop()
    assert not _is_running(pid)
    assert not directory.exists()


def test_servers_die_with_a_killed_test_process(tmp_path: Path) -> None:
    code = "from tests.servers import *; import sys; print(Server(VALKEY).pid, flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "TMPDIR": str(tmp_path)},  # it has no chance to clean up
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert _is_running(pid)
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not _is_running(pid), "the orphaned server is gone")


def test_the_cluster_spreads_keys_over_three_primaries(cluster: Cluster) -> None:
    with redis.RedisCluster.from_url(cluster.url, protocol=2) as client:
        for number in range(300):
            client.set(f"key:{number}", number)
    sizes = [node.call("DBSIZE") for node in cluster.nodes]
    assert sum(sizes) == 300
    assert min(sizes) > 50
    cluster.flush()
    assert [node.call("DBSIZE") for node in cluster.nodes] == [0, 0, 0]
