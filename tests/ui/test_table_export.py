"""The table as a file: what the filter shows, in its order, and nothing half-written."""

from __future__ import annotations

import asyncio
import csv
import json
import stat
from array import array
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog

from fleetcache_gui import aio, clock
from fleetcache_gui.domain.store import TYPE_CODES, KeyStore
from fleetcache_gui.families.spec.installer_tokens import FAMILY as TOKENS
from fleetcache_gui.present.long_table import LongTable
from fleetcache_gui.ui.saving import write_slices
from tests.ui.desk import at_desk, choose
from tests.ui.shell import press

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    from PySide6.QtWidgets import QApplication

    Eventually = Callable[..., Coroutine[None, None, None]]

CONTROL = Qt.KeyboardModifier.ControlModifier


async def test_what_the_filter_shows_in_its_order(qapp: QApplication, eventually: Eventually, tmp_path: Path) -> None:
    async with at_desk(qapp, family="tokens") as (window, _):
        page = window.page
        assert page is not None
        page._filter.setText("tokens:00")
        shown = [page.view.table.row(position) for position in range(len(page.view.table))]
        assert 0 < len(shown) < page.view.table.total
        press(window, Qt.Key.Key_E, CONTROL)
        for name in ("tokens.csv", "tokens.json"):
            if window.export._task is None or window.export._task.done():
                page.deeds.more_menu().actions()[0].trigger()
            await choose(window, tmp_path / name, eventually)
            await eventually(lambda name=name: window.status.said.text() == f"{len(shown)} tokens exported as {name}")
            assert window.status.said.isVisible()
            await eventually(lambda: window.export._task.done())  # type: ignore[union-attr]
        with (tmp_path / "tokens.csv").open(newline="") as file:
            titles, *lines = list(csv.reader(file))
        assert titles[0] == page.view.table.columns[0].title
        assert [line[0] for line in lines] == [row.cells[0] for row in shown]
        assert [made["why"] for made in json.loads((tmp_path / "tokens.json").read_text())] == [r.why for r in shown]
        assert stat.S_IMODE((tmp_path / "tokens.csv").stat().st_mode) == 0o600


async def test_who_leaves_the_dialog_gets_no_file(qapp: QApplication, eventually: Eventually, tmp_path: Path) -> None:
    async with at_desk(qapp, family="tokens") as (window, _):
        press(window, Qt.Key.Key_E, CONTROL)
        await eventually(lambda: [d for d in window.findChildren(QFileDialog) if d.isVisible()])
        next(d for d in window.findChildren(QFileDialog) if d.isVisible()).reject()
        await eventually(lambda: window.export._task is not None and window.export._task.done())
        assert window.status.said.text() == ""
        assert list(tmp_path.iterdir()) == []


async def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    async def text() -> AsyncIterator[str]:
        yield "x"

    assert (await write_slices(tmp_path / "nowhere" / "x.csv", text())).startswith("It could not be saved: ")
    assert (await write_slices(tmp_path, text())).startswith("It could not be saved: ")
    assert list(tmp_path.iterdir()) == []


async def test_who_is_cancelled_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path, begun = tmp_path / "x.csv", asyncio.Event()
    path.write_text("old")

    async def text() -> AsyncIterator[str]:
        yield "x" * 1_000_000
        begun.set()
        await asyncio.Event().wait()

    writing = aio.spawn(write_slices(path, text()), name="writing")
    await begun.wait()
    await aio.cancel_and_wait([writing])
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


async def test_one_export_at_a_time(qapp: QApplication, eventually: Eventually) -> None:
    async with at_desk(qapp, family="tokens") as (window, _):
        press(window, Qt.Key.Key_E, CONTROL)
        await eventually(lambda: [d for d in window.findChildren(QFileDialog) if d.isVisible()])
        assert window.page is not None
        window.export.start(window.page.view.table)
        assert window.status.said.text() == "Another export is being written. Wait for it to end."
        assert len([d for d in window.findChildren(QFileDialog) if d.isVisible()]) == 1


async def test_a_long_table_is_written_in_turns_and_closing_leaves_no_part_of_it(
    qapp: QApplication, eventually: Eventually, tmp_path: Path
) -> None:
    store = KeyStore()
    deadline = int(1000 * (clock.now() + 600))
    for number in range(30_000):
        store.note(b"sw:installer:token:%08d" % number, 0, TYPE_CODES[b"string"], deadline)
    table = LongTable(TOKENS, store, array("I", store.members(0)))
    async with at_desk(qapp, family="tokens") as (window, _):
        told: list[str] = []
        window.export.told.connect(told.append)
        window.export.start(table)
        await choose(window, tmp_path / "all.csv", eventually)
        await eventually(lambda: told and told[-1] == "30,000 tokens exported as all.csv")
        assert told[0].startswith("Exporting: ")
        assert told[0].endswith(" of 30,000")
        assert (tmp_path / "all.csv").read_text().count("\n") == 30_001
        told.clear()
        await eventually(lambda: window.export._task is not None and window.export._task.done())
        window.export.start(table)
        await choose(window, tmp_path / "again.csv", eventually)
        await eventually(lambda: told)
        await window.export.end()
        assert told[-1].startswith("Exporting: ")
        assert [path.name for path in tmp_path.iterdir()] == ["all.csv"]
