"""One connection to one server: many commands out in one write, their replies read in bulk.

What is asked while others wait for their replies is sent at once, and answered after them: on a slow way the loops that
share a lane do not wait for each other's round trips.

Own byte templates are written to the stream, and replies are parsed by an own `hiredis.Reader`: 1.2 us a key where
redis-py's pipeline costs 26 (measured).
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import hiredis

from fleetcache_gui import clock
from fleetcache_gui.domain.values import Command, Reply, ReplyError
from fleetcache_gui.redis_io import allow, tls
from fleetcache_gui.redis_io.dial import answers_in_tls, dial
from fleetcache_gui.redis_io.faults import Fault, Trouble, from_exception, from_reply, not_redis, too_large

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.redis_io.address import Address
    from fleetcache_gui.redis_io.dial import Streams

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

    alone: ClassVar[bool] = False
    """Whether nothing is sent while replies to something else are outstanding."""

    def __init__(self, streams: Streams, address: Address) -> None:
        self.address = address
        self.patience = address.reply_timeout
        """Seconds without a single byte of an awaited reply."""
        self._reader, self._writer = streams
        self._replies = hiredis.Reader(replyError=cast("Any", ReplyError), notEnoughData=_MORE)
        self._turn = asyncio.Lock()  # fair: who has sent first reads first
        self._owed = 0
        """Replies that are to come for all that was sent."""
        self._met = False

    @staticmethod
    def allows(command: Command) -> None:
        """Raises for a command that may not be sent on such a connection."""
        allow.check(command)

    @classmethod
    async def open(cls, address: Address) -> Self:
        """Connect and log in. Raises `Trouble`."""
        lane = cls(await dial(address), address)
        try:
            await lane._log_in()
        except BaseException as error:
            await lane.close()
            if isinstance(error, Trouble):
                raise await lane.explained(error) from None
            raise
        return lane

    async def _log_in(self) -> None:
        """Send the password, once; choose the database; hear who answers."""
        words = greeting(self.address)
        for word, reply in zip(words, await self.raw(b"".join(map(encode, words)), len(words)), strict=True):
            if trouble := welcome(word, reply, self.address):
                raise trouble

    @property
    def cipher(self) -> str:
        """The version of TLS that is spoken, such as ``TLSv1.3``; empty without."""
        spoken = self._writer.get_extra_info("ssl_object")
        return spoken.version() or "" if spoken else ""

    async def explained(self, trouble: Trouble) -> Trouble:
        """The trouble that a lane began with, or that plain words were said to a port for TLS."""
        odd = trouble.fault in (Fault.LOST, Fault.NOT_REDIS) and not self._met
        return tls.wanted(self.address) if odd and await answers_in_tls(self.address) else trouble

    async def exchange(self, commands: Sequence[Command]) -> list[Reply]:
        """Send read commands in one write; their replies in order. Raises `Trouble`; `allow.NotAllowed` for a bug."""
        for command in commands:
            self.allows(command)
        return await self.raw(b"".join(map(encode, commands)), len(commands))

    async def ask(self, *command: bytes) -> Reply:
        """One command, one reply."""
        return (await self.exchange((command,)))[0]

    async def raw(self, payload: bytes, count: int) -> list[Reply]:
        """Send ready-made RESP that holds `count` commands; only for templates whose commands are in `allow.READS`."""
        replies: list[Reply] = []
        if trouble := await self._send(payload, count, replies):
            raise trouble
        return replies

    async def _send(self, payload: bytes, count: int, replies: list[Reply]) -> Trouble | None:
        """Send, and put `count` replies into `replies` as they come; the trouble that ended them early."""
        if not count:
            return None
        sent = False
        try:
            if not self.alone:
                self._write(payload, count)
                sent = True
            async with self._turn:
                if self.alone:
                    self._write(payload, count)
                    sent = True
                await self._read(count, replies)
        except Exception as error:  # noqa: BLE001  whatever it is, the lane is not to be trusted any more
            await self.close()
            return self._trouble(error)
        except BaseException:
            if sent:  # replies on their way would answer the next exchange
                await self.close()
            raise
        return None

    def _write(self, payload: bytes, count: int) -> None:
        if self._writer.is_closing():
            raise ConnectionError("closed")
        self._writer.write(payload)
        self._owed += count

    @property
    def closed(self) -> bool:
        """True after it was hung up, or broke."""
        return self._writer.is_closing()

    async def close(self) -> None:
        """Hang up; safe to call twice."""
        self._writer.transport.abort()  # nothing is on its way that anybody waits for

    def _trouble(self, error: Exception) -> Trouble:
        """What failed in the middle of an exchange."""
        if self.address.tls is not None and not self._met:  # with TLS 1.3 a client is refused after its handshake only
            if isinstance(error, ssl.SSLError):
                return tls.refused(error, self.address)
            if isinstance(error, ConnectionError):
                return tls.hung_up(self.address)
        return from_exception(error, self.address, connecting=not self._met)

    async def _read(self, count: int, replies: list[Reply]) -> None:
        reader = self._reader
        received = 0
        take, feed = self._replies.gets, self._replies.feed
        while True:
            if self._writer.is_closing():  # first of all: what lies here may be the reply to what was cancelled
                raise ConnectionError("closed")
            while len(replies) < count and (reply := take()) is not _MORE:
                replies.append(cast("Reply", reply))
            if len(replies) == count:
                break
            # A long reply may take its time; what counts is that bytes keep coming.
            async with asyncio.timeout(self.patience):
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
        self._owed -= count
        if not self._owed and take() is not _MORE:
            raise ConnectionError("more replies than commands")


def greeting(address: Address) -> list[Command]:
    """What a connection begins with: AUTH, once, where there is an account; SELECT; PING."""
    words: list[Command] = [(b"PING",)]
    if address.database:
        words.insert(0, (b"SELECT", b"%d" % address.database))
    if address.username or address.password:
        credentials = (address.username, address.password) if address.username else (address.password,)
        words.insert(0, (b"AUTH", *(word.encode("utf-8", "surrogateescape") for word in credentials)))
    return words


def welcome(word: Command, reply: Reply, address: Address) -> Trouble | None:
    """What an answer to one command of the greeting means, where it means trouble."""
    ping = word[0] == b"PING"
    # An account may lack PING and be good for all that is needed.
    if isinstance(reply, ReplyError):
        return None if ping and reply.code == "NOPERM" else from_reply(reply, address)
    return not_redis(address) if ping and reply != b"PONG" else None


def midpoint(before: float) -> float:
    """The monotonic moment at which a reply asked for at `before` and received now was most likely made."""
    return (before + clock.now()) / 2
