"""The timeline: everything that happened while somebody watched; narrowed down, led back to its row, exported."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, QPointF, Qt, Signal
from PySide6.QtGui import QIcon, QKeySequence, QPainter, QPixmap, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QComboBox, QFrame, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout

from fleetcache_gui import aio, assets
from fleetcache_gui.domain import words
from fleetcache_gui.domain.telling import Happening
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.present import event_files
from fleetcache_gui.ui.density import Density
from fleetcache_gui.ui.event_list import NOTHING
from fleetcache_gui.ui.home import SectionPage
from fleetcache_gui.ui.marks import paint_mark
from fleetcache_gui.ui.plain_table import Heading, PlainModel, PlainTable
from fleetcache_gui.ui.saving import choose_file, write_whole
from fleetcache_gui.ui.text_widgets import PlainLabel, copy_text, recolour, tooltip_text
from fleetcache_gui.ui.theme import ROW, Theme

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QShowEvent

    from fleetcache_gui.present.timeline import Event
    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.table_model import Index

HEADINGS = (Heading("Time", 92), Heading("Where", 150), Heading("What", 150), Heading("Happened"))
GRAVE = frozenset({Tone.WARN, Tone.CRITICAL})
ALL_FAMILIES, ALL_KINDS, ALL_TONES = "Everywhere", "All kinds", "All tones"
WORSE = "Warnings and worse"
_WHAT = 2  # the column with the mark
_ICON = 14
Role = Qt.ItemDataRole


class _Model(PlainModel):
    """Events, newest first; new ones come on top."""

    def __init__(self, texts: Callable[[Event], Sequence[str]], theme: Theme, parent: TimelinePage) -> None:
        super().__init__(HEADINGS, texts, theme, parent)
        self._icons: dict[Tone, QIcon] = {}
        theme.changed.connect(self._icons.clear)

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:  # noqa: ANN401
        if index.isValid() and index.column() == _WHAT and role == Role.DecorationRole:
            return self._icon(self.items[index.row()].tone)
        if index.isValid() and index.column() == 0 and role == Role.ToolTipRole:
            moment = datetime.fromtimestamp(self.items[index.row()].wall, UTC)
            return tooltip_text(f"{moment:%Y-%m-%d %H:%M:%S} UTC")
        return super().data(index, role)

    def _icon(self, tone: Tone) -> QIcon:
        icon = self._icons.get(tone)
        if icon is None:
            picture = QPixmap(2 * _ICON, 2 * _ICON)
            picture.fill(Qt.GlobalColor.transparent)
            painter = QPainter(picture)
            paint_mark(painter, QPointF(_ICON, _ICON), 1.6 * _ICON, tone, self._theme.colors.tone(tone))
            painter.end()
            icon = self._icons[tone] = QIcon(picture)
        return icon

    def put_on_top(self, events: Sequence[Event], most: int) -> None:
        """Newest first; the oldest beyond `most` go."""
        self.beginInsertRows(QModelIndex(), 0, len(events) - 1)
        self.items[:0] = events
        self.endInsertRows()
        if len(self.items) > most:
            self.beginRemoveRows(QModelIndex(), most, len(self.items) - 1)
            del self.items[most:]
            self.endRemoveRows()


class TimelinePage(SectionPage):
    """Follows the session's events. `jump(family id, row id)` when a person wants to see where it happened."""

    jump = Signal(str, object)

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._session, self._theme = session, theme
        self._tabs = {family.id: family.tab for family in session.layout.families}
        self._stale = True
        self._saving: asyncio.Task[None] | None = None
        self.density = Density(theme)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter")
        self.filter.setAccessibleName("Filter the timeline")
        self.filter.setClearButtonEnabled(True)
        self.filter.setFixedWidth(200)
        self.filter.addAction(assets.icon("filter", theme.colors.muted), QLineEdit.ActionPosition.LeadingPosition)
        theme.changed.connect(lambda: recolour(self.filter, "filter", theme))
        self.where = self._choice("Where it happened", ALL_FAMILIES)
        for family in session.layout.families:
            self.where.addItem(family.tab, family.id)
        self.where.addItem("The server", "")
        self.what = self._choice("What happened", ALL_KINDS)
        for kind in Happening:
            if kind is Happening.CHANGED:
                continue  # told of two moments of a recording alone
            self.what.addItem(kind.value, kind)
        self.tones = self._choice("How grave it is", ALL_TONES)
        self.tones.addItem(WORSE, GRAVE)
        self.extent = PlainLabel(theme=theme, role="muted")
        self.told = PlainLabel(theme=theme, role="muted")
        self.export = QPushButton("Export…")
        self._model = _Model(self._texts, theme, self)
        self.table = PlainTable(self._model, theme)
        self.table.setAccessibleName("Timeline")
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.nothing = PlainLabel(NOTHING, theme=theme, role="muted", wrap=True)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._arrange()
        self._connect()

    def _choice(self, name: str, everything: str) -> QComboBox:
        box = QComboBox()
        box.setAccessibleName(name)
        box.addItem(everything)
        return box

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(PlainLabel("Timeline", theme=self._theme, role="heading"))
        head.addWidget(self.extent)
        head.addStretch(1)
        head.addWidget(self.told)
        for widget in (self.filter, self.where, self.what, self.tones, self.export):
            head.addWidget(widget)
        card = QFrame()
        card.setProperty("surface", "card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.addWidget(self.table, 1)
        inside.addWidget(self.nothing, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 16)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.density)
        column.addWidget(card, 1)

    def _connect(self) -> None:
        self._session.happened.connect(self._happened)
        self._session.rewound.connect(self._narrow)
        self.filter.textChanged.connect(self._narrow)
        for box in (self.where, self.what, self.tones):
            box.currentIndexChanged.connect(self._narrow)
        self.density.chosen.connect(self._narrow)
        self.export.clicked.connect(self._export)
        self.table.activated.connect(self._go)
        copy = QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self.table)
        copy.setContext(Qt.ShortcutContext.WidgetShortcut)
        copy.activated.connect(self._copy)

    # --- what is shown ---

    @property
    def events(self) -> tuple[Event, ...]:
        """What the table shows, newest first."""
        return tuple(self._model.items)

    def _texts(self, event: Event) -> tuple[str, ...]:
        moment = datetime.fromtimestamp(event.wall)
        where = self._tabs.get(event.family, "Server") if event.family else "Server"
        return (f"{moment:%H:%M:%S}", where, event.what.value, event.text)

    def _wanted(self) -> Callable[[Event], bool]:
        needles = self.filter.text().casefold().split()
        family = self.where.currentData() if self.where.currentIndex() else None
        kind, tones, span = self.what.currentData(), self.tones.currentData(), self.density.span

        def wanted(event: Event) -> bool:
            return (
                (family is None or event.family == family)
                and (kind is None or event.what is kind)
                and (tones is None or event.tone in tones)
                and (span is None or span[0] <= event.wall <= span[1])
                and all(needle in f"{event.text} {event.what.value}".casefold() for needle in needles)
            )

        return wanted

    def _narrow(self, *_: object) -> None:
        self._model.show(list(filter(self._wanted(), self._session.events)))
        self._tell()

    def _happened(self, events: Sequence[Event]) -> None:
        if not self.isVisible():
            self._stale = True
            return
        fresh = list(filter(self._wanted(), reversed(events)))
        if fresh:
            bar = self.table.verticalScrollBar()
            before = bar.value()
            self._model.put_on_top(fresh, self._session.events.maxlen or len(self._session.events))
            if before:  # who has scrolled down reads on where they are
                bar.setValue(before + ROW * len(fresh))
        self._tell()

    def _tell(self) -> None:
        shown, known = len(self._model.items), len(self._session.events)
        many = words.count(known, "event")
        self.extent.setText(many if shown == known else f"{words.count(shown)} of {many}")
        self.nothing.setVisible(not shown)
        self.nothing.setText("Nothing that happened fits the filter." if known else NOTHING)
        self.table.setVisible(bool(shown))
        self.export.setEnabled(bool(shown))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._stale = False
            self._narrow()
        self.tick()

    def tick(self) -> None:
        if self.isVisible():
            self.density.show_events(self._session.events, self._session.wall())

    # --- what it does ---

    def _go(self, index: QModelIndex) -> None:
        event: Event = self._model.items[index.row()]
        if event.family:
            self.jump.emit(event.family, event.row)

    def _copy(self) -> None:
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        copy_text("\n".join("\t".join(self._texts(self._model.items[row])) for row in rows))

    def _export(self) -> None:
        if self._saving is None or self._saving.done():
            self._saving = aio.spawn(self._save(), name="export of the timeline")

    async def _save(self) -> None:
        events = self.events
        path = await choose_file(self, "Export the timeline", "timeline", ("CSV (*.csv)", "JSON (*.json)"))
        if path is None:
            return
        make = event_files.as_json if path.suffix.lower() == ".json" else event_files.as_csv
        text = await asyncio.to_thread(make, events, self._session.layout)
        self.told.setText(await asyncio.to_thread(write_whole, path, text) or f"Exported as {path.name}")

    async def end(self) -> None:
        await aio.cancel_and_wait([self._saving] if self._saving else [])
