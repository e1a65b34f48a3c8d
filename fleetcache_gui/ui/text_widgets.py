"""Widgets for text that came from elsewhere. The only place where a QLabel or a tooltip is made.

Qt guesses rich text in labels and tooltips and then loads what an `<img>` names. Nothing here ever lets it
guess, and nothing hands Qt more text than it can lay out at once.
"""

from __future__ import annotations

import atexit
import html
import re
from math import ceil
from typing import TYPE_CHECKING, Literal

import shiboken6
from PySide6.QtCore import QMimeData, QSize, Qt
from PySide6.QtGui import (
    QClipboard,
    QFontMetrics,
    QFontMetricsF,
    QGuiApplication,
    QKeySequence,
    QPainter,
    QTextOption,
)
from PySide6.QtWidgets import QFrame, QLabel, QMenu, QPlainTextEdit, QSizePolicy, QWidget

if TYPE_CHECKING:
    from PySide6.QtGui import QAction, QContextMenuEvent, QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent

    from fleetcache_gui.domain.values import Tone
    from fleetcache_gui.ui.theme import Theme

Role = Literal["body", "strong", "heading", "label", "muted", "mono", "figure"]

LONGEST_LABEL = 4_000
LONGEST_TOOLTIP = 1_000
LONGEST_BLOCK = 512 * 1024
"""Characters; a 64 KB window of a value needs at most 305,000 as a hex dump."""

TALLEST_BLOCK = 420
"""Pixels; a longer text scrolls."""

_FRAME = 22  # border, padding and the document's margin, above and below
_SELECTABLE = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
_SPACE = "\u200b"  # text made by `domain.text.show` holds none of its own
_UNBREAKABLE = re.compile(r"\S{24,}")
_PIECE = 6


def tooltip_text(text: str) -> str:
    """`text` in the one form in which Qt shows it literally: rich text with all of it escaped."""
    if not text:
        return ""
    shown = text if len(text) <= LONGEST_TOOLTIP else text[:LONGEST_TOOLTIP] + "…"
    return f'<p style="white-space: pre-wrap">{html.escape(_breakable(shown))}</p>'


def plain_tooltip(widget: QWidget | QAction, text: str) -> None:
    """Give `widget`, or a menu's entry, a tooltip that shows `text` as it is."""
    widget.setToolTip(tooltip_text(text))


def _breakable(text: str) -> str:
    """Lets words of 24 characters and more break; the zero-width spaces never leave the label."""

    def pieces(found: re.Match[str]) -> str:
        word = found.group()
        return _SPACE.join(word[i : i + _PIECE] for i in range(0, len(word), _PIECE))

    return _UNBREAKABLE.sub(pieces, text)


def copy_text(text: str, *, secret: bool = False) -> None:
    """Put `text` on the clipboard. A secret is marked so that clipboard managers do not keep it, and leaves the
    clipboard with the program."""
    clipboard = QGuiApplication.clipboard()
    if not secret:
        clipboard.setText(text)
        return
    data = QMimeData()
    data.setText(text)
    data.setData("x-kde-passwordManagerHint", b"secret")
    data.setData("application/x-nspasteboard-concealed-type", b"1")
    data.setData("ExcludeClipboardContentFromMonitorProcessing", b"1")
    clipboard.setMimeData(data)
    # Qt frees it after Python has ended, and crashes over an object that Python had made.
    atexit.unregister(_forget)
    atexit.register(_forget, data)


def _forget(data: QMimeData) -> None:
    if shiboken6.isValid(data) and QGuiApplication.instance() is not None:  # else another program's has come
        QGuiApplication.clipboard().clear()


class PlainLabel(QLabel):
    """A label that can only show plain text. With `wrap` even a word without end stays within its width."""

    def __init__(
        self,
        text: str = "",
        *,
        theme: Theme,
        role: Role = "body",
        wrap: bool = False,
        selectable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._whole = ""
        self._selectable = selectable
        self.setTextFormat(Qt.TextFormat.PlainText)
        if selectable:
            self.setTextInteractionFlags(_SELECTABLE)
        self.setFont(getattr(theme.fonts, "body" if role == "muted" else role))
        if role in ("muted", "label"):
            self.setProperty("tone", "muted")
        if wrap:
            self.setWordWrap(True)
            self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            self.setMinimumWidth(1)
        self.setText(text)

    def minimumSizeHint(self) -> QSize:
        if self.wordWrap():  # Qt's own is the height at the least width, which no layout needs
            return QSize(1, self.fontMetrics().height())
        return super().minimumSizeHint()

    def setText(self, text: str) -> None:
        """Show `text`; the rest of a very long one stands for itself as ``…``."""
        if text == self._whole and self.text():
            return
        self._whole = text
        shown = text if len(text) <= LONGEST_LABEL else text[:LONGEST_LABEL] + "…"
        super().setText(_breakable(shown) if self.wordWrap() else shown)

    def set_tone(self, tone: Tone | None) -> None:
        """Colour the text by `tone`; None for the ordinary colour."""
        self.setProperty("tone", tone.value if tone else None)
        self.style().unpolish(self)
        self.style().polish(self)

    def _selection(self) -> str:
        """What is selected, as it was before it was made breakable."""
        return self.selectedText().replace(_SPACE, "")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy) and self._selection():
            copy_text(self._selection())
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        clipboard = QGuiApplication.clipboard()
        if self._selection() and clipboard.supportsSelection():  # for the middle button, on X11
            clipboard.setText(self._selection(), QClipboard.Mode.Selection)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if not self._selectable:
            event.ignore()
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        chosen = self._selection() or self._whole
        menu.addAction("Copy", lambda: copy_text(chosen))
        menu.popup(event.globalPos())


class ElidedLabel(PlainLabel):
    """One line that gives way to ``…`` where it lacks room; its tooltip has the whole of it."""

    def __init__(
        self,
        text: str = "",
        *,
        theme: Theme,
        role: Role = "body",
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(text, theme=theme, role=role, parent=parent)
        self._mode = mode
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(self.font())
        painter.setPen(self.palette().color(self.foregroundRole()))
        shown = elide(self.fontMetrics(), self._whole, self._mode, self.width())
        painter.drawText(self.rect(), int(self.alignment() | Qt.TextFlag.TextSingleLine), shown)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._explain()

    def setText(self, text: str) -> None:
        super().setText(text)
        self._explain()

    def _explain(self) -> None:
        short = self.fontMetrics().horizontalAdvance(self._whole[:LONGEST_TOOLTIP]) <= self.width()
        plain_tooltip(self, "" if short else self._whole)


def elide(metrics: QFontMetrics, text: str, mode: Qt.TextElideMode, width: int) -> str:
    """`text` shortened to `width` px. Measures no more of it than could be seen."""
    if len(text) > 2 * width > 0:
        text = "…" + text[-2 * width :] if mode is Qt.TextElideMode.ElideLeft else text[: 2 * width] + "…"
    return metrics.elidedText(text, mode, width)


class PlainBlock(QPlainTextEdit):
    """Read-only text of many lines, as high as it needs; stays scrolled while the text is the same."""

    def __init__(self, *, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setFont(theme.fonts.mono)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setTextInteractionFlags(_SELECTABLE)
        self._shown = ""
        self._fit()

    def set_block(self, text: str, *, anywhere: bool = False) -> None:
        """Show `text`: printable lines of at most a few thousand characters. `anywhere`: break words too."""
        if len(text) > LONGEST_BLOCK:
            text = text[:LONGEST_BLOCK] + "…"
        mode = QTextOption.WrapMode.WrapAnywhere if anywhere else QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere
        self.setWordWrapMode(mode)
        if text != self._shown:
            self._shown = text
            self.setPlainText(text)
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """As high as the text needs, within bounds; beyond them it scrolls."""
        lines = round(self.document().size().height())  # QPlainTextEdit counts in lines, wrapped ones included
        line = ceil(QFontMetricsF(self.font()).lineSpacing())
        wanted = lines * line + _FRAME
        self.setFixedHeight(min(max(wanted, 2 * line + _FRAME), TALLEST_BLOCK))

    @property
    def block(self) -> str:
        """What is shown."""
        return self._shown

    def has_selection(self) -> bool:
        """True while somebody is about to copy a part of it."""
        return self.textCursor().hasSelection()
