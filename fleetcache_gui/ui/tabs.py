"""The tab bar: the overview and one tab a family, with its count and a sign where something is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QTabBar, QWidget

from fleetcache_gui.ui.marks import paint_mark
from fleetcache_gui.ui.text_widgets import tooltip_text

if TYPE_CHECKING:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QFocusEvent, QMouseEvent, QPaintEvent, QResizeEvent

    from fleetcache_gui.domain.values import Tone
    from fleetcache_gui.ui.theme import Theme

HEIGHT = 36
_GAP, _MARK = 6, 11
_WIDE, _NARROW = 12, 8
"""Room at either side of a tab: as designed, and where they would not all fit."""
_REASON = Qt.FocusReason
_BY_KEYBOARD = (_REASON.TabFocusReason, _REASON.BacktabFocusReason, _REASON.ShortcutFocusReason)


@dataclass(frozen=True, slots=True)
class Tab:
    """What one tab shows. `count` is short (``48.2k``), `words` all of it, for tooltip and screen reader."""

    title: str
    count: str = ""
    tone: Tone | None = None
    words: str = ""


class Tabs(QTabBar):
    """Painted here, for Qt's own has no room for counts and signs; keyboard and accessibility are Qt's."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown: list[Tab] = []
        self._under = -1
        self._ring = False
        self._pad, self._counted = _WIDE, True
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setUsesScrollButtons(True)
        self.setElideMode(Qt.TextElideMode.ElideNone)
        self.setMouseTracking(True)
        self.setFont(theme.fonts.strong)
        self.setAccessibleName("Key families")
        theme.changed.connect(self.update)

    def add(self, tab: Tab) -> None:
        """One more tab, at the end."""
        self._shown.append(tab)
        self.addTab(tab.title.replace("&", "&&"))
        self._describe(self.count() - 1, tab)
        self._fit()

    def set_tab(self, index: int, tab: Tab) -> None:
        """Change what a tab shows; its width is left alone unless it must grow or shrink."""
        before, self._shown[index] = self._shown[index], tab
        if before == tab:
            return
        self._describe(index, tab)
        if self._width(before) != self._width(tab):
            self._lay_out(index)
            self._fit()
        self.update(self.tabRect(index))

    def tab(self, index: int) -> Tab:
        """What a tab shows."""
        return self._shown[index]

    def _describe(self, index: int, tab: Tab) -> None:
        self.setTabToolTip(index, tooltip_text(tab.words))
        self.setAccessibleTabName(index, tab.words or tab.title)

    def _lay_out(self, index: int) -> None:
        """Have Qt lay the tabs out afresh."""
        self.setTabText(index, self._shown[index].title.replace("&", "&&"))

    def _fit(self) -> None:
        """Where the tabs do not all fit they stand closer together, and then without their counts."""
        forms = ((_WIDE, True), (_NARROW, True), (_NARROW, False))
        room = self.width()
        form = next((f for f in forms if sum(self._width(tab, *f) for tab in self._shown) <= room), forms[-1])
        if self._shown and form != (self._pad, self._counted):
            self._pad, self._counted = form
            self._lay_out(0)
            self.update()

    def _width(self, tab: Tab, pad: int | None = None, counted: bool | None = None) -> int:
        metrics = QFontMetrics(self._theme.fonts.strong)
        width = 2 * (self._pad if pad is None else pad) + metrics.horizontalAdvance(tab.title)
        if tab.tone:
            width += _MARK + _GAP
        if tab.count and (self._counted if counted is None else counted):
            width += _GAP + metrics.horizontalAdvance(tab.count)
        return width

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)

    def tabSizeHint(self, index: int) -> QSize:
        return QSize(self._width(self._shown[index]) if index < len(self._shown) else 0, HEIGHT)

    def minimumTabSizeHint(self, index: int) -> QSize:
        return self.tabSizeHint(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.tabAt(event.position().toPoint()))
        super().mouseMoveEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._ring = event.reason() in _BY_KEYBOARD
        super().focusInEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)
        super().leaveEvent(event)

    def _hover(self, index: int) -> None:
        if index != self._under:
            self._under = index
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(self._theme.fonts.strong)
        for index in range(self.count()):
            rect = self.tabRect(index)
            if rect.intersects(event.rect()):
                self._paint_tab(painter, QRectF(rect), index)
        painter.end()

    def _paint_tab(self, painter: QPainter, rect: QRectF, index: int) -> None:
        tab, colors = self._shown[index], self._theme.colors
        current = index == self.currentIndex()
        metrics = painter.fontMetrics()
        x = rect.x() + self._pad
        if tab.tone:
            center = QPointF(x + _MARK / 2, rect.center().y())
            paint_mark(painter, center, _MARK, tab.tone, colors.tone(tab.tone))
            x += _MARK + _GAP
        flags = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        painter.setPen(colors.text if current or index == self._under else colors.muted)
        painter.drawText(QRectF(x, rect.y(), rect.width(), rect.height()), flags, tab.title)
        x += metrics.horizontalAdvance(tab.title) + _GAP
        painter.setPen(colors.accent if current else colors.muted)
        if self._counted:
            painter.drawText(QRectF(x, rect.y(), rect.width(), rect.height()), flags, tab.count)
        if current:
            line = QRectF(rect.x() + self._pad - 4, rect.bottom() - 2, rect.width() - 2 * self._pad + 8, 2)
            painter.fillRect(line, colors.accent)
        if current and self._ring and self.hasFocus():
            painter.setPen(colors.accent)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.drawRoundedRect(rect.adjusted(4.5, 5.5, -4.5, -6.5), 5, 5)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
