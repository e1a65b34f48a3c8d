from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest
import shiboken6
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QDialog

from fleetcache_gui import aio

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication


class Bell(QObject):
    rung = Signal(int, str)


async def test_emitted_gives_what_the_signal_carried(qapp: QApplication) -> None:
    bell = Bell()
    QTimer.singleShot(0, lambda: bell.rung.emit(3, "noon"))
    assert await aio.emitted(bell.rung) == (3, "noon")


async def test_emitted_takes_the_first_of_two(qapp: QApplication) -> None:
    bell = Bell()
    waiting = aio.spawn(aio.emitted(bell.rung), name="listen")
    await asyncio.sleep(0)
    bell.rung.emit(1, "first")
    bell.rung.emit(2, "second")
    assert await waiting == (1, "first")


async def test_emitted_can_be_cancelled_after_its_sender_died(qapp: QApplication) -> None:
    bell = Bell()
    waiting = aio.spawn(aio.emitted(bell.rung), name="listen")
    await asyncio.sleep(0)
    shiboken6.delete(bell)
    await aio.cancel_and_wait([waiting])
    assert waiting.cancelled()


@pytest.mark.parametrize(("answer", "accepted"), [("accept", True), ("reject", False), ("close", False)])
async def test_ask_waits_for_the_answer_while_tasks_go_on(qapp: QApplication, answer: str, accepted: bool) -> None:
    dialog = QDialog()
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1
            if ticks == 3:
                getattr(dialog, answer)()

    ticker = aio.spawn(tick(), name="ticker")
    assert await aio.ask(dialog) is accepted
    assert ticks >= 3
    await aio.cancel_and_wait([ticker])
    await asyncio.sleep(0)
    assert not shiboken6.isValid(dialog)


async def test_a_cancelled_question_takes_its_dialog_along(qapp: QApplication) -> None:
    dialog = QDialog()
    asking = aio.spawn(aio.ask(dialog), name="ask")
    while not dialog.isVisible():
        await asyncio.sleep(0)
    await aio.cancel_and_wait([asking])
    await asyncio.sleep(0)
    assert not shiboken6.isValid(dialog)


async def test_a_failed_task_is_reported_at_once_though_its_owner_holds_it(
    loop_errors: list[aio.Context],
) -> None:
    async def fail() -> None:
        raise ValueError("so it goes")

    task = aio.spawn(fail(), name="doomed")
    await asyncio.wait([task])
    assert [str(context["exception"]) for context in loop_errors] == ["so it goes"]
    assert "doomed" in loop_errors[0]["message"]
    loop_errors.clear()


async def test_cancel_and_wait_lets_cleanup_finish() -> None:
    seen: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            seen.append("cleaned up")

    task = aio.spawn(work(), name="work")
    await asyncio.sleep(0)
    await aio.cancel_and_wait([task])
    assert seen == ["cleaned up"]


async def test_cancel_and_wait_bears_finished_failed_and_own_tasks(loop_errors: list[aio.Context]) -> None:
    async def fail_on_cancel() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise ValueError("worse") from None

    finished = aio.spawn(asyncio.sleep(0), name="finished")
    await finished
    failing = aio.spawn(fail_on_cancel(), name="failing")
    await asyncio.sleep(0)
    own = asyncio.current_task()
    assert own is not None
    await aio.cancel_and_wait([finished, failing, own])
    assert [str(context["exception"]) for context in loop_errors] == ["worse"]
    loop_errors.clear()


PROGRAM = """
    import asyncio, sys
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication
    from fleetcache_gui import aio

    async def fail():
        raise ValueError("task")

    def slot():
        raise ValueError("slot")

    async def main():
        task = aio.spawn(fail(), name="doomed")
        QTimer.singleShot(0, slot)
        try:
            await asyncio.sleep(0.05)
            print("ready", flush=True)
            await asyncio.sleep({seconds})
            return 7
        finally:
            await asyncio.sleep(0.01)
            print("clean", flush=True)

    app = QApplication([])
    sys.exit(aio.run(app, main(), lambda context: print("error:", context["exception"], flush=True)))
"""


def start(seconds: float) -> subprocess.Popen[str]:
    program = textwrap.dedent(PROGRAM).format(seconds=seconds)
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"QT_API": "pyqt5"},
    )


def test_run_returns_the_exit_code_and_reports_what_nobody_waits_for() -> None:
    with start(seconds=0) as process:
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 7
    assert sorted(output.split("\n")) == ["", "clean", "error: slot", "error: task", "ready"]


@pytest.mark.skipif(os.name != "posix", reason="Qt hears signals on POSIX only")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_main_in_good_order(number: signal.Signals) -> None:
    with start(seconds=60) as process:
        assert process.stdout is not None
        while (line := process.stdout.readline()) != "ready\n":
            assert line, "ended before it was ready"
        process.send_signal(number)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert output == "clean\n"
