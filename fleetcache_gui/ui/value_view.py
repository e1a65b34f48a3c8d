"""The value of one key, by page, in a form that can be read; never more of it than a page in a widget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from fleetcache_gui import assets
from fleetcache_gui.domain import words
from fleetcache_gui.domain.pages import STRING_WINDOW, Page, PageCursor
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.present import decode
from fleetcache_gui.present.decode import Form
from fleetcache_gui.ui.latest import Latest
from fleetcache_gui.ui.text_widgets import ElidedLabel, PlainBlock, PlainLabel, plain_tooltip

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent

    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.theme import Theme

AUTO = "Auto"


def extent(page: Page) -> str:
    """What of a value is shown: ``1–100 of 50,000``, ``first 64.0 KB of 100.0 MB``, ``212 B``; or nothing."""
    if page.type == "string":
        size = len(page.items[0].value) if page.items else 0
        if page.total is None or page.total <= size:
            return words.size(size)
        whole = words.size(page.total)
        if page.first == 0:
            return f"first {words.size(size)} of {whole}"
        return f"{words.size(size)} from {words.size(page.first)} on, of {whole}"
    if not page.items:
        return "empty" if page.total == 0 else ""
    last = page.first + len(page.items)
    if page.total is not None and page.first == 0 and last >= page.total:
        return words.count(last)
    of = "" if page.total is None else f" of {words.count(page.total)}"
    return f"{page.first + 1:,}–{last:,}{of}"


class ValueView(QWidget):
    """Shows what `Session.page` answers for the key last given to `show_key`; late answers are dropped."""

    shown = Signal()  # a page, or the reason why there is none, is on screen

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._theme = theme
        self._latest = Latest("value")
        self._key: bytes | None = None
        self._type = ""
        self._cursors: list[PageCursor | None] = [None]  # the way to the page on screen
        self._stamp = 0
        self._page: Page | None = None
        self._hidden: tuple[bytes, bytes] | None = None
        self._build()
        self._icons()
        theme.changed.connect(self._icons)

    def _build(self) -> None:
        theme = self._theme
        self._title = PlainLabel("Value", theme=theme, role="label")
        self._extent = ElidedLabel(theme=theme, role="muted")
        self._form = QComboBox()
        self._form.addItems([AUTO, *(form.value for form in Form)])
        self._form.setAccessibleName("Form in which the value is shown")
        self._form.currentIndexChanged.connect(self._render)
        self._form.setMinimumContentsLength(9)
        self._again = QToolButton()
        self._again.setProperty("kind", "quiet")
        self._again.setAccessibleName("Read the value again")
        plain_tooltip(self._again, "Read the value again")
        self._again.clicked.connect(self.reload)
        top = QHBoxLayout()
        top.setSpacing(4)
        top.addWidget(self._title)
        top.addSpacing(4)
        top.addWidget(self._extent, 1)
        top.addWidget(self._form)
        top.addWidget(self._again)
        self._problem = PlainLabel(theme=theme, wrap=True, selectable=True)
        self._problem.set_tone(Tone.WARN)
        self._block = PlainBlock(theme=theme)
        self._block.setProperty("surface", "raised")
        self._block.setAccessibleName("Value")
        self._note = PlainLabel(theme=theme, role="muted", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(top)
        column.addWidget(self._problem)
        column.addWidget(self._block)
        column.addWidget(self._note)
        column.addWidget(self._pager_row())
        self.clear()

    def _pager_row(self) -> QWidget:
        self._pager = QWidget()
        self._previous, self._next = QPushButton("Previous"), QPushButton("Next")
        self._previous.clicked.connect(self.previous)
        self._next.clicked.connect(self.next)
        self._place = PlainLabel(theme=self._theme, role="muted")
        self._place.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row = QHBoxLayout(self._pager)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._previous)
        row.addWidget(self._place, 1)
        row.addWidget(self._next)
        return self._pager

    def _icons(self) -> None:
        self._again.setIcon(assets.icon("refresh", self._theme.colors.muted))

    # what it is told

    def clear(self) -> None:
        """Show nothing."""
        self._stamp += 1
        self._latest.drop()
        self._key, self._page, self._cursors = None, None, [None]
        self._block.set_block("")
        self._render()

    def show_key(self, title: str, key: bytes, type_word: str) -> None:
        """Read the first page of `key`. `title` is what the key is for."""
        if (key, type_word) == (self._key, self._type):
            return
        self.clear()
        self._key, self._type = key, type_word
        self._title.setText(title)
        self._form.setCurrentIndex(0)
        self._ask([None])

    def hide_secret(self, secret: bytes, masked: bytes) -> None:
        """Show `masked` wherever `secret` stands in a value; an empty secret hides nothing."""
        self._hidden = (secret, masked) if secret else None
        self._render()

    def reload(self) -> None:
        """Read the page on screen again."""
        self._ask(self._cursors)

    def refresh(self) -> None:
        """Read again what may have changed, unless somebody is reading further on or copying."""
        if len(self._cursors) == 1 and not self._block.has_selection():
            self.reload()

    def next(self) -> None:
        if self._page is not None and self._page.next is not None:
            self._ask([*self._cursors, self._page.next])

    def previous(self) -> None:
        if len(self._cursors) > 1:
            self._ask(self._cursors[:-1])

    @property
    def page(self) -> Page | None:
        """The page on screen."""
        return self._page

    @property
    def text(self) -> str:
        """What is on screen of the value."""
        return self._block.block

    async def end(self) -> None:
        """Cancel what is being read."""
        await self._latest.end()

    # what it does

    def _ask(self, cursors: list[PageCursor | None]) -> None:
        if self._key is None:
            return
        self._stamp += 1
        key, type_word, stamp = self._key, self._type, self._stamp

        async def question() -> None:
            page = await self._session.page(key, type_word, cursors[-1])
            if stamp == self._stamp:
                self._cursors, self._page = cursors, page
                self._render()
                self.shown.emit()

        self._block.setPlaceholderText("Reading …")
        self._latest.ask(question)

    def _render(self) -> None:
        page = self._page
        is_string = page is not None and page.type == "string" and bool(page.items)
        self._form.setVisible(is_string)
        self._again.setVisible(page is not None)
        following = page is not None and page.next is not None
        paged = page is not None and (following or len(self._cursors) > 1)
        self._previous.setEnabled(len(self._cursors) > 1)
        self._next.setEnabled(following)
        self._pager.setVisible(paged)
        where = extent(page) if page and not page.problem else ""
        self._place.setText(where)
        self._extent.setText("" if paged else where)
        problem = (page.problem if page else None) or ""
        self._problem.setText(problem)
        self._problem.setVisible(bool(problem))
        self._block.setVisible(not problem)
        note = ""
        if page is not None:
            self._block.setPlaceholderText("Nothing in it.")
            note = self._show_string(page) if is_string else self._show_items(page)
        self._note.setText(note)
        self._note.setVisible(bool(note))

    def _show_string(self, page: Page) -> str:
        raw = self._masked(page.items[0].value)[:STRING_WINDOW]
        guessed = decode.guess(raw)
        form = Form(self._form.currentText()) if self._form.currentIndex() else guessed
        self._form.setItemText(0, f"{AUTO}: {guessed.value}")
        words_wrap = form in (Form.TEXT, Form.SQL)
        self._block.set_block(decode.render(raw, form, page.first), anywhere=not words_wrap)
        kind = decode.kind(raw) if page.first == 0 else ""
        return f"Looks like {kind}." if kind else ""

    def _show_items(self, page: Page) -> str:
        items = [type(i)(self._masked(i.label), self._masked(i.value), i.cut) for i in page.items]
        self._block.set_block(decode.listing(page.type, items, self._characters()), anywhere=True)
        return "… marks what was too long to show whole." if any(item.cut for item in items) else ""

    def _masked(self, raw: bytes) -> bytes:
        return raw.replace(*self._hidden) if self._hidden else raw

    def _characters(self) -> int:
        letter = QFontMetrics(self._theme.fonts.mono).horizontalAdvance("0")
        return max((self._block.viewport().width() - 16) // max(letter, 1), 16)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._page is not None and self._page.type == "set":  # its columns follow the width
            self._show_items(self._page)
