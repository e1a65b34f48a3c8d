"""Questions to the server of which only the newest matters."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fleetcache_gui import aio

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

PAUSE = 0.08
"""Seconds of quiet before asking: who walks down a table with an arrow key asks once, at the end of it."""


class Latest:
    """Runs one question at a time; of those that come meanwhile only the last is ever asked.

    A question under way is not cancelled, for that would cost its connection: who asked drops a late answer.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._next: Callable[[], Coroutine[None, None, None]] | None = None
        self._task: asyncio.Task[None] | None = None
        self._ended = False

    def ask(self, question: Callable[[], Coroutine[None, None, None]]) -> None:
        """Have `question` asked after a short pause, unless a newer one comes first; after `end` never."""
        if self._ended:  # the window is going, and the session still tells of news
            return
        self._next = question
        if self._task is None or self._task.done():
            self._task = aio.spawn(self._run(), name=self._name)

    def drop(self) -> None:
        """Forget what was not asked yet."""
        self._next = None

    async def end(self) -> None:
        """Cancel what is under way, and ask nothing more."""
        self._ended = True
        self._next = None
        if self._task is not None:
            await aio.cancel_and_wait([self._task])

    async def _run(self) -> None:
        while self._next is not None:
            await asyncio.sleep(PAUSE)
            question, self._next = self._next, None
            if question is not None:
                await question()
