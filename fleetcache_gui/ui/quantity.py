"""A number that is chosen by a slider over a wide range, or typed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QSpinBox, QVBoxLayout, QWidget

from fleetcache_gui.ui.text_widgets import PlainLabel, plain_tooltip

if TYPE_CHECKING:
    from fleetcache_gui.ui.theme import Theme

_STEPS = 400


class Quantity(QWidget):
    """Title, slider, field. With `logarithmic` each decade has the same room, and zero stands at the left end."""

    changed = Signal()

    def __init__(
        self, title: str, help_: str, most: int, theme: Theme, *, logarithmic: bool = True, suffix: str = ""
    ) -> None:
        super().__init__()
        self._most, self._logarithmic = most, logarithmic
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _STEPS if logarithmic else most)
        self.slider.setPageStep(_STEPS // 20)
        self.slider.setAccessibleName(title)
        self.field = QSpinBox(maximum=most)
        self.field.setGroupSeparatorShown(True)
        self.field.setSuffix(suffix)
        self.field.setAccessibleName(title)
        self.field.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.field.setFixedWidth(112)
        self.field.setStepType(QSpinBox.StepType.AdaptiveDecimalStepType)
        plain_tooltip(self, help_)
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self.slider, 1)
        row.addWidget(self.field)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(PlainLabel(title, theme=theme))
        column.addLayout(row)
        self.slider.valueChanged.connect(self._slid)
        self.field.valueChanged.connect(self._typed)

    @property
    def value(self) -> int:
        """The number as it is now."""
        return self.field.value()

    def set_value(self, value: int) -> None:
        """Choose a number without telling of it."""
        with QSignalBlocker(self.field), QSignalBlocker(self.slider):
            self.field.setValue(min(value, self._most))
            self.slider.setValue(self._place(self.field.value()))

    def _place(self, value: int) -> int:
        if not self._logarithmic:
            return value
        return round(_STEPS * math.log1p(value) / math.log1p(self._most))

    def _slid(self, place: int) -> None:
        value = place
        if self._logarithmic:
            exact = math.expm1(place / _STEPS * math.log1p(self._most))
            digits = max(int(math.log10(exact)) - 1, 0) if exact >= 1 else 0
            value = round(exact / 10**digits) * 10**digits  # two digits: nobody means 10,237 hosts
        with QSignalBlocker(self.field):
            self.field.setValue(min(value, self._most))
        self.changed.emit()

    def _typed(self, value: int) -> None:
        with QSignalBlocker(self.slider):
            self.slider.setValue(self._place(value))
        self.changed.emit()
