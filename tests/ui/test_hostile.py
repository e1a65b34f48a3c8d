"""Keys and values are hostile: whatever they hold is shown as it stands; nothing in it is drawn or loaded."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QToolTip, QWidget

import fleetcache_gui
from fleetcache_gui import clock
from fleetcache_gui.domain.family import Judgement, Row, Severity
from fleetcache_gui.domain.pages import Page, PageItem
from fleetcache_gui.domain.text import show
from fleetcache_gui.domain.values import KeyFact, State
from fleetcache_gui.ui.text_widgets import ElidedLabel, PlainBlock, PlainLabel, tooltip_text
from fleetcache_gui.ui.theme import Theme
from tests.ui.pages import Paged, opened
from tests.ui.stage import campaign

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from pytestqt.qtbot import QtBot

    Eventually = Callable[..., Coroutine[Any, Any, None]]

MARK = QColor(255, 0, 255)  # a colour of no theme

PAYLOADS = (
    '<img src="{url}" width="400" height="300">',
    'lock:x<img src="{url}" width="400" height="300">',
    '<body style="background: #ff00ff"><table bgcolor="#ff00ff"><tr><td>x</td></tr></table>',
    '<!DOCTYPE html><font color="#ff00ff" size="7">████████</font>',
    '<a href="{url}"><b style="color: #ff00ff">████████</b></a>',
    "<div style='background-image: url({url})'>x</div>",
    "<p><img src='{path}'></p>",
)


@pytest.fixture
def bait(tmp_path: Path) -> Path:
    image = QImage(64, 64, QImage.Format.Format_RGB32)
    image.fill(MARK)
    path = tmp_path / "bait.png"
    assert image.save(str(path))
    return path


def payload(template: str, bait: Path) -> str:
    return template.format(url=bait.as_uri(), path=bait)


def marked(widget: QWidget) -> int:
    """Pixels in the bait's colour."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    wanted = MARK.rgb().to_bytes(4, "little")
    raw = bytes(image.constBits())
    return sum(raw[i : i + 4] == wanted for i in range(0, len(raw), 4))


@pytest.mark.parametrize("template", PAYLOADS)
def test_the_bait_works_on_a_label_that_guesses(qtbot: QtBot, bait: Path, template: str) -> None:
    """What the other tests of this file would see if something guessed rich text."""
    label = QLabel(payload(template, bait))
    qtbot.addWidget(label)
    label.resize(300, 200)
    image_by_style = "background-image" in template  # Qt's rich text knows no such style
    assert image_by_style or marked(label) > 0


def hostile_row(text: str, now: float) -> Row:
    raw = text.encode()
    return replace(
        campaign(1, now),
        id=raw,
        title=show(raw),
        cells=(show(raw), show(raw), show(raw), None, show(raw), (), State(show(raw)[:20])),
        state=State(show(raw)),
        keys=(KeyFact(raw, "string", campaign(1, now).keys[0].expiry),),
        why=show(raw),
        facts=((show(raw), show(raw)),),
        judgements=(Judgement("x", raw, Severity.WARNING, show(raw), show(raw), show(raw)),),
    )


@pytest.mark.parametrize("template", PAYLOADS)
async def test_nothing_on_a_page_is_drawn_as_rich_text(
    qtbot: QtBot, qapp: QApplication, eventually: Eventually, bait: Path, template: str
) -> None:
    text = payload(template, bait)
    stage = Paged()
    item = PageItem(text.encode(), text.encode())
    stage.answer = lambda key, type_word, cursor: Page(key, type_word, (item,), len(text))
    async with opened(qtbot, stage, app=qapp, mode="light") as page:
        row = hostile_row(text, clock.now())
        stage.show("live_queries", (row,))
        page.show_row(row.id)
        await eventually(lambda: bool(page.detail._value.text))
        assert marked(page) == 0
        assert page.width() == 1200
        assert page.detail._title.width() > 100
        assert page.detail._value.text.replace("\n", " ") == text
        assert page.detail._title.text().replace("\u200b", "").startswith(row.title[:100])
        stage.answer = lambda key, type_word, cursor: Page(key, "hash", (item,), 1)
        page.detail._value.reload()
        await eventually(lambda: page.detail._value._extent.text() == "1")
        assert marked(page) == 0
        stage.answer = lambda key, type_word, cursor: Page(key, type_word, problem=text)
        page.detail._value.reload()
        await eventually(lambda: page.detail._value._problem.isVisible())
        assert marked(page) == 0


@pytest.mark.parametrize("template", PAYLOADS)
async def test_no_tooltip_is_drawn_as_rich_text(qtbot: QtBot, bait: Path, template: str) -> None:
    text = payload(template, bait)
    stage = Paged()
    async with opened(qtbot, stage) as page:
        row = hostile_row(text, clock.now())
        stage.show("live_queries", (row,))
        page.show_row(row.id)
        model = page.view.model()
        tips = {model.index(0, column).data(3) for column in range(model.columnCount())}
        tips |= {widget.toolTip() for widget in page.findChildren(QWidget)}
        tips |= {model.headerData(column, page.view.horizontalHeader().orientation(), 3) for column in range(7)}
        told = [tip for tip in tips if tip]
        assert len(told) > 4
        for tip in told:
            QToolTip.showText(QPoint(10, 10), tip, page, QRect(), 5000)
            window = next(w for w in QApplication.topLevelWidgets() if w.inherits("QTipLabel"))
            assert marked(window) == 0
            QToolTip.hideText()
        assert any("&lt;" in tip for tip in told)


def test_text_in_the_plain_widgets_is_literal(qtbot: QtBot, bait: Path) -> None:
    theme = Theme("light")
    for template in PAYLOADS:
        text = payload(template, bait)
        block = PlainBlock(theme=theme)
        block.set_block(text)
        for widget in (
            PlainLabel(text, theme=theme, wrap=True),
            ElidedLabel(text, theme=theme),
            block,
        ):
            qtbot.addWidget(widget)
            widget.resize(400, 200)
            assert marked(widget) == 0


def test_a_label_never_takes_more_than_it_can_lay_out(qtbot: QtBot) -> None:
    theme = Theme("light")
    label = PlainLabel("x" * 10_000_000, theme=theme, wrap=True)
    short = ElidedLabel("x" * 10_000_000, theme=theme)
    block = PlainBlock(theme=theme)
    for widget in (label, short, block):
        qtbot.addWidget(widget)
        widget.resize(300, 100)
        widget.grab()
    assert len(label.text()) < 5_000
    assert len(tooltip_text("x" * 10_000_000)) < 2_000
    block.set_block("line\n" * 1_000_000)
    assert len(block.block) < 600_000


def test_what_was_made_breakable_is_copied_as_it_was(qtbot: QtBot) -> None:
    name = "sw:installer:token:0c1f6a52-7a60-4a6e-9d4e-52b1c6f0aa11"
    label = PlainLabel(f"Key {name}", theme=Theme("light"), wrap=True, selectable=True)
    qtbot.addWidget(label)
    assert label.text() != f"Key {name}"
    label.setSelection(4, len(label.text()) - 4)
    QTest.keyClick(label, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == name


def test_only_the_plain_widgets_make_labels_and_tooltips() -> None:
    package = Path(fleetcache_gui.__file__).parent
    guessing = re.compile(
        r"QLabel|QMessageBox|QTextEdit\b|QTextBrowser|QErrorMessage|QToolTip\.showText\((?!.*tooltip_text)|\.setToolTip\(|setHtml\("
    )
    found = {
        path.name: guessing.findall(re.sub(r"QPlainTextEdit", "", path.read_text()))
        for path in sorted((package / "ui").glob("*.py"))
        if path.name != "text_widgets.py"
    }
    assert {name: hits for name, hits in found.items() if hits} == {}
