"""The bridge between asyncio and Qt: one thread, one loop.

Qt's event loop carries asyncio through qasync, and this file alone knows of it. Every task of the program is
started by `spawn`, so that each has a name, is held strongly, and has its failure reported at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtWidgets import QApplication, QDialog

os.environ["QT_API"] = "pyside6"  # whatever the user's other programs want: qasync fails on a foreign value
from qasync import QEventLoop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Iterator

    from PySide6.QtCore import SignalInstance

Context = dict[str, Any]
"""What asyncio tells a loop's exception handler: `message`, and mostly `exception` and `task`."""

_T = TypeVar("_T")
_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM) if os.name == "posix" else ()

_alive: set[asyncio.Task[Any]] = set()


def new_loop(app: QApplication) -> asyncio.AbstractEventLoop:
    """An asyncio loop driven by `app`'s event loop; whoever makes it closes it.

    Only what runs on it ends it, no longer the last window's closing.
    """
    app.setQuitOnLastWindowClosed(False)
    loop: asyncio.AbstractEventLoop = QEventLoop(app)
    return loop


def run(app: QApplication, main: Coroutine[Any, Any, int], on_error: Callable[[Context], None]) -> int:
    """Run `main` on Qt's loop until it returns its exit code; closing the window must end `main`.

    `on_error` hears of every failure that nobody waits for: of tasks, of callbacks, of slots. What `main`
    raises is raised. SIGINT and SIGTERM cancel `main`, whose `finally` clauses run, and the exit code is then
    128 plus the signal's number (on Windows, where Qt hears no signals, Ctrl+C raises KeyboardInterrupt).
    """
    with _slot_errors_to(on_error), asyncio.Runner(loop_factory=lambda: new_loop(app)) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: on_error(context))
        return runner.run(_until_signal(main))


def spawn(coro: Coroutine[Any, Any, _T], *, name: str) -> asyncio.Task[_T]:
    """Start a task. Its owner keeps it and ends it by `cancel_and_wait`.

    A failure goes to the loop's exception handler as it happens, whether or not the task is awaited.
    """
    task = asyncio.create_task(coro, name=name)  # noqa: TID251  (the one place)
    _alive.add(task)  # the loop itself holds tasks only weakly
    task.add_done_callback(_report)
    return task


async def cancel_and_wait(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait until their `finally` clauses have run. Raises nothing of theirs."""
    pending = {task for task in tasks if not task.done()} - {asyncio.current_task()}
    for task in pending:
        task.cancel()
    if pending:
        await asyncio.wait(pending)


async def emitted(signal: SignalInstance) -> tuple[Any, ...]:
    """Wait for a Qt signal; the result is what it was emitted with."""
    future: asyncio.Future[tuple[Any, ...]] = asyncio.get_running_loop().create_future()

    def settle(*args: Any) -> None:  # noqa: ANN401  (a signal carries anything)
        if not future.done():
            future.set_result(args)

    signal.connect(settle)
    try:
        return await future
    finally:
        with contextlib.suppress(RuntimeError):  # the sender may be gone by now, and its connections with it
            signal.disconnect(settle)


async def ask(dialog: QDialog) -> bool:
    """Show a modal dialog and wait for its answer: True when accepted. The dialog is gone afterwards.

    Never `exec()`: its nested event loop breaks every task that wakes meanwhile.
    """
    dialog.open()
    try:
        code = (await emitted(dialog.finished))[0]
        return bool(code == QDialog.DialogCode.Accepted.value)
    finally:
        dialog.close()
        dialog.deleteLater()


async def _until_signal(main: Coroutine[Any, Any, int]) -> int:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    received: list[signal.Signals] = []

    def end(number: signal.Signals) -> None:
        received.append(number)
        task.cancel()

    for number in _ENDING_SIGNALS:
        loop.add_signal_handler(number, end, number)
    try:
        return await main
    except asyncio.CancelledError:
        if not received:
            raise
        return 128 + received[0]
    finally:
        for number in _ENDING_SIGNALS:
            loop.remove_signal_handler(number)


def _report(task: asyncio.Task[Any]) -> None:
    _alive.discard(task)
    if task.cancelled():
        return
    if error := task.exception():
        context = {"message": f"Task {task.get_name()!r} failed", "exception": error, "task": task}
        task.get_loop().call_exception_handler(context)


@contextlib.contextmanager
def _slot_errors_to(on_error: Callable[[Context], None]) -> Iterator[None]:
    """PySide hands what a slot raises to `sys.excepthook`."""
    previous = sys.excepthook
    sys.excepthook = lambda _, error, __: on_error({"message": "A slot failed", "exception": error})
    try:
        yield
    finally:
        sys.excepthook = previous
