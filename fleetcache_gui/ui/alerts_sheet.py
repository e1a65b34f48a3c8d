"""From where on findings about the server open: a plain list of figures, each with its usual value."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QGridLayout, QHBoxLayout, QPushButton

from fleetcache_gui.domain.thresholds import USUAL, Thresholds
from fleetcache_gui.ui.sheet import Sheet
from fleetcache_gui.ui.text_widgets import PlainLabel

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from fleetcache_gui.session import Session
    from fleetcache_gui.settings import Settings
    from fleetcache_gui.ui.theme import Theme

    Keep = Callable[[Thresholds], str]
    """Keeps them for the next time; a sentence on why not, else nothing."""

NOT_KEPT = "They hold for this window: a connection that is no profile keeps nothing."


@dataclass(frozen=True, slots=True)
class _Line:
    field: str
    title: str
    unit: str
    least: float
    most: float
    decimals: int = 0


LINES = (
    _Line("memory", "Memory used, warning", "% of its limit", 1, 100),
    _Line("memory_critical", "Memory used, critical", "% of its limit", 1, 100),
    _Line("clients", "Connections, warning", "% of their limit", 1, 100),
    _Line("clients_critical", "Connections, critical", "% of their limit", 1, 100),
    _Line("lag", "Replica behind", "seconds", 1, 3600),
    _Line("evicted", "Keys evicted", "within a minute", 0, 1e6),
    _Line("hit_drop", "Hit rate falls by", "percentage points", 1, 100),
    _Line("fragmentation", "Memory taken from the system", "times that used", 1.1, 10, 1),
    _Line("growth", "Key family grows by", "% in ten minutes", 10, 10_000),
    _Line("buffer", "Output waiting for one client", "% of its limit", 1, 100),
)
_GRAVER = (("memory", "memory_critical"), ("clients", "clients_critical"))


class AlertsSheet(Sheet):
    """What is typed holds when it is saved."""

    def __init__(self, window: QWidget, session: Session, theme: Theme, settings: Settings, keep: Keep | None) -> None:
        super().__init__(window, theme, 520, session.environment, session.name)
        self._session, self._settings, self._keep = session, settings, keep
        self.fields: dict[str, QDoubleSpinBox] = {}
        self.inner.addWidget(PlainLabel("Alerts", theme=theme, role="heading"))
        text = "Above these a finding opens. It closes when the figure is well below, so that nothing comes and goes."
        self.inner.addWidget(PlainLabel(text, theme=theme, role="muted", wrap=True))
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(2, 1)
        for row, line in enumerate(LINES):
            field = QDoubleSpinBox()
            field.setRange(line.least, line.most)
            field.setDecimals(line.decimals)
            field.setFixedWidth(84)
            field.setAlignment(Qt.AlignmentFlag.AlignRight)
            field.setAccessibleName(f"{line.title}, {line.unit}")
            self.fields[line.field] = field
            grid.addWidget(PlainLabel(line.title, theme=theme), row, 0)
            grid.addWidget(field, row, 1)
            grid.addWidget(PlainLabel(line.unit, theme=theme, role="muted"), row, 2)
        self.inner.addLayout(grid)
        self.notify = QCheckBox("Tell me on the desktop while this window is in the background")
        self.inner.addWidget(self.notify)
        self.where = PlainLabel(theme=theme, role="muted", wrap=True)
        self.inner.addWidget(self.where)
        self._add_foot()

    def _add_foot(self) -> None:
        self.usual = QPushButton("Usual values")
        self.usual.setProperty("kind", "quiet")
        self.usual.clicked.connect(lambda: self._fill(USUAL))
        self.cancel = QPushButton("Cancel")
        self.cancel.clicked.connect(self.close_up)
        self.save = QPushButton("Save")
        self.save.setProperty("kind", "primary")
        self.save.clicked.connect(self._save)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.usual)
        foot.addStretch(1)
        foot.addWidget(self.cancel)
        foot.addWidget(self.save)
        self.inner.addLayout(foot)

    def open(self) -> None:
        self._fill(self._session.thresholds)
        self.notify.setChecked(self._settings.notify)
        self.where.setText("They are kept with the profile." if self._keep else NOT_KEPT)
        super().open()
        self.fields["memory"].setFocus()

    @property
    def typed(self) -> Thresholds:
        """What the fields say; a critical level is no lower than its warning."""
        values = {name: field.value() for name, field in self.fields.items()}
        for warning, critical in _GRAVER:
            values[critical] = max(values[critical], values[warning])
        return replace(self._session.thresholds, **values)

    def _fill(self, thresholds: Thresholds) -> None:
        for field in fields(thresholds):
            self.fields[field.name].setValue(getattr(thresholds, field.name))

    def _save(self) -> None:
        self._session.thresholds = self.typed
        self._settings.notify = self.notify.isChecked()
        problem = self._keep(self._session.thresholds) if self._keep else ""
        if problem:
            self.where.setText(problem)
        else:
            self.close_up()
