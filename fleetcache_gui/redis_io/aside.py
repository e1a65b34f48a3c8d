"""Calls that may block for long, in threads that nobody waits for.

The loop's own executor is joined at exit: a name server that swallows questions would hold up the program's end by ten
seconds, and a keyring that waits for a person for ever.
"""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


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

    threading.Thread(target=work, name="aside", daemon=True).start()
    return await result
