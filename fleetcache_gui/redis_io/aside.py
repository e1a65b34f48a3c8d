"""Calls that may block for long, in threads that nobody waits for.

The loop's own executor is joined at exit: a name server that swallows questions would hold up the program's end by ten
seconds, and a keyring that waits for a person for ever.

Python collects garbage in whichever thread happens to allocate, and a window's objects must die in their own thread. So
while another thread runs, nothing is collected but by the loop.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

_COLLECT = 1.0
"""Seconds between the loop's own collections while another thread runs."""


async def aside(call: Callable[[], T]) -> T:
    """What `call` returns or raises. Whoever stops waiting leaves it to itself."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle(value: T | None, error: Exception | None) -> None:
        if result.done():
            return
        if error is not None:
            result.set_exception(error)
        else:
            result.set_result(value)  # type: ignore[arg-type]

    def work() -> None:
        value: T | None = None
        failed: Exception | None = None
        try:
            value = call()
        except Exception as error:  # noqa: BLE001  (handed to who waits)
            failed = error
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(settle, value, failed)
        _collection.resume()

    _collection.suspend(loop)
    threading.Thread(target=work, name="aside", daemon=True).start()
    return await result


@contextmanager
def other_threads() -> Iterator[None]:
    """While others run code in threads of their own, such as in the loop's executor."""
    _collection.suspend(asyncio.get_running_loop())
    try:
        yield
    finally:
        _collection.resume()


class _Collection:
    """Python's own collecting, suspended as long as anybody wants it to be."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted = 0
        self._was_on = False

    def suspend(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            self._wanted += 1
            if self._wanted > 1:
                return
            self._was_on = gc.isenabled()
            gc.disable()
        loop.call_later(_COLLECT, self._collect, loop)

    def resume(self) -> None:
        with self._lock:
            self._wanted -= 1
            if not self._wanted and self._was_on:
                gc.enable()

    def _collect(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._wanted and self._was_on:
            gc.collect(1)
            loop.call_later(_COLLECT, self._collect, loop)


_collection = _Collection()
