"""The audit log: every deed that was begun, with what became of it; filtered, and saved elsewhere."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from fleetcache_gui import aio
from fleetcache_gui.domain import words
from fleetcache_gui.domain.text import shorten, show
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.ui.plain_table import Heading, PlainModel, PlainTable
from fleetcache_gui.ui.plan_view import Sentences
from fleetcache_gui.ui.saving import choose_file
from fleetcache_gui.ui.text_widgets import PlainLabel

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fleetcache_gui.ui.theme import Theme

PAGE, MOST = 200, 20_000
"""Entries read at once, and shown at most."""

_LONGEST = 400
HEADINGS = (
    Heading("No.", 60, right=True),
    Heading("When", 172),
    Heading("Who", 150),
    Heading("Deed", 190),
    Heading("Event", 100),
    Heading("What"),
)


class AuditEntry(Protocol):
    """One line of the log. `at` is Unix seconds; `event` is what happened to the deed; `facts` are plain values."""

    @property
    def seq(self) -> int: ...
    @property
    def at(self) -> float: ...
    @property
    def who(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def deed(self) -> str: ...
    @property
    def event(self) -> str: ...
    @property
    def facts(self) -> Mapping[str, object]: ...


class AuditTrail(Protocol):
    """The log as `Deeds.audit` hands it over."""

    @property
    def broken(self) -> str:
        """Why the log cannot be trusted from some entry on, as a sentence; empty where its chain holds."""
        ...

    async def entries(self, before: int | None, limit: int) -> Sequence[AuditEntry]:
        """Newest first, `limit` at most, older than the entry of number `before` (None: from the newest on)."""
        ...

    async def export(self, path: Path) -> None:
        """Write all of it to `path`, whole or not at all: JSON where its name ends so, else CSV. Raises OSError."""
        ...


class AuditView(QWidget):
    """Reads the log page by page when it is opened."""

    def __init__(self, trail: AuditTrail, theme: Theme) -> None:
        super().__init__()
        self._trail = trail
        self._entries: list[AuditEntry] = []
        self._task: asyncio.Task[None] | None = None
        self._saving: asyncio.Task[None] | None = None
        self._model = PlainModel(HEADINGS, _texts, theme, self)
        self.table = PlainTable(self._model, theme)
        self.table.setAccessibleName("Audit log")
        self.broken = Sentences("The log has been changed", "warning", theme)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter")
        self.filter.setAccessibleName("Filter the audit log")
        self.filter.setClearButtonEnabled(True)
        self.filter.setFixedWidth(220)
        self.extent = PlainLabel(theme=theme, role="muted")
        self.told = PlainLabel(theme=theme, role="muted", wrap=True)
        self.export = QPushButton("Export…")
        self._arrange()
        self.filter.textChanged.connect(self._narrow)
        self.export.clicked.connect(self._save)
        self.broken.hide()

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.extent, 1)
        head.addWidget(self.filter)
        frame = QFrame()
        frame.setProperty("surface", "card")
        inside = QVBoxLayout(frame)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.addWidget(self.table)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.told, 1)
        foot.addWidget(self.export)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addWidget(self.broken)
        column.addLayout(head)
        column.addWidget(frame, 1)
        column.addLayout(foot)

    def load(self) -> None:
        """Read it afresh."""
        if self._task is not None:
            self._task.cancel()
        self.told.setText("")
        self._task = aio.spawn(self._load(), name="audit log")

    async def _load(self) -> None:
        self._entries = []
        self._model.show(())
        self.broken.say((self._trail.broken,), Tone.WARN)
        before: int | None = None
        while len(self._entries) < MOST:
            page = await self._trail.entries(before, PAGE)
            self._entries += page
            self._model.add([entry for entry in page if self._wanted(entry)])
            self._tell()
            if len(page) < PAGE:
                break
            before = page[-1].seq

    def _wanted(self, entry: AuditEntry) -> bool:
        hay = "\n".join(_texts(entry)).casefold()
        return all(needle in hay for needle in self.filter.text().casefold().split())

    def _narrow(self) -> None:
        self._model.show([entry for entry in self._entries if self._wanted(entry)])
        self._tell()

    def _tell(self) -> None:
        known, shown = len(self._entries), len(self._model.items)
        newest = "the newest " if known >= MOST else ""
        many = words.count(known, "entry", "entries")
        self.extent.setText(f"{newest}{many}" if shown == known else f"{words.count(shown)} of {newest}{many}")

    def _save(self) -> None:
        self._saving = aio.spawn(self._export(), name="export of the audit log")

    async def _export(self) -> None:
        path = await choose_file(self, "Export the audit log", "audit", ("CSV (*.csv)", "JSON (*.json)"))
        if path is None:
            return
        try:
            await self._trail.export(path)
        except OSError as error:
            self.told.setText(f"It could not be exported: {error.strerror or 'the file cannot be written'}.")
        else:
            self.told.setText(f"Exported as {path.name}")

    async def end(self) -> None:
        """Stop what is under way."""
        await aio.cancel_and_wait([task for task in (self._task, self._saving) if task is not None])


def _plain(text: object) -> str:
    """A file can be written by anybody: what it holds is shown like a key's name."""
    return show(str(text).encode("utf-8", "replace"), _LONGEST)


def _texts(entry: AuditEntry) -> tuple[str, ...]:
    facts = ", ".join(f"{_plain(name)}: {_plain(value)}" for name, value in entry.facts.items())
    return (
        f"{entry.seq}",
        datetime.fromtimestamp(entry.at).strftime("%Y-%m-%d %H:%M:%S"),
        f"{_plain(entry.who)} on {_plain(entry.host)}",
        _plain(entry.deed),
        _plain(entry.event),
        shorten(facts, _LONGEST),
    )
