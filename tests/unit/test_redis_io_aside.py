"""Calls in threads of their own: their results, their errors, and an end that waits for none of them."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from fleetcache_gui.redis_io.aside import aside, other_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


async def test_what_is_returned_or_raised_arrives() -> None:
    assert await aside(lambda: threading.current_thread().name) == "aside"
    with pytest.raises(ZeroDivisionError):
        await aside(lambda: 1 // 0)


async def test_who_stops_waiting_is_free_at_once() -> None:
    held = threading.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await aside(held.wait)
    held.set()


class Thing:
    """A part of a circle, which only the collector takes away."""

    def __init__(self, died: list[str]) -> None:
        self._died = died
        self.__dict__["me"] = self

    def __del__(self) -> None:
        self._died.append(threading.current_thread().name)


async def test_nothing_dies_in_another_thread(eventually: Callable[..., Coroutine[Any, Any, None]]) -> None:
    died: list[str] = []

    def allocate() -> None:
        for _ in range(200):
            Thing(died)
            _ = [[] for _ in range(1000)]  # enough for the collector to be called

    main = threading.current_thread().name
    await aside(allocate)
    gc.collect()
    assert set(died) == {main}
    held = threading.Event()
    waiting = asyncio.gather(aside(held.wait))
    await asyncio.sleep(0)
    assert not gc.isenabled()
    before = len(died)
    Thing(died)
    await eventually(lambda: len(died) > before)  # the loop itself collects, now and then
    held.set()
    await waiting
    await eventually(gc.isenabled)
    with other_threads():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_the_program_ends_while_a_call_hangs() -> None:
    program = """
import asyncio, threading
from fleetcache_gui.redis_io.aside import aside
async def main():
    try:
        async with asyncio.timeout(0.1):
            await aside(threading.Event().wait)
    except TimeoutError:
        print("timeout")
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=10)
    assert (done.returncode, done.stdout, done.stderr) == (0, "timeout\n", "")
