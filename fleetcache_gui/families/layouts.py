"""All layouts, and which to show of a server: the only place that knows more than one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.domain.layout import guarded, together
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.families.upstream import UPSTREAM

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from fleetcache_gui.domain.layout import Layout

LAYOUTS = (SPEC, UPSTREAM)
BOTH = together(*LAYOUTS)


def elsewhere(layout: Layout) -> tuple[Layout, ...]:
    """The layouts that are not shown with this one."""
    return () if layout.id == BOTH.id else tuple(other for other in LAYOUTS if other.id != layout.id)


PINNED = {layout.id: guarded(layout, elsewhere(layout)) for layout in LAYOUTS} | {BOTH.id: BOTH}
"""What can be shown, by id; credentials of a layout that is not shown are masked all the same."""


def shown(found: AbstractSet[str]) -> Layout:
    """The layout for a server that has keys of the layouts with these ids; the specification's where it has none."""
    there = [layout.id for layout in LAYOUTS if layout.id in found]
    return PINNED[BOTH.id if len(there) > 1 else there[0] if there else SPEC.id]
