"""What stands where there is nothing to show yet, and the banner for when reading has stopped."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from fleetcache_gui import assets, clock
from fleetcache_gui.domain import words
from fleetcache_gui.domain.snapshot import Link, Phase
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.ui.text_widgets import PlainLabel
from fleetcache_gui.ui.theme import Theme, mix

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintEvent

AS_LAST_READ = "What you see is as last read."
CENTER = Qt.AlignmentFlag.AlignHCenter


class Icon(QWidget):
    """A line icon in a tone's colour."""

    def __init__(self, name: str, size: int, theme: Theme, tone: Tone = Tone.NEUTRAL) -> None:
        super().__init__()
        self._name, self._size, self._theme, self._tone = name, size, theme, tone
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_icon(self, name: str, tone: Tone) -> None:
        """Show another one."""
        self._name, self._tone = name, tone
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._size, self._size)

    def paintEvent(self, event: QPaintEvent) -> None:
        color = self._theme.colors.tone(self._tone)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, assets.pixmap(self._name, color, self._size, self.devicePixelRatioF()))
        painter.end()


class Notice(QWidget):
    """One state in the middle of its room: an icon, a heading, a sentence, what to do, and one button."""

    pressed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.icon = Icon("plug", 40, theme)
        self.heading = PlainLabel(theme=theme, role="heading")
        self.text = PlainLabel(theme=theme, wrap=True)
        self.code = PlainLabel(theme=theme, role="mono", wrap=True)
        self.advice = PlainLabel(theme=theme, role="muted", wrap=True)
        self.button = QPushButton()
        self.button.setProperty("kind", "primary")
        self.button.clicked.connect(self.pressed)
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addStretch(2)
        column.addWidget(self.icon, 0, CENTER)
        column.addSpacing(8)
        for label in (self.heading, self.text, self.code, self.advice):
            label.setAlignment(CENTER)
            column.addWidget(label)
        column.addSpacing(8)
        column.addWidget(self.button, 0, CENTER)
        column.addStretch(3)
        row = QHBoxLayout(self)
        row.addStretch(1)
        row.addLayout(column, 2)
        row.addStretch(1)

    def show_state(
        self, icon: str, tone: Tone, heading: str, text: str, advice: str = "", button: str = "", code: str = ""
    ) -> None:
        """All texts are plain; without `button` there is none. `code` are lines in monospace."""
        self.icon.show_icon(icon, tone)
        self.heading.setText(heading)
        self.text.setText(text)
        for label, words_ in ((self.code, code), (self.advice, advice)):
            label.setText(words_)
            label.setVisible(bool(words_))
        self.button.setText(button)
        self.button.setVisible(bool(button))


def since_words(since: float, now: float, wall: float) -> str:
    """A monotonic moment as ``09:41:12 (2 min 04 s)``; `now` and `wall` are one moment on both clocks."""
    lasted = max(now - since, 0.0)
    at = datetime.fromtimestamp(wall - lasted).strftime("%H:%M:%S")
    return f"{at} ({words.duration(int(lasted)) if lasted >= 10 else f'{int(lasted)} s'})"


def next_try_words(link: Link, now: float) -> str:
    """``Next try in 3 s.``, or that it is under way."""
    if link.next_try is None:
        return ""
    left = link.next_try - now
    return f"Next try in {int(left) + 1} s." if left > 0 else "Trying now …"


class Banner(QWidget):
    """A line across the window while nothing is read: since when, why, what comes next, and one button."""

    pressed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tone = Tone.NEUTRAL
        self.icon = Icon("pause", 18, theme)
        self.text = PlainLabel(theme=theme, role="strong", wrap=True)
        self.advice = PlainLabel(theme=theme, wrap=True)
        self.button = QPushButton()
        self.button.clicked.connect(self.pressed)
        sentences = QVBoxLayout()
        sentences.setSpacing(2)
        sentences.addWidget(self.text)
        sentences.addWidget(self.advice)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 16, 8)
        row.setSpacing(12)
        row.addWidget(self.icon)
        row.addLayout(sentences, 1)
        row.addWidget(self.button)
        theme.changed.connect(self.update)
        self.hide()

    def show_link(self, link: Link) -> None:
        """Say what `link` means, or hide when all is well; called again as time passes."""
        now, wall = clock.now(), time.time()
        since = since_words(link.since, now, wall)
        if link.phase is Phase.DOWN:
            text = f"No connection since {since}. {link.text}".strip()
            sentences = (link.advice, AS_LAST_READ, next_try_words(link, now))
            self._say("unplugged", Tone.CRITICAL, text, " ".join(filter(None, sentences)), "Try now")
        elif link.phase is Phase.CONNECTING:
            self._say("plug", Tone.WARN, link.text or "Connecting again …", AS_LAST_READ, "")
        elif link.phase is Phase.PAUSED:
            advice = "Nothing is read until you resume, except the value of a row you choose. Times left are estimates."
            self._say("pause", Tone.ACCENT, f"Paused since {since}", advice, "Resume")
        elif link.phase is Phase.RECORDED:
            self._say("clock", Tone.ACCENT, link.text, link.advice, "")
        self.setVisible(link.phase is not Phase.LIVE)

    def _say(self, icon: str, tone: Tone, text: str, advice: str, button: str) -> None:
        self.icon.show_icon(icon, tone)
        self.text.setText(text)
        self.advice.setText(advice)
        self.button.setText(button)
        self.button.setVisible(bool(button))
        if tone is not self._tone:
            self._tone = tone
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        colors = self._theme.colors
        painter = QPainter(self)
        painter.fillRect(self.rect(), mix(colors.background, colors.tone(self._tone), 0.12))
        line = QRectF(0, self.height() - 1, self.width(), 1)
        painter.fillRect(line, mix(colors.background, colors.tone(self._tone), 0.35))
        painter.end()
