"""The window's part in changing things: from a wish in any corner of it to the sheet that answers."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Signal

from fleetcache_gui import clock
from fleetcache_gui.deeds import Mode
from fleetcache_gui.domain.verbs import Scope
from fleetcache_gui.ui.actions import Action
from fleetcache_gui.ui.detail import a_or_an
from fleetcache_gui.ui.unlock import LOCK_KEYS, UnlockSheet
from fleetcache_gui.ui.verb_menus import UNLOCK_FIRST, verb_title, why_not

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from PySide6.QtWidgets import QWidget

    from fleetcache_gui.deeds import Deeds, Offer
    from fleetcache_gui.domain.family import Family, Row, Verb
    from fleetcache_gui.domain.plan import Plan, WayBack
    from fleetcache_gui.domain.verbs import Refusal
    from fleetcache_gui.session import Session
    from fleetcache_gui.settings import Settings
    from fleetcache_gui.ui.alerts_sheet import AlertsSheet, Keep
    from fleetcache_gui.ui.choice_sheet import ChoiceSheet
    from fleetcache_gui.ui.family_page import FamilyPage
    from fleetcache_gui.ui.history_sheet import HistorySheet
    from fleetcache_gui.ui.lens_sheet import LensSheet
    from fleetcache_gui.ui.plan_sheet import PlanSheet
    from fleetcache_gui.ui.sheet import Sheet
    from fleetcache_gui.ui.theme import Theme

    Ids = tuple[bytes, ...]

AnySheet = TypeVar("AnySheet", bound="Sheet")

FLUSHES = ((False, "Flush all of Fleet's keys"), (True, "Flush the whole database"))


class DeedDesk(QObject):
    """Owns the sheets: none is made or imported before it is needed. `covered(bool)`: one of them has come or gone."""

    covered = Signal(bool)

    def __init__(
        self,
        window: QWidget,
        session: Session,
        deeds: Deeds,
        theme: Theme,
        settings: Settings,
        clock: Callable[[], float] = clock.now,
    ) -> None:
        super().__init__(window)
        self._window, self._session, self._deeds, self._theme, self._clock = window, session, deeds, theme, clock
        self._settings = settings
        self.keep_thresholds: Keep | None = None
        """Keeps thresholds for the next time; None where there is no place for them."""
        self._on_choice: Callable[[str], None] = lambda choice: None
        self.sheets: list[Sheet] = []
        """Those that were needed so far: none costs anything at the start."""

    @cached_property
    def alerts_sheet(self) -> AlertsSheet:
        """From where on findings open."""
        from fleetcache_gui.ui.alerts_sheet import AlertsSheet

        return self._keep(AlertsSheet(self._window, self._session, self._theme, self._settings, self.keep_thresholds))

    @cached_property
    def unlock_sheet(self) -> UnlockSheet:
        """Asks before anything can be changed."""
        return self._keep(UnlockSheet(self._window, self._session, self._deeds, self._theme, self._clock))

    @cached_property
    def choice_sheet(self) -> ChoiceSheet:
        """Asks what a verb must know first."""
        from fleetcache_gui.ui.choice_sheet import ChoiceSheet

        sheet = self._keep(ChoiceSheet(self._window, self._session, self._theme))
        sheet.chosen.connect(lambda choice: self._on_choice(choice))
        return sheet

    @cached_property
    def plan_sheet(self) -> PlanSheet:
        """From the plan to the receipt."""
        from fleetcache_gui.ui.plan_sheet import PlanSheet

        return self._keep(PlanSheet(self._window, self._session, self._deeds, self._theme, self._clock))

    @cached_property
    def history_sheet(self) -> HistorySheet:
        """What was done."""
        from fleetcache_gui.ui.history_sheet import HistorySheet

        sheet = self._keep(HistorySheet(self._window, self._session, self._deeds, self._theme))
        sheet.undo.connect(self.undo)
        return sheet

    @cached_property
    def lens_sheet(self) -> LensSheet:
        """A closer look at a row."""
        from fleetcache_gui.ui.lens_sheet import LensSheet

        return self._keep(LensSheet(self._window, self._session, self._theme))

    def look_closer(self, page: FamilyPage | None, row_id: bytes | None = None) -> None:
        """At that row, or the chosen one."""
        wanted = row_id or (page.view.chosen if page else None)
        if page is not None and wanted and page.family.lens is not None and not self.busy:
            self.lens_sheet.look(page.family, wanted)

    def _keep(self, sheet: AnySheet) -> AnySheet:
        self.sheets.append(sheet)
        sheet.opened.connect(self._tell)
        sheet.closed.connect(self._tell)
        return sheet

    @property
    def busy(self) -> bool:
        """True while a sheet is open."""
        return any(sheet.isVisible() for sheet in self.sheets)

    def _tell(self) -> None:
        self.covered.emit(self.busy)

    # wishes

    def serve(self, page: FamilyPage) -> None:
        """Hear what a person wants on a page."""
        page.deeds.wanted.connect(partial(self.do, page))
        page.deeds.shown_wanted.connect(partial(self.do_to_shown, page))
        page.deeds.unlock_wanted.connect(self.toggle_lock)
        page.detail.lens_wanted.connect(partial(self.look_closer, page))

    def do(self, page: FamilyPage, verb: Verb, ids: Ids) -> None:
        """A verb for rows, or without ids for all that it fits."""
        rows = page.deeds.rows(ids or page.deeds.some_shown())
        title = verb_title(verb, page.family, len(ids) or 1)
        self._start(verb, title, rows, lambda choice: self._deeds.plan(page.family.id, verb, ids, choice))

    def do_to_shown(self, page: FamilyPage, verb: Verb) -> None:
        """A verb for all rows that the filter of a page shows."""

        async def plan(choice: str) -> Plan | Refusal:
            ids = await page.deeds.all_shown()
            return await self._deeds.plan(page.family.id, verb, ids, choice)

        rows = page.deeds.rows(page.deeds.some_shown())
        self._start(verb, verb_title(verb, page.family, len(page.deeds.table), shown=True), rows, plan)

    def do_in_bulk(self, family: Family, verb: Verb) -> None:
        """A verb for everything in a family that it fits."""
        snapshot = self._session.snapshot(family.id)
        rows = list(snapshot.rows) if snapshot else []
        self._start(verb, verb.title, rows, lambda choice: self._deeds.plan(family.id, verb, (), choice))

    def flush(self, database: bool) -> None:
        """All of Fleet's keys, or everything."""
        if not self.busy:
            title = dict(FLUSHES)[database]
            self.plan_sheet.begin(title, lambda: self._deeds.plan_flush(database=database))

    def undo(self, way: WayBack) -> None:
        """Put back what a deed took."""
        self.plan_sheet.begin(f"Undo: {way.title}", lambda: self._deeds.plan_undo(way.deed))

    def open_history(self) -> None:
        """What can be undone, and what was done."""
        self.history_sheet.open()

    def toggle_lock(self) -> None:
        """Lock at once, or ask to unlock."""
        if self._deeds.mode in (Mode.UNLOCKED, Mode.UNLOCKING):
            self._deeds.lock()
        elif not self.busy:
            self.unlock_sheet.open()

    def _start(self, verb: Verb, title: str, rows: list[Row], plan: Callable[[str], Awaitable[Plan | Refusal]]) -> None:
        if self.busy:
            return
        shown = title.rstrip("…")

        def go(choice: str) -> None:
            self.plan_sheet.begin(shown, lambda: plan(choice))

        if verb.choice is None:
            go("")
        else:
            self._on_choice = go
            self.choice_sheet.ask(shown, verb.choice(rows))

    # names of all this

    def actions(self) -> Iterator[Action]:
        """What does not depend on a row."""
        yield Action("lock", "Lock or unlock actions", self.toggle_lock, (LOCK_KEYS,), self._never)
        yield Action("alerts", "Alerts: thresholds and notifications…", lambda: self.alerts_sheet.open())
        yield Action("history", "History of deeds", self.open_history, ("Ctrl+H",))
        for database, title in FLUSHES:
            yield Action(f"flush.{database}", f"{title}…", partial(self.flush, database), (), self._locked)

    def verb_actions(self, page: FamilyPage | None) -> Iterator[Action]:
        """Every verb of every family, with why it cannot be done now."""
        for family in self._session.layout.families:
            here = page if page is not None and page.family is family else None
            ids = here.view.selected_ids() if here else ()
            offers = {offer.verb.id: offer for offer in self._deeds.offers(family.id, ids)} if ids else {}
            offers |= {offer.verb.id: offer for offer in self._deeds.bulk(family.id)} if family.verbs else {}
            for verb in family.verbs:
                yield self._verb_action(family, verb, offers.get(verb.id), here, ids)

    def _verb_action(
        self, family: Family, verb: Verb, offer: Offer | None, page: FamilyPage | None, ids: Ids
    ) -> Action:
        rows = verb.scope is Scope.ROWS
        title = verb_title(verb, family, len(ids)) if rows and ids else verb.title
        why = self._locked()
        if not why and offer is not None:
            why = why_not(offer)
        elif not why:
            why = f"Choose {a_or_an(family.noun[0])} first." if not ids else "It does not apply to what is chosen."
        run: Callable[[], object] = partial(self.do_in_bulk, family, verb)
        if rows:
            run = partial(self.do, page, verb, ids) if page is not None else lambda: None
        return Action(f"verb.{family.id}.{verb.id}", f"{family.tab}: {title}", run, (), lambda: why)

    def _locked(self) -> str:
        """Why nothing can be changed, empty when something can."""
        why = self._deeds.hindrance()
        return why or (f"{UNLOCK_FIRST}." if self._deeds.mode is not Mode.UNLOCKED else "")

    def _never(self) -> str:
        return self._deeds.hindrance() if self._deeds.mode is Mode.NEVER else ""

    async def end(self) -> None:
        """Stop what is under way; an act is waited for."""
        for sheet in self.sheets:
            sheet.hide()
        for sheet in self.sheets:
            await sheet.end()
