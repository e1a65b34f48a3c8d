"""Plans, receipts and histories carry keys, names and errors from elsewhere: all of it is shown as it stands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QApplication, QToolTip, QWidget

from fleetcache_gui.deeds import Mode
from fleetcache_gui.domain.plan import Outcome, Skipped, Strictness
from fleetcache_gui.domain.text import shorten
from fleetcache_gui.domain.verbs import Choice, Refusal
from tests.ui.desk import at_desk, planned
from tests.ui.shell import settle
from tests.ui.stage_deeds import Entry, plan, receipt, step, way_back
from tests.ui.test_hostile import PAYLOADS, bait, marked, payload

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from fleetcache_gui.ui.window import MainWindow
    from tests.ui.stage_deeds import StageDeeds

    Eventually = Callable[..., Coroutine[None, None, None]]

__all__ = ["bait"]


def hostile(text: str) -> object:
    bad = replace(step(text.encode()), node=text)
    bad = replace(bad, draft=replace(bad.draft, what=text))
    return plan(
        bad,
        title=text,
        button=text[:40],
        where=text,
        skipped=(Skipped(text, text),),
        consequence=(text,),
        way_back=text,
        strangers=(text,),
        counts=((text, 1, 1),),
        noun=(text, text),
        word=text,
        strictness=Strictness.TYPE,
    )


async def literal(window: MainWindow) -> None:
    """Neither the window nor any tooltip in it draws anything of the payload."""
    await settle()
    assert marked(window) == 0
    tips = {widget.toolTip() for widget in window.findChildren(QWidget) if widget.toolTip()}
    for tip in tips:
        if "<" in tip.removeprefix("<p").partition(">")[2].removesuffix("</p>") or "img" in tip:
            QToolTip.showText(QPoint(10, 10), tip, window, QRect(), 5000)
            shown = next(w for w in QApplication.topLevelWidgets() if w.inherits("QTipLabel"))
            assert marked(shown) == 0
            QToolTip.hideText()


@pytest.mark.parametrize("template", PAYLOADS)
async def test_plans_and_receipts(qapp: QApplication, eventually: Eventually, bait: Path, template: str) -> None:
    text = payload(template, bait)
    async with at_desk(qapp) as (window, deeds):
        made = hostile(text)
        sheet = await planned(window, deeds, made)  # type: ignore[arg-type]
        assert sheet.plan.title.text().replace("\u200b", "") == text
        await literal(window)
        model = sheet.plan.steps.model
        for row in range(model.rowCount()):
            tip = model.index(row, 0).data(3)
            QToolTip.showText(QPoint(10, 10), tip, window, QRect(), 5000)
            shown = next(w for w in QApplication.topLevelWidgets() if w.inherits("QTipLabel"))
            assert marked(shown) == 0
            QToolTip.hideText()
        sheet._carry_out("")
        await eventually(lambda: deeds.running is not None)
        deeds.progress(1, 2, waiting=text)
        await literal(window)
        assert deeds.outcome is not None
        told = receipt(made, Outcome.FAILED, notes={0: text}, trouble=text)  # type: ignore[arg-type]
        deeds.outcome.set_result(told)
        await eventually(sheet.receipt.isVisible)
        await literal(window)
        sheet.close_up()
        await planned(window, deeds, Refusal(text, 3.0))
        await literal(window)


async def histories(window: MainWindow, deeds: StageDeeds, text: str, eventually: Eventually) -> None:
    deeds.ways = (way_back(title=text, server=text, hindrance=text),)
    deeds.audit.broken = text
    deeds.audit.log = [Entry(1, 0.0, text, text, text, text, {text: text})]
    sheet = window.desk.history_sheet
    sheet.open()
    await eventually(lambda: sheet.ways_back.table.model().rowCount() == 1)
    await literal(window)
    sheet.tabs.setCurrentIndex(1)
    await eventually(lambda: sheet.audit.table.model().rowCount() == 1)
    await literal(window)
    sheet.close_up()


@pytest.mark.parametrize("template", PAYLOADS)
async def test_locks_choices_and_histories(
    qapp: QApplication, eventually: Eventually, bait: Path, template: str
) -> None:
    text = payload(template, bait)
    async with at_desk(qapp, Mode.LOCKED) as (window, deeds):
        deeds.failure = deeds.word = text
        window.desk.toggle_lock()
        sheet = window.desk.unlock_sheet
        sheet._unlock("")
        await eventually(sheet.failure.isVisible)
        await literal(window)
        sheet.close_up()
        deeds.set_mode(Mode.NEVER, text)
        await literal(window)
        deeds.set_mode(Mode.UNLOCKED, text)
        await literal(window)
        choice = window.desk.choice_sheet
        choice.ask(text, Choice(text, ((text, "a"), (f"{text}&b", "b"))))
        assert choice.options.item(0).text() == shorten(text, 120)
        await literal(window)
        choice.ask(text, Choice(text, start=text, check=lambda typed: text))
        await literal(window)
        choice.close_up()
        await histories(window, deeds, text, eventually)


async def test_what_the_log_holds_cannot_reorder_or_hide_text(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp) as (window, deeds):
        deeds.audit.log = [Entry(1, 0.0, "ma\u202era", "h\n", "d\x00", "e", {"k\u200b": "v\ud800"})]
        sheet = window.desk.history_sheet
        sheet.open()
        sheet.tabs.setCurrentIndex(1)
        await eventually(lambda: sheet.audit.table.model().rowCount() == 1)
        model = sheet.audit.table.model()
        told = [model.index(0, column).data() for column in range(2, 6)]
        assert told == ["ma\\u{202e}ra on h\\n", "d\\x00", "e", "k\\u{200b}: v?"]
