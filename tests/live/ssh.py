"""An SSH server for tests, in this process: asyncssh's own."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import asyncssh

from fleetcache_gui.redis_io.address import Tunnel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class _Guard(asyncssh.SSHServer):
    """Lets everything through that has the right key; counts what it is asked to connect to."""

    def __init__(self, host: SshHost) -> None:
        self._host = host

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._host.open += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._host.open -= 1

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        self._host.asked.append((dest_host, dest_port))
        if not self._host.allows:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "no")
        return True


@dataclass
class SshHost:
    """Where it listens and what it saw. `open`: connections that there are now."""

    tunnel: Tunnel
    other_key: str
    known_line: str
    asked: list[tuple[str, int]]
    allows: bool = True
    open: int = 0


@asynccontextmanager
async def ssh_host(folder: Path) -> AsyncIterator[SshHost]:
    """Listening, with a key for the user ``ops``, and a file of known hosts that knows it."""
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    for name in ("user", "other"):
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(folder / name)
        (folder / name).chmod(0o600)  # as ssh-add asks
        key.write_public_key(folder / f"{name}.pub")
    host = SshHost(Tunnel("127.0.0.1"), str(folder / "other"), "", [])
    acceptor = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: _Guard(host),
        server_host_keys=[host_key],
        authorized_client_keys=str(folder / "user.pub"),
    )
    port = acceptor.get_port()
    known = folder / "known_hosts"
    host.known_line = f"[127.0.0.1]:{port} {host_key.export_public_key().decode()}"
    known.write_text(host.known_line)
    host.tunnel = Tunnel("127.0.0.1", port, "ops", str(folder / "user"), str(known))
    try:
        yield host
    finally:
        acceptor.close()
        await acceptor.wait_closed()
