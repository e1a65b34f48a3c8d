"""Questions of which only the newest matters."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fleetcache_gui.ui.latest import PAUSE, Latest

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


def telling(asked: list[str], name: str) -> Callable[[], Coroutine[None, None, None]]:
    async def question() -> None:
        asked.append(name)

    return question


async def test_of_several_only_the_last_is_asked() -> None:
    asked: list[str] = []
    latest = Latest("a test's")
    for name in "abc":
        latest.ask(telling(asked, name))
    async with asyncio.timeout(30):
        while not asked:
            await asyncio.sleep(PAUSE)
    assert asked == ["c"]
    await latest.end()


async def test_after_the_end_nothing_is_asked() -> None:
    asked: list[str] = []
    latest = Latest("a test's")
    await latest.end()
    latest.ask(telling(asked, "late"))
    await asyncio.sleep(3 * PAUSE)
    assert asked == []
