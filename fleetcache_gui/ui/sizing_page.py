"""Sizing: the rule of thumb beside what this server really uses, and what another load would need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout

from fleetcache_gui import assets
from fleetcache_gui.domain import words
from fleetcache_gui.domain.sizing import Line, Load, project, recommendation
from fleetcache_gui.domain.values import Progress
from fleetcache_gui.ui.home import SectionPage
from fleetcache_gui.ui.plain_table import Heading, PlainModel, PlainTable
from fleetcache_gui.ui.quantity import Quantity
from fleetcache_gui.ui.sizing_bars import SizingBars, part_color
from fleetcache_gui.ui.text_widgets import PlainBlock, PlainLabel, copy_text
from fleetcache_gui.ui.theme import ROW, Theme

if TYPE_CHECKING:
    from PySide6.QtGui import QShowEvent
    from PySide6.QtWidgets import QLayout

    from fleetcache_gui.domain.sizing import Part
    from fleetcache_gui.session import Session
    from fleetcache_gui.ui.table_model import Index

HEADINGS = (
    Heading("What takes memory"),
    Heading("Number", 108, right=True),
    Heading("Rule, each", 92, right=True),
    Heading("Here, each", 92, right=True),
    Heading("By rule", 88, right=True),
    Heading("As measured", 100, right=True),
)
HOSTS = 10_000
"""Assumed where nobody told how many are enrolled."""
UNKNOWN = "–"
Role = Qt.ItemDataRole


class _Lines(PlainModel):
    """The parts, each with its colour."""

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:  # noqa: ANN401
        if index.isValid() and index.column() == 0 and role == Role.DecorationRole:
            swatch = QPixmap(20, 20)
            swatch.fill(part_color(self._theme, index.row()))
            return QIcon(swatch)
        if index.isValid() and index.column() == 2 and role == Role.ToolTipRole:
            return self.items[index.row()].part.source
        return super().data(index, role)


def _texts(line: Line) -> tuple[str, ...]:
    each, here = line.part.rule, line.measured
    return (
        line.part.title,
        words.count(round(line.count)),
        words.size(each) if each >= 1 else f"{each * 8:g} bit",
        UNKNOWN if here is None else words.size(here),
        words.size(line.by_rule),
        words.size(line.as_measured),
    )


class SizingPage(SectionPage):
    """Begins with the load as it is seen now; what a person chooses stays until `Like now`."""

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._session, self._theme = session, theme
        self._touched = False
        self.hosts = Quantity("Hosts", "Enrolled hosts", 1_000_000, theme)
        self.campaigns = Quantity("Campaigns at once", "Live queries that are active at the same time", 1000, theme)
        self.answered = Quantity(
            "Answered", "Share of the hosts that have answered each", 100, theme, logarithmic=False, suffix=" %"
        )
        self.backlog = Quantity("Queued host details", "The longest backlog to be borne", 10_000_000, theme)
        self.tokens = Quantity("Installer tokens", "Tokens that are valid at the same time", 1_000_000, theme)
        self.like_now = QPushButton("Like now")
        self._model = _Lines(HEADINGS, _texts, theme, self)
        self.table = PlainTable(self._model, theme)
        self.table.setAccessibleName("Memory by part")
        self.bars = SizingBars(theme)
        self.total = PlainLabel(theme=theme, role="muted", wrap=True)
        self.advice = PlainBlock(theme=theme)
        self.copy = QPushButton("Copy")
        self._arrange()
        for quantity in self.quantities:
            quantity.changed.connect(self._chosen)
        self.like_now.clicked.connect(self._reset)
        self.copy.clicked.connect(lambda: copy_text(self.advice.toPlainText()))
        theme.changed.connect(self._icons)
        self._icons()

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """All that can be chosen."""
        return (self.hosts, self.campaigns, self.answered, self.backlog, self.tokens)

    def _icons(self) -> None:
        self.copy.setIcon(assets.icon("copy", self._theme.colors.muted))

    def _arrange(self) -> None:
        head = QHBoxLayout()
        head.addWidget(PlainLabel("What if", theme=self._theme, role="heading"))
        head.addStretch(1)
        head.addWidget(self.like_now)
        left = QVBoxLayout()
        left.setContentsMargins(16, 12, 16, 16)
        left.setSpacing(12)
        left.addLayout(head)
        for quantity in self.quantities:
            left.addWidget(quantity)
        left.addStretch(1)
        left.addWidget(self.total)
        choices = _card(left)
        choices.setFixedWidth(340)
        lines = QVBoxLayout()
        lines.setContentsMargins(1, 1, 1, 1)
        lines.addWidget(self.table)
        bars = QVBoxLayout()
        bars.setContentsMargins(16, 8, 8, 8)
        bars.addWidget(self.bars)
        words_ = QVBoxLayout()
        words_.setContentsMargins(16, 8, 16, 8)
        words_.setSpacing(4)
        told = QHBoxLayout()
        told.addWidget(PlainLabel("Recommendation", theme=self._theme, role="heading"))
        told.addStretch(1)
        told.addWidget(self.copy)
        words_.addLayout(told)
        words_.addWidget(self.advice)
        words_.addStretch(1)
        right = QVBoxLayout()
        right.setSpacing(8)
        self._lines_card = _card(lines)
        right.addWidget(self._lines_card)
        right.addWidget(_card(bars))
        right.addWidget(_card(words_), 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 12, 16, 16)
        row.setSpacing(8)
        row.addWidget(choices)
        row.addLayout(right, 1)

    # --- what it knows ---

    @property
    def load(self) -> Load:
        """As it is chosen."""
        return Load(
            self.hosts.value,
            self.campaigns.value,
            self.answered.value / 100,
            self.backlog.value,
            self.tokens.value,
        )

    def _now(self) -> Load:
        """As the server has it now, in the numbers of the families that the parts are of."""
        counts = {part.knob: self._count(part) for part in self._session.layout.parts}
        done = [
            cell
            for part in self._session.layout.parts
            if (snapshot := self._session.snapshot(part.family)) is not None
            for row in snapshot.rows
            for cell in row.cells
            if isinstance(cell, Progress) and cell.total
        ]
        hosts = max((cell.total or 0 for cell in done), default=0) or self._session.expected.hosts or HOSTS
        answered = sum(cell.done for cell in done) / (hosts * len(done)) if done else 1.0
        campaigns, backlog, tokens = (counts.get(knob, 0) for knob in ("campaigns", "backlog", "tokens"))
        return Load(hosts, campaigns, min(answered, 1.0), backlog, tokens)

    def _count(self, part: Part) -> int:
        snapshot = self._session.snapshot(part.family)
        if snapshot is None:
            return 0
        weight = self._session.layout.family(part.family).weight(snapshot.rows)
        return snapshot.count if weight is None else weight

    def _measured(self) -> dict[Part, float]:
        found: dict[Part, float] = {}
        for part in self._session.layout.parts:
            snapshot, weight = self._session.snapshot(part.family), self._session.weights.by_family.get(part.family)
            if snapshot is not None and weight is not None and not snapshot.long:
                each = part.measure(weight, snapshot.rows)
                if each is not None:
                    found[part] = each
        return found

    # --- what it shows ---

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.tick()

    def tick(self) -> None:
        if self.isVisible():
            if not self._touched:
                self._take(self._now())
            self._tell()

    def _take(self, load: Load) -> None:
        for quantity, value in zip(
            self.quantities,
            (load.hosts, load.campaigns, round(100 * load.answered), load.backlog, load.tokens),
            strict=True,
        ):
            quantity.set_value(value)

    def _chosen(self) -> None:
        self._touched = True
        self._tell()

    def _reset(self) -> None:
        self._touched = False
        self.tick()

    def _tell(self) -> None:
        vitals = self._session.vitals
        plan = project(self._session.layout.parts, self.load, self._measured())
        if self._model.items != list(plan.lines):
            self._model.show(plan.lines)
        self._lines_card.setFixedHeight(ROW * len(plan.lines) + 32)
        limit = vitals.memory_limit if vitals else None
        self.bars.show_plan(plan, limit)
        self.like_now.setEnabled(self._touched)
        used = f"This server uses {words.size(vitals.memory)} now. " if vitals and vitals.memory is not None else ""
        needed = f"{words.size(plan.by_rule)} are needed by rule, {words.size(plan.as_measured)} as measured here."
        self.total.setText(used + needed)
        text = recommendation(plan, limit, vitals.policy if vitals else None)
        self.advice.set_block(text)


def _card(inside: QLayout) -> QFrame:
    card = QFrame()
    card.setProperty("surface", "card")
    card.setLayout(inside)
    return card
