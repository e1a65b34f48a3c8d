"""What may be done to the row that is explained: buttons, or one quiet line while nothing may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from fleetcache_gui import assets
from fleetcache_gui.deeds import Mode
from fleetcache_gui.ui.text_widgets import PlainLabel, plain_tooltip
from fleetcache_gui.ui.verb_menus import UNLOCK_FIRST, why_not

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QResizeEvent

    from fleetcache_gui.deeds import Deeds, Offer
    from fleetcache_gui.domain.family import Verb
    from fleetcache_gui.ui.theme import Theme

_GAP = 8


class Flow(QWidget):
    """Widgets in lines, as many to a line as fit."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[QWidget] = []
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def set_parts(self, parts: Sequence[QWidget]) -> None:
        """Hold these in place of others."""
        for old in self._parts:
            old.hide()
            old.deleteLater()
        self._parts = list(parts)
        for part in parts:
            part.setParent(self)
            part.show()
        self._lay(self.width(), place=True)
        self.updateGeometry()

    @property
    def parts(self) -> tuple[QWidget, ...]:
        """What it holds, in order."""
        return tuple(self._parts)

    def _lay(self, width: int, *, place: bool) -> int:
        x = y = line = 0
        for part in self._parts:
            size = part.sizeHint()
            if x and x + size.width() > width:
                x, y = 0, y + line + _GAP
                line = 0
            if place:
                part.setGeometry(x, y, min(size.width(), width), size.height())
            x += size.width() + _GAP
            line = max(line, size.height())
        return y + line

    def heightForWidth(self, width: int) -> int:
        return self._lay(width, place=False)

    def sizeHint(self) -> QSize:
        return QSize(200, self.heightForWidth(max(self.width(), 200)))

    def minimumSizeHint(self) -> QSize:
        return QSize(60, self.heightForWidth(max(self.width(), 60)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay(self.width(), place=True)
        self.updateGeometry()


class RowActions(QWidget):
    """`wanted` carries the verb; `unlock_wanted`: the link beside the quiet line."""

    wanted = Signal(object)
    unlock_wanted = Signal()

    def __init__(self, deeds: Deeds, theme: Theme) -> None:
        super().__init__()
        self._deeds, self._theme = deeds, theme
        self._offers: tuple[Offer, ...] = ()
        self.flow = Flow()
        self.line = PlainLabel(theme=theme, role="muted", wrap=True)
        self.unlock = QPushButton("Unlock…")
        self.unlock.setProperty("kind", "link")
        self.unlock.clicked.connect(self.unlock_wanted)
        self._quiet = QWidget()
        quiet = QHBoxLayout(self._quiet)
        quiet.setContentsMargins(0, 0, 0, 0)
        quiet.setSpacing(4)
        quiet.addWidget(self.line, 1)
        quiet.addWidget(self.unlock)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.flow)
        column.addWidget(self._quiet)
        theme.changed.connect(self._icons)
        self._icons()

    def _icons(self) -> None:
        self.unlock.setIcon(assets.icon("lock", self._theme.colors.accent))

    @property
    def buttons(self) -> tuple[QPushButton, ...]:
        """One for each verb that is offered."""
        return tuple(part for part in self.flow.parts if isinstance(part, QPushButton))

    def show_offers(self, offers: tuple[Offer, ...]) -> None:
        """Offer these; none hides everything."""
        mode, why = self._deeds.mode, self._deeds.hindrance()
        quiet = mode is not Mode.UNLOCKED or bool(why)
        self.setVisible(bool(offers))
        self._quiet.setVisible(quiet)
        self.flow.setVisible(not quiet)
        self.unlock.setVisible(mode is Mode.LOCKED)
        self.line.setText(UNLOCK_FIRST if mode is Mode.LOCKED else why or "Unlocking…")
        if quiet:
            offers = ()
        if [offer.verb for offer in offers] != [offer.verb for offer in self._offers]:
            self.flow.set_parts([self._button(offer.verb) for offer in offers])
        self._offers = offers
        for button, offer in zip(self.buttons, offers, strict=True):
            reason = offer.hindrance.text if offer.hindrance else ""
            button.setEnabled(not why_not(offer))
            button.setAccessibleDescription(reason)
            plain_tooltip(button, reason)

    def _button(self, verb: Verb) -> QPushButton:
        button = QPushButton(verb.title.replace("&", "&&"))
        button.clicked.connect(lambda: self.wanted.emit(verb))
        return button
