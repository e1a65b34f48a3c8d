"""A primary, a replica and three sentinels of Debian's Redis 7.0, which fail over within some two seconds."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import redis

from tests.servers import HOST, REDIS_7, Binary, Server, _end_with_parent, free_port, wait_until

if TYPE_CHECKING:
    from types import TracebackType

SENTINEL = Binary("sentinel-7.0", lambda: Path("/usr/bin/redis-sentinel"), "apt-get install -y redis-sentinel")
SERVICE = "fleet"


class Watched:
    """The whole set. `at`: where the sentinels listen."""

    def __init__(self) -> None:
        self.primary = Server(REDIS_7)
        self.replica = Server(REDIS_7, "--replicaof", HOST, str(self.primary.port), "--repl-diskless-sync-delay", "0")
        self._dir = Path(tempfile.mkdtemp(prefix="sentinels-"))
        self.at = tuple((HOST, free_port()) for _ in range(3))
        self._processes: list[subprocess.Popen[bytes]] = []
        try:
            for _, port in self.at:
                self._processes.append(self._start(port))
            for _, port in self.at:
                wait_until(lambda port=port: self._ready(port), f"sentinel {port} sees all")  # type: ignore[misc]
        except BaseException:
            self.stop()
            raise

    def _start(self, port: int) -> subprocess.Popen[bytes]:
        file = self._dir / f"{port}.conf"
        lines = [
            f"port {port}",
            f"bind {HOST}",
            f"dir {self._dir}",
            f"sentinel monitor {SERVICE} {HOST} {self.primary.port} 2",
            f"sentinel down-after-milliseconds {SERVICE} 500",
            f"sentinel failover-timeout {SERVICE} 3000",
        ]
        file.write_text("\n".join(lines) + "\n")
        with (self._dir / f"{port}.log").open("wb") as log:
            return subprocess.Popen(
                [str(SENTINEL.path()), str(file)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_end_with_parent(),
            )

    def call(self, port: int, *command: str, then: tuple[str, ...] = ()) -> Any:
        """One command to one sentinel, or two on one connection; the reply to the last."""
        with redis.Redis(host=HOST, port=port, protocol=2, socket_timeout=5, single_connection_client=True) as client:
            reply = client.execute_command(*command)
            return client.execute_command(*then) if then else reply

    def _ready(self, port: int) -> bool:
        try:
            sentinels = self.call(port, "SENTINEL SENTINELS", SERVICE)
            replicas = self.call(port, "SENTINEL REPLICAS", SERVICE)
        except (redis.ConnectionError, redis.ResponseError):
            return False
        return len(sentinels) == 2 and len(replicas) == 1

    def fail_over(self) -> None:
        """As an administrator would, with the old primary alive."""
        self.call(self.at[0][1], "SENTINEL FAILOVER", SERVICE)

    def stop_sentinel(self, position: int) -> None:
        """That one is gone."""
        self._processes[position].kill()
        self._processes[position].wait()

    def stop(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        self.replica.stop()
        self.primary.stop()
        shutil.rmtree(self._dir, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
