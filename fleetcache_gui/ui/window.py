"""The window: top bar, tabs, pages, status bar; what each state of the link means for what can be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QByteArray, QEvent, Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from fleetcache_gui import assets, clock
from fleetcache_gui.domain import words
from fleetcache_gui.domain.server_health import SERVER
from fleetcache_gui.domain.snapshot import Link, Phase
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.ui.actions import install_shortcuts
from fleetcache_gui.ui.attention import Attention
from fleetcache_gui.ui.deed_desk import DeedDesk
from fleetcache_gui.ui.family_list import weight
from fleetcache_gui.ui.family_page import FamilyPage
from fleetcache_gui.ui.find import Find
from fleetcache_gui.ui.herald import Herald
from fleetcache_gui.ui.home import Home
from fleetcache_gui.ui.lines import FrameLine, Line
from fleetcache_gui.ui.main_actions import main_actions
from fleetcache_gui.ui.marks import SEVERITY_TONES, severity_words, worst
from fleetcache_gui.ui.overview import Overview
from fleetcache_gui.ui.palette import Palette, ShortcutSheet
from fleetcache_gui.ui.sections import METRICS, sections
from fleetcache_gui.ui.states import Banner, Notice, next_try_words
from fleetcache_gui.ui.statusbar import StatusBar
from fleetcache_gui.ui.table_export import TableExport
from fleetcache_gui.ui.tabs import Tab, Tabs
from fleetcache_gui.ui.topbar import TopBar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QCloseEvent, QHideEvent, QResizeEvent, QShowEvent

    from fleetcache_gui.deeds import Deeds
    from fleetcache_gui.domain.family import Family
    from fleetcache_gui.domain.health import Finding
    from fleetcache_gui.session import Session
    from fleetcache_gui.settings import Settings
    from fleetcache_gui.ui.actions import Action
    from fleetcache_gui.ui.metrics_page import MetricsPage
    from fleetcache_gui.ui.picker import Overlay
    from fleetcache_gui.ui.theme import Theme

TICK_MS = 500
"""Clocks are carried on so often: half a second, so that no second is skipped."""

SMALLEST = (960, 640)
FIRST_SIZE = (1280, 800)
TITLE = "Fleet cache inspector"


class MainWindow(QMainWindow):
    """`closed` is emitted when a person has closed the window; ending the program is not its business.

    `settings` is read at the start and brought up to date by `remember`; saving it is the owner's.
    """

    closed = Signal()

    def __init__(self, session: Session, deeds: Deeds, theme: Theme, settings: Settings) -> None:
        super().__init__()
        self._session, self._deeds, self._theme = session, deeds, theme
        self._settings = settings
        self._pages: dict[str, FamilyPage] = {}
        self.setWindowTitle(" – ".join(filter(None, (session.name, session.environment, TITLE))))
        self.setWindowIcon(assets.application_icon())
        self.setMinimumSize(*SMALLEST)
        self.top = TopBar(session, deeds, theme)
        self.banner = Banner(theme)
        self.tabs = Tabs(theme)
        self.pages = QStackedWidget()
        self.attention = Attention(session, settings)
        self.overview = Overview(session, theme, self.attention)
        self.home = Home(theme)
        self.notice = Notice(theme)
        self.body = QStackedWidget()
        self.status = StatusBar(session, theme)
        self._arrange()
        self.finder = Find(self.top.field, session, theme, self)
        self.desk = DeedDesk(self, session, deeds, theme, settings)
        self.actions_table = (*main_actions(self, session, theme, settings), *self.desk.actions())
        self.palette_ = Palette(self, theme, lambda: (*self.actions_table, *self.desk.verb_actions(self.page)))
        self.herald = Herald(self, session, self.attention, settings)
        self.export = TableExport(self, session)
        self.sheet = ShortcutSheet(self, theme, lambda: self.actions_table)
        self._shortcuts = install_shortcuts(self.actions_table, self)
        self._clock = QTimer(self, interval=TICK_MS)
        self._connect()
        self._restore()
        self._link_changed(session.link)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setFocus()  # else the find field takes it, as the first in line

    def _arrange(self) -> None:
        for section in sections(self._session, self._theme, self.overview, self.jump):
            self.home.add(section)
        self.pages.addWidget(self.home)
        tabs = QHBoxLayout()
        tabs.setContentsMargins(4, 0, 4, 0)
        tabs.addWidget(self.tabs, 1)
        self.tabs.add(self._overview_tab())
        for family in self._session.layout.families:
            self.tabs.add(self._tab(family))
        content = QWidget()
        inner = QVBoxLayout(content)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(0)
        inner.addLayout(tabs)
        inner.addWidget(Line(self._theme))
        inner.addWidget(self.pages, 1)
        self.body.addWidget(self.notice)
        self.body.addWidget(content)
        middle = QWidget()
        self._column = column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(FrameLine(self._session.environment, self._theme))
        column.addWidget(self.top)
        column.addWidget(self.banner)
        column.addWidget(self.body, 1)
        column.addWidget(Line(self._theme))
        column.addWidget(self.status)
        self.setCentralWidget(middle)

    def _connect(self) -> None:
        session = self._session
        session.link_changed.connect(self._link_changed)
        session.vitals_changed.connect(self._show_body)
        session.inventory_changed.connect(self.status.tick)
        session.family_changed.connect(self._family_changed)
        session.findings_changed.connect(self._findings_changed)
        self.attention.changed.connect(self._findings_changed)
        self.tabs.currentChanged.connect(self._show_page)
        self.banner.pressed.connect(self._banner_pressed)
        self.top.more.clicked.connect(self.palette_.open)
        self.top.lock.wanted.connect(self.desk.toggle_lock)
        self.top.lock.lock_wanted.connect(self.desk.toggle_lock)
        self.top.lock.history_wanted.connect(self.desk.open_history)
        self.top.lock.flush_wanted.connect(self.desk.flush)
        self.desk.covered.connect(self._cover)
        self.export.told.connect(self.status.say)
        self.notice.pressed.connect(session.retry_now)
        self.overview.jump.connect(self.jump)
        self.overview.nodes.chosen.connect(lambda node_id: self.metrics().choose_node(node_id))
        self.overview.chart.connect(lambda metric_id: self.metrics().show_metric(metric_id))
        self.overview.cards.mend.connect(self._do)
        self.overview.alerts.clicked.connect(lambda: self.desk.alerts_sheet.open())
        self.finder.jump.connect(self.jump)
        self._clock.timeout.connect(self._tick)

    # --- pages ---

    def jump(self, family_id: str, row_id: bytes) -> None:
        """Show a family, and the row when there is one (b"" for none)."""
        self.show_family(family_id)
        if row_id:
            self._pages[family_id].show_row(row_id)

    def show_family(self, family_id: str) -> None:
        """Show a family's page; an empty or unknown id shows the overview."""
        ids = [family.id for family in self._session.layout.families]
        self.tabs.setCurrentIndex(ids.index(family_id) + 1 if family_id in ids else 0)

    def show_section(self, section_id: str) -> None:
        """Show a section of the overview."""
        self.show_family("")
        self.home.show_section(section_id)

    def metrics(self) -> MetricsPage:
        """The section of charts, shown."""
        self.show_section(METRICS)
        return cast("MetricsPage", self.home.page(METRICS))

    def offer(self, *actions: Action) -> None:
        """More that a person can do, in the palette and by keys."""
        self.actions_table = (*self.actions_table, *actions)
        self._shortcuts += install_shortcuts(actions, self)
        self.overview.cards.offered.update(action.id for action in actions)

    def _do(self, action_id: str) -> None:
        for action in self.actions_table:
            if action.id == action_id:
                action.trigger()

    def add_foot(self, bar: QWidget) -> None:
        """Put a bar above the status bar."""
        self._column.insertWidget(self._column.count() - 2, bar)

    @property
    def current(self) -> str:
        """The id of the family that is shown, empty for the overview."""
        index = self.tabs.currentIndex()
        return self._session.layout.families[index - 1].id if index > 0 else ""

    @property
    def page(self) -> FamilyPage | None:
        """The family page that is shown, None on the overview."""
        return self._pages.get(self.current)

    def _show_page(self, index: int) -> None:
        shown = self.current
        if shown and shown not in self._pages:
            family = self._session.layout.family(shown)
            session = self._session
            page = FamilyPage(session, self._deeds, family, self._theme, self._settings, self.pages, session.now)
            self.desk.serve(page)
            page.deeds.export_wanted.connect(self.export.start)
            self._pages[shown] = page
            self.pages.addWidget(page)
        for family_id, page in self._pages.items():
            if family_id != shown:
                page.set_active(False)
        if active := self._pages.get(shown):
            self.pages.setCurrentWidget(active)
            active.set_active(self.isVisible())
            active.setFocus()
        else:
            self.pages.setCurrentWidget(self.home)
            self.home.tick()

    def _overview_tab(self) -> Tab:
        findings = self.attention.loud(self._session.findings_of(SERVER))
        told = ", ".join(filter(None, ("Overview of the whole cache", severity_words(findings))))
        return Tab("Overview", "", _tone(findings), told)

    def _tab(self, family: Family) -> Tab:
        snapshot = self._session.snapshot(family.id)
        findings = self.attention.loud(self._session.findings_of(family.id))
        count = "" if snapshot is None else words.brief(weight(family, snapshot))
        entries = "not read yet" if snapshot is None else words.count(snapshot.count, *family.noun)
        told = ", ".join(filter(None, (f"{family.title}: {entries}", severity_words(findings))))
        return Tab(family.tab, count, _tone(findings), told)

    def _family_changed(self, family_id: str) -> None:
        for position, family in enumerate(self._session.layout.families, 1):
            if family.id == family_id:
                self.tabs.set_tab(position, self._tab(family))

    def _findings_changed(self) -> None:
        self.tabs.set_tab(0, self._overview_tab())
        for position, family in enumerate(self._session.layout.families, 1):
            self.tabs.set_tab(position, self._tab(family))

    # --- link ---

    def _link_changed(self, link: Link) -> None:
        self._show_body()
        self._tick()

    def _show_body(self, *_: object) -> None:
        """Until anything was read there is a notice in the place of pages; afterwards the last data stays."""
        self.body.setCurrentIndex(0 if self._session.vitals is None else 1)

    def _tick(self) -> None:
        link = self._session.link
        self.top.tick()
        self.status.tick()
        if self._session.vitals is not None:
            self.banner.show_link(link)
            if not self.current:
                self.home.tick()
        else:
            self.banner.hide()
            self._show_notice(link)

    def _show_notice(self, link: Link) -> None:
        if link.phase is Phase.DOWN:
            advice = " ".join(filter(None, (link.advice, next_try_words(link, clock.now()))))
            heading = f"No connection to {self._session.name}"
            self.notice.show_state("unplugged", Tone.CRITICAL, heading, link.text, advice, "Try now")
        elif link.phase is Phase.PAUSED:
            text = "Nothing has been read yet. Resume to begin."
            self.notice.show_state("pause", Tone.ACCENT, "Paused", text)
        else:
            text = link.text or f"Connecting to {self._session.address} …"
            self.notice.show_state("plug", Tone.ACCENT, f"Connecting to {self._session.name}", text)

    def _banner_pressed(self) -> None:
        if self._session.link.phase is Phase.PAUSED:
            self._session.resume()
        else:
            self._session.retry_now()

    # --- sheets ---

    def _cover(self, covered: bool) -> None:
        """Beneath a sheet no shortcut works but that which locks."""
        for action, shortcut in self._shortcuts:
            shortcut.setEnabled(not covered or action.id == "lock")

    # --- coming and going ---

    def _restore(self) -> None:
        self.resize(*FIRST_SIZE)
        if self._settings.geometry:
            self.restoreGeometry(QByteArray.fromBase64(self._settings.geometry.encode()))
        self.home.show_section(self._settings.section)
        self.show_family(self._settings.tab)

    def remember(self) -> None:
        """Put what should outlast the window into the settings."""
        self._settings.geometry = bytes(self.saveGeometry().toBase64().data()).decode()
        self._settings.tab = self.current
        self._settings.section = self.home.current
        self._settings.interval = self._session.interval

    def _seen(self, visible: bool) -> None:
        """Nothing is read and nothing ticks for a window that nobody can see."""
        self._session.set_visible(visible)
        if page := self.page:
            page.set_active(visible)
        if visible:
            self._clock.start()
            self._tick()
        else:
            self._clock.stop()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._seen(not self.isMinimized())

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._seen(False)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange and self.isVisible():
            self._seen(not self.isMinimized())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        floats: tuple[Overlay | Find, ...] = (self.palette_, self.sheet, self.finder, *self.desk.sheets)
        for floating in floats:
            if floating.isVisible():
                floating.place()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.remember()
        self.finder.stop()
        super().closeEvent(event)
        self.closed.emit()

    async def end(self) -> None:
        """Stop what still runs on the window's behalf; it is not used afterwards."""
        await self.desk.end()
        await self.export.end()
        await self.finder.end()
        await self.home.end()
        for page in self._pages.values():
            await page.end()


def _tone(findings: Sequence[Finding]) -> Tone | None:
    """That of the gravest."""
    grave = worst(findings)
    return SEVERITY_TONES[grave] if grave else None
