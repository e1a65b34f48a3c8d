"""How the verbs of a family are named and offered: in menus, on buttons, in the palette."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.domain import words
from fleetcache_gui.ui.text_widgets import plain_tooltip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from PySide6.QtWidgets import QMenu

    from fleetcache_gui.deeds import Offer
    from fleetcache_gui.domain.family import Family, Verb

UNLOCK_FIRST = "Locked: unlock actions first"


def verb_title(verb: Verb, family: Family, count: int = 1, *, shown: bool = False) -> str:
    """``Remove token…``, ``Remove 3 tokens…``; with `shown` ``Remove all 204 tokens shown…``."""
    if count == 1 and not shown:
        return verb.title
    one, many = family.noun
    number = words.count(count, one, many)
    number = f"all {number} shown" if shown else number
    if one in verb.title:
        return verb.title.replace(one, number, 1)
    return f"{verb.title.rstrip('…')}: {number}…"


def why_not(offer: Offer) -> str:
    """Why it cannot be chosen, empty when it can. What time alone will settle can: the plan offers to wait."""
    return "" if offer.hindrance is None or offer.hindrance.wait is not None else offer.hindrance.text


def fill_menu(menu: QMenu, offers: Iterable[tuple[str, Offer]], do: Callable[[Verb], None]) -> None:
    """Entries for these offers, with the reason as a tooltip where one cannot be chosen."""
    menu.setToolTipsVisible(True)
    for title, offer in offers:
        action = menu.addAction(title.replace("&", "&&"))
        action.triggered.connect(lambda _=False, verb=offer.verb: do(verb))
        why = why_not(offer)
        action.setEnabled(not why)
        plain_tooltip(action, why or (offer.hindrance.text if offer.hindrance else ""))
