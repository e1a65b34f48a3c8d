"""The command palette and the help sheet: every action by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout

from fleetcache_gui.ui.actions import native
from fleetcache_gui.ui.picker import Choice, ChoiceList, Overlay, SteeringField
from fleetcache_gui.ui.text_widgets import PlainLabel
from fleetcache_gui.ui.unlock import LOOKS_ONLY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from PySide6.QtWidgets import QWidget

    from fleetcache_gui.ui.actions import Action
    from fleetcache_gui.ui.theme import Theme

TALLEST = 420


class Palette(Overlay):
    """Typing narrows the list, Enter does the current action; what cannot be done says why."""

    def __init__(self, window: QWidget, theme: Theme, actions: Callable[[], Iterable[Action]]) -> None:
        super().__init__(window, theme, 560)
        self._ask = actions
        self._actions: tuple[Action, ...] = ()
        self.field = SteeringField()
        self.field.setPlaceholderText("What do you want to do?")
        self.field.setAccessibleName("Search for an action")
        self.list = ChoiceList(theme)
        self.list.setAccessibleName("Actions")
        self.nothing = PlainLabel("No action of that name.", theme=theme, role="muted")
        for part in (self.field, self.nothing, self.list):
            self.body.addWidget(part)
        self.body.setContentsMargins(8, 8, 8, 8)
        self.nothing.setContentsMargins(8, 4, 8, 4)
        self.field.steer = self.list.steer
        self.field.textEdited.connect(self._narrow)
        self.list.chosen.connect(self._do)

    def open(self) -> None:
        self._actions = tuple(self._ask())
        self.field.clear()
        self._narrow("")
        super().open()
        self.field.setFocus()

    def _narrow(self, text: str) -> None:
        parts = text.casefold().split()
        wanted = [a for a in self._actions if all(part in a.title.casefold() for part in parts)]
        self.list.show_choices([_choice(action) for action in wanted])
        self.list.setFixedHeight(self.list.content_height(TALLEST))
        self.nothing.setVisible(not wanted)
        self.list.setVisible(bool(wanted))
        self.body.activate()
        self.place()

    def _do(self, action: Action) -> None:
        self.close_up()  # first, so that the action finds the focus where it was
        action.trigger()


def _choice(action: Action) -> Choice:
    hindrance = action.hindrance()
    return Choice(action.title, action, hindrance, action.shown_keys, enabled=not hindrance)


class ShortcutSheet(Overlay):
    """That nothing is changed unasked, and all shortcuts, on one sheet."""

    def __init__(self, window: QWidget, theme: Theme, actions: Callable[[], Sequence[Action]]) -> None:
        super().__init__(window, theme, 640)
        self._theme, self._actions = theme, actions

    def _fill(self) -> None:
        """Once, when it is first opened: until then there may come more actions."""
        theme = self._theme
        self.body.setContentsMargins(24, 20, 24, 20)
        self.body.addWidget(PlainLabel("Looking and changing", theme=theme, role="heading"))
        self.body.addWidget(PlainLabel(LOOKS_ONLY, theme=theme, role="muted", wrap=True))
        self.body.addSpacing(8)
        self.body.addWidget(PlainLabel("Shortcuts", theme=theme, role="heading"))
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(6)
        self.body.addLayout(grid)
        shown = [(action.title, action.shown_keys) for action in self._actions() if action.keys]
        shown.append(("Copy the selected row", native("Ctrl+C")))
        half = (len(shown) + 1) // 2
        for position, (title, keys) in enumerate(shown):
            row, column = position % half, 2 * (position // half)
            grid.addWidget(PlainLabel(title, theme=theme), row, column)
            grid.addWidget(PlainLabel(keys, theme=theme, role="muted"), row, column + 1)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def open(self) -> None:
        if not self.body.count():
            self._fill()
        super().open()
        self.setFocus()
