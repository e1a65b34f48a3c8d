"""The window of connections: profiles at the left, the fields of one in the middle, what a test finds at the right."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from fleetcache_gui import aio, assets
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.profiles import desk, store
from fleetcache_gui.profiles.profile import Profile
from fleetcache_gui.ui.check_list import CheckList
from fleetcache_gui.ui.connection_form import ConnectionForm
from fleetcache_gui.ui.marks import Badge
from fleetcache_gui.ui.picker import Choice, ChoiceList
from fleetcache_gui.ui.text_widgets import ElidedLabel, PlainLabel, plain_tooltip

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Sequence
    from pathlib import Path

    from fleetcache_gui.profiles.desk import Address
    from fleetcache_gui.ui.theme import Theme

TITLE = "Connections – Fleet cache inspector"
SIZE = (1024, 700)
SMALLEST = (900, 520)
_SCROLL_BAR = 14
_HINT = "Fill in a name and an address, or paste a redis:// URL into Address."


@dataclass
class Entry:
    """One connection of the list: as it is kept (None: not yet), as it is being edited, and the passwords typed."""

    saved: Profile | None
    draft: Profile
    password: str = ""
    sentinels: str = ""
    keep: bool = False

    @property
    def changed(self) -> bool:
        return self.saved != self.draft


class ProfileList(ChoiceList):
    """A list that is chosen from by mouse and keys, and stays where it is."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme)
        self.setMouseTracking(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Connections")

    def select(self, position: int) -> None:
        """Make one current."""
        self.setCurrentIndex(self.model().index(position, 0))


class ConnectionEditor(QDialog):
    """Accepted with `chosen` set: the profile to open, and its address, which has been tried."""

    def __init__(self, theme: Theme, path: Path, samples: Sequence[bytes]) -> None:
        """`path`: where profiles are kept. `samples`: names such as keys have, to try permissions on."""
        super().__init__()
        self._theme, self._path, self._samples = theme, path, samples
        self.chosen: tuple[Profile, Address] | None = None
        self._place = ""
        self._warned = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._trial: asyncio.Task[None] | None = None
        self._unreadable = ""
        self._entries = self._load() or [Entry(None, Profile([]))]
        self._now = 0
        self.setWindowTitle(TITLE)
        self.setWindowIcon(assets.application_icon())
        self.setMinimumSize(*SMALLEST)
        self.resize(*SIZE)
        self.list = ProfileList(theme)
        self.form = ConnectionForm(theme)
        self.steps = CheckList(theme)
        self.title = ElidedLabel(theme=theme, role="heading")
        self.title.setMinimumHeight(24)  # the badge's, whether or not it is there
        self.badge = Badge("", theme)
        self.message = PlainLabel(theme=theme, wrap=True)
        self._buttons()
        self._arrange()
        self.form.changed.connect(self._edited)
        self.list.selectionModel().currentChanged.connect(lambda now, _: self._select(now.row()))
        self._relist()
        self._show()
        self._spawn(self._ask_place(), "keyring")

    def _buttons(self) -> None:
        def button(text: str, does: Callable[[], object], hint: str, kind: str = "") -> QPushButton:
            made = QPushButton(text)
            made.setAutoDefault(False)
            made.clicked.connect(lambda: does())
            plain_tooltip(made, hint)
            if kind:
                made.setProperty("kind", kind)
            return made

        self.new = button("New", self.add, "A connection to be filled in.")
        self.forget = button("Remove", self.remove, "Forget the connection, and its password in the keyring.")
        self.test = button("Test connection", self.try_it, "Try it step by step, and stay here.")
        self.save = button("Save", self.keep, "Keep the connection under its name.")
        self.open_ = button("Open", self.open_it, "Save it, try it, and show the server's cache.", "primary")
        self.close_ = button("Close", self.close, "Leave without opening anything.")
        self.open_.setDefault(True)

    def _arrange(self) -> None:
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addWidget(self.list, 1)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.new, 1)
        row.addWidget(self.forget, 1)
        left.addLayout(row)
        side = QFrame()
        side.setProperty("surface", "card")
        side.setLayout(left)
        side.setFixedWidth(248)
        left.setContentsMargins(4, 8, 4, 8)
        row.setContentsMargins(8, 0, 8, 0)

        fields = QScrollArea()
        fields.setWidgetResizable(True)
        fields.setFrameShape(QFrame.Shape.NoFrame)
        fields.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        fields.setWidget(self.form)
        fields.setMinimumWidth(self.form.minimumSizeHint().width() + _SCROLL_BAR)
        middle = QFrame()
        middle.setProperty("surface", "card")
        inner = QVBoxLayout(middle)
        inner.setContentsMargins(1, 1, 1, 1)
        inner.setSpacing(0)
        head = QHBoxLayout()
        head.setContentsMargins(16, 12, 16, 0)
        head.addWidget(self.title, 1)
        head.addWidget(self.badge)
        inner.addLayout(head)
        inner.addWidget(fields, 1)

        columns = QHBoxLayout()
        columns.setSpacing(8)
        columns.addWidget(side)
        columns.addWidget(middle, 5)
        columns.addWidget(self.steps, 4)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.message, 1)
        for button in (self.test, self.save, self.close_, self.open_):
            foot.addWidget(button)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(12, 12, 12, 12)
        whole.setSpacing(12)
        whole.addLayout(columns, 1)
        whole.addLayout(foot)
        for first, second in pairwise(
            (self.list, self.new, self.forget, self.form, self.test, self.save, self.close_, self.open_)
        ):
            QWidget.setTabOrder(first, second)

    # --- the list ----------------------------------------------------------------------------------------------

    @property
    def entry(self) -> Entry:
        """The one that is shown."""
        return self._entries[self._now]

    def _load(self) -> list[Entry]:
        try:
            return [Entry(profile, profile) for profile in store.load(self._path).values()]
        except store.BadProfiles as error:
            self._unreadable = str(error)
            return []

    def _relist(self) -> None:
        def choice(entry: Entry) -> Choice:
            profile = entry.draft
            mark = " •" if entry.changed and entry.saved else ""
            title = (profile.name or "New connection") + mark
            place = ", ".join(profile.addresses) or "no address yet"
            return Choice(title, entry, " · ".join(filter(None, (profile.environment.capitalize(), place))))

        self.list.selectionModel().blockSignals(True)
        self.list.show_choices([choice(entry) for entry in self._entries])
        self.list.select(self._now)
        self.list.selectionModel().blockSignals(False)
        self.list.viewport().update()

    def _select(self, position: int) -> None:
        if 0 <= position < len(self._entries) and position != self._now:
            self._stop()
            self._now = position
            self._show()

    def _show(self) -> None:
        entry = self.entry
        self.form.show_profile(entry.draft, entry.password, entry.sentinels, keep=entry.keep)
        self._judge()

    def add(self) -> None:
        """A new one, at the end."""
        self._stop()
        self._entries.append(Entry(None, Profile([])))
        self._now = len(self._entries) - 1
        self._relist()
        self._show()
        self.form.name.setFocus()

    def remove(self) -> None:
        """The one that is shown."""
        self._stop()
        gone = self._entries.pop(self._now)
        if gone.saved is not None and not self._write():
            self._entries.insert(self._now, gone)
            return
        if gone.saved is not None:
            self._spawn(self._forget(gone.saved.name), "forget password")
        self._entries = self._entries or [Entry(None, Profile([]))]
        self._now = min(self._now, len(self._entries) - 1)
        self._relist()
        self._show()

    # --- editing -----------------------------------------------------------------------------------------------

    def _edited(self) -> None:
        self._stop()
        entry = self.entry
        entry.draft, entry.keep = self.form.profile(), self.form.keep.isChecked()
        entry.password, entry.sentinels = self.form.password.text(), self.form.sentinel_password.text()
        self._warned = False
        self._relist()
        self._judge()

    def _judge(self) -> None:
        """What can be done now, and why the rest cannot."""
        entry = self.entry
        self.title.setText(entry.draft.name or "New connection")
        self.badge.set_word(entry.draft.environment.upper())
        names = [other.draft.name for other in self._entries if other is not entry]
        problem = self._unreadable or desk.problem(entry.draft)
        if not problem and entry.draft.name in names:
            problem = "There is another connection of that name."
        blank = entry.draft == Profile([])
        self._say(_HINT if blank and not self._unreadable else problem, Tone.NEUTRAL if blank else Tone.WARN)
        for button in (self.test, self.open_):
            button.setEnabled(not problem)
        self.save.setEnabled(not problem and (entry.changed or bool(entry.password or entry.sentinels)))
        self.form.keep.setEnabled(bool(self._place))
        self.form.kept.setText(self._where())

    def _where(self) -> str:
        """Where the password is kept, or would be."""
        if not self._place:
            return "This system has no keyring that encrypts: passwords are asked for each time and kept nowhere."
        if self.entry.keep:
            return f"It goes to {self._place} when this is saved, and never into a file."
        return f"Without one typed here, that in {self._place} is used, if there is one. It never goes into a file."

    def _say(self, text: str, tone: Tone = Tone.WARN) -> None:
        self.message.setText(text)
        self.message.set_tone(tone if text else None)

    def keep(self) -> bool:
        """Save the profile that is shown, its password too where that is wanted; whether it could be."""
        entry = self.entry
        before = entry.saved
        entry.saved = entry.draft
        if not self._write():
            entry.saved = before
            return False
        mine, theirs = ((typed or None) if entry.keep else None for typed in (entry.password, entry.sentinels))
        moved = before.name if before else ""
        if mine or theirs or moved not in ("", entry.draft.name):
            self._spawn(self._keep_passwords(entry.draft.name, mine, theirs, moved), "keep passwords")
        self._relist()
        self._judge()
        self._say("Saved.", Tone.OK)
        return True

    def _write(self) -> bool:
        try:
            store.save([entry.saved for entry in self._entries if entry.saved is not None], self._path)
        except store.BadProfiles as error:
            self._say(str(error), Tone.CRITICAL)
            return False
        return True

    # --- trying ------------------------------------------------------------------------------------------------

    def try_it(self) -> None:
        """Test the connection as it stands in the fields."""
        self._try(then_open=False)

    def open_it(self) -> None:
        """Save, test, and open when the test is good."""
        if not self.entry.changed or self.keep():
            self._try(then_open=True)

    def _try(self, *, then_open: bool) -> None:
        self._stop()
        asks = self._place and not self.entry.password
        self.steps.begin(f"Trying … {self._place} may ask you to unlock it." if asks else "Trying …")
        self._trial = self._spawn(self._walk(then_open=then_open), "test connection")

    async def _walk(self, *, then_open: bool) -> None:
        entry = self.entry
        typed = entry.password, entry.sentinels
        address = await desk.attempt(entry.draft, *typed, self.steps.show_step, self._samples)
        self.steps.end(address is not None)
        if address is not None and then_open:
            self.chosen = (entry.draft, address)
            self.accept()

    def _stop(self) -> None:
        """What a test found, or is about to find, is for what the fields said before."""
        if self._trial is not None and not self._trial.done():
            self._trial.cancel()
        self._trial = None
        self.steps.begin()

    async def _ask_place(self) -> None:
        self._place = await desk.keyring_place()
        self._judge()

    async def _keep_passwords(self, name: str, mine: str | None, theirs: str | None, before: str) -> None:
        if problem := await desk.keep(name, mine, theirs, before):
            self._say(problem)

    async def _forget(self, name: str) -> None:
        if problem := await desk.keep(name, "", ""):
            self._say(problem)

    # --- ending ------------------------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        task = aio.spawn(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def end(self) -> None:
        """Stop what is under way; a password on its way to the keyring is let arrive."""
        self._stop()
        await aio.cancel_and_wait(self._tasks)

    def unsaved(self) -> list[str]:
        """Names of connections with changes that are kept nowhere."""
        empty = Profile([])
        changed = [entry.draft for entry in self._entries if entry.changed and entry.draft != empty]
        return [draft.name or "New connection" for draft in changed]

    def reject(self) -> None:
        """Escape, or the window's own cross: changes are not dropped unsaid."""
        if (names := self.unsaved()) and not self._warned:
            self._warned = True
            self._say(f"Not saved: {', '.join(names)}. Close again to drop the changes.")
            return
        super().reject()
