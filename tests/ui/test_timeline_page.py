"""The timeline: narrowed by word, place, kind, tone and time; led back to rows; exported."""

from __future__ import annotations

import csv
import json
import time
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from fleetcache_gui.domain.telling import Happening
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.present.event_files import as_csv, as_json
from fleetcache_gui.present.timeline import Event
from fleetcache_gui.ui.timeline_page import WORSE, TimelinePage
from tests.ui.shell import opened, settle
from tests.ui.stage import LAYOUT

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from fleetcache_gui.ui.window import MainWindow


def timeline_of(window: MainWindow) -> TimelinePage:
    window.show_section("timeline")
    page = window.home.page("timeline")
    assert isinstance(page, TimelinePage)
    return page


async def test_it_shows_all_and_what_comes_later_on_top(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        page = timeline_of(window)
        assert page.events == tuple(stage.events)
        assert page.extent.text() == "7 events"
        stage.tell((Tone.OK, "Newest", Happening.BACK, "", b""))
        assert page.events[0].text == "Newest"
        window.show_section("now")
        stage.tell((Tone.OK, "Unseen", Happening.BACK, "", b""))
        window.show_section("timeline")
        assert [event.text for event in page.events[:2]] == ["Unseen", "Newest"]


@pytest.mark.parametrize("narrowing", ["word", "where", "what", "tone"])
async def test_it_is_narrowed(qapp: QApplication, narrowing: str) -> None:
    async with opened(qapp) as (window, stage):
        page = timeline_of(window)
        if narrowing == "word":
            page.filter.setText("CRON vuln")
            wanted = ["Lock cron:vuln renewed by api-1 for another 60 s"]
        elif narrowing == "where":
            page.where.setCurrentIndex(page.where.findData("tokens"))
            wanted = ["14 installer tokens expired"]
        elif narrowing == "what":
            page.what.setCurrentIndex(page.what.findText(Happening.TAKEN.value))
            wanted = ["Lock cron:cleanups taken by api-2 for 5 min"]
        else:
            page.tones.setCurrentText(WORSE)
            wanted = ["Host queue grows faster than it drains", "Campaign 1042 left the active set, its keys remain"]
        assert [event.text for event in page.events] == wanted
        assert page.extent.text() == f"{len(wanted)} of 7 events"
        before = page.events
        stage.tell((Tone.OK, "Of another kind", Happening.BACK, "", b""))
        assert page.events == before


async def test_nothing_that_fits_is_said(qapp: QApplication) -> None:
    async with opened(qapp) as (window, _):
        page = timeline_of(window)
        page.filter.setText("no such thing")
        assert page.nothing.isVisible()
        assert not page.table.isVisible()
        assert not page.export.isEnabled()


async def test_a_span_of_time_is_chosen_by_a_drag_and_let_go_by_escape(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        stage.events.append(Event(time.time() - 3000, Tone.OK, "Long ago", Happening.BACK))
        page = timeline_of(window)
        await settle()
        strip, left, middle = page.density, QPoint(4, 20), QPoint(page.density.width() // 3, 20)
        QTest.mousePress(strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, left)
        QTest.mouseMove(strip, middle)
        QTest.mouseRelease(strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle)
        assert [event.text for event in page.events] == ["Long ago"]
        strip.grab()
        QTest.keyClick(strip, Qt.Key.Key_Escape)
        assert len(page.events) == 8


async def test_who_has_scrolled_down_reads_on(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        stage.tell(*((Tone.OK, f"Number {n}", Happening.BACK, "", b"") for n in range(100)))
        page = timeline_of(window)
        await settle()
        page.table.verticalScrollBar().setValue(520)
        top = page.table.indexAt(QPoint(5, 5)).row()
        text = page.events[top].text
        stage.tell((Tone.OK, "Newest", Happening.BACK, "", b""))
        await settle()
        assert page.events[page.table.indexAt(QPoint(5, 5)).row()].text == text


async def test_an_event_leads_to_its_row_and_lines_are_copied(qapp: QApplication) -> None:
    async with opened(qapp) as (window, _):
        page = timeline_of(window)
        page.table.selectRow(0)
        page._copy()
        assert (
            QGuiApplication.clipboard()
            .text()
            .endswith("Locks\trenewed\tLock cron:vuln renewed by api-1 for another 60 s")
        )
        page.table.activated.emit(page.table.model().index(0, 0))
        assert window.current == "locks"


def hostile() -> list[Event]:
    return [
        Event(1_700_000_000.25, Tone.WARN, '=HYPERLINK("http://evil")', Happening.OPENED, "locks", b"=1+1"),
        Event(1_700_000_001.0, Tone.OK, "Token 0c1f… was issued.", Happening.CAME, "tokens", b"tokens:0c1f-secret"),
    ]


def test_no_cell_of_a_file_is_computed_and_no_credential_is_in_it() -> None:
    text = as_csv(hostile(), LAYOUT)
    rows = list(csv.DictReader(text.splitlines()))
    assert rows[0]["time"] == "2023-11-14T22:13:20.250+00:00"
    assert rows[0]["text"] == '\'=HYPERLINK("http://evil")'
    assert rows[0]["row"] == "'=1+1"
    assert rows[1]["row"] == "tokens:0c…"
    assert "secret" not in text + as_json(hostile(), LAYOUT)
    assert json.loads(as_json(hostile(), LAYOUT))[1]["what"] == "came"
