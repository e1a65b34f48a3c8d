"""Events as a file for other programs. They carry what stands on screen: credentials are masked in it."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fleetcache_gui.domain.text import show
from fleetcache_gui.present.cells import spreadsheet_safe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.present.timeline import Event

COLUMNS = ("time", "family", "row", "what", "tone", "text")


def as_csv(events: Iterable[Event], layout: Layout) -> str:
    """One line an event under a line of titles, with times in UTC; no cell is one that a spreadsheet computes."""
    out = io.StringIO()
    write = csv.writer(out)
    write.writerow(COLUMNS)
    write.writerows(map(spreadsheet_safe, _fields(event, layout)) for event in events)
    return out.getvalue()


def as_json(events: Iterable[Event], layout: Layout) -> str:
    """An array of objects with the same fields."""
    listed = [dict(zip(COLUMNS, _fields(event, layout), strict=True)) for event in events]
    return json.dumps(listed, indent=1) + "\n"


def _fields(event: Event, layout: Layout) -> tuple[str, ...]:
    time = datetime.fromtimestamp(event.wall, UTC).isoformat(timespec="milliseconds")
    return (time, event.family, _row(event, layout), event.what.value, event.tone.value, event.text)


def _row(event: Event, layout: Layout) -> str:
    if not event.family or not event.row:
        return ""
    family = layout.family(event.family)
    if family.mask is not None:
        return family.mask(event.row)
    return "" if family.secret else show(event.row)
