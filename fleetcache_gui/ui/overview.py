"""The overview: findings first, then the families, the server's figures, and what just happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from fleetcache_gui.domain import words
from fleetcache_gui.domain.server_health import SERVER
from fleetcache_gui.domain.snapshot import Link, Phase
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.present.metrics import rates
from fleetcache_gui.ui.charts import HEADROOM, paint_sparkline
from fleetcache_gui.ui.event_list import EventList
from fleetcache_gui.ui.family_list import FamilyList
from fleetcache_gui.ui.finding_cards import Calm, Card, FindingCards
from fleetcache_gui.ui.home import SectionPage
from fleetcache_gui.ui.marks import severity_words
from fleetcache_gui.ui.node_list import NodeList
from fleetcache_gui.ui.quiet_findings import QuietFindings
from fleetcache_gui.ui.statusbar import ago, inventory_words
from fleetcache_gui.ui.text_widgets import PlainLabel, plain_tooltip
from fleetcache_gui.ui.theme import GRID, RADIUS, Theme
from fleetcache_gui.ui.tiles import LONGEST, SHORTEST, Tiles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QPaintEvent, QResizeEvent, QShowEvent

    from fleetcache_gui.domain.snapshot import Vitals
    from fleetcache_gui.present.timeline import Event
    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.attention import Attention

WHILE_AWAY = (
    "While Redis is away, Fleet goes on in part",
    "Live queries pause. Host details are handled synchronously or wait. Locks can be neither taken nor "
    "renewed, so that cron jobs may run twice. Caches are read from the database.",
    "If Redis comes back empty, what waited in the host queue and campaigns that were running are lost. Nothing has to "
    "be restored by hand: hosts report again, caches are filled anew, and a lost campaign can be started again.",
)
WHILE_REFUSED = (
    "About Fleet nothing is known",
    "Only this inspector's own access is known to fail. Fleet has its own account and connections, and may go on as "
    "ever.",
    "",
)
"""Said of a link that is lost while the server may well be there."""


class LookUps(QWidget):
    """Look-ups per second, found and missed, in the room left at the foot; hides in too little of it."""

    LEAST = 96

    def __init__(self, theme: Theme, clock: Callable[[], float], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._clock = theme, clock
        self._history: Sequence[Vitals] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Chart: look-ups per second, found and missed")
        theme.changed.connect(self.update)

    def show_vitals(self, history: Sequence[Vitals]) -> None:
        self._history = history
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.height() < self.LEAST:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colors, fonts = self._theme.colors, self._theme.fonts
        card = QRectF(self.rect()).adjusted(0.5, 0.5 + GRID, -0.5, -0.5)
        painter.setPen(colors.line)
        painter.setBrush(colors.surface)
        painter.drawRoundedRect(card, RADIUS, RADIUS)
        hits, misses = rates(self._history, lambda v: v.hits), rates(self._history, lambda v: v.misses)
        highest = max((value for _, value in (*hits, *misses)), default=0.0)
        inner = card.adjusted(14, 10, -14, -10)
        painter.setFont(fonts.body)
        painter.setPen(colors.muted)
        left = int(Qt.AlignmentFlag.AlignLeft)
        seen = min(max(hits[-1][0] - hits[0][0], SHORTEST), LONGEST) if hits else SHORTEST
        title = f"Look-ups, at most {words.rate(highest)} in the last {words.duration(int(seen))}"
        painter.drawText(inner, left, title)
        edge = inner.right()
        for word, color in (("missed", colors.warn), ("found", colors.accent)):
            width = painter.fontMetrics().horizontalAdvance(word)
            painter.drawText(QRectF(edge - width, inner.y(), width + 2, 18), left, word)
            painter.fillRect(QRectF(edge - width - 20, inner.y() + 7, 14, 2), color)
            edge -= width + 36
        area = inner.adjusted(0, 26, 0, 0)
        painter.setPen(colors.line)
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        now, top = self._clock(), HEADROOM * highest
        for samples, color in ((hits, colors.accent), (misses, colors.warn)):
            paint_sparkline(painter, area, samples, color, window=seen, now=now, top=top, mark=True)
        painter.end()


_ROOM = 490
"""Height below which the tiles need all of it; the timeline tells what happened, too."""


class Overview(SectionPage):
    """Told of news by the session; `tick` carries durations on."""

    jump = Signal(str, object)  # family id, row id (b"" for the family as a whole)
    chart = Signal(str)  # id of a metric

    def __init__(self, session: Session, theme: Theme, attention: Attention, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._attention = session, attention
        self._was_stale = False
        self.headline = PlainLabel(theme=theme, role="heading")
        self.severities = PlainLabel(theme=theme, role="muted")
        self.away = Card(theme)
        self.calm = Calm(theme)
        self.cards = FindingCards(theme, attention)
        self.quiet = QuietFindings(theme, attention)
        self.families = FamilyList(session, attention, theme)
        self.lookups = LookUps(theme, session.now)
        self.nodes = NodeList(theme)
        self.tiles = Tiles(theme, session.now)
        self.events = EventList(theme)
        self._arrange(theme)
        for source in (self.cards, self.quiet, self.families, self.events):
            source.jump.connect(self.jump)
        for growing in (self.cards, self.quiet):
            growing.resized.connect(self.column.fit)
            growing.chart.connect(self.chart)
        attention.changed.connect(self._findings_changed)
        session.link_changed.connect(self._link_changed)
        session.vitals_changed.connect(self._vitals_changed)
        session.family_changed.connect(self.families.refresh)
        session.findings_changed.connect(self._findings_changed)
        session.happened.connect(self._happened)
        session.rewound.connect(lambda: self.events.show_events(session.events))
        self.events.add(reversed(session.events))  # the session keeps the newest first
        self._tell_findings()
        self._link_changed(session.link)

    def _arrange(self, theme: Theme) -> None:
        heading = QHBoxLayout()
        heading.setSpacing(8)
        heading.addWidget(self.headline)
        heading.addWidget(self.severities)
        heading.addStretch(1)
        self.alerts = QPushButton("Alerts…")
        self.alerts.setProperty("kind", "link")
        plain_tooltip(self.alerts, "From where on findings about the server open, and desktop notifications")
        heading.addWidget(self.alerts)
        left = QVBoxLayout()
        left.setContentsMargins(16, 12, 8, 16)
        left.setSpacing(8)
        left.addLayout(heading)
        left.addWidget(self.away)
        left.addWidget(self.calm)
        left.addWidget(self.cards)
        left.addWidget(self.quiet)
        left.addSpacing(8)
        left.addWidget(PlainLabel("Key families", theme=theme, role="heading"))
        growing = QVBoxLayout()  # first the table's rows grow, then there is a chart
        growing.setSpacing(0)
        growing.addWidget(carded(self.families, self.families.maximumHeight()), 100)
        growing.addWidget(self.lookups, 1)
        left.addLayout(growing, 1)
        self.nodes_part = QWidget()
        nodes = QVBoxLayout(self.nodes_part)
        nodes.setContentsMargins(0, 8, 0, 0)
        nodes.setSpacing(8)
        nodes.addWidget(PlainLabel("Nodes", theme=theme, role="heading"))
        card = carded(self.nodes)
        card.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        nodes.addWidget(card)
        self.nodes_part.hide()
        left.addWidget(self.nodes_part)
        right = QVBoxLayout()
        right.setContentsMargins(0, 12, 16, 16)
        right.setSpacing(8)
        server = PlainLabel("Server", theme=theme, role="heading")
        server.setMinimumHeight(self.alerts.sizeHint().height())  # headings beside each other stay in line
        right.addWidget(server)
        right.addWidget(self.tiles, 3)
        self.latest = QWidget()
        latest = QVBoxLayout(self.latest)
        latest.setContentsMargins(0, 8, 0, 0)
        latest.setSpacing(8)
        latest.addWidget(PlainLabel("Just happened", theme=theme, role="heading"))
        latest.addWidget(carded(self.events), 1)
        right.addWidget(self.latest, 2)
        aside = QWidget()
        aside.setLayout(right)
        aside.setMinimumWidth(344)
        aside.setMaximumWidth(560)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.column = Column(left)
        row.addWidget(self.column, 8)
        row.addWidget(aside, 5)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.latest.setVisible(self.height() >= _ROOM)

    @property
    def _stale(self) -> bool:
        return self._session.link.phase in (Phase.DOWN, Phase.CONNECTING)

    def _link_changed(self, link: Link) -> None:
        self.away.setVisible(link.phase is Phase.DOWN)
        if link.server_away:
            self.away.say(Tone.CRITICAL, *WHILE_AWAY)
        else:
            self.away.say(Tone.NEUTRAL, *WHILE_REFUSED)
        if self._stale != self._was_stale:
            self._was_stale = self._stale
            self.families.set_stale(self._stale)
            self._show_vitals()
        self.tick()

    def _vitals_changed(self, vitals: Vitals) -> None:
        self._show_vitals()
        self.tick()

    def _show_vitals(self) -> None:
        history = self._session.history
        held = {finding.judgement.code: finding.severity for finding in self._session.findings_of(SERVER)}
        self.tiles.show_vitals(history, self._session.link.load, held, stale=self._stale)
        self.lookups.show_vitals(history)
        nodes = history[-1].nodes if history else ()
        self.nodes.show_nodes(nodes, stale=self._stale)
        self.nodes_part.setVisible(bool(nodes))

    def _happened(self, events: tuple[Event, ...]) -> None:
        self.events.add(events)

    def _findings_changed(self) -> None:
        if self.isVisible():  # else they are told when it is shown
            self._tell_findings()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._tell_findings()

    def _tell_findings(self) -> None:
        findings = self._attention.loud(self._session.findings)
        self.quiet.show_findings(self._attention.quiet(self._session.findings))
        self.cards.show_findings(findings)
        self.cards.setVisible(bool(findings))
        self.calm.setVisible(not findings)
        self.severities.setText(severity_words(findings))
        self.headline.setText(words.count(len(findings), "finding") if findings else "Findings")
        for family in self._session.layout.families:
            self.families.refresh(family.id)
        self.tick()

    def tick(self) -> None:
        """Bring the words that age up to date."""
        self._attention.tick()
        self.cards.tick()
        self.quiet.tick()
        if self.calm.isVisibleTo(self):
            self._tell_calm()
        self.column.fit()

    def _tell_calm(self) -> None:
        session, now = self._session, self._session.now()
        read = session.link.last_read
        when = f" Last read {ago(now - read)}." if read is not None else ""
        families = words.count(len(session.layout.families), "key family", "key families")
        if self._stale:
            self.calm.say("search", Tone.NEUTRAL, "Nothing was wrong before", f"{families} were judged.{when}")
        elif session.inventory.finished_at is None:
            progress = inventory_words(session.inventory, now)
            so_far = f"Still looking: {progress}. {families} are judged as they come."
            self.calm.say("search", Tone.ACCENT, "Nothing wrong so far", so_far)
        elif session.vitals is not None and session.vitals.keys == 0:
            empty = f"Keys appear here as soon as Fleet uses this cache.{when}"
            self.calm.say("empty", Tone.NEUTRAL, f"Database {session.link.database} is empty", empty)
        elif not self.quiet.isHidden():
            apart = f"{families} were judged.{when} What you have acknowledged or muted stands below."
            self.calm.say("check", Tone.OK, "Nothing new is wrong", apart)
        else:
            judged = f"{families}, every one judged at each reading.{when} What needs you will stand here."
            self.calm.say("check", Tone.OK, "Nothing is wrong", judged)


class Column(QScrollArea):
    """A column as high as its room, or as its content where that needs more.

    Qt's own resizing trusts size hints, which for wrapped text are far too high; the layout knows the height
    that its content needs in a width.
    """

    def __init__(self, layout: QVBoxLayout, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content = QWidget()
        self._content.setLayout(layout)
        self.setWidget(self._content)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def fit(self) -> None:
        """To be called when the content may need more or less height."""
        layout, room = self._content.layout(), self.viewport().size()
        needed = layout.minimumHeightForWidth(room.width()) if layout else 0
        self._content.resize(room.width(), max(room.height(), needed))


def carded(view: QWidget, tallest: int | None = None) -> QFrame:
    """`view` upon a card whose line is not painted over."""
    card = QFrame()
    card.setProperty("surface", "card")
    column = QVBoxLayout(card)
    column.setContentsMargins(1, 1, 1, 1)
    column.addWidget(view)
    if tallest is not None:
        card.setMaximumHeight(tallest + 2)
    card.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
    return card
