"""The section of charts: what the server's figures were while it was watched, all over the same time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from fleetcache_gui import assets
from fleetcache_gui.present.metrics import METRICS, of_node
from fleetcache_gui.ui.chart import Chart
from fleetcache_gui.ui.files_card import FilesCard
from fleetcache_gui.ui.home import SectionPage
from fleetcache_gui.ui.slow_log_card import SlowLogCard
from fleetcache_gui.ui.text_widgets import ElidedLabel, PlainLabel, plain_tooltip
from fleetcache_gui.ui.time_view import CHOICES, TimeView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent

    from fleetcache_gui.domain.snapshot import Vitals
    from fleetcache_gui.present.metrics import Metric
    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.theme import Theme

WHOLE = "The whole cluster"
_NARROW, _WIDE = 760, 1800
"""In less width (px) there is one chart a row, in more there are three, else two."""

_HINT = "Drag over a chart to look closer, double-click for the whole time. Ctrl and the wheel zoom too."


class ChartCard(QFrame):
    """A chart upon a card, with a button for its menu."""

    def __init__(self, metric: Metric, view: TimeView, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setProperty("surface", "card")
        self.chart = Chart(metric, view, theme)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.addWidget(self.chart)
        self.more = QPushButton(self)
        self.more.setProperty("kind", "icon")
        self.more.setFixedSize(30, 26)
        self.more.setAccessibleName(f"Copy or zoom the chart {metric.title}")
        self.more.clicked.connect(self._open_menu)
        plain_tooltip(self.more, f"{metric.help}\nCopy as a picture or as values.")
        theme.changed.connect(self._icons)
        self._icons()

    def _icons(self) -> None:
        self.more.setIcon(assets.icon("more", self._theme.colors.muted))

    def _open_menu(self) -> None:
        self.chart.menu().popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.more.move(self.width() - self.more.width() - 6, 5)


class MetricsPage(SectionPage):
    """Charts of the session's readings, or of one node's; the slow log; the server's files."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._theme = session, theme
        self._node = ""
        self._nodes: list[tuple[str, str]] = []
        self.view = TimeView(session.now, session.wall, self)
        self.cards = [ChartCard(metric, self.view, theme) for metric in METRICS]
        self.slow_log = SlowLogCard(session, theme)
        self.files = FilesCard(theme)
        self._waiting: list[ChartCard] = []
        self._turn = QTimer(self, interval=0)  # one chart a turn of the loop: together they would hold it up
        self._turn.timeout.connect(self._show_next)
        self._build()
        session.vitals_changed.connect(self._vitals_changed)
        session.link_changed.connect(self._vitals_changed)
        self.view.changed.connect(self._tell_zoom)

    @property
    def charts(self) -> list[Chart]:
        """All of them, in their order."""
        return [card.chart for card in self.cards]

    def _build(self) -> None:
        theme = self._theme
        self.scope = QComboBox()
        self.scope.setAccessibleName("Which node the charts show")
        self.scope.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.scope.activated.connect(lambda index: self.choose_node(self.scope.itemData(index)))
        self.scope.hide()
        self.span = QComboBox()
        self.span.setAccessibleName("How much time the charts show")
        for seconds, words in CHOICES:
            self.span.addItem(words, seconds)
        self.span.activated.connect(lambda index: self.view.choose(self.span.itemData(index)))
        self.whole = QPushButton("Whole time again")
        self.whole.clicked.connect(self.view.reset)
        self.whole.hide()
        head = QHBoxLayout()
        head.setContentsMargins(16, 12, 16, 8)
        head.setSpacing(8)
        head.addWidget(PlainLabel("Metrics", theme=theme, role="heading"))
        head.addWidget(ElidedLabel(_HINT, theme=theme, role="muted"), 1)
        for widget in (self.whole, self.scope, self.span):
            head.addWidget(widget)
        self._content = QWidget()
        self._grid = QGridLayout(self._content)
        self._grid.setContentsMargins(16, 0, 16, 16)
        self._grid.setSpacing(12)
        self._columns = 0
        self._scroll = QScrollArea()
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setWidget(self._content)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self._scroll, 1)
        self._lay_out()

    def _lay_out(self) -> None:
        columns = 1 if self.width() < _NARROW else 3 if self.width() > _WIDE else 2
        if columns == self._columns:
            return
        self._columns = columns
        cells: list[QWidget] = [*self.cards, self.files]
        for widget in (*cells, self.slow_log):
            self._grid.removeWidget(widget)
        for position, widget in enumerate(cells):
            self._grid.addWidget(widget, position // columns, position % columns)
        rest = len(cells) % columns  # the slow log takes what is left of the last row, where that is enough to read it
        row = len(cells) // columns
        if columns > 1 and rest and columns - rest > 0:
            self._grid.addWidget(self.slow_log, row, rest, 1, columns - rest)
        else:
            self._grid.addWidget(self.slow_log, row + bool(rest), 0, 1, columns)
        for column in range(3):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    # --- what it shows -----------------------------------------------------------------------------------------

    @property
    def history(self) -> Sequence[Vitals]:
        """The readings that are shown."""
        history = self._session.history
        return of_node(history, self._node) if self._node else history

    def choose_node(self, node_id: str) -> None:
        """Show one node of a cluster by itself; an empty or unknown id shows the whole."""
        self._tell_nodes()
        self._node = node_id if node_id in dict(self._nodes) else ""
        self.scope.setCurrentIndex(max(self.scope.findData(self._node), 0))
        self.refresh()

    def show_metric(self, metric_id: str) -> None:
        """Bring a chart into sight, and give it the focus."""
        for card in self.cards:
            if card.chart.subject.id == metric_id:
                self._scroll.ensureWidgetVisible(card)
                card.chart.setFocus()

    def refresh(self) -> None:
        """Have all that is seen worked out anew, in turns of the loop."""
        history = self.history
        if history:
            self.view.oldest = history[0].at
        self.files.show_vitals(history[-1] if history else None, whole=not self._node)
        self._waiting = list(self.cards)
        self._turn.start()

    def _show_next(self) -> None:
        if not self._waiting:
            self._turn.stop()
            return
        card = self._waiting.pop(0)
        card.chart.caption = self._caption()
        card.chart.show_history(self.history)

    def _caption(self) -> str:
        node = dict(self._nodes).get(self._node, "")
        when = time.strftime("%d %b %Y %H:%M:%S")
        return " · ".join(filter(None, (self._session.environment, self._session.name, node, when)))

    def _tell_nodes(self) -> None:
        """The nodes that tell their figures."""
        history = self._session.history
        told = history[-1].nodes if history else ()
        nodes = [(node.id, f"{node.address} ({node.role})") for node in told if node.figures is not None]
        if nodes != self._nodes:
            self._nodes = nodes
            self.scope.clear()
            self.scope.addItem(WHOLE, "")
            for node_id, words in nodes:
                self.scope.addItem(words, node_id)
            self.scope.setCurrentIndex(max(self.scope.findData(self._node), 0))
        self.scope.setVisible(bool(nodes))

    def _tell_zoom(self) -> None:
        self.whole.setVisible(self.view.zoomed)

    def _vitals_changed(self, _: object) -> None:
        if self.isVisible() and not self.view.zoomed:
            self._tell_nodes()
            self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._tell_nodes()
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._waiting.clear()
        self._turn.stop()

    async def end(self) -> None:
        self._turn.stop()
