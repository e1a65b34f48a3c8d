"""The bar at the top: which server this is, how it is doing, find, pause, interval, lock."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QSizePolicy, QWidget

from fleetcache_gui import assets
from fleetcache_gui.domain.snapshot import Link, Phase, Vitals
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.settings import INTERVALS
from fleetcache_gui.ui.find import FindField
from fleetcache_gui.ui.marks import Badge, Mark
from fleetcache_gui.ui.statusbar import ago
from fleetcache_gui.ui.text_widgets import ElidedLabel, PlainLabel, plain_tooltip
from fleetcache_gui.ui.unlock import UnlockControl

if TYPE_CHECKING:
    from fleetcache_gui.deeds import Deeds
    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.theme import Theme

HEIGHT = 48


def server_words(vitals: Vitals | None, address: str) -> str:
    """``standalone · Valkey 9.1.2 · 2 replicas``, ``cluster of 3 · Valkey 9.1.2 · 3 replicas``; the address until the
    server has told what it is."""
    if vitals is None:
        return address
    primaries = sum(node.role == "primary" for node in vitals.nodes)
    parts = [f"{vitals.mode} of {primaries}" if primaries else vitals.mode, f"{vitals.server_name} {vitals.version}"]
    if vitals.role not in ("master", "primary"):
        parts.append(f"a {vitals.role}")
    if vitals.replicas:
        lag = f", {vitals.lag_s:.1f} s behind" if vitals.lag_s else ""
        parts.append(f"{vitals.replicas} {'replica' if vitals.replicas == 1 else 'replicas'}{lag}")
    return " · ".join(parts)


def live_words(link: Link, now: float) -> str:
    """``live · 0.8 ms · read 1 s ago``."""
    read = f"read {ago(now - link.last_read)}" if link.last_read is not None else ""
    names = {
        Phase.LIVE: "live",
        Phase.PAUSED: "paused",
        Phase.DOWN: "no connection",
        Phase.CONNECTING: "connecting",
        Phase.RECORDED: "recorded",
    }
    parts = [names[link.phase]]
    if link.phase is Phase.LIVE and link.round_trip is not None:
        parts.append(f"{1000 * link.round_trip:.1f} ms")
    return " · ".join(filter(None, (*parts, read)))


def interval_words(seconds: float) -> str:
    """``0.5 s``, ``2 s``, ``1 min``."""
    return "1 min" if seconds == 60 else f"{seconds:g} s"


_TONES = {
    Phase.LIVE: Tone.OK,
    Phase.PAUSED: Tone.ACCENT,
    Phase.DOWN: Tone.CRITICAL,
    Phase.CONNECTING: Tone.NEUTRAL,
    Phase.RECORDED: Tone.ACCENT,
}


class TopBar(QWidget):
    """Told of news by the window; acts on the session directly."""

    def __init__(self, session: Session, deeds: Deeds, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._theme = theme
        self.setFixedHeight(HEIGHT)
        self.name = ElidedLabel(session.name, theme=theme, role="heading")
        self.name.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.name.setMaximumWidth(280)
        self.server = ElidedLabel(theme=theme, role="muted")
        self.server.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.mark = Mark(theme, 11)
        self.live = PlainLabel(theme=theme, role="muted")
        self.field = FindField(theme)
        self.field.setMinimumWidth(150)
        self.field.setMaximumWidth(260)
        self.pause = QPushButton()
        self.pause.clicked.connect(self.toggle_pause)
        self.interval = QPushButton()
        self.lock = UnlockControl(deeds, theme)
        self.menu = self._interval_menu()
        self.interval.clicked.connect(self._open_menu)
        self._arrange(theme)
        for control in (self.pause, self.interval):
            control.setHidden(session.recorded)
        theme.changed.connect(self.tick)
        self.tick()

    def _arrange(self, theme: Theme) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 8, 0)
        row.setSpacing(8)
        row.addWidget(self.name)
        if self._session.environment:
            row.addSpacing(4)
            row.addWidget(Badge(self._session.environment, theme))
        row.addSpacing(4)
        row.addWidget(self.server, 1)
        row.addWidget(self.mark)
        row.addWidget(self.live)
        row.addSpacing(8)
        row.addWidget(self.field, 1)
        row.addWidget(self.pause)
        row.addWidget(self.interval)
        row.addWidget(self.lock)
        self.more = QPushButton()
        self.more.setProperty("kind", "icon")
        self.more.setAccessibleName("Everything that can be done")
        plain_tooltip(self.more, "Everything that can be done (Ctrl+K)")
        row.addWidget(self.more)

    def _interval_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setAccessibleName("Interval between two readings")
        group = QActionGroup(menu)
        for seconds in INTERVALS:
            action = QAction(f"Read every {interval_words(seconds)}", menu, checkable=True)
            action.setData(seconds)
            action.triggered.connect(partial(self.choose_interval, seconds))
            group.addAction(action)
            menu.addAction(action)
        return menu

    def _open_menu(self) -> None:
        for action in self.menu.actions():
            action.setChecked(action.data() == self._session.interval)
        # Not QPushButton.setMenu: what it opens runs an event loop of its own.
        self.menu.popup(self.interval.mapToGlobal(QPoint(0, self.interval.height() + 4)))

    def choose_interval(self, seconds: float, *_: object) -> None:
        """Read so often from now on."""
        self._session.set_interval(seconds)
        self.tick()

    def toggle_pause(self) -> None:
        """Stop reading, or go on."""
        if self._session.paused:
            self._session.resume()
        else:
            self._session.pause()
        self.tick()

    def tick(self) -> None:
        """Bring every word and icon up to date; called about once a second and whenever something changed."""
        link = self._session.link
        self.server.setText(server_words(self._session.vitals, self._session.address))
        self.mark.set_tone(_TONES[link.phase])
        self.live.setText(live_words(link, self._session.now()))
        paused, muted = self._session.paused, self._theme.colors.muted
        self.pause.setText("Resume" if paused else "Pause")
        self.pause.setIcon(assets.icon("play" if paused else "pause", muted))
        deed = "Go on reading" if paused else "Stop reading from the server"
        plain_tooltip(self.pause, f"{deed} (Ctrl+P)")
        every = interval_words(self._session.interval)
        self.interval.setText(every)
        self.interval.setIcon(assets.icon("chevron-down", muted))
        self.interval.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # puts the icon after the word
        self.interval.setAccessibleName(f"Interval: {every}")
        plain_tooltip(self.interval, f"Reads every {every}. Click to change.")
        self.lock.tick()
        self.more.setIcon(assets.icon("menu", muted))
