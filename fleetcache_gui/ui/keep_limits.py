"""How much is kept to be put back, and how long: three choices."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from fleetcache_gui.domain import words
from fleetcache_gui.ui.text_widgets import PlainLabel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fleetcache_gui.deeds import Deeds
    from fleetcache_gui.ui.theme import Theme

AGES = tuple(3600.0 * hours for hours in (1, 8, 24, 72, 168))
DEED_BYTES = tuple(megabytes * 2**20 for megabytes in (16, 64, 256))
ALL_BYTES = tuple(megabytes * 2**20 for megabytes in (64, 256, 1024))


class KeepLimits(QWidget):
    """They hold for what is saved from now on."""

    def __init__(self, deeds: Deeds, theme: Theme) -> None:
        super().__init__()
        self._deeds = deeds
        limits = deeds.limits
        self.age = _choice("How long it is kept", AGES, limits.age, words.span)
        self.deed_bytes = _choice("How much of one deed is kept", DEED_BYTES, limits.deed_bytes, _size)
        self.all_bytes = _choice("How much is kept in all", ALL_BYTES, limits.all_bytes, _size)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for text, choice in (
            ("From now on, keep for", self.age),
            ("up to", self.deed_bytes),
            ("a deed,", self.all_bytes),
            ("in all", None),
        ):
            row.addWidget(PlainLabel(text, theme=theme, role="muted"))
            if choice is not None:
                row.addWidget(choice)
                choice.activated.connect(self._choose)
        row.addStretch(1)

    def _choose(self) -> None:
        self._deeds.limits = replace(
            self._deeds.limits,
            age=self.age.currentData(),
            deed_bytes=self.deed_bytes.currentData(),
            all_bytes=self.all_bytes.currentData(),
        )


def _size(number: float) -> str:
    return words.size(number).replace(".0 ", " ")


def _choice(name: str, offered: Iterable[float], now: float, text: Callable[[float], str]) -> QComboBox:
    """The offered ones, and the present one where it is another (the settings can be edited by hand)."""
    box = QComboBox()
    box.setAccessibleName(name)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    for value in sorted({*offered, now}):
        box.addItem(text(value), value)
    box.setCurrentIndex(box.findData(now))
    return box
