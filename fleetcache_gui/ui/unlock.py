"""Unlocking: the control in the top bar, and the sheet that says what it means before anything can be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Signal
from PySide6.QtWidgets import QMenu, QPushButton

from fleetcache_gui import aio, assets, clock
from fleetcache_gui.deeds import Mode
from fleetcache_gui.domain import words
from fleetcache_gui.domain.plan import Strictness
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.ui.actions import native
from fleetcache_gui.ui.confirm import ConfirmBar
from fleetcache_gui.ui.detail_parts import Facts
from fleetcache_gui.ui.plan_view import Sentences
from fleetcache_gui.ui.sheet import Sheet
from fleetcache_gui.ui.text_widgets import PlainLabel, plain_tooltip

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from PySide6.QtGui import QContextMenuEvent
    from PySide6.QtWidgets import QWidget

    from fleetcache_gui.deeds import Deeds
    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.theme import Theme

LOOKS_ONLY = "It only looks until you unlock actions: nothing that changes the server is sent before that."
LOCK_KEYS = "Ctrl+Shift+L"
SOON = 120
"""Seconds before it locks itself from which on the countdown is amber."""

MEANING = (
    "Locks can then be released, keys removed and queues trimmed on this server. Each action first shows a plan with "
    "everything it would touch, and asks.",
    "It locks itself 15 minutes after the last action, when the window is closed, and whenever you say so "
    f"({native(LOCK_KEYS)}).",
)


class UnlockControl(QPushButton):
    """``Locked``, ``Unlocking…``, ``Actions 14:59`` or ``Never unlocked``. `wanted`: unlock. The menu has the rest."""

    wanted = Signal()
    lock_wanted = Signal()
    history_wanted = Signal()
    flush_wanted = Signal(bool)  # True: the whole database

    def __init__(self, deeds: Deeds, theme: Theme, clock: Callable[[], float] = clock.now) -> None:
        super().__init__()
        self._deeds, self._theme, self._clock = deeds, theme, clock
        self._look = ("", "")
        self.setMinimumWidth(self.fontMetrics().horizontalAdvance("Actions 14:59") + 52)
        self._menu = self._make_menu()
        self.clicked.connect(self._clicked)
        deeds.changed.connect(self.tick)
        theme.changed.connect(self._repaint)
        self.tick()

    def _make_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        self.lock_action = menu.addAction("", self._lock)
        self.lock_action.setShortcut(LOCK_KEYS)
        self.history_action = menu.addAction("History of deeds…", self.history_wanted.emit)
        self.history_action.setShortcut("Ctrl+H")
        menu.addSeparator()
        self.flush_menu = menu.addMenu("Flush")
        self.flush_menu.setToolTipsVisible(True)
        self.flush_fleet = self.flush_menu.addAction("All of Fleet's keys…", lambda: self.flush_wanted.emit(False))
        self.flush_all = self.flush_menu.addAction("The whole database…", lambda: self.flush_wanted.emit(True))
        return menu

    def _lock(self) -> None:
        if self._deeds.mode is Mode.UNLOCKED:
            self.lock_wanted.emit()
        else:
            self.wanted.emit()

    def _clicked(self) -> None:
        if self._deeds.mode is Mode.LOCKED:
            self.wanted.emit()
        else:
            self._open_menu()

    def menu(self) -> QMenu:
        """What else there is, as things stand: lock, history, flush."""
        unlocked, why = self._deeds.mode is Mode.UNLOCKED, self._deeds.hindrance()
        self.lock_action.setText("Lock now" if unlocked else "Unlock actions…")
        self.lock_action.setEnabled(self._deeds.mode in (Mode.UNLOCKED, Mode.LOCKED))
        for action in (self.flush_fleet, self.flush_all):
            action.setEnabled(unlocked and not why)
            plain_tooltip(action, why)
        return self._menu

    def _open_menu(self) -> None:
        self.menu().popup(self.mapToGlobal(QPoint(0, self.height() + 4)))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self._open_menu()

    def tick(self) -> None:
        """Carry the countdown on; called about twice a second and when something changed."""
        mode, left = self._deeds.mode, self._deeds.left(self._clock())
        soon = mode is Mode.UNLOCKED and left < SOON
        self.setText(
            {
                Mode.LOCKED: "Locked",
                Mode.UNLOCKING: "Unlocking…",
                Mode.UNLOCKED: f"Actions {words.clock(left)}",
                Mode.NEVER: "Never unlocked",
            }[mode]
        )
        look = (mode.value, "warn" if soon else "")
        if look != self._look:
            self._look = look
            self._repaint()
            self._explain(mode)

    def _repaint(self) -> None:
        mode, tone = self._look
        unlocked = mode == Mode.UNLOCKED.value
        colors = self._theme.colors
        color = colors.warn if tone else colors.accent if unlocked else colors.muted
        self.setIcon(assets.icon("unlock" if unlocked else "lock", color))
        self.setProperty("kind", None if unlocked else "quiet")
        self.setProperty("tone", tone or None)
        self.style().unpolish(self)
        self.style().polish(self)

    def _explain(self, mode: Mode) -> None:
        told = {
            Mode.LOCKED: f"{LOOKS_ONLY} Click to unlock ({native(LOCK_KEYS)}).",
            Mode.UNLOCKING: "Connecting for writing, and learning what the account may do.",
            Mode.UNLOCKED: "Actions can change this server. It locks itself when the time is up without an action; "
            f"{native(LOCK_KEYS)} locks it at once.",
            Mode.NEVER: self._deeds.hindrance(),
        }[mode]
        names = {Mode.LOCKED: "Actions are locked", Mode.UNLOCKED: "Actions are unlocked"}
        self.setAccessibleName(names.get(mode, self.text()))
        self.setAccessibleDescription(told)
        plain_tooltip(self, told)


class UnlockSheet(Sheet):
    """Which server, what unlocking means, and in production a word to type."""

    def __init__(
        self, window: QWidget, session: Session, deeds: Deeds, theme: Theme, clock: Callable[[], float] = clock.now
    ) -> None:
        super().__init__(window, theme, 600, session.environment, session.name)
        self._session, self._deeds = session, deeds
        self._task: asyncio.Task[None] | None = None
        self.facts = Facts(theme)
        self.meaning = Sentences("What it means", "info", theme)
        self.failure = Sentences("It is still locked", "warning", theme)
        self.bar = ConfirmBar(theme, clock)
        self.inner.addWidget(PlainLabel("Unlock actions", theme=theme, role="heading"))
        for part in (self.facts, self.meaning, self.failure):
            self.inner.addWidget(part)
        self.inner.addSpacing(4)
        self.inner.addWidget(self.bar)
        self.bar.confirmed.connect(self._unlock)
        self.bar.cancelled.connect(self.close_up)
        deeds.changed.connect(self._changed)

    def open(self) -> None:
        session, deeds = self._session, self._deeds
        facts = [("Server", session.name), ("Address", session.address), ("Database", str(session.link.database))]
        if session.environment:
            facts.insert(1, ("Environment", session.environment))
        self.facts.set_facts(tuple(facts))
        self.meaning.say(MEANING)
        self.failure.say(())
        super().open()
        self._ask()
        self.place()
        if deeds.mode is Mode.NEVER:
            self.bar.set_hindrance(deeds.hindrance())

    def _ask(self) -> None:
        word = self._deeds.unlock_word
        self.bar.ask(Strictness.TYPE if word else Strictness.PRESS, word, "Unlock actions", kind="primary")

    def _unlock(self, typed: str) -> None:
        self.bar.set_hindrance("Connecting for writing, and learning what the account may do …")
        self._task = aio.spawn(self._try(typed), name="unlock")

    async def _try(self, typed: str) -> None:
        try:
            failure = await self._deeds.unlock(typed)
        except Exception:
            self._refuse("An error of this program came between; standard error has the details.")
            raise
        if not self.isVisible():
            return
        if failure:
            self._refuse(failure)
        else:
            self.close_up()

    def _refuse(self, failure: str) -> None:
        self.failure.say((failure,), Tone.WARN)
        self._ask()
        self.place()

    def _changed(self) -> None:
        if self.isVisible() and self._deeds.mode is Mode.UNLOCKED:
            self.close_up()

    def close_up(self) -> None:
        if self._deeds.mode is Mode.UNLOCKING:
            self._deeds.lock()  # who cancels does not want it to open a moment later
        super().close_up()

    async def end(self) -> None:
        """Stop what is under way."""
        if self._task is not None:
            await aio.cancel_and_wait([self._task])
