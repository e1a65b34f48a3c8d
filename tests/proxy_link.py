"""One connection through the proxy of `tests/proxy.py`, and the rules by which bytes pass.

Each direction has a task that reads and one that writes, with a queue between them: so that latency delays
and does not throttle, and that what was sent arrives even when its sender has gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from tests.resp import Splitter, words

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.resp import Words

_CHUNK = 65536  # bytes read at once
_QUEUE = 4096  # pieces on their way; fewer would narrow a long way
_TICK = 0.02  # seconds; a limited rate is shared out in pieces of so long
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing resets


class _Mark(Enum):
    CLOSED = "the sender has closed"
    RESET = "the connection is reset here"


class _ClosedByServerError(Exception):
    """Everything from the server has been passed on."""


class _CutError(Exception):
    """The connection is cut; the server is to carry out what it has been given."""


class _ResetError(Exception):
    """The connection is reset."""


@dataclass(slots=True)
class Way:
    """What happens in one direction of all connections."""

    passing: asyncio.Event = field(default_factory=asyncio.Event)
    budget: int | None = None
    flip: int | None = None

    def __post_init__(self) -> None:
        self.passing.set()

    def take(self, data: bytes) -> bytes:
        """What goes on of `data`; the budget is 0 afterwards if the connection is to be cut then."""
        if self.flip is not None and self.flip < len(data):
            data = data[: self.flip] + bytes([data[self.flip] ^ 0xFF]) + data[self.flip + 1 :]
            self.flip = None
        elif self.flip is not None:
            self.flip -= len(data)
        if self.budget is not None:
            data = data[: self.budget]
            self.budget -= len(data)
        return data


@dataclass(slots=True)
class ReplyCut:
    """The `left`-th request with this word from now on loses its reply."""

    word: bytes
    left: int


@dataclass(slots=True)
class Rules:
    """What all connections of a proxy obey."""

    latency: float = 0.0
    slice: int | None = None
    rate: float | None = None
    up: Way = field(default_factory=Way)
    down: Way = field(default_factory=Way)
    cuts: list[ReplyCut] = field(default_factory=list)
    holds: list[tuple[bytes, Callable[[Link], Awaitable[None]]]] = field(default_factory=list)
    requests: list[Words] = field(default_factory=list)

    def hold(self, request: Words) -> Callable[[Link], Awaitable[None]] | None:
        """What holds this request, if anything."""
        for rule in self.holds:
            if _has(request, rule[0]):
                self.holds.remove(rule)
                return rule[1]
        return None

    def loses_reply(self, request: Words) -> bool:
        """The reply to this request is to be dropped."""
        for rule in self.cuts:
            if _has(request, rule.word):
                rule.left -= 1
                if not rule.left:
                    self.cuts.remove(rule)
                    return True
        return False


def _has(request: Words, word: bytes) -> bool:
    """Whether the request has this word; one that only asks whether a command is allowed (ACL DRYRUN) is none."""
    return word in request and request[0] != b"ACL"


class Link:
    """A client's connection and the one to the server that is made for it."""

    def __init__(self, client: socket.socket, rules: Rules) -> None:
        self._client = client
        self._server = socket.socket()
        self._rules = rules
        self._up: _Queue = asyncio.Queue(_QUEUE)
        self._down: _Queue = asyncio.Queue(_QUEUE)
        self._asked = self._answered = 0
        self._doomed: int | None = None  # which request's reply is dropped
        self._loop = asyncio.get_running_loop()
        self._free = 0.0  # when what was sent at a limited rate has gone through
        for end in (client, self._server):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self, group: asyncio.TaskGroup, target: tuple[str, int], ended: Callable[[Link], None]) -> None:
        """Connect and pass on, until `ended`."""
        self._task = group.create_task(self._live(target))
        self._task.add_done_callback(lambda _: self._close(ended))

    async def reset(self) -> None:
        """Reset both sides now; both sockets are closed on return."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _live(self, target: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):  # the server refuses: the client is reset
            await self._loop.sock_connect(self._server, target)
            try:
                async with asyncio.TaskGroup() as group:
                    for pump in (self._read_up(), self._write_up(), self._read_down(), self._write_down()):
                        group.create_task(pump)
            except* _CutError:
                await self._settle()
            except* _ClosedByServerError:
                self._client.close()
                self._server.close()
            except* _ResetError:
                pass

    def _close(self, ended: Callable[[Link], None]) -> None:
        """Whatever is open still is reset."""
        for end in (self._client, self._server):
            if end.fileno() >= 0:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.close()
        ended(self)

    async def _settle(self) -> None:
        """Return when the server has carried out what it was given, and has closed."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_WR)
        while await self._read(self._server):
            pass

    async def _read(self, end: socket.socket) -> bytes:
        try:
            return await self._loop.sock_recv(end, _CHUNK)
        except OSError:
            return b""

    async def _read_up(self) -> None:
        splitter, request = Splitter(), bytearray()
        while data := await self._read(self._client):
            for piece, ended in splitter.feed(data):
                request += piece
                if ended:
                    await self._ask(bytes(request))
                elif splitter.broken:
                    await self._put(self._up, bytes(request))
                if ended or splitter.broken:
                    request.clear()
        await self._put(self._up, bytes(request))
        await self._put(self._up, _Mark.CLOSED)

    async def _ask(self, request: bytes) -> None:
        """One whole request goes on, unless it is held; nothing follows one that is to lose its reply."""
        asked = words(request)
        if asked:
            self._rules.requests.append(asked)
            if keep := self._rules.hold(asked):
                await keep(self)
            if doomed := self._rules.loses_reply(asked):
                self._doomed = self._asked
            self._asked += 1
        await self._put(self._up, request)
        if asked and doomed:
            await asyncio.Event().wait()

    async def _write_up(self) -> None:
        while isinstance(data := await self._next(self._up), bytes):
            await self._pass(data, self._rules.up, self._server)
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_WR)

    async def _read_down(self) -> None:
        splitter = Splitter()
        while data := await self._read(self._server):
            for piece, ended in splitter.feed(data):
                if self._answered != self._doomed:
                    await self._put(self._down, piece)
                elif ended:
                    await self._put(self._down, _Mark.RESET)
                    return
                self._answered += ended
        await self._put(self._down, _Mark.CLOSED)

    async def _write_down(self) -> None:
        while isinstance(data := await self._next(self._down), bytes):
            await self._pass(data, self._rules.down, self._client)
        await self._go(self._rules.down)
        raise _ResetError if data is _Mark.RESET else _ClosedByServerError

    async def _put(self, queue: _Queue, data: bytes | _Mark) -> None:
        await queue.put((self._loop.time() + self._rules.latency, data))

    async def _next(self, queue: _Queue) -> bytes | _Mark:
        due, data = await queue.get()
        await asyncio.sleep(due - self._loop.time())
        return data

    async def _go(self, way: Way) -> None:
        while not way.passing.is_set():
            await way.passing.wait()

    async def _pass(self, data: bytes, way: Way, end: socket.socket) -> None:
        at = 0
        while at < len(data):
            rate = self._rules.rate if way is self._rules.down else None
            size = min(len(data) - at, self._rules.slice or _CHUNK, max(1, int(rate * _TICK)) if rate else _CHUNK)
            if rate:  # a debt, so that many small pieces do not each cost a timer's grain
                self._free = max(self._free, self._loop.time()) + size / rate
                if (ahead := self._free - self._loop.time()) > _TICK:
                    await asyncio.sleep(ahead)
            else:
                await asyncio.sleep(0)
            await self._go(way)
            piece = way.take(data[at : at + size])
            at += size
            with contextlib.suppress(OSError):  # who has gone misses it
                await self._loop.sock_sendall(end, piece)
            if way.budget == 0:
                self._rules.up.budget = self._rules.down.budget = None
                raise _CutError


_Queue = asyncio.Queue[tuple[float, bytes | _Mark]]
