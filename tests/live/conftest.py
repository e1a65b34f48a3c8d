"""Fixtures for real servers: each started once in a session, emptied before each test that uses it.

Emptying checks first that the server is the one this session started (see `tests/servers.py`). A test may
kill, restart or freeze a server; it is brought back for the next one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.cache import connect, connect_cluster
from tests.servers import ALL, VALKEY, Binary, Cluster, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fleetcache_gui.cache import Client


class _Servers:
    """The session's servers, started at first use."""

    def __init__(self) -> None:
        self._started: dict[str, Server] = {}

    def get(self, binary: Binary) -> Server:
        """The session's server of that kind, running and empty."""
        server = self._started.get(binary.name)
        if server is None:
            server = self._started[binary.name] = Server(binary)
        server.revive()
        server.flush()
        return server

    def stop(self) -> None:
        for server in self._started.values():
            server.stop()


@pytest.fixture(scope="session")
def session_servers() -> Iterator[_Servers]:
    servers = _Servers()
    yield servers
    servers.stop()


@pytest.fixture(params=ALL, ids=lambda binary: binary.name)
def server(request: pytest.FixtureRequest, session_servers: _Servers) -> Server:
    """Valkey 9.1, Redis 7.0 and Redis 8.2 in turn: running and empty."""
    return session_servers.get(request.param)


@pytest.fixture
def valkey(session_servers: _Servers) -> Server:
    """Valkey 9.1 alone: running and empty."""
    return session_servers.get(VALKEY)


@pytest.fixture(scope="session")
def session_second() -> Iterator[Server]:
    with Server(VALKEY, "--enable-debug-command", "yes") as server:
        yield server


@pytest.fixture
def second(session_second: Server) -> Server:
    """One more Valkey 9.1 beside `valkey`, which takes DEBUG: running and empty."""
    session_second.revive()
    session_second.flush()
    return session_second


@pytest.fixture(scope="session")
def session_cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def cluster(session_cluster: Cluster) -> Cluster:
    """Three Valkey primaries: running and empty."""
    session_cluster.revive()
    session_cluster.flush()
    return session_cluster


@pytest.fixture(scope="session")
def session_six_nodes() -> Iterator[Cluster]:
    with Cluster(replicas=1) as cluster:
        yield cluster


@pytest.fixture
def six_nodes(session_six_nodes: Cluster) -> Cluster:
    """Three Valkey primaries and a replica of each: running and empty. A test may leave their roles changed."""
    session_six_nodes.revive()
    session_six_nodes.flush()
    return session_six_nodes


@pytest.fixture
def lenient(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster that goes on serving what it has when a part is lost; by default it then refuses everything."""
    for node in cluster.nodes:
        node.call("CONFIG", "SET", "cluster-require-full-coverage", "no")
    yield cluster
    cluster.revive()
    for node in cluster.nodes:
        node.call("CONFIG", "SET", "cluster-require-full-coverage", "yes")
    cluster.wait()


@pytest.fixture
def open_cluster(cluster: Cluster) -> Callable[[], Client]:
    """A client of the cluster: `async with open_cluster() as client`."""
    return lambda: connect_cluster(cluster.url)


@pytest.fixture(params=[*ALL, None], ids=lambda binary: binary.name if binary else "cluster")
def open_client(request: pytest.FixtureRequest, session_servers: _Servers) -> Callable[[], Client]:
    """A client of each server and of the cluster in turn, all empty: `async with open_client() as client`."""
    if request.param is None:
        open_cluster: Callable[[], Client] = request.getfixturevalue("open_cluster")
        return open_cluster
    server = session_servers.get(request.param)
    return lambda: connect(server.url)
