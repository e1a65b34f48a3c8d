"""What holds for every test: coroutines run, and nothing may fail or leak unseen.

An `async def` test runs on a plain asyncio loop, or on Qt's own when it asks for `qapp` or `qtbot`. Inside
such a test wait by awaiting (`aio.emitted`, `eventually`), never by `qtbot.waitSignal` or `waitUntil`: these
nest an event loop, in which no task can go on.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
from typing import TYPE_CHECKING, Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QTimer

from fleetcache_gui import aio

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

_QT_FIXTURES = {"qapp", "qtbot"}


@pytest.fixture
def loop_errors() -> list[aio.Context]:
    """What the loop's exception handler heard; who provokes errors asserts on them and clears the list."""
    return []


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    fixtures: dict[str, Any] = pyfuncitem.funcargs
    arguments = {name: fixtures[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    errors: list[aio.Context] = fixtures["loop_errors"]
    with_qt = "qapp" in fixtures
    seconds = float(pyfuncitem.config.getini("timeout"))
    with asyncio.Runner(loop_factory=(lambda: aio.new_loop(fixtures["qapp"])) if with_qt else None) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: errors.append(context))
        runner.run(_without_leaks(pyfuncitem.obj(**arguments), 0.8 * seconds))
    return True


async def _without_leaks(test: Coroutine[Any, Any, None], seconds: float) -> None:
    async with asyncio.timeout(seconds):  # pytest-timeout's signal is not heard while Qt's loop waits
        await test
    # A task that was cancelled in the test's last step may take a few turns to end.
    for _ in range(5):
        if not (tasks := asyncio.all_tasks() - {asyncio.current_task()}):
            return
        await asyncio.sleep(0)
    names = ", ".join(sorted(f"{task.get_name()} ({task.get_coro()})" for task in tasks))
    pytest.fail(f"tasks leaked: {names}", pytrace=False)


@pytest.fixture(autouse=True)
def _nothing_fails_unseen(request: pytest.FixtureRequest, loop_errors: list[aio.Context]) -> Iterator[None]:
    """Runs last of all fixtures: loop errors and active timers fail the test that left them."""
    yield
    if loop_errors:
        first = loop_errors[0]
        pytest.fail(f"{len(loop_errors)} loop error(s): {first.get('message')}: {first.get('exception')!r}")
    if _QT_FIXTURES & set(request.fixturenames) and (timers := _active_timers()):
        names = ", ".join(f"{timer.objectName()!r} of {timer.parent()}" for timer in timers)
        for timer in timers:
            timer.stop()  # let it fail this test alone
        pytest.fail(f"active timers leaked: {names}")


def _active_timers() -> list[QTimer]:
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)  # else `deleteLater` has not happened
    timers = [thing for thing in gc.get_objects() if issubclass(type(thing), QTimer)]
    return [timer for timer in timers if shiboken6.isValid(timer) and timer.isActive()]


@pytest.fixture
def eventually() -> Callable[..., Coroutine[Any, Any, None]]:
    """`await eventually(lambda: condition, timeout=5)`: wait for a condition, fail when it does not come."""

    async def wait(condition: Callable[[], object], timeout: float = 30.0) -> None:
        async with asyncio.timeout(timeout):
            while not condition():
                await asyncio.sleep(0.005)

    return wait
