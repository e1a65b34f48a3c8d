"""From the plan to the receipt on one card."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt

from fleetcache_gui.deeds import Mode
from fleetcache_gui.domain.plan import NotConfirmed, Outcome, Skipped, Strictness
from fleetcache_gui.domain.verbs import Refusal
from fleetcache_gui.ui.confirm import HOLD
from fleetcache_gui.ui.running_view import STOPPING
from fleetcache_gui.ui.text_widgets import PlainLabel
from tests.ui.desk import at_desk, let_pass, planned
from tests.ui.shell import press, settle
from tests.ui.stage_deeds import flush, long_plan, plan, receipt, step, way_back

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from PySide6.QtWidgets import QApplication, QWidget

    from fleetcache_gui import aio
    from fleetcache_gui.ui.plan_sheet import PlanSheet
    from tests.ui.stage_deeds import StageDeeds

    Eventually = Callable[..., Coroutine[None, None, None]]

CONTROL = Qt.KeyboardModifier.ControlModifier


def texts(widget: QWidget) -> list[str]:
    return [label.text().replace("\u200b", "") for label in widget.findChildren(PlainLabel) if label.isVisible()]


def lines(sheet: PlanSheet) -> list[list[str]]:
    model = sheet.plan.steps.model
    return [[str(model.index(r, c).data()) for c in range(model.columnCount())] for r in range(model.rowCount())]


async def confirmed(sheet: PlanSheet, eventually: Eventually, deeds: StageDeeds) -> None:
    let_pass(sheet.plan.bar)
    sheet.plan.bar.button.click()
    await eventually(lambda: deeds.running is not None)


# --- the plan ---


async def test_a_plan_tells_what_where_and_the_way_back(qapp: QApplication) -> None:
    async with at_desk(qapp) as (window, deeds):
        made = plan(skipped=(Skipped("lock cron:stats", "it is gone already"),))
        sheet = await planned(window, deeds, made)
        assert sheet.plan.title.text() == made.title
        assert sheet.plan.extent.text() == "1 key · 96 B · 1 skipped"
        assert sheet.band.accessibleName() == f"PRODUCTION, {made.where}"
        assert lines(sheet) == [
            ["UNLINK lock:cron:vuln", "the key lock:cron:vuln", "96 B", "saved first", ""],
            ["", "lock cron:stats", "", "skipped", "it is gone already"],
        ]
        assert sheet.plan.feels.sentences == made.consequence
        assert sheet.plan.way_back.sentences == (made.way_back,)
        assert sheet.plan.bar.button.text() == made.button
        assert sheet.plan.bar.cancel.hasFocus()
        assert not sheet.plan.fleet_only.isVisible()


async def test_nodes_and_what_has_no_way_back_are_counted(qapp: QApplication) -> None:
    steps = (step(b"locks:%d" % i, node=f"10.0.0.{i % 2}:7000", saved=i > 0) for i in range(5))
    async with at_desk(qapp) as (window, deeds):
        sheet = await planned(window, deeds, plan(*steps))
        assert sheet.plan.extent.text() == "5 keys · 1.0 KB · 1 of them with no way back"
        assert sheet.plan.nodes.text() == "On 2 nodes: 10.0.0.0:7000 3, 10.0.0.1:7000 2"
        assert lines(sheet)[0][3] == "no way back"


async def test_credentials_in_names_are_masked(qapp: QApplication) -> None:
    async with at_desk(qapp) as (window, deeds):
        sheet = await planned(window, deeds, plan(step(b"tokens:secret-of-the-host")))
        assert lines(sheet)[0][0] == "UNLINK tokens:se…"


async def test_a_flush_of_the_database_offers_fleets_keys_only(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp) as (window, deeds):
        window.desk.flush(True)
        sheet = window.desk.plan_sheet
        await eventually(sheet.plan.isVisible)
        told = texts(sheet.plan)
        assert "Other keys" in told
        assert "72 keys" in told
        assert "session:8f21" in told
        assert sheet.plan.bar.button.text().startswith(f"Hold {HOLD:.0f} s: ")
        assert sheet.plan.fleet_only.isVisible()
        sheet.plan.fleet_only.click()
        await eventually(lambda: sheet.plan.isVisible() and sheet.plan.title.text() == "Flush all of Fleet's keys")
        assert deeds.asked[-1] == ("plan_flush", False)
        assert not sheet.plan.fleet_only.isVisible()
        assert not sheet.plan.strangers.isVisible()
        assert sheet.plan.bar.field.isVisible()


async def test_the_word_is_typed_and_handed_over(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp) as (window, deeds):
        sheet = await planned(window, deeds, plan(strictness=Strictness.TYPE))
        let_pass(sheet.plan.bar)
        for _ in range(4):
            press(qapp.focusWidget(), Qt.Key.Key_Tab)
            if sheet.plan.bar.field.hasFocus():
                break
        for char in "prod-eu 1":
            press(qapp.focusWidget(), char)
        while not sheet.plan.bar.button.hasFocus():
            press(qapp.focusWidget(), Qt.Key.Key_Tab)
        press(sheet.plan.bar.button, Qt.Key.Key_Space)
        await eventually(lambda: deeds.running is not None)
        assert deeds.asked[-1] == ("execute", deeds.running.id, "prod-eu 1")  # type: ignore[union-attr]
        deeds.cancel()
        await eventually(sheet.receipt.isVisible)


async def test_escape_and_cancel_do_nothing_but_close(qapp: QApplication) -> None:
    async with at_desk(qapp) as (window, deeds):
        for close in (Qt.Key.Key_Escape, Qt.Key.Key_Return):
            sheet = await planned(window, deeds, plan())
            press(sheet.plan.bar.cancel, close)
            assert not sheet.isVisible()
        assert not any(what[0] == "execute" for what in deeds.asked)


async def test_a_lock_that_falls_shut_stops_the_plan(qapp: QApplication) -> None:
    async with at_desk(qapp) as (window, deeds):
        sheet = await planned(window, deeds, plan())
        let_pass(sheet.plan.bar)
        press(sheet, Qt.Key.Key_L, CONTROL | Qt.KeyboardModifier.ShiftModifier)
        assert deeds.mode is Mode.LOCKED
        assert not sheet.plan.bar.button.isEnabled()
        assert "locked meanwhile" in sheet.plan.bar.note.text()


async def test_a_plan_with_nothing_in_it_cannot_be_confirmed(qapp: QApplication) -> None:
    async with at_desk(qapp) as (window, deeds):
        nothing = plan(skipped=(Skipped("lock a", "it changed hands"),))
        nothing = type(nothing)(**{f: getattr(nothing, f) for f in nothing.__slots__} | {"steps": ()})
        sheet = await planned(window, deeds, nothing)
        assert not sheet.plan.bar.button.isEnabled()
        assert sheet.plan.bar.note.text() == "There is nothing left to do."
        assert lines(sheet)[0][4] == "it changed hands"


# --- no plan ---


async def test_a_refusal_that_time_settles_can_be_waited_for(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp) as (window, deeds):
        sheet = await planned(window, deeds, Refusal("It expires by itself in 4.2 s.", 4.2))
        assert sheet.refusal.text.text() == "It expires by itself in 4.2 s."
        assert sheet.refusal.wait.text() == "Wait 4.2 s"
        sheet.refusal.wait.click()
        assert sheet.refusal.left.text() == "Looking again in 0:05."
        deeds.made = Refusal("It is no longer in Redis.")
        sheet.refusal._until -= 5
        sheet.refusal._timer.timeout.emit()
        await eventually(lambda: sheet.refusal.text.text() == "It is no longer in Redis.")
        assert not sheet.refusal.wait.isVisible()
        assert not sheet.refusal._timer.isActive()


async def test_closing_ends_the_waiting_and_the_looking(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp) as (window, deeds):
        sheet = await planned(window, deeds, Refusal("Wait.", 4.2))
        sheet.refusal.wait.click()
        press(sheet.refusal.close_button, Qt.Key.Key_Escape)
        assert not sheet.refusal._timer.isActive()
        deeds.gate = asyncio.Event()
        deeds.made = plan()
        sheet.begin("Release lock", lambda: deeds.plan_undo("x"))
        await settle()
        assert "Nothing is changed by looking" in sheet.refusal.text.text()
        sheet.refusal.close_button.click()
        deeds.gate.set()
        await settle()
        assert not sheet.isVisible()
        assert not sheet.plan.isVisible()


async def test_an_error_of_our_own_is_told_and_logged(
    qapp: QApplication, eventually: Eventually, loop_errors: list[aio.Context]
) -> None:
    async with at_desk(qapp) as (window, deeds):
        deeds.made = RuntimeError("a bug")
        sheet = window.desk.plan_sheet
        sheet.begin("Release lock", lambda: deeds.plan_undo("x"))
        await eventually(lambda: "error of this program" in sheet.refusal.text.text())
        assert sheet.refusal.title.text() == "Release lock"
        await eventually(lambda: loop_errors)
        assert [repr(context["exception"]) for context in loop_errors] == ["RuntimeError('a bug')"]
        loop_errors.clear()


# --- running ---


async def test_progress_is_shown_and_the_window_stays_live(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp) as (window, deeds):
        sheet = await planned(window, deeds, long_plan(1000))
        sheet._carry_out("prod-eu 1000")
        await eventually(lambda: deeds.running is not None)
        deeds.progress(430, 1000, rate=2150.0, left=3.6, waiting="Looking what became of 200 keys.")
        assert sheet.running.text.text() == "430 of 1,000 tokens · 2,150/s · 3.6 s left"
        assert sheet.running.bar.value() == 430
        assert sheet.running.waiting.text() == "Looking what became of 200 keys."
        press(sheet.running.cancel, Qt.Key.Key_Escape)
        assert sheet.isVisible(), "what runs is not put out of sight"
        window._session.go_live(polls=2)  # type: ignore[attr-defined]
        assert window.status.keys.text()
        sheet.running.cancel.click()
        await eventually(sheet.receipt.isVisible)
        assert ("cancel",) in deeds.asked
        assert sheet.running.note.text() == STOPPING
        assert sheet.receipt.title.text() == "Nothing was changed"


async def test_a_plan_that_may_not_run_any_more_is_looked_at_again(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp) as (window, deeds):
        sheet = await planned(window, deeds, plan())
        await confirmed(sheet, eventually, deeds)
        assert deeds.outcome is not None
        deeds.outcome.set_exception(NotConfirmed("It was shown 11 minutes ago: look again."))
        await eventually(sheet.plan.look_again.isVisible)
        assert sheet.plan.bar.note.text() == "It was shown 11 minutes ago: look again."
        assert not sheet.plan.bar.button.isEnabled()
        deeds.changed.emit()
        assert not sheet.plan.bar.button.isEnabled(), "news of the lock does not make it valid"
        sheet.plan.look_again.click()
        await eventually(lambda: sheet.plan.bar.button.isEnabled())
        assert not sheet.plan.look_again.isVisible()


async def test_closing_the_window_waits_for_the_act(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp) as (window, deeds):
        sheet = await planned(window, deeds, plan())
        await confirmed(sheet, eventually, deeds)
        window.close()
        await window.end()
        assert ("cancel",) in deeds.asked
        assert deeds.running is None
        assert deeds.outcome is not None
        assert not deeds.outcome.cancelled()


# --- the receipt ---


@pytest.mark.parametrize(
    ("met", "word"),
    [
        (Outcome.DONE, "Done"),
        (Outcome.GONE, "Nothing was changed"),
        (Outcome.CHANGED, "Nothing was changed"),
        (Outcome.REFUSED, "Nothing was changed"),
        (Outcome.UNREACHABLE, "Nothing was changed"),
        (Outcome.CANCELLED, "Nothing was changed"),
        (Outcome.FAILED, "Nothing was changed"),
        (Outcome.UNKNOWN, "Not known"),
    ],
)
async def test_every_outcome_has_its_words(qapp: QApplication, eventually: Eventually, met: Outcome, word: str) -> None:
    async with at_desk(qapp) as (window, deeds):
        made = plan()
        sheet = await planned(window, deeds, made)
        await confirmed(sheet, eventually, deeds)
        assert deeds.outcome is not None
        deeds.outcome.set_result(receipt(made, met, notes={0: "worker-2 holds it now"}))
        await eventually(sheet.receipt.isVisible)
        assert sheet.receipt.title.text() == word
        assert {met.value, "worker-2 holds it now"} <= set(texts(sheet.receipt))
        model = sheet.receipt.steps.model
        assert [model.index(0, column).data() for column in (0, 3, 4)] == [
            "UNLINK lock:cron:vuln",
            met.value,
            "worker-2 holds it now",
        ]
        assert sheet.receipt.undo_button.isVisible() is (met is Outcome.DONE)
        assert sheet.receipt.close_button.hasFocus()


async def test_a_mixed_receipt_is_counted_and_filtered(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp) as (window, deeds):
        made = long_plan(20, skipped=2)
        sheet = await planned(window, deeds, made)
        sheet._carry_out("")
        await eventually(lambda: deeds.running is not None)
        met = [*[Outcome.DONE] * 15, *[Outcome.CHANGED] * 3, *[Outcome.UNKNOWN] * 2]
        assert deeds.outcome is not None
        deeds.ways = (way_back(made.id, count=15, where="disk"),)
        trouble = "The server stopped answering."
        deeds.outcome.set_result(receipt(made, met, trouble=trouble))
        await eventually(lambda: "until" in "".join(sheet.receipt.way_back.sentences))
        assert sheet.receipt.title.text() == "Done, as far as is known"
        told = texts(sheet.receipt)
        for part in ("15", "3", "2", "done", "changed, kept", "not known", trouble):
            assert part in told
        assert "kept on this machine's disk" in sheet.receipt.way_back.sentences[0]
        kinds = sheet.receipt.steps.kind
        assert [kinds.itemText(i) for i in range(kinds.count())] == [
            "All 22",
            "15 done",
            "3 changed, kept",
            "2 not known",
            "2 skipped",
        ]
        kinds.setCurrentIndex(2)
        assert sheet.receipt.steps.model.rowCount() == 3
        sheet.receipt.undo_button.click()
        await eventually(sheet.plan.isVisible)
        assert deeds.asked[-1] == ("plan_undo", made.id)


async def test_a_flush_names_each_family(qapp: QApplication) -> None:
    async with at_desk(qapp) as (window, deeds):
        sheet = await planned(window, deeds, flush(database=False))
        assert texts(sheet.plan.families)[:6] == ["Live queries", "24 keys", "41.0 MB", "Locks", "5 keys", "480 B"]
