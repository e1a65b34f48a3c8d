"""A TCP connection by name, without the loop's own look-ups (see `aside`)."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from fleetcache_gui.redis_io.aside import aside

if TYPE_CHECKING:
    from collections.abc import Callable


async def connect(host: str, port: int, found: Callable[[], None] = lambda: None) -> socket.socket:
    """Connected to the first of the host's addresses that accepts; `found` is called when the name is known.

    Raises OSError, and UnicodeError for what is no name.
    """
    addresses = await aside(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    found()
    failed: OSError = ConnectionRefusedError("refused")
    for family, kind, protocol, _, where in addresses:
        try:
            made = socket.socket(family, kind, protocol)
        except OSError as error:  # a family of addresses that this machine does not speak
            failed = error
            continue
        try:
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            await asyncio.get_running_loop().sock_connect(made, where)
        except OSError as error:
            made.close()
            failed = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise failed
