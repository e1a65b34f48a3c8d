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
    from PySide6.QtGui import QFocusEvent, QMouseEvent, QPaintEvent

    from fleetcache_gui.domain.values import Tone
    from fleetcache_gui.ui.theme import Theme

HEIGHT = 36
_PAD, _GAP, _MARK = 12, 6, 11
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

    def set_tab(self, index: int, tab: Tab) -> None:
        """Change what a tab shows; its width is left alone unless it must grow or shrink."""
        before, self._shown[index] = self._shown[index], tab
        if before == tab:
            return
        self._describe(index, tab)
        if self._width(before) != self._width(tab):
            self.setTabText(index, tab.title.replace("&", "&&"))  # makes Qt lay the tabs out afresh
        self.update(self.tabRect(index))

    def tab(self, index: int) -> Tab:
        """What a tab shows."""
        return self._shown[index]

    def _describe(self, index: int, tab: Tab) -> None:
        self.setTabToolTip(index, tooltip_text(tab.words))
        self.setAccessibleTabName(index, tab.words or tab.title)

    def _width(self, tab: Tab) -> int:
        metrics = QFontMetrics(self._theme.fonts.strong)
        width = 2 * _PAD + metrics.horizontalAdvance(tab.title)
        if tab.tone:
            width += _MARK + _GAP
        if tab.count:
            width += _GAP + metrics.horizontalAdvance(tab.count)
        return width

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
        x = rect.x() + _PAD
        if tab.tone:
            center = QPointF(x + _MARK / 2, rect.center().y())
            paint_mark(painter, center, _MARK, tab.tone, colors.tone(tab.tone))
            x += _MARK + _GAP
        flags = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
        painter.setPen(colors.text if current or index == self._under else colors.muted)
        painter.drawText(QRectF(x, rect.y(), rect.width(), rect.height()), flags, tab.title)
        x += metrics.horizontalAdvance(tab.title) + _GAP
        painter.setPen(colors.accent if current else colors.muted)
        painter.drawText(QRectF(x, rect.y(), rect.width(), rect.height()), flags, tab.count)
        if current:
            line = QRectF(rect.x() + _PAD - 4, rect.bottom() - 2, rect.width() - 2 * _PAD + 8, 2)
            painter.fillRect(line, colors.accent)
        if current and self._ring and self.hasFocus():
            painter.setPen(colors.accent)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.drawRoundedRect(rect.adjusted(4.5, 5.5, -4.5, -6.5), 5, 5)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
