"""The right half of a family page: one row, explained in words, with its keys and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from fleetcache_gui import assets
from fleetcache_gui.domain import text, words
from fleetcache_gui.domain.family import Family, Judgement, Kind, Row
from fleetcache_gui.domain.values import State, Tone
from fleetcache_gui.present.cells import as_table, key_title
from fleetcache_gui.ui.detail_keys import KeyPanel
from fleetcache_gui.ui.detail_parts import Facts, JudgementNote, StatePill, TrendChart, Veil
from fleetcache_gui.ui.row_events import RowEvents
from fleetcache_gui.ui.text_widgets import PlainLabel, copy_text
from fleetcache_gui.ui.value_view import ValueView

if TYPE_CHECKING:
    from collections.abc import Callable

    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.theme import Theme

GONE = State("gone", Tone.NEUTRAL)
LONGEST_TITLE = 120
REREAD = 5.0
"""Seconds between two readings of the value and the sizes on screen, when the row has changed."""


def trend_title(family: Family) -> str:
    """What the samples of a row count: the first figure of its table."""
    for kind in (Kind.PROGRESS, Kind.NUMBER):
        for column in family.columns:
            if column.kind is kind:
                return f"{column.title} over time"
    return "Over time"


def untold(row: Row) -> str:
    """What `why` says beyond the row's judgements, which stand below it."""
    why = row.why
    for judgement in row.judgements:
        why = why.replace(judgement.text, "").replace(judgement.meaning, "")
    return why.strip()


def a_or_an(noun: str) -> str:
    """The noun with its article."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


class Detail(QFrame):
    """Shows the row last given to `show_row`, kept up to date by `refresh`, until `clear`. `lens_wanted(row id)`: a
    person wants to look closer."""

    lens_wanted = Signal(object)

    def __init__(
        self,
        session: Session,
        family: Family,
        theme: Theme,
        clock: Callable[[], float],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._family, self._theme, self._clock = session, family, theme, clock
        self._row: Row | None = None
        self._gone = False
        self._veiled = family.private
        self._asked_at = 0.0
        self.setProperty("surface", "card")
        self.setMinimumWidth(260)
        self._build()
        self._icons()
        theme.changed.connect(self._icons)
        self.clear()
        self._hint.hide()  # a page soon shows its first row

    # building

    def _build(self) -> None:
        theme = self._theme
        self._title = PlainLabel(theme=theme, role="heading", wrap=True, selectable=True)
        self._pill = StatePill(theme)
        head = QHBoxLayout()
        head.setContentsMargins(16, 14, 16, 0)
        head.addWidget(self._title, 1)
        head.addWidget(self._pill, 0, Qt.AlignmentFlag.AlignTop)
        self._hint = PlainLabel(
            f"Choose {a_or_an(self._family.noun[0])} to see what it is, why it is so, and what is behind it.",
            theme=theme,
            role="muted",
            wrap=True,
        )
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setContentsMargins(24, 24, 24, 24)
        self._scroll = QScrollArea()
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(self._body())
        self._scroll.verticalScrollBar().rangeChanged.connect(self._keep_margin)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 12)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self._hint, 1)
        column.addWidget(self._scroll, 1)
        column.addLayout(self._footer())
        self._foot = column

    def add_foot(self, widget: QWidget) -> None:
        """Put `widget` beneath everything."""
        holder = QHBoxLayout()
        holder.setContentsMargins(16, 0, 16, 0)
        holder.addWidget(widget)
        self._foot.insertLayout(self._foot.count() - 1, holder)

    def _body(self) -> QWidget:
        theme = self._theme
        body = QWidget()
        self._gone_note = PlainLabel(theme=theme, role="strong", wrap=True)
        self._why = PlainLabel(theme=theme, wrap=True, selectable=True)
        self._shown_judgements: tuple[Judgement, ...] = ()
        self._judgements = QVBoxLayout()
        self._judgements.setSpacing(8)
        self._facts = Facts(theme)
        self._keys = KeyPanel(self._session, self._family, theme, self._clock)
        self._keys.chosen.connect(self._show_value)
        self._keys.revealed_changed.connect(self._hide_secret)
        self._trend_title = PlainLabel(trend_title(self._family), theme=theme, role="label")
        self._trend = TrendChart(theme, self._clock)
        self._lens = QPushButton("Closer look…")
        self._lens.clicked.connect(self._look_closer)
        if self._family.lens is None:
            self._lens.hide()
        self._events = RowEvents(theme)
        self._veil = Veil(theme)
        self._veil.lifted.connect(self._lift)
        self._value = ValueView(self._session, theme)
        self._value.shown.connect(self._on_value)
        self._column = column = QVBoxLayout(body)
        column.setContentsMargins(16, 0, 16, 4)
        column.setSpacing(8)
        column.addWidget(self._gone_note)
        column.addWidget(self._why)
        column.addLayout(self._judgements)
        column.addWidget(self._facts)
        column.addSpacing(4)
        column.addWidget(self._trend_title)
        column.addWidget(self._trend)
        column.addWidget(self._lens, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._events)
        column.addSpacing(4)
        column.addWidget(self._keys)
        column.addSpacing(4)
        column.addWidget(self._veil)
        column.addWidget(self._value)
        column.addStretch(1)
        return body

    def _look_closer(self) -> None:
        if self._row is not None:
            self.lens_wanted.emit(self._row.id)

    def _keep_margin(self, least: int, most: int) -> None:
        """The scroll bar stands in the right margin, not beside it."""
        self._column.setContentsMargins(16, 0, 6 if most > least else 16, 4)

    def _footer(self) -> QHBoxLayout:
        self._copy = QPushButton("Copy")
        self._copy.setProperty("menu", "true")
        menu = QMenu(self._copy)
        menu.addAction("Key name", self.copy_key)
        menu.addAction("Value shown", self.copy_value)
        menu.addAction("Row as text", self.copy_row)
        self._copy.setMenu(menu)
        footer = QHBoxLayout()
        footer.setContentsMargins(16, 0, 16, 0)
        footer.addWidget(self._copy)
        footer.addStretch(1)
        return footer

    def _icons(self) -> None:
        self._copy.setIcon(assets.icon("copy", self._theme.colors.muted))

    # what it is told

    def clear(self) -> None:
        """No row is chosen."""
        self._row, self._gone = None, False
        self._keys.clear()
        self._value.clear()
        self._show_parts(False)

    def show_row(self, row: Row) -> None:
        """Show another row from its top; its keys are asked about and the first one's value is read, unless it may
        hold credentials."""
        self._row, self._gone, self._veiled = row, False, self._family.private
        self._asked_at = self._clock()
        self._show_parts(True)
        self._scroll.verticalScrollBar().setValue(0)
        self._keys.show_row(row)
        self._fill(row)
        self._show_value()

    def refresh(self, row: Row) -> None:
        """The same row, read anew."""
        before = self._row
        if before is None or before.id != row.id:
            self.show_row(row)
            return
        if before is row and not self._gone:
            return
        self._row, self._gone = row, False
        self._fill(row)
        if row.cells != before.cells and self._clock() - self._asked_at >= REREAD:
            self._asked_at = self._clock()
            self._keys.ask()
            self._value.refresh()

    def show_gone(self) -> None:
        """The row has left Redis: what was read last stays, and says so."""
        if self._row is not None and not self._gone:
            self._gone = True
            self._fill(self._row)

    def tick(self) -> None:
        """A second has passed."""
        self._keys.tick()
        if self._gone:
            self._tell_gone()

    @property
    def gone(self) -> bool:
        """True while the row shown is no longer in Redis."""
        return self._gone

    @property
    def row(self) -> Row | None:
        return self._row

    def enter(self) -> None:
        """Take the keyboard to the row's keys."""
        self._keys.enter()

    async def end(self) -> None:
        """Cancel what is being read."""
        await self._keys.end()
        await self._value.end()

    # filling

    def _show_parts(self, shown: bool) -> None:
        self._hint.setVisible(not shown)
        for widget in (self._title, self._pill, self._scroll, self._copy):
            widget.setVisible(shown)

    def _fill(self, row: Row) -> None:
        self._title.setText(text.shorten(row.title, LONGEST_TITLE))
        self._pill.set_state(GONE if self._gone else row.state)
        self._gone_note.setVisible(self._gone)
        if self._gone:
            self._tell_gone()
        why = untold(row)
        self._why.setText(why)
        self._why.setVisible(bool(why))
        self._fill_judgements(row)
        self._facts.set_facts(row.facts)
        self._facts.setVisible(bool(row.facts))
        self._keys.refresh(row)
        for widget in (self._trend_title, self._trend):
            widget.setVisible(len(row.samples) > 1)
        self._trend.set_samples(row.samples)
        self._events.show_events(self._session.events, row.family, row.id)

    def _tell_gone(self) -> None:
        if self._row is not None:
            last = "Its value was not read."
            if self._row.at > 0:
                last = f"Below is what was read last, {words.duration(self._clock() - self._row.at)} ago."
            self._gone_note.setText(f"No longer in Redis. {last}")

    def _fill_judgements(self, row: Row) -> None:
        if row.judgements == self._shown_judgements:
            return
        self._shown_judgements = row.judgements
        while (item := self._judgements.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for judgement in row.judgements:
            self._judgements.addWidget(JudgementNote(judgement, self._theme))

    def _show_value(self) -> None:
        current = self._keys.current
        there = current is not None and current[1].exists
        self._veil.setVisible(there and self._veiled)
        if current is None or not there or self._veiled:
            self._value.clear()
            self._value.hide()
            return
        position, fact = current
        self._hide_secret()
        self._value.show()
        self._value.show_key(key_title(self._family.key_titles, position), fact.name, fact.type)

    def _lift(self) -> None:
        self._veiled = False
        self._show_value()

    def _hide_secret(self) -> None:
        secret = "" if self._keys.revealed or self._row is None else self._row.reveal
        self._value.hide_secret(secret.encode(), text.mask(secret).encode())

    def _on_value(self) -> None:
        if (page := self._value.page) is not None:
            self._keys.set_length(page.key, page.total)

    # what a person does

    def copy_key(self) -> None:
        """The name of the key whose value is shown, as it is shown: reveal a credential to copy all of it."""
        if (current := self._keys.current) is not None:
            copy_text(self._keys.name(current[1]), secret=self._family.secret and self._keys.revealed)

    def copy_value(self) -> None:
        """What is on screen of the value."""
        copy_text(self._value.text, secret=self._keys.revealed or self._family.private)

    def copy_row(self) -> None:
        """The row as two tab separated lines."""
        if self._row is not None:
            copy_text(as_table(self._family.columns, [self._row], self._clock()))
