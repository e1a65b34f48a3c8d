from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPlainTextEdit

from fleetcache_gui import clock
from fleetcache_gui.domain.family import Column, Family, Kind, Row, Rule
from fleetcache_gui.domain.layout import Layout
from fleetcache_gui.domain.pages import STRING_WINDOW, KeyAbout, Page, PageCursor, PageItem
from fleetcache_gui.domain.values import Expiry, KeyFact, State
from fleetcache_gui.present.decode import LINE, Form
from fleetcache_gui.ui.detail import untold
from fleetcache_gui.ui.detail_keys import KeyLine
from fleetcache_gui.ui.latest import PAUSE
from fleetcache_gui.ui.value_view import extent
from tests.ui.pages import Clock, Paged, opened, with_cells
from tests.ui.stage import ORPHANED, campaign

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from PySide6.QtWidgets import QWidget
    from pytestqt.qtbot import QtBot

    from fleetcache_gui.ui.family_page import FamilyPage

    Eventually = Callable[..., Coroutine[Any, Any, None]]

TOKEN = "0c1f6a52-7a60-4a6e-9d4e-52b1c6f0aa11"


def words(widget: QWidget) -> str:
    """All text of visible labels."""
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def key_lines(page: FamilyPage) -> list[KeyLine]:
    return [line for line in page.detail.findChildren(KeyLine) if line.isVisible()]


def value(page: FamilyPage) -> str:
    return page.detail._value.text


async def test_a_row_is_explained_in_words(qtbot: QtBot, eventually: Eventually) -> None:
    stage, now = Paged(), clock.now()
    async with opened(qtbot, stage) as page:
        row = campaign(1042, now, ORPHANED)
        stage.show("live_queries", (row,))
        assert words(page.detail) == "", "nothing asks a person to choose what is about to be chosen"
        await eventually(lambda: page.view.chosen == b"1042")  # a page that is first seen explains its first row
        judgement = row.judgements[0]
        await eventually(lambda: judgement.advice in words(page.detail))
        told = words(page.detail)
        for text in (
            "Campaign 1042",
            judgement.text,
            judgement.meaning,
            judgement.advice,
            "Started",
            "09:12:40",
        ):
            assert text in told
        assert page.detail._pill.accessibleName() == "orphaned"
        assert [line.accessibleName() for line in key_lines(page)] == [
            "Key campaign:1042",
            "Key campaign:1042:hosts",
        ]
        await eventually(lambda: value(page) == "value of campaign:1042")
        assert page.detail._value._title.text() == "SQL"
        assert "Answered over time" in told


def test_why_is_not_said_twice() -> None:
    row = campaign(1042, 0.0, ORPHANED)
    judgement = row.judgements[0]
    assert untold(row) == ""
    assert untold(replace(row, why=f"{judgement.text} {judgement.meaning} Since Monday.")) == "Since Monday."


async def test_the_value_of_another_key_is_read_when_it_is_chosen(qtbot: QtBot, eventually: Eventually) -> None:
    stage = Paged()
    async with opened(qtbot, stage) as page:
        stage.show("live_queries", (campaign(1042, clock.now()),))
        page.show_row(b"1042")
        await eventually(lambda: value(page) == "value of campaign:1042")
        key_lines(page)[1].click()
        assert value(page) == ""  # never the old value under the new name
        stage.answer = lambda key, type_word, cursor: Page(
            key, type_word, tuple(PageItem(b"", b"%d" % i) for i in range(3)), 3
        )
        await eventually(lambda: value(page) == "0  1  2")
        assert key_lines(page)[1].describe().startswith("set · 3 members · embstr · ")


async def test_on_a_cluster_a_key_tells_its_slot_and_node(qtbot: QtBot, eventually: Eventually) -> None:
    stage = Paged()
    async with opened(qtbot, stage) as page:
        stage.show("live_queries", (campaign(1042, clock.now()),))
        page.show_row(b"1042")
        await eventually(lambda: value(page) == "value of campaign:1042")
        line = key_lines(page)[0]
        assert line.place() == ""
        height = line.heightForWidth(300)
        fact = line.fact
        assert fact is not None
        line.set_key("x{7}", fact, KeyAbout(slot=10647, node="10.0.0.2:7001", tag="7"))
        assert line.place() == "slot 10647 by its tag {7} · 10.0.0.2:7001"
        assert line.heightForWidth(300) > height
        line.set_key("x", fact, KeyAbout(slot=1))
        assert line.place() == "slot 1 · served by no node"
        line.grab()


async def test_large_collections_come_by_page(qtbot: QtBot, eventually: Eventually) -> None:
    def answer(key: bytes, type_word: str, cursor: PageCursor | None) -> Page:
        first = cursor.first if cursor else 0
        items = tuple(PageItem(b"", b"host-%05d" % (first + i)) for i in range(100))
        return Page(key, "list", items, 250, first, PageCursor(b"x", first + 100) if first < 150 else None)

    stage = Paged()
    stage.answer = answer
    async with opened(qtbot, stage) as page:
        view = page.detail._value
        stage.show("live_queries", (campaign(1042, clock.now()),))
        page.show_row(b"1042")
        await eventually(lambda: view._place.text() == "1–100 of 250")
        assert not view._previous.isEnabled()
        view._next.click()
        await eventually(lambda: view._place.text() == "101–200 of 250")
        view._next.click()
        await eventually(lambda: "host-00200" in value(page))
        assert not view._next.isEnabled()
        view._previous.click()
        await eventually(lambda: view._place.text() == "101–200 of 250")
        assert [call[2].first if call[2] else 0 for call in stage.calls if call[0] == "page"] == [  # type: ignore[union-attr]
            *(0, 100, 200, 100)
        ]


async def test_ten_megabytes_do_not_reach_a_widget(qtbot: QtBot, eventually: Eventually) -> None:
    stage = Paged()
    big = b"x" * 10_000_000  # a server or a reader that does not keep to its window
    stage.answer = lambda key, type_word, cursor: Page(key, type_word, (PageItem(b"", big),), 100 * 2**20)
    async with opened(qtbot, stage) as page:
        stage.show("live_queries", (campaign(1042, clock.now()),))
        page.show_row(b"1042")
        await eventually(lambda: bool(value(page)))
        block = page.detail.findChild(QPlainTextEdit)
        assert block is not None
        assert len(block.toPlainText()) <= STRING_WINDOW + STRING_WINDOW // LINE
        assert max(map(len, block.toPlainText().split("\n"))) == LINE


def test_what_of_a_value_is_shown_in_words() -> None:
    kb = PageItem(b"", b"x" * STRING_WINDOW)
    assert extent(Page(b"k", "string", (kb,), 100 * 2**20)) == "first 64.0 KB of 100.0 MB"
    assert extent(Page(b"k", "string", (kb,), 100 * 2**20, 2**20)) == "64.0 KB from 1.0 MB on, of 100.0 MB"
    assert extent(Page(b"k", "string", (PageItem(b"", b"x" * 212),), 212)) == "212 B"
    hundred = tuple(PageItem(b"", b"") for _ in range(100))
    assert extent(Page(b"k", "set", hundred, 50_000)) == "1–100 of 50,000"
    assert extent(Page(b"k", "set", hundred, None, 100)) == "101–200"
    assert extent(Page(b"k", "set", hundred, 100)) == "100"
    assert extent(Page(b"k", "set", (), 0)) == "empty"


async def test_an_answer_that_comes_late_is_dropped(qtbot: QtBot, eventually: Eventually) -> None:
    class Slow(Paged):
        def __init__(self) -> None:
            super().__init__()
            self.gates: dict[bytes, asyncio.Event] = {}

        async def page(self, key: bytes, type_word: str, cursor: PageCursor | None) -> Page:
            gate = self.gates.setdefault(key, asyncio.Event())
            self.calls.append(("page", key, cursor))
            await gate.wait()
            return await super().page(key, type_word, cursor)

    stage, now = Slow(), clock.now()
    async with opened(qtbot, stage) as page:
        stage.show("live_queries", tuple(campaign(n, now) for n in range(1, 5)))
        page.show_row(b"1")
        await eventually(lambda: b"campaign:1" in stage.gates)
        page.show_row(b"2")
        page.show_row(b"3")
        stage.gates[b"campaign:1"].set()
        await eventually(lambda: b"campaign:3" in stage.gates)
        assert value(page) == ""
        stage.gates[b"campaign:3"].set()
        await eventually(lambda: value(page) == "value of campaign:3")
        assert b"campaign:2" not in stage.gates  # who walks on is not asked about


async def test_walking_down_the_table_asks_once(qtbot: QtBot, eventually: Eventually) -> None:
    stage, now = Paged(), clock.now()
    async with opened(qtbot, stage) as page:
        stage.show("live_queries", tuple(campaign(n, now) for n in range(1, 30)))
        page.show_row(b"29")
        for _ in range(20):
            QTest.keyClick(page.view, Qt.Key.Key_Down)
        await eventually(lambda: value(page) == "value of campaign:9")
        assert len([call for call in stage.calls if call[0] == "page"]) == 1


async def test_a_value_that_cannot_be_read_says_why(qtbot: QtBot, eventually: Eventually) -> None:
    stage = Paged()
    stage.answer = lambda key, type_word, cursor: Page(key, type_word, problem="The user may not GETRANGE.")
    async with opened(qtbot, stage) as page:
        stage.show("live_queries", (campaign(1, clock.now()),))
        page.show_row(b"1")
        await eventually(lambda: "The user may not GETRANGE." in words(page.detail))
        assert value(page) == ""
        stage.answer = lambda key, type_word, cursor: Page(key, type_word, (PageItem(b"", b"now"),), 3)
        page.detail._value._again.click()
        await eventually(lambda: value(page) == "now")
        assert "GETRANGE" not in words(page.detail)


async def test_a_value_in_other_forms(qtbot: QtBot, eventually: Eventually) -> None:
    stage = Paged()
    stage.answer = lambda key, type_word, cursor: Page(key, type_word, (PageItem(b"", b'{"a":[1]}'),), 9)
    async with opened(qtbot, stage) as page:
        stage.show("live_queries", (campaign(1, clock.now()),))
        page.show_row(b"1")
        await eventually(lambda: value(page) == '{\n  "a": [\n    1\n  ]\n}')
        form = page.detail._value._form
        assert form.currentText() == "Auto: JSON"
        form.setCurrentText(Form.HEX.value)
        assert value(page).startswith("00000000  7b 22 61 22")
        form.setCurrentText(Form.TEXT.value)
        assert value(page) == '{"a":[1]}'


async def test_a_changed_row_has_its_value_read_again_but_not_at_each_poll(
    qtbot: QtBot, eventually: Eventually
) -> None:
    stage, hands = Paged(), Clock(clock.now())
    row = campaign(1, hands.now)
    async with opened(qtbot, stage, clock=hands) as page:
        stage.show("live_queries", (row,))
        page.show_row(b"1")
        await eventually(lambda: value(page) != "")
        stage.calls.clear()
        stage.show("live_queries", (with_cells(row, rate=1.0),))  # too soon
        hands.now += 10
        stage.show("live_queries", (with_cells(row, rate=1.0),))  # the same as before
        await asyncio.sleep(2 * PAUSE)
        assert stage.calls == []
        stage.answer = lambda key, type_word, cursor: Page(key, type_word, (PageItem(b"", b"newer"),), 5)
        stage.show("live_queries", (with_cells(row, rate=2.0),))
        await eventually(lambda: value(page) == "newer")


async def test_what_is_gone_stays_readable_with_its_age(qtbot: QtBot) -> None:
    stage, hands = Paged(), Clock(clock.now())
    async with opened(qtbot, stage, clock=hands) as page:
        stage.show("live_queries", (campaign(1, hands.now),))
        page.show_row(b"1")
        stage.show("live_queries", ())
        assert page.detail.isVisible()
        assert page.detail._pill.accessibleName() == "gone"
        hands.now += 75
        page._tick()
        assert "No longer in Redis. Below is what was read last, 1 min 15 s ago." in words(page.detail)


def secret_stage() -> Paged:
    def mask(key: bytes) -> str:
        return f"sw:installer:token:{key.decode().rsplit(':', 1)[1][:4]}…"

    family = Family(
        id="tokens",
        title="Installer tokens",
        tab="Tokens",
        noun=("token", "tokens"),
        purpose="Tokens that let a host download an installer.",
        patterns=("sw:installer:token:<uuid>",),
        prefixes=(b"sw:installer:token:",),
        columns=(Column("token", "Token", Kind.CODE, 0), Column("state", "State", Kind.STATE, 10)),
        rule=Rule(frozenset({"string"})),
        decode=lambda reading, before: secret_row("1", 0.0),
        secret=True,
        mask=mask,
    )
    return Paged(Layout("spec", "Fleet", (family,)))


def secret_row(name: str, now: float) -> Row:
    key, state = f"sw:installer:token:{TOKEN}{name}".encode(), State("valid")
    facts = (KeyFact(key, "string", Expiry(now + 60, 60)),)
    title = f"Token {TOKEN[:4]}…"
    cells = (f"{TOKEN[:4]}…", state)
    return Row(key, "tokens", title, cells, state, facts, at=now, reveal=TOKEN + name)
