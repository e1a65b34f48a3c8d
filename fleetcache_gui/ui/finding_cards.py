"""Findings as cards: what is wrong, since when, what it means for Fleet, what to do, the way to the row."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from fleetcache_gui import assets
from fleetcache_gui.domain import words
from fleetcache_gui.domain.family import Severity
from fleetcache_gui.domain.server_health import OTHER_LAYOUT, SERVER
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.present.metrics import CHART_OF
from fleetcache_gui.ui.attention import MUTES
from fleetcache_gui.ui.marks import SEVERITY_TONES, Mark
from fleetcache_gui.ui.states import Icon
from fleetcache_gui.ui.text_widgets import PlainLabel, plain_tooltip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from PySide6.QtGui import QPaintEvent

    from fleetcache_gui.domain.health import Finding
    from fleetcache_gui.settings import Hushed
    from fleetcache_gui.ui.attention import Attention
    from fleetcache_gui.ui.theme import Theme

FEW = 4
"""Cards at once, so that the families below stay in sight; the rest is a click away."""

MOST = 50
"""Cards at all; more are counted."""

OFFERS: Mapping[str, tuple[str, str]] = {OTHER_LAYOUT: ("Show both", "layout.both")}
"""By the code of a finding: the word on its button, and the id of the window's action that mends it."""

_WORDS = {Severity.CRITICAL: "Critical", Severity.WARNING: "Warning", Severity.INFO: "Note"}


def for_words(lasted: float) -> str:
    """``just now``, ``for 29 min``, ``for 3 h 12 min``."""
    if lasted < 60:
        return "just now"
    return "for " + (words.duration(lasted) if lasted >= 3600 else f"{int(lasted // 60)} min")


class Card(QFrame):
    """A surface with a bar in a tone's colour along its left edge, and that tone's sign before its title."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._tone = Tone.NEUTRAL
        self.setProperty("surface", "card")
        self.mark = Mark(theme, 12)
        self.mark.setFixedHeight(17)  # as high as the first line of the title beside it
        self.title = PlainLabel(theme=theme, role="strong", wrap=True)
        self.meaning = PlainLabel(theme=theme, role="muted", wrap=True)
        self.advice = PlainLabel(theme=theme, wrap=True)
        self.grid = QGridLayout()
        self.grid.setHorizontalSpacing(8)
        self.grid.setVerticalSpacing(3)
        self.grid.addWidget(self.mark, 0, 0, Qt.AlignmentFlag.AlignTop)
        self.grid.addWidget(self.title, 0, 1)
        self.grid.addWidget(self.meaning, 1, 1)
        self.grid.addWidget(self.advice, 2, 1)
        self.grid.setColumnStretch(1, 1)
        self.row = QHBoxLayout(self)
        self.row.setContentsMargins(20, 10, 12, 10)
        self.row.setSpacing(16)
        self.row.addLayout(self.grid, 1)

    def say(self, tone: Tone, title: str, meaning: str, advice: str) -> None:
        """All texts are plain; an empty one takes no room."""
        self._tone = tone
        self.mark.set_tone(tone)
        for label, text in ((self.title, title), (self.meaning, meaning), (self.advice, advice)):
            label.setText(text)
            label.setVisible(bool(text))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colors.tone(self._tone))
        painter.drawRoundedRect(QRectF(8, 10, 4, self.height() - 20), 2, 2)
        painter.end()


class FindingCard(Card):
    """One finding."""

    jump = Signal(str, object)  # family id, row id
    chart = Signal(str)  # id of a metric
    mend = Signal(str)  # id of an action

    def __init__(
        self, theme: Theme, attention: Attention, offered: AbstractSet[str], parent: QWidget | None = None
    ) -> None:
        """`offered`: ids of the actions that the window has, as they come."""
        super().__init__(theme, parent)
        self._attention, self._offered = attention, offered
        self._finding: Finding | None = None
        self.since = PlainLabel(theme=theme, role="muted")
        self.button = QPushButton("Show")
        self.button.clicked.connect(self._jump)
        self.more = QPushButton()
        self.more.setProperty("kind", "icon")
        plain_tooltip(self.more, "Acknowledge or mute")
        self.more.clicked.connect(self._open_menu)
        buttons = QHBoxLayout()
        buttons.setSpacing(4)
        buttons.addWidget(self.more)
        buttons.addWidget(self.button)
        aside = QVBoxLayout()
        aside.addWidget(self.since, 0, Qt.AlignmentFlag.AlignRight)
        aside.addStretch(1)
        aside.addLayout(buttons)
        aside.setAlignment(buttons, Qt.AlignmentFlag.AlignRight)
        self.row.addLayout(aside)
        theme.changed.connect(self._icons)
        self._icons()

    def _icons(self) -> None:
        self.more.setIcon(assets.icon("more", self._theme.colors.muted))

    def show_finding(self, finding: Finding) -> None:
        """Show it as it is now."""
        if finding != self._finding:
            self._finding = finding
            judged = finding.judgement
            self.say(SEVERITY_TONES[judged.severity], judged.text, judged.meaning, judged.advice)
            self.setAccessibleName(f"{_WORDS[judged.severity]}: {judged.text}")
            word = self._offer()[0] or "Show"
            self.button.setText(word)
            self.button.setAccessibleName(f"{word}: {judged.text}")
            self.more.setAccessibleName(f"Acknowledge or mute: {judged.text}")
        # Of the server as a whole there is mostly nothing to go to: all of it is shown here already.
        self.button.setVisible(finding.family != SERVER or any(self._offer()))
        self.tick()

    def _offer(self) -> tuple[str, str, str]:
        """The word on the button, and the chart or the action behind it; of the server's findings alone."""
        code = self._finding.judgement.code if self._finding and self._finding.family == SERVER else ""
        if code in CHART_OF:
            return "Chart", CHART_OF[code], ""
        word, action = OFFERS.get(code, ("", ""))
        return (word, "", action) if action in self._offered else ("", "", "")

    def tick(self) -> None:
        """Carry the duration on."""
        if self._finding is not None:
            hushed = self._attention.of(self._finding)
            lasted = for_words(max(self._attention.wall() - self._finding.wall, 0.0))
            self.since.setText(_hushed_words(hushed) if hushed else f"{_WORDS[self._finding.severity]}, {lasted}")
            at = datetime.fromtimestamp(self._finding.wall)
            plain_tooltip(self.since, f"Since {at:%d %b %Y %H:%M:%S}")

    def menu(self) -> QMenu:
        """How to be told less, or again, of this finding."""
        menu, finding, attention = QMenu(self), self._finding, self._attention
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if finding is None:
            return menu
        if attention.of(finding):
            menu.addAction("Tell me again", lambda: attention.listen(finding))
            return menu
        menu.addAction("Acknowledge, until it changes", lambda: attention.acknowledge(finding))
        for title, kind in (("Mute this one", False), ("Mute all of this kind", True)):
            if kind and finding.family == SERVER:
                continue  # there is one of its kind
            submenu = menu.addMenu(title)
            for seconds, words_for in MUTES:
                submenu.addAction(words_for.capitalize(), partial(attention.mute, finding, seconds, kind=kind))
        return menu

    def _open_menu(self) -> None:
        self.menu().popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))

    def _jump(self) -> None:
        finding = self._finding
        if finding is None:
            return
        _, charted, action = self._offer()
        if charted:
            self.chart.emit(charted)
        elif action:
            self.mend.emit(action)
        else:
            self.jump.emit(finding.family, finding.judgement.row)


def _hushed_words(hushed: Hushed) -> str:
    """``Acknowledged``, ``Muted for good``, ``Muted until 27 Nov 14:30``"""
    if hushed.acknowledged:
        return "Acknowledged"
    if hushed.until is None:
        return "Muted for good"
    return f"Muted until {datetime.fromtimestamp(hushed.until):%d %b %H:%M}"


class Calm(QFrame):
    """What stands in the findings' place while there are none."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("surface", "card")
        self.icon = Icon("check", 32, theme, Tone.OK)
        self.title = PlainLabel(theme=theme, role="heading")
        self.text = PlainLabel(theme=theme, role="muted", wrap=True)
        words_column = QVBoxLayout()
        words_column.setSpacing(3)
        words_column.addWidget(self.title)
        words_column.addWidget(self.text)
        row = QHBoxLayout(self)
        row.setContentsMargins(20, 18, 20, 18)
        row.setSpacing(16)
        row.addWidget(self.icon)
        row.addLayout(words_column, 1)

    def say(self, icon: str, tone: Tone, title: str, text: str) -> None:
        self.icon.show_icon(icon, tone)
        self.title.setText(title)
        self.text.setText(text)


class FindingCards(QWidget):
    """The open findings, gravest first. A card stays the same widget while its finding is open."""

    jump = Signal(str, object)
    chart = Signal(str)
    mend = Signal(str)
    resized = Signal()  # a person asked for more cards, or for fewer

    def __init__(self, theme: Theme, attention: Attention, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._attention = theme, attention
        self._cards: dict[tuple[str, str, bytes], FindingCard] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self._findings: Sequence[Finding] = ()
        self.offered: set[str] = set()
        """Ids of the actions that the window has."""
        self._all = False
        self.more = QPushButton()
        self.more.setProperty("kind", "quiet")
        self.more.clicked.connect(self._toggle)
        self.beyond = PlainLabel(theme=theme, role="muted")
        self._column.addWidget(self.beyond)
        self._column.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        self.more.hide()
        self.beyond.hide()

    @property
    def cards(self) -> list[FindingCard]:
        """The cards in their order."""
        return list(self._cards.values())

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Show these, in this order."""
        self._findings = findings
        at_once = len(findings) if len(findings) <= FEW + 1 else MOST if self._all else FEW
        shown = {finding.id: finding for finding in findings[:at_once]}
        for gone in [key for key in self._cards if key not in shown]:
            card = self._cards.pop(gone)
            self._column.removeWidget(card)
            card.hide()
            card.deleteLater()
        ordered: dict[tuple[str, str, bytes], FindingCard] = {}
        for position, (key, finding) in enumerate(shown.items()):
            card = self._cards.get(key) or self._new_card()
            card.show_finding(finding)
            if self._column.indexOf(card) != position:
                self._column.insertWidget(position, card)
            card.show()
            ordered[key] = card
        self._cards = ordered
        self.more.setText("Show fewer" if self._all else f"Show all {words.count(len(findings))}")
        self.more.setVisible(len(findings) > FEW + 1)
        beyond = max(len(findings) - MOST, 0)
        self.beyond.setText(f"and {words.count(beyond)} more: the tabs with a sign have them")
        self.beyond.setVisible(self._all and beyond > 0)

    def tick(self) -> None:
        """Carry the durations on."""
        for card in self._cards.values():
            card.tick()

    def _toggle(self) -> None:
        self._all = not self._all
        self.show_findings(self._findings)
        self.resized.emit()

    def _new_card(self) -> FindingCard:
        card = FindingCard(self._theme, self._attention, self.offered, self)
        card.jump.connect(self.jump)
        card.chart.connect(self.chart)
        card.mend.connect(self.mend)
        return card
