"""What a row's detail is made of: pill, judgement, facts, keys, chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QAbstractButton, QFrame, QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from fleetcache_gui.domain import words
from fleetcache_gui.domain.text import shorten
from fleetcache_gui.present.cells import key_text
from fleetcache_gui.ui.charts import paint_sparkline
from fleetcache_gui.ui.delegates import paint_pill, pill_width
from fleetcache_gui.ui.marks import SEVERITY_TONES, paint_mark
from fleetcache_gui.ui.text_widgets import ElidedLabel, PlainLabel, Role, elide, plain_tooltip

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QPaintEvent

    from fleetcache_gui.domain.family import Judgement
    from fleetcache_gui.domain.values import KeyFact, Sample, State
    from fleetcache_gui.ui.theme import Theme

LONGEST_NAME = 240
"""Characters of a key's name drawn; the whole of it can be copied."""

_WIDEST_PILL, _WIDEST_LABEL = 160, 130
_ELEMENTS = {
    "set": ("member", "members"),
    "zset": ("member", "members"),
    "list": ("item", "items"),
    "hash": ("field", "fields"),
    "stream": ("entry", "entries"),
}
_NAME_FLAGS = int(Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWrapAnywhere)


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


class KeyLine(QAbstractButton):
    """One key behind a row: its name, type, size and time left. Checked while its value is shown."""

    _PAD = 8

    def __init__(self, theme: Theme, clock: Callable[[], float], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._clock = clock
        self._name = ""
        self.fact: KeyFact | None = None
        self._memory: int | None = None
        self._length: int | None = None
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme.changed.connect(self.update)

    def set_key(self, name: str, fact: KeyFact, memory: int | None) -> None:
        """`name` as it may be shown now; `memory` in bytes, None where it is not known."""
        if self.fact is None or self.fact.name != fact.name:
            self._length = None
        self.fact, self._memory = fact, memory
        if name != self._name:
            self._name = name
            self.setAccessibleName(f"Key {name}")
            plain_tooltip(self, name)
            self.updateGeometry()
        self.update()

    def set_length(self, length: int | None) -> None:
        """How many elements the key holds, None where nobody knows."""
        self._length = length
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, self.heightForWidth(200))

    def heightForWidth(self, width: int) -> int:
        metrics = QFontMetrics(self._theme.fonts.mono)
        name = metrics.boundingRect(self._name_rect(width), _NAME_FLAGS, self._shown()).height()
        return name + QFontMetrics(self._theme.fonts.body).height() + 14

    def _name_rect(self, width: int) -> QRect:
        return QRect(self._PAD, 5, width - 2 * self._PAD, 400)

    def _shown(self) -> str:
        return shorten(self._name, LONGEST_NAME) or "(the empty name)"

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.fact is None:
            return
        colors, fonts = self._theme.colors, self._theme.fonts
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(colors.accent if self.hasFocus() else Qt.PenStyle.NoPen)
        ground = colors.selection if self.isChecked() else colors.raised if self.underMouse() else None
        painter.setBrush(ground if ground else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.setPen(colors.text if self.fact.exists else colors.muted)
        painter.setFont(fonts.mono)
        painter.drawText(self._name_rect(self.width()), _NAME_FLAGS, self._shown())
        painter.setFont(fonts.body)
        painter.setPen(colors.muted)
        line = self.rect().adjusted(self._PAD, 0, -self._PAD, -6)
        bottom = Qt.AlignmentFlag.AlignBottom | Qt.TextFlag.TextSingleLine
        size = "" if self._memory is None else words.size(self._memory)
        painter.drawText(line, int(bottom | Qt.AlignmentFlag.AlignRight), size)
        room = line.width() - painter.fontMetrics().horizontalAdvance(size) - self._PAD
        words_ = elide(painter.fontMetrics(), self.describe(), Qt.TextElideMode.ElideRight, room)
        painter.drawText(line, int(bottom | Qt.AlignmentFlag.AlignLeft), words_)
        painter.end()

    def describe(self) -> str:
        """``set · 50,000 members · 6:59:41 left``"""
        if self.fact is None:
            return ""
        text = key_text(self.fact, self._clock())
        nouns = _ELEMENTS.get(self.fact.type)
        if self._length is None or nouns is None:
            return text
        return text.replace(" · ", f" · {words.count(self._length, *nouns)} · ", 1)


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
