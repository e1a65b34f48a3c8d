"""A TCP proxy between a client and a real server, for tests of what happens when the network fails.

It lives in a thread with a loop of its own, so that it goes on whatever the loop under test does. Every call
may be made from any thread and has taken effect when it returns.

    with Proxy(server.host, server.port) as proxy:
        client = redis.Redis.from_url(proxy.url, protocol=2)
        proxy.cut_reply_to(b"INCR")    # executed, and the client does not know

A request goes on to the server when it has come in whole, so that one that is held or cut has either reached
the server or not. A client that goes away does not take back what it has sent: that still arrives. Requests
and replies are matched by counting, which does not hold for subscriptions, MONITOR and CLIENT REPLY.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from tests import threads
from tests.proxy_link import Link, ReplyCut, Rules, Way
from tests.servers import HOST, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from types import TracebackType

    from tests.resp import Words

Direction = Literal["up", "down"]

_TIMEOUT = 10.0  # seconds; a call takes effect within milliseconds


class ProxyError(Exception):
    """The proxy did not come to do what it was asked for."""


@dataclass(frozen=True, slots=True)
class Connections:
    """How many are open now (a client's or the server's end of them), and how many were made in all."""

    open: int
    made: int


class Hold:
    """One request that does not go on: see `Proxy.hold_request`."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._caught = threading.Event()
        self._released = asyncio.Event()
        self._link: Link | None = None

    @property
    def held(self) -> bool:
        """The request has come in and waits. For tests on a loop, which `wait_held` would block."""
        return self._caught.is_set()

    def wait_held(self, timeout: float = _TIMEOUT) -> None:
        """Return when the request has come in. ProxyError after `timeout` seconds."""
        if not self._caught.wait(timeout):
            raise ProxyError(f"no such request within {timeout:g} s")

    def release(self) -> None:
        """The request goes on to the server, whether or not its client still waits. ProxyError if none is held."""
        self._check()
        self._proxy.call(self._release)

    def drop(self) -> None:
        """Reset the connection on both sides: the request never reaches the server. ProxyError if none is held."""
        link = self._check()
        self._link = None
        self._proxy.call(link.reset)

    async def keep(self, link: Link) -> None:
        """In the proxy's loop: return when the request may go on."""
        self._link = link
        self._caught.set()
        await self._released.wait()

    async def _release(self) -> None:
        self._released.set()

    def _check(self) -> Link:
        if self._link is None or self._released.is_set():
            raise ProxyError("no request is held")
        return self._link


class Proxy:
    """Listens on a loopback port of its own and passes everything to `host` and `port`, but for what is asked below.

    `latency`: seconds that pass between a chunk's coming in and its going on, in each direction.
    `slice`: bytes a segment in both directions (TCP may join some again for a reader that is slow).
    `rate`: bytes a second towards the client. None for either: as it comes.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = HOST
        self.port = free_port()
        self._rules = Rules()
        self._target = (host, port)
        self._made = 0
        self._links: set[Link] = set()
        self._listener: socket.socket | None = None
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name=f"proxy {self.port}")

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}/0"

    @property
    def latency(self) -> float:
        return self._rules.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._rules.latency = seconds

    @property
    def slice(self) -> int | None:
        return self._rules.slice

    @slice.setter
    def slice(self, size: int | None) -> None:
        self._rules.slice = size

    @property
    def rate(self) -> float | None:
        return self._rules.rate

    @rate.setter
    def rate(self, bytes_per_second: float | None) -> None:
        self._rules.rate = bytes_per_second

    @property
    def requests(self) -> list[Words]:
        """What clients have sent since `clear`, held and lost requests too: names in upper case, and arguments."""
        return list(self._rules.requests)

    def clear(self) -> None:
        """Forget `requests`."""
        self._rules.requests.clear()

    @property
    def connections(self) -> Connections:
        return Connections(len(self._links), self._made)

    def stall(self, direction: Direction | None = None) -> None:
        """Keep all connections and pass nothing in this direction, or in both: no byte, no closing."""
        self.call(self._let, direction, False)

    def go_on(self, direction: Direction | None = None) -> None:
        """Pass on again, first what has come in meanwhile."""
        self.call(self._let, direction, True)

    def cut(self) -> None:
        """Reset all connections on both sides; new ones are accepted."""
        self.call(self._cut)

    def refuse(self) -> None:
        """Refuse new connections. Those that are open stay, and so does the port."""
        self.call(self._refuse)

    def accept(self) -> None:
        """Accept connections again after `refuse`."""
        self.call(self._listen)

    def cut_after(self, *, up: int | None = None, down: int | None = None) -> None:
        """Once: reset the connection over which the `up`-th byte to, or the `down`-th byte from, the server passes.

        Bytes are counted from now on, over all connections. 0 is the moment at which a first byte would pass: so
        with `down=0` the request is through and its reply is lost. The client is reset when the server has
        carried out and closed what it had been given; one that is frozen thus delays it.
        """
        self.call(self._cut_after, up, down)

    def cut_reply_to(self, word: bytes, nth: int = 1) -> None:
        """Once: let the `nth` request from now on with this word be answered, drop the answer, reset the connection.

        So it has been executed when the client sees the reset. Replies before it arrive, requests that follow it
        on the same connection do not. `word` is a name in upper case or a whole argument. What is sent inside of
        MULTI is answered by QUEUED before it is executed: there, name EXEC.
        """
        self.call(self._add_cut, word, nth)

    def hold_request(self, word: bytes) -> Hold:
        """Once: hold the next request with this word, and what follows it on its connection. See `Hold`."""
        hold = Hold(self)
        self.call(self._add_hold, word, hold)
        return hold

    def corrupt_down(self, offset: int) -> None:
        """Once: invert all bits of the byte that is the `offset`-th from now on towards clients, counted from 0."""
        self.call(self._flip, offset)

    def retarget(self, host: str, port: int) -> None:
        """New connections go to another server; those that are open stay where they are."""
        self.call(self._aim, host, port)

    def call(self, what: Callable[..., Coroutine[Any, Any, None]], *args: Any) -> None:
        """Run something in the proxy's loop and wait for its end."""
        asyncio.run_coroutine_threadsafe(what(*args), self._loop).result(_TIMEOUT)

    # ---- in the proxy's loop -------------------------------------------------------------------------------

    async def _let(self, direction: Direction | None, passing: bool) -> None:
        ways: dict[Direction, Way] = {"up": self._rules.up, "down": self._rules.down}
        for way in [ways[direction]] if direction else ways.values():
            (way.passing.set if passing else way.passing.clear)()

    async def _cut(self) -> None:
        self._take()  # who has connected by now is cut too
        await self._reset_all()

    async def _reset_all(self) -> None:
        await asyncio.gather(*(link.reset() for link in self._links))

    async def _cut_after(self, up: int | None, down: int | None) -> None:
        self._rules.up.budget, self._rules.down.budget = up, down

    async def _add_cut(self, word: bytes, nth: int) -> None:
        self._rules.cuts.append(ReplyCut(word, nth))

    async def _add_hold(self, word: bytes, hold: Hold) -> None:
        self._rules.holds.append((word, hold.keep))

    async def _flip(self, offset: int) -> None:
        self._rules.down.flip = offset

    async def _aim(self, host: str, port: int) -> None:
        self._take()
        self._target = (host, port)

    async def _listen(self) -> None:
        assert self._listener is not None
        self._listener.listen()
        self._loop.add_reader(self._listener, self._take)

    async def _refuse(self) -> None:
        assert self._listener is not None
        self._take()
        self._loop.remove_reader(self._listener)
        # Not closed but shut down: the port stays ours, and no client can meet itself on it.
        self._listener.shutdown(socket.SHUT_RDWR)

    def _take(self) -> None:
        assert self._listener is not None
        with contextlib.suppress(OSError):  # no more of them, or not listening
            while True:
                client, _ = self._listener.accept()
                link = Link(client, self._rules)
                self._links.add(link)
                self._made += 1
                link.start(self._group, self._target, self._links.discard)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        with socket.socket() as self._listener:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind((self.host, self.port))
            self._listener.setblocking(False)
            async with asyncio.TaskGroup() as self._group:
                await self._listen()
                self._ready.set()
                await self._stop.wait()
                self._loop.remove_reader(self._listener)
                await self._reset_all()

    def __enter__(self) -> Self:
        threads.begin()
        self._thread.start()
        if not self._ready.wait(_TIMEOUT):
            raise ProxyError(f"the proxy could not listen on port {self.port}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        threads.end()
