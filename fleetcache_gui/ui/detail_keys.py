"""The keys behind a row: their names, masked where they are credentials, and what the server tells of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import (
    QAbstractButton,
    QButtonGroup,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from fleetcache_gui import assets
from fleetcache_gui.domain import text, words
from fleetcache_gui.domain.pages import KeyAbout
from fleetcache_gui.present.cells import key_text
from fleetcache_gui.ui.latest import Latest
from fleetcache_gui.ui.text_widgets import PlainLabel, elide, plain_tooltip

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QPaintEvent

    from fleetcache_gui.domain.family import Family, Row
    from fleetcache_gui.domain.values import KeyFact
    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.theme import Theme

LONGEST_NAME = 240
"""Characters of a key's name drawn; the whole of it can be copied."""

KEYS = 8
"""Keys of a row that the server is asked about; no family has more."""

_ELEMENTS = {
    "set": ("member", "members"),
    "zset": ("member", "members"),
    "list": ("item", "items"),
    "hash": ("field", "fields"),
    "stream": ("entry", "entries"),
}
_NAME_FLAGS = int(Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWrapAnywhere)


class KeyLine(QAbstractButton):
    """One key behind a row: its name, type, size and time left. Checked while its value is shown."""

    _PAD = 8

    def __init__(self, theme: Theme, clock: Callable[[], float], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._clock = clock
        self._name = ""
        self.fact: KeyFact | None = None
        self._about = KeyAbout()
        self._length: int | None = None
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme.changed.connect(self.update)

    def set_key(self, name: str, fact: KeyFact, about: KeyAbout) -> None:
        """`name` as it may be shown now; `about` as far as the server has told."""
        if self.fact is None or self.fact.name != fact.name:
            self._length = None
        placed = bool(self.place())
        self.fact, self._about = fact, about
        if bool(self.place()) != placed:
            self.updateGeometry()
        if name != self._name:
            self._name = name
            self.setAccessibleName(f"Key {name}")
            plain_tooltip(self, name)
            self.updateGeometry()
        self.update()

    def set_length(self, length: int | None) -> None:
        """How many elements the key holds, None where nobody knows."""
        self._length = length
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, self.heightForWidth(200))

    def heightForWidth(self, width: int) -> int:
        metrics = QFontMetrics(self._theme.fonts.mono)
        name = metrics.boundingRect(self._name_rect(width), _NAME_FLAGS, self._shown()).height()
        lines = 2 if self.place() else 1
        return name + lines * QFontMetrics(self._theme.fonts.body).height() + 14

    def _name_rect(self, width: int) -> QRect:
        return QRect(self._PAD, 5, width - 2 * self._PAD, 400)

    def _shown(self) -> str:
        return text.shorten(self._name, LONGEST_NAME) or "(the empty name)"

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.fact is None:
            return
        colors, fonts = self._theme.colors, self._theme.fonts
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(colors.accent if self.hasFocus() else Qt.PenStyle.NoPen)
        ground = colors.selection if self.isChecked() else colors.raised if self.underMouse() else None
        painter.setBrush(ground if ground else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.setPen(colors.text if self.fact.exists else colors.muted)
        painter.setFont(fonts.mono)
        painter.drawText(self._name_rect(self.width()), _NAME_FLAGS, self._shown())
        painter.setFont(fonts.body)
        painter.setPen(colors.muted)
        line = self.rect().adjusted(self._PAD, 0, -self._PAD, -6)
        bottom = Qt.AlignmentFlag.AlignBottom | Qt.TextFlag.TextSingleLine
        if place := self.place():
            shown = elide(painter.fontMetrics(), place, Qt.TextElideMode.ElideRight, line.width())
            painter.drawText(line, int(bottom | Qt.AlignmentFlag.AlignLeft), shown)
            line.adjust(0, 0, 0, -painter.fontMetrics().height())
        size = "" if self._about.memory is None else words.size(self._about.memory)
        painter.drawText(line, int(bottom | Qt.AlignmentFlag.AlignRight), size)
        room = line.width() - painter.fontMetrics().horizontalAdvance(size) - self._PAD
        words_ = elide(painter.fontMetrics(), self.describe(), Qt.TextElideMode.ElideRight, room)
        painter.drawText(line, int(bottom | Qt.AlignmentFlag.AlignLeft), words_)
        painter.end()

    def describe(self) -> str:
        """``set · 50,000 members · hashtable · 6:59:41 left``"""
        if self.fact is None:
            return ""
        told = key_text(self.fact, self._clock())
        nouns = _ELEMENTS.get(self.fact.type)
        length = words.count(self._length, *nouns) if self._length is not None and nouns else None
        more = "".join(f"{word} · " for word in (length, self._about.encoding) if word)
        return told.replace(" · ", f" · {more}", 1)

    def place(self) -> str:
        """``slot 10647 by its tag {7} · 10.0.0.2:7001``; empty where the server is no cluster."""
        about = self._about
        if about.slot is None:
            return ""
        tag = f" by its tag {{{about.tag}}}" if about.tag else ""
        return f"slot {about.slot}{tag} · {about.node or 'served by no node'}"


class KeyPanel(QWidget):
    """The keys of the row last given to `show_row`, one of them chosen. A credential is masked until it is
    revealed, and again as soon as another row is shown."""

    chosen = Signal()
    revealed_changed = Signal()

    def __init__(
        self,
        session: Session,
        family: Family,
        theme: Theme,
        clock: Callable[[], float],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._family, self._theme, self._clock = session, family, theme, clock
        self._row: Row | None = None
        self._about: dict[bytes, KeyAbout] = {}
        self._latest = Latest("about keys")
        self._title = PlainLabel(theme=theme, role="label")
        self._reveal = QPushButton("Reveal")
        self._reveal.setProperty("kind", "quiet")
        self._reveal.setCheckable(True)
        self._reveal.toggled.connect(self._on_reveal)
        plain_tooltip(self._reveal, "Show the credential of this row until another one is chosen")
        self._lines: list[KeyLine] = []
        self._group = QButtonGroup(self)
        self._group.buttonClicked.connect(self.chosen)
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self._reveal)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._column.addLayout(head)
        self._column.addSpacing(4)
        self._icons()
        theme.changed.connect(self._icons)

    def _icons(self) -> None:
        self._reveal.setIcon(assets.icon("eye", self._theme.colors.muted))

    @property
    def revealed(self) -> bool:
        """True while the row's credential may be seen."""
        return self._reveal.isChecked()

    @property
    def current(self) -> tuple[int, KeyFact] | None:
        """The chosen key and its position among the row's keys."""
        line = self._group.checkedButton()
        if isinstance(line, KeyLine) and line.fact is not None and line in self._lines:
            return self._lines.index(line), line.fact
        return None

    def clear(self) -> None:
        """No row is shown: nothing more is asked."""
        self._row = None
        self._latest.drop()

    def show_row(self, row: Row) -> None:
        """Another row: its first key that exists is chosen, its credential masked."""
        self._about.clear()
        self._reveal.setChecked(False)
        self.refresh(row)
        self._choose(next((line for line in self._lines if line.fact and line.fact.exists), None))
        self.ask()

    def refresh(self, row: Row) -> None:
        """The same row, read anew."""
        self._row = row
        self._fit_lines(len(row.keys))
        for line, fact in zip(self._lines, row.keys, strict=True):
            about = self._about.get(fact.name, KeyAbout())
            if self._family.secret and not self.revealed:
                about = replace(about, tag="")  # it may be the credential
            line.set_key(self.name(fact), fact, about)
        self._title.setText("Key" if len(row.keys) == 1 else "Keys")
        hidden = self._family.secret and any(self.masked(fact) != text.show(fact.name) for fact in row.keys)
        self._reveal.setVisible(bool(row.reveal) or hidden)

    def tick(self) -> None:
        """A second has passed."""
        for line in self._lines:
            line.update()

    def set_length(self, key: bytes, length: int | None) -> None:
        """How many elements a key holds has become known with its value."""
        for line in self._lines:
            if line.fact is not None and line.fact.name == key:
                line.set_length(length)

    def name(self, fact: KeyFact) -> str:
        """The key's name as it may be shown now."""
        if self.revealed or not self._family.secret:
            return text.show(fact.name)
        return self.masked(fact)

    def masked(self, fact: KeyFact) -> str:
        """The name of a secret family's key as it may be shown unasked."""
        return self._family.mask(fact.name) if self._family.mask else text.mask(text.show(fact.name))

    def enter(self) -> None:
        """Take the keyboard to the chosen key."""
        if self._lines:
            (self._group.checkedButton() or self._lines[0]).setFocus(Qt.FocusReason.OtherFocusReason)

    def ask(self) -> None:
        """Have the server asked how it keeps the keys, and how much memory they take."""
        row = self._row
        if row is None:
            return

        async def question() -> None:
            for fact in row.keys[:KEYS]:
                if fact.exists:
                    about = await self._session.about(fact.name)
                    if self._row is None or self._row.id != row.id:
                        return
                    self._about[fact.name] = about
                    self.refresh(self._row)

        self._latest.ask(question)

    async def end(self) -> None:
        """Cancel what is being read."""
        await self._latest.end()

    def _fit_lines(self, count: int) -> None:
        while len(self._lines) > count:
            line = self._lines.pop()
            self._group.removeButton(line)
            line.hide()
            line.deleteLater()
        while len(self._lines) < count:
            line = KeyLine(self._theme, self._clock)
            self._lines.append(line)
            self._group.addButton(line)
            self._column.addWidget(line)

    def _choose(self, line: KeyLine | None) -> None:
        self._group.setExclusive(False)
        for other in self._lines:
            other.setChecked(other is line)
        self._group.setExclusive(True)

    def _on_reveal(self, revealed: bool) -> None:
        self._reveal.setText("Hide" if revealed else "Reveal")
        if self._row is not None:
            self.refresh(self._row)
        self.revealed_changed.emit()
