"""What may be done to the rows of a page: beneath the detail, in the table's menu, and in a menu beside the filter."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtWidgets import QMenu, QPushButton

from fleetcache_gui import assets
from fleetcache_gui.deeds import Mode, Offer
from fleetcache_gui.domain.verbs import Refusal
from fleetcache_gui.ui.row_actions import RowActions
from fleetcache_gui.ui.table_export import EXPORT_KEYS, export_title
from fleetcache_gui.ui.text_widgets import plain_tooltip
from fleetcache_gui.ui.verb_menus import UNLOCK_FIRST, fill_menu, verb_title

if TYPE_CHECKING:
    from fleetcache_gui.deeds import Deeds
    from fleetcache_gui.domain.family import Family, Row, Verb
    from fleetcache_gui.present.long_table import LongTable
    from fleetcache_gui.present.table import Table
    from fleetcache_gui.ui.detail import Detail
    from fleetcache_gui.ui.table_view import TableView
    from fleetcache_gui.ui.theme import Theme

TRIED = 200
"""Rows that are asked for what may be done to all that a filter shows."""

_SLICE = 2000  # ids between two turns of the loop


class PageDeeds(QObject):
    """`wanted`: a verb and the ids of rows, none for a bulk verb. `shown_wanted`: a verb for all rows that the filter
    shows. `unlock_wanted`: unlock first. `export_wanted`: the table, into a file."""

    wanted = Signal(object, object)
    shown_wanted = Signal(object)
    unlock_wanted = Signal()
    export_wanted = Signal(object)

    def __init__(self, deeds: Deeds, family: Family, theme: Theme, view: TableView, detail: Detail) -> None:
        super().__init__(view)
        self._deeds, self._family, self._theme, self._view, self._detail = deeds, family, theme, view, detail
        self.filtered = False
        self.actions = RowActions(deeds, theme)
        self.actions.wanted.connect(self._row_wanted)
        self.actions.unlock_wanted.connect(self.unlock_wanted)
        detail.add_foot(self.actions)
        self.more = QPushButton()
        self.more.setProperty("kind", "icon")
        self.more.setAccessibleName(f"Actions for many {family.noun[1]}")
        plain_tooltip(self.more, f"Actions for many {family.noun[1]}")
        self.more.clicked.connect(self._open_more)
        view.menu_opening.connect(self._extend)
        deeds.changed.connect(self.refresh)
        theme.changed.connect(self._icons)
        self._icons()
        self.refresh()

    def _icons(self) -> None:
        self.more.setIcon(assets.icon("more", self._theme.colors.muted))

    @property
    def table(self) -> Table | LongTable:
        """The rows as they are shown now."""
        return self._view.table

    def refresh(self) -> None:
        """What hinders changes with time, with the row, and with the lock."""
        row = self._detail.row
        there = row is not None and not self._detail.gone
        self.actions.show_offers(self._deeds.offers(self._family.id, (row.id,)) if there and row is not None else ())

    def rows(self, ids: tuple[bytes, ...]) -> list[Row]:
        """The rows of these ids that are known, `TRIED` at most."""
        found = (self.table.get(row_id) for row_id in ids[:TRIED])
        return [row for row in found if row is not None]

    def some_shown(self) -> tuple[bytes, ...]:
        """The first ids that the filter shows."""
        return tuple(self.table.id_at(position) for position in range(min(len(self.table), TRIED)))

    async def all_shown(self) -> tuple[bytes, ...]:
        """Every id that the filter shows."""
        found: dict[bytes, None] = {}
        position = 0
        while position < len(self.table):  # it may shrink and grow meanwhile
            found[self.table.id_at(position)] = None
            position += 1
            if position % _SLICE == 0:
                await asyncio.sleep(0)
        return tuple(found)

    def offers_for_shown(self) -> list[tuple[str, Offer]]:
        """What may be done to all that a filter shows; what does not fit a verb, its plan skips and says."""
        count = len(self.table)
        if not self.filtered or not count:
            return []
        why = self._deeds.hindrance() or (UNLOCK_FIRST + "." if self._deeds.mode is not Mode.UNLOCKED else "")
        refusal = Refusal(why) if why else None
        offers = self._deeds.offers(self._family.id, self.some_shown())
        return [(verb_title(o.verb, self._family, count, shown=True), Offer(o.verb, refusal)) for o in offers]

    def _row_wanted(self, verb: Verb) -> None:
        if (row := self._detail.row) is not None:
            self.wanted.emit(verb, (row.id,))

    def _offer_unlock(self, menu: QMenu) -> bool:
        """While locked one entry stands for all of them."""
        if self._deeds.mode is not Mode.LOCKED:
            return False
        menu.addAction(f"{UNLOCK_FIRST}…", self.unlock_wanted.emit)
        return True

    def _extend(self, menu: QMenu) -> None:
        ids = self._view.selected_ids()
        offers = self._deeds.offers(self._family.id, ids) if ids else ()
        if not offers:
            return
        menu.addSeparator()
        if not self._offer_unlock(menu):
            titled = [(verb_title(offer.verb, self._family, len(ids)), offer) for offer in offers]
            fill_menu(menu, titled, lambda verb: self.wanted.emit(verb, ids))

    def more_menu(self) -> QMenu:
        """The menu beside the filter."""
        menu = QMenu(self.more)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        export = menu.addAction(f"{export_title(self._family, len(self.table))}…")
        export.setShortcut(EXPORT_KEYS)
        export.setEnabled(len(self.table) > 0)
        export.triggered.connect(lambda: self.export_wanted.emit(self.table))
        if not self._family.verbs:
            return menu
        menu.addSeparator()
        if self._offer_unlock(menu):
            return menu
        bulk = [(offer.verb.title, offer) for offer in self._deeds.bulk(self._family.id)]
        fill_menu(menu, bulk, lambda verb: self.wanted.emit(verb, ()))
        shown = self.offers_for_shown()
        if bulk and shown:
            menu.addSeparator()
        fill_menu(menu, shown, self.shown_wanted.emit)
        if not self.filtered:
            menu.addSeparator()
            hint = menu.addAction(f"Filter first to act on all {self._family.noun[1]} shown")
            hint.setEnabled(False)
        return menu

    def _open_more(self) -> None:
        self.more_menu().popup(self.more.mapToGlobal(QPoint(0, self.more.height() + 4)))
