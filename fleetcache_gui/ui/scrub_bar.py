"""Below a recording: which of its readings is shown, and the way to the others."""

from __future__ import annotations

from bisect import bisect_left
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSlider, QWidget

from fleetcache_gui import assets
from fleetcache_gui.domain.words import count, duration
from fleetcache_gui.present.frames import BadRecording
from fleetcache_gui.ui.text_widgets import PlainLabel, plain_tooltip

if TYPE_CHECKING:
    from fleetcache_gui.replay import Replay
    from fleetcache_gui.ui.theme import Theme

HEIGHT = 48
PLAY_MS = 250
"""From reading to reading while it plays: eight times as fast as it was at the default interval."""
_MINUTE = 60.0


class ScrubBar(QWidget):
    """Slider, steps of one reading and of a minute, and play."""

    def __init__(self, replay: Replay, theme: Theme) -> None:
        super().__init__()
        self._replay, self._theme = replay, theme
        self._moments = replay.tape.moments
        self.setFixedHeight(HEIGHT)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Moment of the recording")
        self.slider.setRange(0, len(self._moments) - 1)
        self.slider.valueChanged.connect(self._show)
        self.play = self._button("play", "Play from here", self._toggle)
        self.play.setCheckable(True)
        self.back = self._button("chevron-left", "One reading back", lambda: self._step(-1))
        self.on = self._button("chevron-right", "One reading on", lambda: self._step(1))
        self.minute_back = QPushButton("− 1 min")
        self.minute_back.clicked.connect(lambda: self._jump(-_MINUTE))
        self.minute_on = QPushButton("+ 1 min")
        self.minute_on.clicked.connect(lambda: self._jump(_MINUTE))
        self.told = PlainLabel(theme=theme)
        self._timer = QTimer(self, interval=PLAY_MS)
        self._timer.timeout.connect(self._advance)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 4, 16, 4)
        row.setSpacing(8)
        for widget in (self.minute_back, self.back, self.play, self.on, self.minute_on):
            row.addWidget(widget)
        row.addWidget(self.slider, 1)
        row.addWidget(self.told)
        theme.changed.connect(self._icons)
        self._icons()
        self.slider.setValue(len(self._moments) - 1)
        self._show(self.slider.value())

    def _button(self, icon: str, name: str, act: object) -> QPushButton:
        button = QPushButton()
        button.setProperty("kind", "icon")
        button.setProperty("icon-name", icon)
        button.setAccessibleName(name)
        button.setIconSize(QSize(18, 18))
        plain_tooltip(button, name)
        button.clicked.connect(act)
        return button

    def _icons(self) -> None:
        for button in (self.back, self.play, self.on):
            button.setIcon(assets.icon(str(button.property("icon-name")), self._theme.colors.text))

    def _show(self, number: int) -> None:
        try:
            self._replay.show(number)
        except BadRecording as bad:
            self._timer.stop()
            self.told.setText(str(bad))
            return
        at, last = self._moments[number], self._moments[-1]
        left = last - at
        where = "the last reading" if number == len(self._moments) - 1 else f"{duration(max(left, 0.0))} before the end"
        clock = datetime.fromtimestamp(at).strftime("%H:%M:%S")
        self.told.setText(f"{clock} · {where} · {count(number + 1)} of {count(len(self._moments))}")

    def _step(self, by: int) -> None:
        self.slider.setValue(self.slider.value() + by)

    def _jump(self, seconds: float) -> None:
        now = self.slider.value()
        wanted = bisect_left(self._moments, self._moments[now] + seconds)
        if seconds > 0:
            wanted = max(wanted, now + 1)
        self.slider.setValue(min(max(wanted if wanted != now else now - 1, 0), len(self._moments) - 1))

    def _toggle(self, on: bool) -> None:
        if on and self.slider.value() == self.slider.maximum():
            self.slider.setValue(0)
        self._timer.start() if on else self._timer.stop()

    def _advance(self) -> None:
        if self.slider.value() == self.slider.maximum():
            self.play.setChecked(False)
            self._timer.stop()
        else:
            self._step(1)
