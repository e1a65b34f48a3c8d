"""The page of a family, one for all of them: counts in words, filter, table, detail."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from fleetcache_gui import assets, clock
from fleetcache_gui.domain import words
from fleetcache_gui.domain.snapshot import Phase, Snapshot
from fleetcache_gui.domain.values import State, Tone
from fleetcache_gui.ui.detail import Detail
from fleetcache_gui.ui.page_deeds import PageDeeds
from fleetcache_gui.ui.states import Notice
from fleetcache_gui.ui.table_header import HEADER
from fleetcache_gui.ui.table_model import TableModel, sort_problem
from fleetcache_gui.ui.table_view import TableView
from fleetcache_gui.ui.text_widgets import ElidedLabel, PlainLabel, plain_tooltip, recolour
from fleetcache_gui.ui.theme import ROW

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QHideEvent, QKeyEvent, QResizeEvent, QShowEvent

    from fleetcache_gui.deeds import Deeds
    from fleetcache_gui.domain.family import Family
    from fleetcache_gui.domain.snapshot import Link
    from fleetcache_gui.session import Session
    from fleetcache_gui.settings import Settings
    from fleetcache_gui.ui.theme import Theme

ALL_STATES = "All states"
_TONES = (Tone.ACCENT, Tone.OK, Tone.NEUTRAL, Tone.WARN, Tone.CRITICAL)
_DETAIL_SHARE, _DETAIL_LEAST, _DETAIL_MOST = 0.28, 320, 520  # of the width; px
_SPARE = 96  # px below the last row that are worth a sentence


def counts(snapshot: Snapshot, family: Family) -> str:
    """``9 running · 1 finished · 2 orphaned``; of a long family its size and how many of it need a look."""
    if snapshot.long:
        total = words.count(snapshot.count, *family.noun)
        return f"{total} · {words.count(snapshot.suspects)} need a look" if snapshot.suspects else total
    found: Counter[State] = Counter(row.state for row in snapshot.rows)
    order = sorted(found, key=lambda state: (_TONES.index(state.tone), state.word))
    return " · ".join(f"{words.count(found[state])} {state.word}" for state in order)


class FilterField(QLineEdit):
    """Escape empties it and then gives the focus back; Down and Enter go on to the table."""

    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.left.emit()
        else:
            super().keyPressEvent(event)


class FamilyPage(QWidget):
    """Reads everything from the session's table and snapshots; asks the server only for what is on screen."""

    row_selected = Signal(object)  # bytes | None

    def __init__(
        self,
        session: Session,
        deeds: Deeds,
        family: Family,
        theme: Theme,
        settings: Settings,
        parent: QWidget | None = None,
        clock: Callable[[], float] = clock.now,
    ) -> None:
        super().__init__(parent)
        self._session, self._family, self._theme, self._clock = session, family, theme, clock
        self._settings = settings.page(family.id)
        self._active = False
        self._explained = False
        self._on_screen: tuple[bytes, ...] = ()
        self._watched: tuple[bytes, ...] | None = None
        table = session.table(family.id)
        self._model = TableModel(table, clock, self)
        self.view = TableView(self._model, theme, self._settings)
        self.detail = Detail(session, family, theme, clock)
        self.deeds = PageDeeds(deeds, family, theme, self.view, self.detail)
        self._ticker = QTimer(self, interval=1000, timerType=Qt.TimerType.PreciseTimer)
        self._ticker.timeout.connect(self._tick)
        self._build()
        self._connect()
        self._restore_sort()
        self._refresh()

    # building

    def _build(self) -> None:
        theme = self._theme
        self._counts = ElidedLabel(theme=theme, role="heading")
        self._filter = FilterField()
        self._filter.setPlaceholderText(f"Filter {self._family.noun[1]}")
        self._filter.setAccessibleName(f"Filter {self._family.noun[1]}")
        self._filter.setClearButtonEnabled(True)
        self._filter.setFixedWidth(200)
        self._filter.addAction(assets.icon("filter", theme.colors.muted), QLineEdit.ActionPosition.LeadingPosition)
        self._states = QComboBox()
        self._states.setAccessibleName("Show only one state")
        self._states.addItem(ALL_STATES)
        self._states.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._states.setMinimumContentsLength(10)
        plain_tooltip(self._states, "Show only one state")
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self._counts, 1)
        top.addWidget(self._filter)
        top.addWidget(self._states)
        top.addWidget(self.deeds.more)
        self._notice = Notice(theme)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.view)
        self._stack.addWidget(self._notice)
        self._purpose = PlainLabel(self._family.purpose, theme=theme, role="muted", wrap=True)
        self._purpose.setContentsMargins(9, 4, 9, 10)
        self._card = QFrame()
        self._card.setProperty("surface", "card")
        inside = QVBoxLayout(self._card)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.setSpacing(0)
        inside.addWidget(self._stack, 1)
        inside.addWidget(self._purpose)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self._card, 1)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setHandleWidth(12)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.addWidget(left)
        self._splitter.addWidget(self.detail)
        self._splitter.setStretchFactor(0, 1)
        self._splitter.setSizes(self._settings.split)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(14, 12, 14, 8)
        whole.addWidget(self._splitter)
        self.setFocusProxy(self.view)

    def _connect(self) -> None:
        self._session.family_changed.connect(self._on_family)
        self._session.inventory_changed.connect(self._on_inventory)
        self._session.link_changed.connect(self._on_link)
        self._theme.changed.connect(self._on_theme)
        self.view.chosen_changed.connect(self._on_chosen)
        self.view.rows_on_screen.connect(self._on_rows)
        self.view.opened.connect(self.detail.enter)
        self._filter.textChanged.connect(self._on_filter)
        self._filter.left.connect(self.view.setFocus)
        self._states.currentTextChanged.connect(self._on_filter)
        self._notice.pressed.connect(self.clear_filter)
        self._splitter.splitterMoved.connect(self._on_split)

    def _restore_sort(self) -> None:
        table = self._session.table(self._family.id)
        known = {column.id: column for column in table.columns}
        wanted = self._settings.sort
        if wanted and wanted[0] in known and not sort_problem(table, known[wanted[0]]):
            self.view.refresh(table.set_sort(*wanted))

    # what the window tells it

    @property
    def family(self) -> Family:
        """Whose page it is."""
        return self._family

    def set_active(self, active: bool) -> None:
        """Only the active page has its rows read and ticks."""
        self._active = active
        self._watched = None
        if active:
            self._refresh()
        self.view.set_active(active)
        self._set_ticking()

    def show_row(self, row_id: bytes) -> None:
        """Choose a row and bring it on screen, past any filter."""
        if self._model.table.position(row_id) < 0:
            self.clear_filter()
        self.view.choose(row_id)
        self.view.setFocus()

    def focus_filter(self) -> None:
        """Let the person type a filter."""
        self._filter.setFocus()
        self._filter.selectAll()

    def clear_filter(self) -> None:
        """Show all rows."""
        self._filter.clear()
        self._states.setCurrentIndex(0)

    async def end(self) -> None:
        """Cancel what is being read, before the window goes."""
        await self.detail.end()

    # what the session tells

    def _on_family(self, family_id: str) -> None:
        if family_id == self._family.id:
            self._refresh()

    def _refresh(self) -> None:
        snapshot = self._session.snapshot(self._family.id)
        table = self._session.table(self._family.id)
        if table is not self._model.table:
            self.view.adopt(table)
            self._apply_filter()
            self._restore_sort()
        if snapshot is not None:
            self.view.refresh(table.update(snapshot))
        if snapshot is not None and self.view.chosen is not None:
            row = table.get(self.view.chosen)
            if row is not None:
                self.detail.refresh(row)
            else:
                self.detail.show_gone()
            self.deeds.refresh()
        self._tell(snapshot)

    def _choose_first(self) -> None:
        """A page that is first seen explains its first row and not an empty panel."""
        if not self._explained and len(self._model.table):
            self.view.choose(self._model.table.id_at(0))

    def _on_inventory(self, inventory: object) -> None:
        if self._active:
            self._tell(self._session.snapshot(self._family.id))

    def _on_link(self, link: Link) -> None:
        self.view.set_stale(link.phase is Phase.DOWN)

    def _on_theme(self) -> None:
        recolour(self._filter, "filter", self._theme)

    def _tell(self, snapshot: Snapshot | None) -> None:
        """Counts, states to choose from, and what stands in place of rows where there are none."""
        weight = self._session.weights.by_family.get(self._family.id)
        parts = (counts(snapshot, self._family) if snapshot else "", weight.words if weight and weight.keys else "")
        self._counts.setText(" · ".join(filter(None, parts)))
        self._offer_states()
        total, shown = self._model.table.total, len(self._model.table)
        self._stack.setCurrentIndex(0 if shown else 1)
        self._offer_purpose()
        for widget in (self._filter, self._states, self.detail):
            widget.setVisible(total > 0 or self.detail.row is not None)
        noun = self._family.noun
        if shown:
            return
        if total:
            hidden = f"{words.count(total, *noun)} {'is' if total == 1 else 'are'} hidden by it."
            self._notice.show_state("filter", Tone.NEUTRAL, "Nothing matches the filter", hidden, button="Clear filter")
        elif snapshot is not None and snapshot.refused:
            self._notice.show_state("lock", Tone.WARN, "May not be read", snapshot.refused)
        elif snapshot is not None and self._session.inventory.missing:
            lost = words.missing_words(self._session.inventory.missing)
            heading = f"No {noun[1]} on the nodes that can be read"
            self._notice.show_state("search", Tone.WARN, heading, f"A part of the cluster is missing: {lost}.")
        elif snapshot is None or not snapshot.complete:
            progress = self._progress()
            self._notice.show_state("search", Tone.ACCENT, "Looking through the keys", progress)
        else:
            ago = self._clock() - snapshot.at
            checked = f"Checked {int(ago)} s ago." if ago < 60 else f"Checked {words.duration(ago)} ago."
            heading, patterns = f"No {noun[1]} now", "\n".join(self._family.patterns)
            self._notice.show_state("empty", Tone.NEUTRAL, heading, self._family.purpose, checked, code=patterns)

    def _offer_purpose(self) -> None:
        """Where rows leave room below them, it says what the family is for."""
        rows = HEADER + len(self._model.table) * ROW
        self._purpose.setVisible(rows - HEADER > 0 and rows + _SPARE <= self._card.height())

    def _set_ticking(self) -> None:
        if self._active and self.isVisible():
            self._ticker.start()
        else:
            self._ticker.stop()

    def _tick(self) -> None:
        if self.window().isMinimized():
            return
        if len(self._model.table):
            self.view.tick()
        else:
            self._tell(self._session.snapshot(self._family.id))
        self.detail.tick()
        self.deeds.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._set_ticking()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._set_ticking()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if not self._settings.split:  # nobody has moved it yet
            detail = round(min(max(self.width() * _DETAIL_SHARE, _DETAIL_LEAST), _DETAIL_MOST))
            self._splitter.setSizes([self.width() - detail, detail])
        self._offer_purpose()

    def _progress(self) -> str:
        inventory = self._session.inventory
        if not inventory.keys:
            return "The first keys are being read."
        share = 100 * min(inventory.scanned / inventory.keys, 1.0)
        seen, keys = words.count(inventory.scanned), words.count(inventory.keys, "key")
        return f"{seen} of about {keys} seen, {share:.0f} %."

    def _offer_states(self) -> None:
        wanted = [ALL_STATES, *self._model.table.states()]
        chosen = self._states.currentText()
        if chosen not in wanted:
            wanted.append(chosen)  # nobody is in it now; what was chosen stays chosen
        if [self._states.itemText(i) for i in range(self._states.count())] != wanted:
            self._states.blockSignals(True)
            self._states.clear()
            self._states.addItems(wanted)
            self._states.setCurrentText(chosen)
            self._states.blockSignals(False)

    # what a person does

    def _apply_filter(self) -> None:
        state = self._states.currentText() if self._states.currentIndex() > 0 else ""
        self.view.refresh(self._model.table.set_filter(self._filter.text(), state))
        self.deeds.filtered = bool(self._filter.text().strip() or state)

    def _on_filter(self) -> None:
        self._apply_filter()
        self._tell(self._session.snapshot(self._family.id))

    def _on_chosen(self, row_id: bytes | None) -> None:
        self._explained = True  # from now on who chooses nothing means it
        row = None if row_id is None else self._model.table.get(row_id)
        if row is not None:
            self.detail.show_row(row)
        elif row_id is None:
            self.detail.clear()
        self.deeds.refresh()
        self._watch()
        self.row_selected.emit(row_id)

    def _on_rows(self, row_ids: tuple[bytes, ...]) -> None:
        self._on_screen = row_ids
        self._choose_first()  # not before the table was painted: both at once would hold up the window
        self._watch()

    def _watch(self) -> None:
        """Have the rows on screen read at each poll, and the chosen one wherever it is."""
        chosen = self.view.chosen
        wanted = self._on_screen
        if chosen is not None and chosen not in wanted:
            wanted = (*wanted, chosen)
        if self._active and wanted != self._watched:
            self._watched = wanted
            self._session.watch(self._family.id, wanted)

    def _on_split(self) -> None:
        self._settings.split = self._splitter.sizes()
