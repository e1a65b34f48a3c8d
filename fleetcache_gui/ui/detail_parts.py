"""What a row's detail is made of: pill, judgements, facts, chart, and what hides a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from fleetcache_gui import assets
from fleetcache_gui.domain import words
from fleetcache_gui.ui.charts import paint_sparkline
from fleetcache_gui.ui.delegates import paint_pill, pill_width
from fleetcache_gui.ui.marks import SEVERITY_TONES, paint_mark
from fleetcache_gui.ui.text_widgets import ElidedLabel, PlainLabel, Role, plain_tooltip

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QPaintEvent

    from fleetcache_gui.domain.family import Judgement
    from fleetcache_gui.domain.values import Sample, State
    from fleetcache_gui.ui.theme import Theme

VEILED = "It may hold credentials, so it is neither read nor shown until you reveal it."
_WIDEST_PILL, _WIDEST_LABEL = 160, 130


class StatePill(QWidget):
    """A state as in the table."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._state: State | None = None
        self.setFont(theme.fonts.body)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_state(self, state: State) -> None:
        if state != self._state:
            self._state = state
            self.setAccessibleName(state.word)
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        word = self._state.word if self._state else ""
        return QSize(min(pill_width(QFontMetrics(self._theme.fonts.body), word) + 1, _WIDEST_PILL), 22)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._state is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_pill(painter, self.rect(), self._state, self._theme)
        painter.end()


class JudgementNote(QFrame):
    """What is wrong, what it means for Fleet, and the next step, beside a bar and a sign of its severity."""

    _LEFT = 30

    def __init__(self, judgement: Judgement, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tone = SEVERITY_TONES[judgement.severity]
        self.setProperty("surface", "raised")
        column = QVBoxLayout(self)
        column.setContentsMargins(self._LEFT, 8, 12, 10)
        column.setSpacing(4)
        column.addWidget(PlainLabel(judgement.text, theme=theme, role="strong", wrap=True, selectable=True))
        roles: tuple[tuple[str, Role], ...] = ((judgement.meaning, "muted"), (judgement.advice, "body"))
        for text, role in roles:
            if text:
                column.addWidget(PlainLabel(text, theme=theme, role=role, wrap=True, selectable=True))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        color = self._theme.colors.tone(self._tone)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(color)
        painter.drawRoundedRect(QRectF(6, 8, 3, self.height() - 16), 1.5, 1.5)
        painter.end()
        painter = QPainter(self)
        paint_mark(painter, QPointF(20, 17), 11, self._tone, color)
        painter.end()


class Veil(QWidget):
    """Stands in the place of a value that may hold credentials, until a person asks for it."""

    lifted = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._button = QPushButton("Reveal")
        self._button.setProperty("kind", "quiet")
        self._button.clicked.connect(self.lifted)
        plain_tooltip(self._button, "Read and show the values of this row until another one is chosen")
        head = QHBoxLayout()
        head.addWidget(PlainLabel("Value", theme=theme, role="label"), 1)
        head.addWidget(self._button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(PlainLabel(VEILED, theme=theme, role="muted", wrap=True))
        self._icons()
        theme.changed.connect(self._icons)

    def _icons(self) -> None:
        self._button.setIcon(assets.icon("eye", self._theme.colors.muted))


class Facts(QWidget):
    """Label and value, line by line; the values can be selected."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._values: dict[str, PlainLabel] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)

    def set_facts(self, facts: tuple[tuple[str, str], ...]) -> None:
        if [label for label, _ in facts] != list(self._values):
            self._rebuild([label for label, _ in facts])
        for label, value in facts:
            self._values[label].setText(value)

    def _rebuild(self, labels: list[str]) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self._values = {}
        top = Qt.AlignmentFlag.AlignTop
        for line, label in enumerate(labels):
            value = PlainLabel(theme=self._theme, wrap=True, selectable=True)
            value.setAccessibleName(label)
            self._values[label] = value
            name = ElidedLabel(label, theme=self._theme, role="muted")
            name.setFixedWidth(min(name.sizeHint().width(), _WIDEST_LABEL))
            self._grid.addWidget(name, line, 0, top)
            self._grid.addWidget(value, line, 1, top)


class TrendChart(QWidget):
    """A row's samples over the time they were taken, with the newest figure."""

    def __init__(self, theme: Theme, clock: Callable[[], float], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._clock = clock
        self._samples: tuple[Sample, ...] = ()
        self.setFixedHeight(76)

    def set_samples(self, samples: tuple[Sample, ...]) -> None:
        self._samples = samples
        if samples:
            self.setAccessibleName(f"Chart, now {samples[-1][1]:,.0f}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if len(self._samples) < 2:
            return
        colors, fonts = self._theme.colors, self._theme.fonts
        now = self._clock()
        window = max(now - self._samples[0][0], 10.0)
        painter = QPainter(self)
        metrics = QFontMetrics(fonts.body)
        area = QRectF(0, 2, self.width(), self.height() - metrics.height() - 4)
        painter.fillRect(QRectF(0, area.bottom(), area.width(), 1), colors.line)
        paint_sparkline(painter, area, self._samples, colors.accent, window=window, now=now, mark=True)
        painter.setFont(fonts.body)
        painter.setPen(colors.muted)
        foot = QRect(0, self.height() - metrics.height(), self.width(), metrics.height())
        peak = max(value for _, value in self._samples)
        left = f"last {words.duration(window)}"
        right = f"now {self._samples[-1][1]:,.0f} · most {peak:,.0f}"
        painter.drawText(foot, int(Qt.AlignmentFlag.AlignLeft), left)
        painter.drawText(foot, int(Qt.AlignmentFlag.AlignRight), right)
        painter.end()
