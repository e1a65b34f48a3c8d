"""An SSH tunnel: one SSH connection and one channel in it for each connection to a server.

The channel ends in a socket pair, so TLS and plain streams are put on it as on any socket, and no other user of this
machine can connect through it, as they could to a forwarded port.
"""

from __future__ import annotations

import asyncio
import socket
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fleetcache_gui.redis_io import tcp
from fleetcache_gui.redis_io.address import host_port
from fleetcache_gui.redis_io.aside import aside, other_threads
from fleetcache_gui.redis_io.faults import Fault, Trouble

if TYPE_CHECKING:
    from asyncssh import SSHClientConnection

    from fleetcache_gui.redis_io.address import Address, Tunnel

_PROHIBITED = 1  # RFC 4254, 5.1


class _End(asyncio.Protocol):
    """One end of the pipe between a channel and a socket; `other` is the other end's transport."""

    def __init__(self, other: Any = None, then: Any = None) -> None:  # noqa: ANN401  (a channel or a transport)
        self.other, self._then = other, then

    def session_started(self) -> None:
        """asyncssh: the channel is open."""

    def data_received(self, data: bytes, datatype: object = None) -> None:
        self.other.write(data)

    def eof_received(self) -> bool:
        return False  # Redis knows no half-closed connections: this end closes, and then the other

    def pause_writing(self) -> None:
        self.other.pause_reading()

    def resume_writing(self) -> None:
        self.other.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None:
            self.other.close()
        if self._then is not None:
            self._then()


async def dig(tunnel: Tunnel, address: Address) -> socket.socket:
    """A socket whose other end is `address`, as seen from the SSH server. Closing it closes the tunnel.

    Raises `Trouble` within the address's `connect_timeout`.
    """
    await aside(lambda: import_module("asyncssh"))  # a quarter of a second
    try:
        async with asyncio.timeout(address.connect_timeout):
            connection = await _log_in(tunnel)
            try:
                return await _channel(connection, address)
            except BaseException:
                connection.abort()
                raise
    except Exception as error:  # noqa: BLE001  asyncssh, its ciphers and the system each raise their own
        raise _trouble(error, tunnel, address) from None


async def _log_in(tunnel: Tunnel) -> SSHClientConnection:
    import asyncssh

    carrier = await tcp.connect(tunnel.host, tunnel.port)
    try:
        # Without a configuration file: one could name a command to run, or another host.
        known = await aside(lambda: _known(tunnel))
        with other_threads():
            return await asyncssh.connect(
                tunnel.host,
                tunnel.port,
                sock=carrier,
                config=None,
                known_hosts=known,
                preferred_auth="publickey",
                **({"username": tunnel.user} if tunnel.user else {}),
                **({"client_keys": [tunnel.key_file]} if tunnel.key_file else {}),
            )
    except BaseException:
        carrier.close()
        raise


async def _channel(connection: SSHClientConnection, address: Address) -> socket.socket:
    ours, theirs = socket.socketpair()
    try:
        near = _End(then=connection.close)
        theirs.setblocking(False)
        transport, _ = await asyncio.get_running_loop().create_connection(lambda: near, sock=theirs)
        far = _End(transport)
        try:
            near.other, _ = await connection.create_connection(
                lambda: far,  # type: ignore[arg-type,return-value]
                address.host,
                address.port,
            )
        except BaseException:
            transport.abort()
            raise
    except BaseException:
        ours.close()
        theirs.close()
        raise
    ours.setblocking(False)
    return ours


def _known_hosts(tunnel: Tunnel) -> Path:
    return Path(tunnel.known_hosts).expanduser() if tunnel.known_hosts else Path.home() / ".ssh" / "known_hosts"


def _known(tunnel: Tunnel) -> Any:  # noqa: ANN401  (asyncssh's own kinds)
    """The host keys that are trusted; none where the file does not exist. Raises `Trouble` for another kind of file."""
    import asyncssh

    file = _known_hosts(tunnel)
    try:
        return asyncssh.read_known_hosts(str(file))
    except FileNotFoundError:
        return ((),) * 7
    except (OSError, ValueError):
        said = f"{file} cannot be read as a file of known hosts."
        raise Trouble(Fault.TUNNEL, said, "Name the one that ssh uses, or mend it.", final=True) from None


def _trouble(error: Exception, tunnel: Tunnel, address: Address) -> Trouble:
    import asyncssh

    if isinstance(error, Trouble):
        return error
    final = True
    at = host_port(tunnel.host, tunnel.port)
    if isinstance(error, TimeoutError):
        said, advice = f"The SSH server {at} does not answer as one.", "Check its address, its port and the firewall."
        final = False
    elif isinstance(error, socket.gaierror | UnicodeError):
        said, advice = f"The host name {tunnel.host} of the SSH server is not known.", "Check its spelling and the DNS."
        final = False
    elif isinstance(error, ConnectionRefusedError):
        said, advice = f"Nothing accepts SSH connections at {at}.", "Check the address and port of the SSH server."
        final = False
    elif isinstance(error, asyncssh.HostKeyNotVerifiable):
        said, advice = _host_key(error, tunnel)
    elif isinstance(error, asyncssh.PermissionDenied):
        said = f"The SSH server {at} accepted no key" + (f" of user {tunnel.user}." if tunnel.user else ".")
        advice = "Load the key into the agent (ssh-add), or name its file, and check the user."
    elif isinstance(error, asyncssh.ChannelOpenError):
        if error.code == _PROHIBITED:
            said = f"The SSH server {at} does not allow forwarding to {address}."
            advice = "Let AllowTcpForwarding and PermitOpen in its sshd_config, or the key's options, allow it."
        else:
            said = f"The SSH server {at} could not connect to {address}."
            advice = "Name host and port as the SSH server sees them, and check that Redis is running there."
            final = False
    elif isinstance(error, asyncssh.KeyImportError | asyncssh.KeyEncryptionError | FileNotFoundError | PermissionError):
        said = f"The SSH key file {tunnel.key_file or ''} cannot be used.".replace("  ", " ")
        advice = "Check the path; load a key that has a passphrase into the agent (ssh-add)."
    else:
        said, advice = f"The SSH connection to {at} failed.", "Check that an SSH server listens there."
        final = False
    return Trouble(Fault.TUNNEL, said, advice, final=final)


def _host_key(error: Exception, tunnel: Tunnel) -> tuple[str, str]:
    """Whether the host's key is unknown or another than the known one: the second may be an attack."""
    import asyncssh

    at, file = host_port(tunnel.host, tunnel.port), _known_hosts(tunnel)
    known = asyncssh.match_known_hosts(_known(tunnel), tunnel.host, "", None if tunnel.port == 22 else tunnel.port)
    if "revoked" in str(error) or (any(known[2:3]) and not any(known[:2])):
        return f"The SSH server {at} showed a key that {file} revokes.", "Ask who runs it; do not go on."
    if any(known[:2]):
        said = f"The SSH server {at} showed another key than the one in {file}: this may be an attack."
        return said, "Ask who runs it whether its key was changed, and only then replace the line."
    said = f"The key of the SSH server {at} is not in {file}."
    return said, "Connect once with ssh, compare the fingerprint with the one you were given, and accept it there."
