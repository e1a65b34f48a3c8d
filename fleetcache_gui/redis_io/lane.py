"""One connection to one server, one exchange at a time: many commands out in one write, their replies read in bulk.

redis-py makes the connection (DNS, TCP, TLS). What is said on it goes past its pipeline, which costs 26 us a key where
this costs 1.2 (measured): own byte templates written to its stream, replies parsed by an own `hiredis.Reader`. That
touches redis-py's private `_reader` and `_writer`; tests hold on to it.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from ssl import TLSVersion
from typing import TYPE_CHECKING, Any, cast

import hiredis
from redis.asyncio.connection import Connection, SSLConnection

from fleetcache_gui.domain.values import Command, Reply, ReplyError
from fleetcache_gui.redis_io import allow
from fleetcache_gui.redis_io.faults import from_exception, from_reply, not_redis, too_large

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.redis_io.address import Address

CONNECT_TIMEOUT = 2.0
"""Seconds for DNS, TCP and TLS."""

REPLY_TIMEOUT = 2.0
"""Seconds without a single byte of an awaited reply until the server counts as frozen."""

LARGEST = 64 << 20
"""Bytes that the replies of one exchange may have. No page is as large unless one element of a collection is."""

_MORE = object()


def encode(command: Command) -> bytes:
    """The command in RESP."""
    parts = [b"*%d\r\n" % len(command)]
    parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in command]
    return b"".join(parts)


class Lane:
    """A connection that may only read (see `allow`). Any failure closes it: a half-read reply must not be met again."""

    def __init__(self, connection: Connection, address: Address) -> None:
        self.address = address
        self._connection = connection
        self._replies = hiredis.Reader(replyError=cast("Any", ReplyError), notEnoughData=_MORE)
        self._busy = asyncio.Lock()
        self._met = False

    @classmethod
    async def open(cls, address: Address) -> Lane:
        """Connect and log in. Raises `Trouble`."""
        settings: dict[str, Any] = {
            "host": address.host,
            "port": address.port,
            "protocol": 2,
            "socket_connect_timeout": CONNECT_TIMEOUT,
            "socket_timeout": REPLY_TIMEOUT,
            "socket_keepalive": True,
            "driver_info": None,
        }
        connection = (
            SSLConnection(**settings, ssl_min_version=TLSVersion.TLSv1_2) if address.tls else Connection(**settings)
        )
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await connection.connect()  # type: ignore[no-untyped-call]
            lane = cls(connection, address)
            await lane._log_in()
        except BaseException as error:  # redis-py, ssl and hiredis each raise their own
            await _close(connection)
            if isinstance(error, Exception):
                raise from_exception(error, address, connecting=True) from None
            raise
        return lane

    async def _log_in(self) -> None:
        """Send the password, once; choose the database; hear who answers."""
        account = self.address
        words: list[Command] = [(b"PING",)]
        if account.database:
            words.insert(0, (b"SELECT", b"%d" % account.database))
        if account.username or account.password:
            credentials = (account.username, account.password) if account.username else (account.password,)
            words.insert(0, (b"AUTH", *(word.encode("utf-8", "surrogateescape") for word in credentials)))
        *replies, ping = await self.raw(b"".join(map(encode, words)), len(words))
        for reply in (*replies, ping):
            # An account may lack PING and be good for all that is needed.
            if isinstance(reply, ReplyError) and not (reply is ping and reply.code == "NOPERM"):
                raise from_reply(reply, account)
        if ping != b"PONG" and not isinstance(ping, ReplyError):
            raise not_redis(account)

    async def exchange(self, commands: Sequence[Command]) -> list[Reply]:
        """Send read commands in one write; their replies in order. Raises `Trouble`; `allow.NotAllowed` for a bug."""
        for command in commands:
            allow.check(command)
        return await self.raw(b"".join(map(encode, commands)), len(commands))

    async def ask(self, *command: bytes) -> Reply:
        """One command, one reply."""
        return (await self.exchange((command,)))[0]

    async def raw(self, payload: bytes, count: int) -> list[Reply]:
        """Send ready-made RESP that holds `count` commands; only for templates whose commands are in `allow.READS`."""
        if not count:
            return []
        async with self._busy:
            try:
                return await self._converse(payload, count)
            except BaseException as error:  # cancelled too: replies on their way would answer the next exchange
                await self.close()
                if isinstance(error, Exception):
                    raise from_exception(error, self.address, connecting=not self._met) from None
                raise

    async def close(self) -> None:
        """Hang up; safe to call twice."""
        await _close(self._connection)

    async def _converse(self, payload: bytes, count: int) -> list[Reply]:
        # redis-py declares these attributes private.
        reader, writer = self._connection._reader, self._connection._writer
        if reader is None or writer is None:
            raise ConnectionError("closed")
        writer.write(payload)
        replies: list[Reply] = []
        received = 0
        take, feed = self._replies.gets, self._replies.feed
        while len(replies) < count:
            # A long reply may take its time; what counts is that bytes keep coming.
            async with asyncio.timeout(REPLY_TIMEOUT):
                data = await reader.read(65536)
            if not data:
                if len(replies) == 1 and isinstance(replies[0], ReplyError):  # its last words: no room, protected mode
                    raise from_reply(replies[0], self.address)
                raise ConnectionError("closed by the server")
            if not self._met and data[:1] not in (b"+", b"-"):
                raise not_redis(self.address)  # not even parsed: for `*2147483647` the parser would claim 17 GB
            self._met = True
            received += len(data)
            if received > LARGEST:
                raise too_large(self.address)
            feed(data)
            while (reply := take()) is not _MORE:
                replies.append(cast("Reply", reply))
        if len(replies) > count:
            raise ConnectionError("more replies than commands")
        return replies


async def _close(connection: Connection) -> None:
    with suppress(Exception):
        await connection.disconnect(nowait=True)


def midpoint(before: float) -> float:
    """The monotonic moment at which a reply asked for at `before` and received now was most likely made."""
    return (before + time.monotonic()) / 2
