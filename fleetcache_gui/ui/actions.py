"""What a person can make the window do, as data: palette and shortcuts come from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QKeySequence, QShortcut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from PySide6.QtWidgets import QWidget


def _never() -> str:
    return ""


def native(keys: str) -> str:
    """A key sequence as this system writes it."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)


@dataclass(frozen=True, slots=True)
class Action:
    """`keys` are Qt key sequences, the first of which is shown. `hindrance` is why it cannot be done now."""

    id: str
    title: str
    run: Callable[[], object]
    keys: tuple[str, ...] = ()
    hindrance: Callable[[], str] = _never

    @property
    def shown_keys(self) -> str:
        """The shortcut as this system writes it."""
        return native(self.keys[0]) if self.keys else ""

    def trigger(self) -> bool:
        """Do it unless something hinders it; tells whether it was done."""
        if self.hindrance():
            return False
        self.run()
        return True


def install_shortcuts(actions: Iterable[Action], window: QWidget) -> list[tuple[Action, QShortcut]]:
    """Make the keys of all `actions` work anywhere in `window`."""
    made = []
    for action in actions:
        for keys in action.keys:
            shortcut = QShortcut(QKeySequence(keys), window)
            shortcut.activated.connect(action.trigger)
            made.append((action, shortcut))
    return made
