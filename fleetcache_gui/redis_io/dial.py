"""From an address to a stream: tunnel, DNS, TCP, TLS, each with its own sentence when it fails.

No byte of ours is sent before the certificate has been verified.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from fleetcache_gui.redis_io import tcp, tls, tunnel
from fleetcache_gui.redis_io.aside import aside
from fleetcache_gui.redis_io.faults import from_exception, no_names

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from fleetcache_gui.redis_io.address import Address

Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_PROBE = 0.4
"""Seconds to find out, after a failure, whether the other side speaks TLS or not."""

_BUFFER = 1 << 20
"""Bytes that a stream may hold before it stops reading."""


class Stage(Enum):
    """What is under way, in this order."""

    TUNNEL = "tunnel"
    DNS = "dns"
    TCP = "tcp"
    TLS = "tls"


def _tell_nobody(stage: Stage) -> None:
    return None


async def dial(address: Address, told: Callable[[Stage], None] = _tell_nobody) -> Streams:
    """A connection to the host of `address`, in TLS where it says so. `told` hears of each stage as it begins.

    Raises `Trouble`, in twice `connect_timeout` with a tunnel, else in one and half a second.
    """
    named = False

    def found() -> None:
        nonlocal named
        named = True
        told(Stage.TCP)

    try:
        if address.tunnel is not None:
            named = True
            told(Stage.TUNNEL)
            carrier = await tunnel.dig(address.tunnel, address)
            async with asyncio.timeout(address.connect_timeout):
                return await _speak(carrier, address, told)
        async with asyncio.timeout(address.connect_timeout):
            told(Stage.DNS)
            carrier = await tcp.connect(address.host, address.port, found)
            return await _speak(carrier, address, told)
    except TimeoutError as error:
        if not named:
            raise no_names(address) from None
        if address.tls is not None and await _answers_plainly(address):
            raise tls.not_spoken(address) from None
        raise from_exception(error, address, connecting=True) from None
    except ssl.SSLError as error:
        raise tls.refused(error, address) from None
    except (OSError, UnicodeError) as error:
        raise from_exception(error, address, connecting=True) from None


async def _speak(carrier: socket.socket, address: Address, told: Callable[[Stage], None]) -> Streams:
    """Streams on a connected socket, in TLS where the address says so."""
    try:
        if address.tls is None:
            return await asyncio.open_connection(sock=carrier, limit=_BUFFER)
        told(Stage.TLS)
        wanted = address.tls
        context = await aside(lambda: tls.context(wanted, address))
        name = wanted.server_name or address.host
        return await asyncio.open_connection(sock=carrier, limit=_BUFFER, ssl=context, server_hostname=name)
    except BaseException:
        carrier.close()
        raise


async def _answers_plainly(address: Address) -> bool:
    """After a handshake that nobody answered: a PING in plain gets an answer. Nothing secret is sent."""
    if address.tunnel is not None:
        return False
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_PROBE):
            reader, writer = await asyncio.open_connection(sock=await tcp.connect(address.host, address.port))
            try:
                writer.write(b"PING\r\n")
                return (await reader.read(1))[:1] in (b"+", b"-")
            finally:
                writer.transport.abort()
    return False


async def answers_in_tls(address: Address) -> bool:
    """After a plain connection that was hung up: the port begins a TLS handshake. Nothing is sent in it."""
    if address.tunnel is not None or address.tls is not None:
        return False
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(_PROBE):
            carrier = await tcp.connect(address.host, address.port)
            _, writer = await asyncio.open_connection(sock=carrier, ssl=context, server_hostname="")
            writer.transport.abort()
    except ssl.SSLError as error:
        return "ALERT" in str(error)  # it speaks TLS, and wants more than we show
    except (OSError, TimeoutError):
        return False
    return True
