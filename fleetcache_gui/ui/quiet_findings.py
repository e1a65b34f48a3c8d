"""What a person has acknowledged or muted: kept apart, folded up until it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from fleetcache_gui import assets
from fleetcache_gui.domain import words
from fleetcache_gui.ui.finding_cards import FindingCards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.health import Finding
    from fleetcache_gui.ui.attention import Attention
    from fleetcache_gui.ui.theme import Theme


class QuietFindings(QWidget):
    """A line that unfolds to cards; hidden while there is nothing quiet."""

    jump = Signal(str, object)
    chart = Signal(str)
    resized = Signal()

    def __init__(self, theme: Theme, attention: Attention, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._count = 0
        self.fold = QPushButton()
        self.fold.setProperty("kind", "quiet")
        self.fold.setCheckable(True)
        self.fold.toggled.connect(self._toggle)
        self.cards = FindingCards(theme, attention)
        self.cards.jump.connect(self.jump)
        self.cards.chart.connect(self.chart)
        self.cards.resized.connect(self.resized)
        self.cards.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.fold, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.cards)
        theme.changed.connect(self._tell)

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """These are quiet now."""
        self._count = len(findings)
        self.cards.show_findings(findings)
        self.setVisible(bool(findings))
        self._tell()

    def tick(self) -> None:
        """Carry the durations on."""
        self.cards.tick()

    def _tell(self) -> None:
        opened = self.fold.isChecked()
        self.fold.setText(f"{words.count(self._count, 'finding')} acknowledged or muted")
        self.fold.setIcon(assets.icon("chevron-down" if opened else "chevron-right", self._theme.colors.muted))

    def _toggle(self, opened: bool) -> None:
        self.cards.setVisible(opened)
        self._tell()
        self.resized.emit()
