"""Calls that may block for long, in threads that nobody waits for.

The loop's own executor is joined at exit: a name server that swallows questions would hold up the program's end by ten
seconds, and a keyring that waits for a person for ever.

A thread here never touches the loop, which is Qt's where there is a window: it wakes it through a socket. And Python
collects garbage in whichever thread happens to allocate, while a window's objects must die in their own: so as long as
another thread runs, nothing is collected but by the loop.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

_COLLECT = 1.0
"""Seconds between the loop's own collections while another thread runs."""


async def aside(call: Callable[[], T]) -> T:
    """What `call` returns or raises. Whoever stops waiting leaves it to itself."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    values: list[T] = []
    errors: list[Exception] = []

    def work() -> None:
        try:
            values.append(call())
        except Exception as error:  # noqa: BLE001  (handed to who waits)
            errors.append(error)
        finally:
            theirs.close()

    thread = threading.Thread(target=work, name="aside", daemon=True)
    with other_threads(thread):
        thread.start()
        try:
            await asyncio.get_running_loop().sock_recv(ours, 1)
            thread.join()  # it has nothing left to do
        finally:
            ours.close()
    if errors:
        raise errors[0]
    return values[0]


@contextmanager
def other_threads(*threads: threading.Thread) -> Iterator[None]:
    """While others run code in threads of their own, such as in the loop's executor; and while `threads` live."""
    _collection.suspend(asyncio.get_running_loop(), threads)
    try:
        yield
    finally:
        _collection.resume()


class _Collection:
    """Python's own collecting, suspended as long as anybody wants it to be. Used in the loop's thread alone."""

    def __init__(self) -> None:
        self._wanted = 0
        self._threads: set[threading.Thread] = set()
        self._off = False

    def suspend(self, loop: asyncio.AbstractEventLoop, threads: tuple[threading.Thread, ...]) -> None:
        self._wanted += 1
        self._threads.update(threads)
        if not self._off and gc.isenabled():
            self._off = True
            gc.disable()
            loop.call_later(_COLLECT, self._tick, loop)

    def resume(self) -> None:
        self._wanted -= 1
        self._settle()

    def _settle(self) -> None:
        self._threads = {thread for thread in self._threads if thread.is_alive()}
        if self._off and not self._wanted and not self._threads:
            self._off = False
            gc.enable()

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._settle()
        if self._off:
            gc.collect(1)
            loop.call_later(_COLLECT, self._tick, loop)


_collection = _Collection()
