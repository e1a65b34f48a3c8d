"""The detail panel: credentials, copies, and what has little to show."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace
from textwrap import dedent
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication

from fleetcache_gui import clock
from fleetcache_gui.domain.layout import Layout
from fleetcache_gui.domain.pages import Page, PageItem
from fleetcache_gui.domain.values import Expiry, KeyFact
from fleetcache_gui.ui.detail_parts import VEILED
from fleetcache_gui.ui.latest import PAUSE
from tests.ui.pages import Paged, opened
from tests.ui.stage import LAYOUT, campaign, keys_of
from tests.ui.test_detail import TOKEN, key_lines, secret_row, secret_stage, value, words

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from pytestqt.qtbot import QtBot

    Eventually = Callable[..., Coroutine[Any, Any, None]]


async def test_a_credential_is_masked_until_revealed_and_one_at_a_time(qtbot: QtBot, eventually: Eventually) -> None:
    stage, now = secret_stage(), clock.now()
    stage.answer = lambda key, type_word, cursor: Page(
        key, type_word, (PageItem(b"", b'{"token":"%b","installer":7}' % key[19:]),), 60
    )
    async with opened(qtbot, stage, "tokens") as page:
        rows = (secret_row("1", now), secret_row("2", now))
        stage.show("tokens", rows)
        page.show_row(rows[0].id)
        await eventually(lambda: '"installer": 7' in value(page))
        clipboard = QGuiApplication.clipboard()

        def everything() -> str:
            page.detail.copy_key()
            names = "\n".join(line.accessibleName() + line.toolTip() for line in key_lines(page))
            return "\n".join((words(page), value(page), names, clipboard.text()))

        assert TOKEN not in everything()
        assert clipboard.text() == "sw:installer:token:0c1f…"
        page.detail._keys._reveal.click()
        assert f"Key sw:installer:token:{TOKEN}1" in everything()
        assert f'"token": "{TOKEN}1"' in value(page)
        assert clipboard.text() == f"sw:installer:token:{TOKEN}1"
        assert clipboard.mimeData().hasFormat("x-kde-passwordManagerHint")
        stage.show("tokens", tuple(replace(row, at=now + 1) for row in rows))
        assert TOKEN in everything()  # a refresh does not hide it again
        page.show_row(rows[1].id)
        await eventually(lambda: '"installer": 7' in value(page))
        assert TOKEN not in everything()


async def test_values_that_may_hold_credentials_are_read_only_when_asked_for(
    qtbot: QtBot, eventually: Eventually
) -> None:
    private = replace(LAYOUT.family("config"), private=True)
    stage, now = Paged(Layout("spec", "Fleet", (private,))), clock.now()

    def read() -> list[object]:
        return [call[1] for call in stage.calls if call[0] == "page"]

    async with opened(qtbot, stage, "config") as page:
        one, two = keys_of("config", 2, now)
        stage.show("config", (one, two))
        page.show_row(one.id)
        await eventually(lambda: ("about", one.id) in stage.calls)
        detail, read_at = page.detail, clock.now()
        assert VEILED in words(detail)
        assert not detail._value.isVisible()
        key_lines(page)[0].click()
        detail._clock = lambda: read_at + 60
        stage.show("config", (replace(one, cells=(*one.cells[:1], 7, *one.cells[2:])), two))
        await asyncio.sleep(3 * PAUSE)
        assert read() == []
        detail._veil._button.click()
        await eventually(lambda: value(page) == "value of config:000")
        assert VEILED not in words(detail)
        detail.copy_value()
        assert QGuiApplication.clipboard().mimeData().hasFormat("x-kde-passwordManagerHint")
        page.show_row(two.id)
        assert VEILED in words(detail)
        assert value(page) == ""
        await eventually(lambda: ("about", two.id) in stage.calls)
        await asyncio.sleep(3 * PAUSE)
        assert read() == [one.id]
        page.show_row(one.id)
        assert VEILED in words(detail)


async def test_everything_can_be_copied(qtbot: QtBot, eventually: Eventually) -> None:
    stage = Paged()
    async with opened(qtbot, stage) as page:
        stage.show("live_queries", (campaign(1042, clock.now()),))
        page.show_row(b"1042")
        await eventually(lambda: value(page) != "")
        clipboard = QGuiApplication.clipboard()
        actions = {action.text(): action for action in page.detail._copy.menu().actions()}
        actions["Key name"].trigger()
        assert clipboard.text() == "campaign:1042"
        actions["Value shown"].trigger()
        assert clipboard.text() == "value of campaign:1042"
        actions["Row as text"].trigger()
        assert clipboard.text().split("\n")[1].startswith("1,042\t")


async def test_a_row_without_keys_or_samples_shows_neither(qtbot: QtBot, eventually: Eventually) -> None:
    stage, now = Paged(), clock.now()
    async with opened(qtbot, stage) as page:
        row = replace(campaign(1, now), keys=(), samples=(), facts=(), why="")
        stage.show("live_queries", (row, replace(campaign(2, now), keys=(KeyFact(b"k", "none", Expiry()),))))
        page.show_row(b"1")
        assert key_lines(page) == []
        assert not page.detail._value.isVisible()
        assert not page.detail._trend.isVisible()
        page.show_row(b"2")
        await eventually(lambda: [line.describe() for line in key_lines(page)] == ["not there"])
        await asyncio.sleep(2 * PAUSE)
        assert stage.calls == []


async def test_a_long_name_never_widens_the_panel(qtbot: QtBot, eventually: Eventually) -> None:
    stage, now = Paged(), clock.now()
    async with opened(qtbot, stage) as page:
        stage.show("live_queries", (campaign(1, now),))
        await eventually(lambda: page.detail.width() == 336)
        long = "a" * 5_000
        row = replace(
            campaign(2, now),
            title=long,
            why=long,
            facts=(("Token", long),),
            keys=(KeyFact(long.encode(), "string", Expiry()),),
        )
        stage.show("live_queries", (row,))
        page.show_row(b"2")
        await eventually(lambda: bool(key_lines(page)))
        assert page.detail.width() == 336
        assert page.detail._scroll.widget().width() <= page.detail._scroll.viewport().width()
        page.detail.copy_key()
        assert QGuiApplication.clipboard().text() == long


def test_a_copied_secret_leaves_with_the_program() -> None:
    """Else Qt would free an object of Python's after Python has ended, and crash."""
    program = """
        from PySide6.QtWidgets import QApplication
        from fleetcache_gui.ui.text_widgets import copy_text
        app = QApplication([])
        copy_text("secret", secret=True)
        print(app.clipboard().text())
    """
    done = subprocess.run([sys.executable, "-c", dedent(program)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "secret\n")
