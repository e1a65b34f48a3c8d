"""A closer look at one row, which goes on while the sheet is open: figures, charts, and who holds what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from fleetcache_gui.present.metrics import Metric, Plot, Series, Unit
from fleetcache_gui.ui.chart import Chart
from fleetcache_gui.ui.sheet import Scroll, Sheet
from fleetcache_gui.ui.text_widgets import PlainLabel
from fleetcache_gui.ui.time_view import TimeView

if TYPE_CHECKING:
    from fleetcache_gui.domain.family import Family
    from fleetcache_gui.domain.lens import Graph, Lens
    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.theme import Theme

WIDTH = 980
TICK_MS = 1000
GONE = "No longer in Redis. This is what was read last."
UNKNOWN = "Nothing more is known of it."

_UNITS = {"count": Unit.COUNT, "rate": Unit.RATE}
_ACROSS = 4  # figures in a line


class GraphChart(Chart):
    """A chart of curves that are known already."""

    def __init__(self, graph: Graph, view: TimeView, theme: Theme) -> None:
        super().__init__(Metric(graph.id, graph.title, graph.help, lambda _: self.plot), view, theme)
        self._unit = _UNITS[graph.unit]
        self._curves = graph.curves

    def show_graph(self, graph: Graph) -> None:
        """Show the newest curves."""
        self._curves = graph.curves
        self._forget()

    @property
    def plot(self) -> Plot:
        first, last = self._view.range
        series = tuple(
            Series(title, tuple(sample for sample in samples if first <= sample[0] <= last))
            for title, samples in self._curves
        )
        return Plot(self._unit, series, "" if any(s.samples for s in series) else "Not enough was read yet.")


class LensSheet(Sheet):
    """One at a time; opened by `look`."""

    def __init__(self, window: QWidget, session: Session, theme: Theme) -> None:
        super().__init__(window, theme, WIDTH, session.environment, session.name)
        self._session, self._theme = session, theme
        self._family: Family | None = None
        self._row = b""
        self.heading = PlainLabel(theme=theme, role="heading", wrap=True)
        self.note = PlainLabel(theme=theme, role="muted", wrap=True)
        self.charts: list[GraphChart] = []
        self._cards: list[QFrame] = []
        self.figures: dict[str, PlainLabel] = {}
        self._figures = QGridLayout()
        self._figures.setHorizontalSpacing(24)
        self._figures.setVerticalSpacing(10)
        self._graphs = QHBoxLayout()
        self._graphs.setSpacing(12)
        self._table = QGridLayout()
        self._table.setHorizontalSpacing(24)
        self._table.setVerticalSpacing(4)
        self._lines: tuple[tuple[str, ...], ...] = ()
        content = QVBoxLayout()
        content.setSpacing(12)
        content.addLayout(self._figures)
        content.addWidget(self.note)
        content.addLayout(self._graphs)
        content.addLayout(self._table)
        self.done = QPushButton("Close")
        self.done.clicked.connect(self.close_up)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(self.done)
        self.inner.addWidget(self.heading)
        scroll = Scroll(content)
        scroll.changed.connect(self._fit)
        self.inner.addWidget(scroll, 1)
        self.inner.addLayout(foot)
        self._ticker = QTimer(self, interval=TICK_MS)
        self._ticker.timeout.connect(self._refresh)
        session.family_changed.connect(self._changed)
        self.closed.connect(self._ticker.stop)

    def look(self, family: Family, row_id: bytes) -> None:
        """Show a row of a family that has a lens."""
        self._family, self._row = family, row_id
        for card in self._cards:
            card.hide()
            card.deleteLater()
        self.charts, self._cards = [], []
        self._set_figures(())
        self._set_lines((), ())
        self.heading.setText("")
        self._refresh()
        self._ticker.start()
        self.open()
        self.done.setFocus()

    def _fit(self) -> None:
        if self.isVisible():
            self.place()

    def _changed(self, family_id: str) -> None:
        if self.isVisible() and self._family is not None and family_id == self._family.id:
            self._refresh()

    def _refresh(self) -> None:
        session, family = self._session, self._family
        if family is None or family.lens is None:
            return
        rows = session.rows_now(family.id, (self._row,))
        if not rows:
            self.note.setText(GONE if self.charts else UNKNOWN)
            return
        row = rows[0]
        self.heading.setText(f"{row.title}: {row.state.word}")
        lens = family.lens(row, session.now(), session.wall() + (session.link.skew or 0.0))
        if lens is None:
            self.note.setText(UNKNOWN)
            return
        self._show(lens)

    def _show(self, lens: Lens) -> None:
        self.note.setText(lens.note)
        self.note.setVisible(bool(lens.note))
        self._set_figures(lens.figures)
        if [chart.subject.id for chart in self.charts] != [graph.id for graph in lens.graphs]:
            self._make_charts(lens)
        for chart, graph in zip(self.charts, lens.graphs, strict=True):
            chart.show_graph(graph)
        self._set_lines(lens.heads, lens.lines)

    def _make_charts(self, lens: Lens) -> None:
        view = TimeView(self._session.now, self._session.wall, self)
        view.oldest = min(
            (samples[0][0] for graph in lens.graphs for _, samples in graph.curves if samples), default=view.oldest
        )
        self.charts = [GraphChart(graph, view, self._theme) for graph in lens.graphs]
        for chart in self.charts:
            card = QFrame()
            card.setProperty("surface", "card")
            inside = QVBoxLayout(card)
            inside.setContentsMargins(1, 1, 1, 1)
            inside.addWidget(chart)
            self._graphs.addWidget(card, 1)
            self._cards.append(card)

    def _set_figures(self, figures: tuple[tuple[str, str], ...]) -> None:
        if list(self.figures) != [label for label, _ in figures]:
            _empty(self._figures)
            self.figures = {}
            for position, (label, _) in enumerate(figures):
                cell = QVBoxLayout()
                cell.setSpacing(2)
                value = PlainLabel(theme=self._theme, role="heading", wrap=True, selectable=True)
                value.setAccessibleName(label)
                self.figures[label] = value
                holder = QWidget()
                holder.setLayout(cell)
                cell.setContentsMargins(0, 0, 0, 0)
                cell.addWidget(PlainLabel(label, theme=self._theme, role="label"))
                cell.addWidget(value)
                self._figures.addWidget(holder, position // _ACROSS, position % _ACROSS, Qt.AlignmentFlag.AlignTop)
            for column in range(_ACROSS):
                self._figures.setColumnStretch(column, 1)
        for label, value_ in figures:
            self.figures[label].setText(value_)

    def _set_lines(self, heads: tuple[str, ...], lines: tuple[tuple[str, ...], ...]) -> None:
        if lines == self._lines:
            return
        self._lines = lines
        _empty(self._table)
        if not lines:
            return
        for column, head in enumerate(heads):
            self._table.addWidget(PlainLabel(head, theme=self._theme, role="label"), 0, column)
        for number, line in enumerate(lines, 1):
            for column, text in enumerate(line):
                label = PlainLabel(text, theme=self._theme, role="strong" if line[0] else "body")
                self._table.addWidget(label, number, column)
        self._table.setColumnStretch(len(heads) - 1, 1)


def _empty(grid: QGridLayout) -> None:
    while (item := grid.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()
