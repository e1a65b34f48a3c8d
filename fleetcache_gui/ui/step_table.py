"""The steps of a plan, or what became of them: a list that opens at once however long it is, and can be filtered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from fleetcache_gui import assets
from fleetcache_gui.domain import words
from fleetcache_gui.domain.plan import Outcome
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.present.steps import ALL, NO_WAY_BACK
from fleetcache_gui.ui.latest import Latest
from fleetcache_gui.ui.line_table import HEADER, LineTable
from fleetcache_gui.ui.text_widgets import PlainLabel, tooltip_text
from fleetcache_gui.ui.theme import ROW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QObject
    from PySide6.QtGui import QResizeEvent

    from fleetcache_gui.present.steps import Steps, StepText
    from fleetcache_gui.ui.table_model import Index
    from fleetcache_gui.ui.theme import Theme

Role = Qt.ItemDataRole

LONG, SHORT = 10, 5
"""Lines that are shown at once; a longer list can be filtered. The smaller number: where there is more to show."""

_SLICE = 1000  # lines that are searched between two turns of the loop, some 2 ms
_COMMAND, _WHAT, _SIZE, _ASIDE, _NOTE = range(5)
_TITLES = ("Command", "What", "Size", "Outcome", "Note")

OUTCOME_LOOKS = {
    Outcome.DONE: ("check", Tone.OK),
    Outcome.GONE: ("empty", Tone.NEUTRAL),
    Outcome.CHANGED: ("changed", Tone.WARN),
    Outcome.UNSAVED: ("not saved", Tone.WARN),
    Outcome.REFUSED: ("lock", Tone.WARN),
    Outcome.UNREACHABLE: ("unplugged", Tone.WARN),
    Outcome.CANCELLED: ("stopped", Tone.NEUTRAL),
    Outcome.FAILED: ("warning", Tone.WARN),
    Outcome.UNKNOWN: ("unknown", Tone.WARN),
}
"""Icon and tone of each outcome; its word always stands beside them."""


class StepModel(QAbstractTableModel):
    """Lines at `positions`; a text is made when it is asked for."""

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme
        self.steps: Steps | None = None
        self.positions: Sequence[int] = ()
        self.receipt = False

    def show(self, steps: Steps, positions: Sequence[int], *, receipt: bool = False) -> None:
        """Show these lines."""
        self.beginResetModel()
        self.steps, self.positions, self.receipt = steps, positions, receipt
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008  (Qt's own signature)
        return 0 if parent.isValid() else len(self.positions)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(_TITLES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:  # noqa: ANN401
        if orientation is Qt.Orientation.Horizontal and role == Role.DisplayRole:
            return "Way back" if section == _ASIDE and not self.receipt else _TITLES[section]
        if role == Role.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:  # noqa: ANN401
        if not index.isValid() or self.steps is None:
            return None
        position, column = self.positions[index.row()], index.column()
        if role == Role.DisplayRole:
            return self._text(position)[column]
        if role == Role.ToolTipRole:
            line = self._text(position)
            return tooltip_text("\n".join(filter(None, (line.command, line.what, line.aside, line.note))))
        if role == Role.FontRole:
            return self._theme.fonts.mono if column == _COMMAND else self._theme.fonts.body
        if role == Role.TextAlignmentRole:
            return _alignment(column)
        if role == Role.ForegroundRole:
            return self._colour(position, column)
        if role == Role.DecorationRole and column == _ASIDE and (outcome := self.steps.outcome(position)):
            name, tone = OUTCOME_LOOKS[outcome]
            return assets.icon(name, self._theme.colors.tone(tone))
        return None

    def _text(self, position: int) -> StepText:
        assert self.steps is not None
        return self.steps.text(position)

    def _colour(self, position: int, column: int) -> Any:  # noqa: ANN401  (a colour or nothing)
        assert self.steps is not None
        colors = self._theme.colors
        if column == _COMMAND:
            return colors.text
        if column == _ASIDE and (outcome := self.steps.outcome(position)):
            return colors.tone(OUTCOME_LOOKS[outcome][1])
        if column == _ASIDE and self._text(position).aside == NO_WAY_BACK:
            return colors.warn
        return colors.muted


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column == _SIZE else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


class _Lines(LineTable):
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.share()

    def share(self) -> None:
        """Fixed figures, the rest for what is done to what; a receipt has no sizes, and where nothing is noted there is
        no column for it."""
        model = self.model()
        assert isinstance(model, StepModel)
        noted = model.steps is not None and model.steps.noted
        size, aside = 0 if model.receipt else 76, 158 if model.receipt else 104
        room = max(self.viewport().width() - size - aside, 200)
        shares = (0.36, 0.26, 0.38) if noted else (0.56, 0.44, 0.0)
        self.setColumnHidden(_NOTE, not noted)
        self.setColumnHidden(_SIZE, model.receipt)
        widths = (round(shares[0] * room), round(shares[1] * room), size, aside)
        for column, width in enumerate(widths):
            self.setColumnWidth(column, width)
        self.setColumnWidth(_NOTE, room - widths[0] - widths[1])


class StepTable(QWidget):
    """The lines of a plan or a receipt, those of one kind where there are several, and of these what a person types."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._steps: Steps | None = None
        self._receipt = False
        self._kinds: dict[str, Sequence[int]] = {}
        self._latest = Latest("filter steps")
        self.model = StepModel(theme, self)
        self.view = _Lines(self.model, theme)
        self.view.setAccessibleName("Steps")
        self.extent = PlainLabel(theme=theme, role="label")
        self.kind = QComboBox()
        self.kind.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.kind.setAccessibleName("Show only some of the steps")
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter")
        self.filter.setAccessibleName("Filter the steps")
        self.filter.setClearButtonEnabled(True)
        self.filter.setFixedWidth(180)
        self._arrange()
        self.kind.currentIndexChanged.connect(self._narrow)
        self.filter.textChanged.connect(self._narrow)

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.extent, 1)
        head.addWidget(self.filter)
        head.addWidget(self.kind)
        frame = QFrame()
        frame.setProperty("surface", "card")
        inside = QVBoxLayout(frame)
        inside.setContentsMargins(1, 1, 1, 1)
        inside.addWidget(self.view)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(frame)

    def show_steps(self, steps: Steps, *, receipt: bool = False, lines: int = LONG) -> None:
        """Show these, `lines` of them at once."""
        self._steps, self._receipt, self._kinds = steps, receipt, steps.kinds()
        for widget in (self.kind, self.filter):
            widget.blockSignals(True)
        self.filter.clear()
        self.kind.clear()
        for name, positions in self._kinds.items():
            number = words.count(len(positions))
            self.kind.addItem(f"All {number}" if name == ALL else f"{number} {name}", name)
        self.kind.setVisible(len(self._kinds) > 1)
        self.filter.setVisible(len(steps) > lines)
        for widget in (self.kind, self.filter):
            widget.blockSignals(False)
        self.view.setFixedHeight(HEADER + ROW * min(max(len(steps), 1), lines))
        self._show(self._of_kind())

    async def end(self) -> None:
        """Stop searching."""
        await self._latest.end()

    def _of_kind(self) -> Sequence[int]:
        return self._kinds.get(str(self.kind.currentData()), ())

    def _narrow(self) -> None:
        if self.filter.text().strip():
            self._latest.ask(self._search)
        else:
            self._latest.drop()
            self._show(self._of_kind())

    async def _search(self) -> None:
        steps, text, kind = self._steps, self.filter.text(), self.kind.currentData()
        needles, found = text.casefold().split(), []
        if steps is None:
            return
        for number, position in enumerate(self._of_kind()):
            if number % _SLICE == _SLICE - 1:
                await asyncio.sleep(0)
            if steps.holds(position, needles):
                found.append(position)
        if (steps, text, kind) == (self._steps, self.filter.text(), self.kind.currentData()):
            self._show(found)

    def _show(self, positions: Sequence[int]) -> None:
        if self._steps is None:
            return
        self.model.show(self._steps, positions, receipt=self._receipt)
        self.view.share()
        total, skipped = len(self._of_kind()), len(self._steps.plan.skipped)
        if len(positions) != total:
            self.extent.setText(f"{words.count(len(positions))} of {words.count(total)}")
        elif total == len(self._steps) and skipped:
            self.extent.setText(f"{words.count(total - skipped, 'step')}, {words.count(skipped)} skipped")
        else:
            self.extent.setText(words.count(total, "step"))
