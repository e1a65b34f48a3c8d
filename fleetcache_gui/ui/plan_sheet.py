"""One card from the plan to the receipt: look, ask, carry out, tell."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from fleetcache_gui import aio, clock
from fleetcache_gui.deeds import Mode
from fleetcache_gui.domain.plan import NotConfirmed, Plan, Receipt
from fleetcache_gui.domain.verbs import Refusal
from fleetcache_gui.ui.plan_view import PlanView
from fleetcache_gui.ui.receipt_view import ReceiptView
from fleetcache_gui.ui.refusal_view import RefusalView
from fleetcache_gui.ui.running_view import RunningView
from fleetcache_gui.ui.saving import save_report
from fleetcache_gui.ui.sheet import Sheet

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from PySide6.QtWidgets import QWidget

    from fleetcache_gui.deeds import Deeds
    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.theme import Theme

    Question = Callable[[], Awaitable[Plan | Refusal]]

WIDTH = 820
LOCKED = "Actions have been locked meanwhile. Close this, unlock them, and look again."
OWN_ERROR = (
    "It was stopped by an error of this program, and standard error has the details. What was sent until then is in "
    "the history of deeds; look at the rows before you act on them again."
)


class PlanSheet(Sheet):
    """Only one deed at a time; while it runs the card stays."""

    def __init__(
        self,
        window: QWidget,
        session: Session,
        deeds: Deeds,
        theme: Theme,
        clock: Callable[[], float] = clock.now,
    ) -> None:
        super().__init__(window, theme, WIDTH, session.environment, f"{session.name} ({session.address})")
        self._session, self._deeds = session, deeds
        self._title = ""
        self._question: Question | None = None
        self._task: asyncio.Task[None] | None = None
        self.refusal = RefusalView(theme, clock)
        self.plan = PlanView(theme, clock)
        self.running = RunningView(theme)
        self.receipt = ReceiptView(theme)
        for page in (self.refusal, self.plan, self.running, self.receipt):
            page.hide()
            self.inner.addWidget(page)
        self._connect()

    def _connect(self) -> None:
        self.refusal.closed.connect(self.close_up)
        self.refusal.again.connect(self.look)
        self.plan.cancelled.connect(self.close_up)
        self.plan.again.connect(self.look)
        self.plan.instead.connect(self._fleet_only)
        self.plan.confirmed.connect(self._carry_out)
        self.running.cancelled.connect(self._deeds.cancel)
        self.receipt.closed.connect(self.close_up)
        self.receipt.undo.connect(self._undo)
        self.receipt.save.connect(self._save)
        self._deeds.progressed.connect(self.running.show_progress)
        self._deeds.changed.connect(self._changed)
        for area in (self.plan.area, self.receipt.area):
            area.changed.connect(self.place)

    def begin(self, title: str, question: Question) -> None:
        """Have a plan made by `question`, and go on from there."""
        if self._deeds.running is not None:
            return
        self._title, self._question = title, question
        self.look()

    def look(self) -> None:
        """Look (again) at what it would touch."""
        self._stop_looking()
        self._show(self.refusal)
        self.refusal.show_looking(self._title)
        self.place()
        self._task = aio.spawn(self._ask(), name="plan")

    async def _ask(self) -> None:
        assert self._question is not None
        try:
            made = await self._question()
        except Exception:
            self._fail(self._title)
            raise
        if isinstance(made, Refusal):
            self._show(self.refusal)
            self.refusal.show_refusal(self._title, made)
            self.place()
        else:
            self._show_plan(made)

    def _show_plan(self, plan: Plan) -> None:
        self.band.set_where(plan.where)
        self._show(self.plan)
        self.plan.show_plan(plan, self._session.layout, self._hindrance())
        self.place()

    def _hindrance(self) -> str:
        return self._deeds.hindrance() or (LOCKED if self._deeds.mode is not Mode.UNLOCKED else "")

    def _changed(self) -> None:
        if self.plan.isVisible() and not self.plan.look_again.isVisible():
            self.plan.set_hindrance(self._hindrance())

    def _show(self, page: QWidget) -> None:
        for other in (self.refusal, self.plan, self.running, self.receipt):
            if other is not page:
                other.hide()
        page.show()
        self.closable = page is not self.running
        self.open()

    # carrying out

    def _carry_out(self, typed: str) -> None:
        plan = self.plan.plan
        if plan is not None:
            self._task = aio.spawn(self._act(plan, typed), name=f"deed {plan.id}")

    async def _act(self, plan: Plan, typed: str) -> None:
        self._show(self.running)
        self.running.start(plan)
        try:
            receipt = await self._deeds.execute(plan, typed)
        except NotConfirmed as why:
            self._show(self.plan)
            self.plan.refuse(str(why))
            self.place()
            return
        except Exception:
            self._fail(plan.title)
            raise
        self._show(self.receipt)
        self.receipt.show_receipt(receipt, self._session.layout)
        self.place()
        await self._find_way_back(receipt)

    def _fail(self, title: str) -> None:
        self._show(self.refusal)
        self.refusal.show_error(title, OWN_ERROR)
        self.place()

    async def _find_way_back(self, receipt: Receipt) -> None:
        if not receipt.saved:
            return
        for way in await self._deeds.ways_back():
            if way.deed == receipt.plan.id and self.receipt.receipt is receipt:
                self.receipt.show_way_back(way)
                self.place()

    # what else a person may want

    def _fleet_only(self) -> None:
        self.begin("Flush Fleet's keys", lambda: self._deeds.plan_flush(database=False))

    def _undo(self) -> None:
        if (receipt := self.receipt.receipt) is not None:
            self.begin(f"Undo: {receipt.plan.title}", lambda: self._deeds.plan_undo(receipt.plan.id))

    def _save(self) -> None:
        if (receipt := self.receipt.receipt) is not None:
            self._task = aio.spawn(self._write(receipt), name="report")

    async def _write(self, receipt: Receipt) -> None:
        told = await save_report(self, receipt, self._session.layout)
        self.receipt.saved.setText(told)

    def _stop_looking(self) -> None:
        if self._task is not None and self._deeds.running is None:
            self._task.cancel()

    def close_up(self) -> None:
        self._stop_looking()
        super().close_up()

    async def end(self) -> None:
        """Send nothing more and wait for what is under way: an act is never torn off."""
        if self._task is not None and self._deeds.running is not None:
            self._deeds.cancel()
            with contextlib.suppress(Exception):  # it was reported as it happened
                await self._task
        elif self._task is not None:
            await aio.cancel_and_wait([self._task])
        await self.plan.steps.end()
        await self.receipt.steps.end()
