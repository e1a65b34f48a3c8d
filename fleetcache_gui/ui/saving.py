"""Files that a person asks for: chosen in a dialog, written whole or not at all, for this user's eyes only."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QFileDevice, QIODevice, QSaveFile
from PySide6.QtWidgets import QFileDialog

from fleetcache_gui import aio
from fleetcache_gui.present import reports

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from PySide6.QtWidgets import QWidget

    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.domain.plan import Receipt

T = TypeVar("T")

_OURS = QFileDevice.Permission.ReadOwner | QFileDevice.Permission.WriteOwner


async def choose_file(parent: QWidget, title: str, name: str, kinds: tuple[str, ...]) -> Path | None:
    """Where to save; `kinds` as in ``Text (*.txt)``, the first is offered. None: nowhere."""
    dialog = QFileDialog(parent.window(), title)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters(kinds)
    dialog.setDefaultSuffix(kinds[0].rpartition("*.")[2].rstrip(")"))
    dialog.filterSelected.connect(lambda kind: dialog.setDefaultSuffix(kind.rpartition("*.")[2].rstrip(")")))
    dialog.selectFile(name)
    chosen: list[str] = []
    dialog.accepted.connect(lambda: chosen.extend(dialog.selectedFiles()))
    return Path(chosen[0]) if await aio.ask(dialog) and chosen else None


def write_whole(path: Path, content: str | bytes) -> str:
    """Replace `path` in one step; what went wrong as a sentence, empty when it is written."""
    file = QSaveFile(str(path))
    if file.open(QIODevice.OpenModeFlag.WriteOnly):
        file.setPermissions(_OURS)
        file.write(content.encode() if isinstance(content, str) else content)
        if file.commit():
            return ""
    return f"It could not be saved: {file.errorString()}"


async def write_slices(path: Path, slices: AsyncIterator[str]) -> str:
    """As `write_whole`, of text that comes in parts. Cancelled, nothing is left of it and `path` is what it was."""
    file = QSaveFile(str(path))
    if not file.open(QIODevice.OpenModeFlag.WriteOnly):
        return f"It could not be saved: {file.errorString()}"
    file.setPermissions(_OURS)
    try:
        async for part in slices:
            if await _to_its_end(partial(file.write, part.encode())) < 0:
                break
        if await _to_its_end(file.commit):  # fails after a failed write
            return ""
    finally:
        file.cancelWriting()
    return f"It could not be saved: {file.errorString()}"


async def _to_its_end(call: Callable[[], T]) -> T:
    """In another thread; who is cancelled waits for it all the same, since it uses what is thrown away next."""
    work = asyncio.get_running_loop().run_in_executor(None, call)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait({work})
        raise


async def save_report(parent: QWidget, receipt: Receipt, layout: Layout) -> str:
    """Ask where, and write the report of a deed there; what to tell of it."""
    kinds = ("Text (*.txt)", "JSON (*.json)")
    path = await choose_file(parent, "Save report", f"deed-{receipt.plan.id}", kinds)
    if path is None:
        return ""
    make = reports.as_json if path.suffix.lower() == ".json" else reports.as_text
    text = await asyncio.to_thread(make, receipt, layout)
    return await asyncio.to_thread(write_whole, path, text) or f"Saved as {path.name}"
