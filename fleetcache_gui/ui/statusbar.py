"""The line at the foot of the window: how much there is, how well it is known, and what looking costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from fleetcache_gui.domain import words
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.ui.gauges import percent
from fleetcache_gui.ui.marks import Badge
from fleetcache_gui.ui.text_widgets import ElidedLabel, PlainLabel, plain_tooltip

if TYPE_CHECKING:
    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.domain.snapshot import Inventory, Link, Vitals
    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.theme import Theme

HEIGHT = 30
SAID_MS = 15_000
NOTABLE_SKEW = 1.0
"""Seconds; a smaller difference of clocks is not worth a word."""

SECONDHAND = (
    "Keys are read from replicas, which repeat what their primaries told them. So long ago the one with the oldest news"
    " last heard of its primary."
)
REFUSED = "The account's ACL does not allow these keys, so nothing is known of them but their names."


SLACK, FEW_KEYS = 0.05, 300
"""The share of all keys, and the number, that may be new since the last whole sweep before it is told."""


def inventory_words(inventory: Inventory, now: float, known: int | None = None) -> str:
    """``inventory 63 %`` while it goes on for the first time, ``inventory 100 % (14 s ago)`` after it; ``inventory 41 %
    (22,700 of 55,043 keys known)`` once there are many more keys than the `known` ones (None: all are); ``inventory
    partial: slots 0–5460 missing``."""
    keys = inventory.keys
    if inventory.missing:
        lost = tuple(sorted({part for gap in inventory.missing for part in gap.slots}))
        return f"inventory partial: {words.slots(lost)} missing"
    if inventory.finished_at is not None:
        if known is None or keys - known <= max(SLACK * keys, FEW_KEYS):
            return f"inventory 100 % ({ago(now - inventory.finished_at)})"
        return f"inventory {100 * known // keys} % ({words.count(known)} of {words.count(keys, 'key')} known)"
    if not keys:
        return "inventory starting"
    return f"inventory {min(int(100 * inventory.scanned / inventory.keys), 99)} %"


def memory_words(vitals: Vitals) -> str:
    """``812.0 MB of 2.0 GB``, or nothing where the server does not tell."""
    if vitals.memory is None:
        return ""
    used = words.size(vitals.memory)
    return f"{used} of {words.size(vitals.memory_limit)}" if vitals.memory_limit else f"{used}, no limit"


def clock_words(link: Link, wall: float) -> str:
    """The server's clock at our Unix time `wall`, with a note when the two clocks differ."""
    skew = link.skew or 0.0
    shown = datetime.fromtimestamp(wall + skew, UTC).strftime("%H:%M:%S")
    if link.skew is None:
        return f"{shown} UTC, this machine's clock"
    if abs(skew) < NOTABLE_SKEW:
        return f"server {shown} UTC"
    return f"server {shown} UTC, {words.duration(abs(skew))} {'ahead' if skew > 0 else 'behind'}"


def ago(seconds: float) -> str:
    """``just now``, ``3 s ago``, ``2 min ago``: coarse, so that it does not flicker."""
    if seconds < 1:
        return "just now"
    if seconds < 60:
        return f"{int(seconds)} s ago"
    return f"{words.duration(seconds) if seconds >= 3600 else f'{int(seconds // 60)} min'} ago"


def refused_words(inventory: Inventory) -> str:
    """``1,204 keys may not be read``, or nothing where all may."""
    return f"{words.count(inventory.refused, 'key')} may not be read" if inventory.refused else ""


def secondhand_words(vitals: Vitals) -> str:
    """``from replicas, up to 7 s old``; nothing where primaries are read."""
    if vitals.nodes:
        read = [node for node in vitals.nodes if node.role == "replica" and node.link == "live"]
        said, lags = "from replicas", [node.lag_s for node in read]
    else:
        said, lags = "from a replica", [vitals.lag_s] if vitals.role == "slave" else []
    if not lags:
        return ""
    known = [max(lag, 1.0) for lag in lags if lag is not None]  # told in whole seconds
    if len(known) < len(lags):
        return f"{said}, of unknown age"
    oldest = max(known)
    return f"{said}, up to {words.duration(oldest) if oldest >= 60 else f'{oldest:.0f} s'} old"


def layout_words(layout: Layout) -> str:
    """``spec layout``, ``both layouts``."""
    return "both layouts" if layout.id == "both" else f"{layout.id} layout"


class StatusBar(QWidget):
    """Refreshed by the session's signals; `tick` carries the clocks on."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._swept: float | None = None
        self._known = 0
        self.setFixedHeight(HEIGHT)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(16)
        self.keys, self.memory, self.inventory, self.load, self.database, self.clock = (
            ElidedLabel(theme=theme, role="muted") for _ in range(6)
        )
        self.layout_ = PlainLabel(theme=theme, role="muted")
        plain_tooltip(
            self.layout_, f"Keys are shown as in the layout “{session.layout.title}”; the palette chooses another."
        )
        self.refused = PlainLabel(theme=theme, role="muted")
        plain_tooltip(self.refused, REFUSED)
        self.secondhand = PlainLabel(theme=theme, role="muted")
        self.secondhand.set_tone(Tone.WARN)
        plain_tooltip(self.secondhand, SECONDHAND)
        if session.environment:
            row.addWidget(Badge(session.environment, theme, 18))
        figures = (self.keys, self.memory, self.inventory, self.refused, self.secondhand, self.load, self.database)
        for label in (*figures, self.layout_):
            label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
            row.addWidget(label)
        self.said = ElidedLabel(theme=theme)
        self.said.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._hush = QTimer(self, singleShot=True, interval=SAID_MS)
        self._hush.timeout.connect(lambda: self.say(""))
        row.addWidget(self.said)
        row.addStretch(1)
        row.addWidget(self.clock)
        self.said.hide()

    def say(self, text: str) -> None:
        """Tell what became of something, for a while in place of the figures."""
        self.said.setText(text)
        self.tick()
        self._hush.start()

    def tick(self) -> None:
        """Bring every word up to date; called about once a second."""
        link, vitals, inventory = self._session.link, self._session.vitals, self._session.inventory
        read = link.last_read is not None
        keys = vitals.keys if vitals else None
        there = replace(inventory, keys=max(inventory.keys, keys or 0))  # the vitals are newer while no sweep goes on
        texts = {
            self.keys: "" if keys is None else words.count(keys, "key"),
            self.memory: memory_words(vitals) if vitals else "",
            self.inventory: inventory_words(there, self._session.now(), self._learnt(inventory)) if read else "",
            self.refused: refused_words(inventory),
            self.secondhand: secondhand_words(vitals) if vitals else "",
            self.load: f"our load {percent(link.load)} of a core" if link.load is not None else "",
            self.database: f"database {link.database}" if read else "",
            self.layout_: layout_words(self._session.layout) if read else "",
            self.clock: clock_words(link, self._session.wall()),
        }
        for label, text in texts.items():
            label.setText(text)
            label.setVisible(bool(text) and (label is self.clock or not self.said.text()))
        self.said.setVisible(bool(self.said.text()))

    def _learnt(self, inventory: Inventory) -> int:
        """How many keys the last whole sweep found, or the one that goes on now where that has found more."""
        if inventory.finished_at != self._swept:  # told at a sweep's end, before another begins
            self._swept, self._known = inventory.finished_at, 0
        self._known = max(self._known, inventory.scanned)
        return self._known
