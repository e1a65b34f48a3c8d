"""A family's table as a file: the rows that its filter shows, in their order."""

from __future__ import annotations

import asyncio
import time
from itertools import islice
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from fleetcache_gui import aio
from fleetcache_gui.domain.words import count
from fleetcache_gui.present.table_files import CsvFile, JsonFile
from fleetcache_gui.ui.saving import choose_file, write_slices

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from PySide6.QtWidgets import QWidget

    from fleetcache_gui.domain.family import Family, Row
    from fleetcache_gui.present.long_table import LongTable
    from fleetcache_gui.present.table import Table
    from fleetcache_gui.session import Session

EXPORT_KEYS = "Ctrl+E"

_SLICE = 100
"""Rows made into text between two turns of the loop."""
_PART = 1 << 18
"""Characters gathered before they are written."""


def export_title(family: Family, shown: int) -> str:
    """``Export the 6,512 tokens shown``."""
    return f"Export the {count(shown, *family.noun)} shown" if shown != 1 else f"Export the {family.noun[0]} shown"


class TableExport(QObject):
    """One export at a time. `told(str)`: how far it is, and what came of it."""

    told = Signal(str)

    def __init__(self, window: QWidget, session: Session) -> None:
        super().__init__(window)
        self._window, self._session = window, session
        self._task: asyncio.Task[None] | None = None
        self._done = 0

    def start(self, table: Table | LongTable) -> None:
        """Ask where to, and write. Another export that goes on is not disturbed."""
        if self._task is None or self._task.done():
            self._task = aio.spawn(self._export(table), name="export of a table")
        else:
            self.told.emit("Another export is being written. Wait for it to end.")

    async def _export(self, table: Table | LongTable) -> None:
        family, shown = table.family, len(table)
        title = export_title(family, shown)
        name = f"{family.id}-{time.strftime('%Y%m%d-%H%M%S')}"
        path = await choose_file(self._window, title, name, ("CSV (*.csv)", "JSON (*.json)"))
        if path is None:
            return
        make = JsonFile if path.suffix.lower() == ".json" else CsvFile
        rows = table.shown()  # of now: what was shown when the dialog opened is as old as the person was slow
        made = self._text(make(table.columns, self._session.now(), self._session.wall()), rows, len(table))
        problem = await write_slices(path, made)
        self.told.emit(problem or f"{count(self._done, *family.noun)} exported as {path.name}")

    async def _text(self, file: CsvFile | JsonFile, rows: Iterator[Row], all_: int) -> AsyncIterator[str]:
        parts, size, self._done = [file.begin()], 0, 0
        while some := list(islice(rows, _SLICE)):
            parts.append(file.some(some))
            size += len(parts[-1])
            self._done += len(some)
            if size >= _PART:
                yield "".join(parts)
                parts, size = [], 0
                self.told.emit(f"Exporting: {count(self._done)} of {count(all_)}")
            await asyncio.sleep(0)
        parts.append(file.end())
        yield "".join(parts)

    async def end(self) -> None:
        """Give up what is not written yet; the file is then what it was before."""
        await aio.cancel_and_wait([self._task] if self._task else [])
