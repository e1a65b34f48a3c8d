"""All layouts, and which to show of a server: the only place that knows more than one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.domain.layout import together
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.families.upstream import UPSTREAM

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from fleetcache_gui.domain.layout import Layout

LAYOUTS = (SPEC, UPSTREAM)
BOTH = together(*LAYOUTS)


def shown(found: AbstractSet[str]) -> Layout:
    """The layout for a server that has keys of the layouts with these ids; the specification's where it has none."""
    there = [layout for layout in LAYOUTS if layout.id in found]
    return BOTH if len(there) > 1 else there[0] if there else SPEC


def elsewhere(layout: Layout) -> tuple[Layout, ...]:
    """The layouts that are not shown with this one."""
    return () if layout is BOTH else tuple(other for other in LAYOUTS if other is not layout)
