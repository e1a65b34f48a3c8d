"""How a table's columns share the room there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QFontMetrics

from fleetcache_gui.domain.family import Column, Kind
from fleetcache_gui.ui.delegates import PAD
from fleetcache_gui.ui.table_header import ARROW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fleetcache_gui.ui.theme import Fonts

LEAST = 160
"""What a column gets that takes the room that is left, however little there is, px."""

_ROOM = {Kind.PROGRESS: 132, Kind.CLOCK: 112, Kind.TREND: 96, Kind.STATE: 112, Kind.RATE: 72}
_NARROW = {
    Kind.PROGRESS: 108,
    Kind.CLOCK: 92,
    Kind.TREND: 84,
    Kind.STATE: 112,
    Kind.RATE: 64,
    Kind.NUMBER: 64,
}


def share(columns: Sequence[Column], by_hand: Mapping[str, int], fonts: Fonts, room: int) -> dict[int, int]:
    """Widths in px by position, which fill `room` px; a column without one gives way to the others.

    Every column gets what it wants, else less, else the trends go. `by_hand` are the widths that a person set,
    by column id: they stay. With too little room for all of that the widths add up to more than it.
    """
    taking = [i for i, column in enumerate(columns) if not column.width and column.id not in by_hand]
    room -= LEAST * len(taking)
    wanted = {i: by_hand.get(c.id, _wanted(c, fonts)) for i, c in enumerate(columns) if i not in taking}
    narrow = {
        i: width if columns[i].id in by_hand else _narrowed(columns[i], width, fonts) for i, width in wanted.items()
    }
    plain = {i: width for i, width in wanted.items() if columns[i].kind is not Kind.TREND}
    least = {i: narrow[i] for i in plain}
    widths = next((some for some in (wanted, narrow, plain) if sum(some.values()) <= room), least)
    left = max(room - sum(widths.values()), 0)
    for nth, i in enumerate(taking):
        widths[i] = LEAST + left // len(taking) + (left % len(taking) if nth == 0 else 0)
    return widths


def _title(column: Column, fonts: Fonts) -> int:
    return QFontMetrics(fonts.label).horizontalAdvance(column.title) + ARROW + 2 * PAD


def _wanted(column: Column, fonts: Fonts) -> int:
    figure = QFontMetrics(fonts.mono if column.kind is Kind.CODE else fonts.body).horizontalAdvance("0")
    return max(figure * column.width + 2 * PAD, _title(column, fonts), _ROOM.get(column.kind, 0))


def _narrowed(column: Column, width: int, fonts: Fonts) -> int:
    return min(width, max(_NARROW.get(column.kind, width), _title(column, fonts)))
