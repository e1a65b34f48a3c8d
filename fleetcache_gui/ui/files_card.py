"""What a server tells of its files and of its last start, as a card."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QVBoxLayout

from fleetcache_gui.domain import words
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.ui.text_widgets import ElidedLabel, PlainLabel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtWidgets import QWidget

    from fleetcache_gui.domain.snapshot import Persistence, Vitals
    from fleetcache_gui.ui.theme import Theme

EACH_NODE = "Each node has its own files: choose one above to see them."
UNTOLD = "The server does not tell."
_MOST = 7

Fact = tuple[str, str, Tone]


def facts(vitals: Vitals, now: float) -> Iterator[Fact]:
    """Label, words, tone; `now`: Unix seconds."""
    if vitals.uptime is not None:
        yield "Running for", f"{words.duration(vitals.uptime)}, since {_moment(now - vitals.uptime)}", Tone.NEUTRAL
    if vitals.run_id:
        yield "Run id", vitals.run_id[:12] + "…", Tone.NEUTRAL
    if vitals.persistence is not None:
        yield from _files(vitals.persistence, now)


def _files(files: Persistence, now: float) -> Iterator[Fact]:
    if files.saving:
        yield "Data file (RDB)", "being written now", Tone.ACCENT
    elif files.save_failed:
        yield "Data file (RDB)", "could not be written the last time", Tone.CRITICAL
    elif files.saved_at:
        ago = f"{words.duration(max(now - files.saved_at, 0))} ago" if files.saved_at < now else "just now"
        took = f", in {words.duration(files.save_s)}" if files.save_s is not None and files.save_s >= 0 else ""
        yield "Data file (RDB)", f"last good {ago}{took}", Tone.NEUTRAL
    if files.unsaved is not None:
        yield "Changes since then", words.count(files.unsaved), Tone.NEUTRAL
    if not files.aof:
        yield "Append-only file", "off", Tone.NEUTRAL
    else:
        state = "could not be written" if files.aof_failed else "being rewritten now" if files.rewriting else "on, fine"
        tone = Tone.CRITICAL if files.aof_failed else Tone.NEUTRAL
        known = files.rewrite_s is not None and files.rewrite_s >= 0
        took = f"; last rewrite in {words.duration(files.rewrite_s or 0)}" if known else ""
        yield "Append-only file", state + took, tone
    if files.fork_s is not None:
        yield "Stood still to fork", f"{files.fork_s * 1000:,.1f} ms, the last time", Tone.NEUTRAL


def _moment(unix: float) -> str:
    return time.strftime("%d %b %H:%M:%S", time.localtime(unix))


class FilesCard(QFrame):
    """Label and words, a line each."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("surface", "card")
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 10, 14, 10)
        column.setSpacing(8)
        column.addWidget(PlainLabel("Start and files", theme=theme, role="strong"))
        self.note = PlainLabel(theme=theme, role="muted", wrap=True)
        column.addWidget(self.note)
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        self._lines: list[tuple[PlainLabel, ElidedLabel]] = []
        for row in range(_MOST):
            label, value = PlainLabel(theme=theme, role="muted"), ElidedLabel(theme=theme)
            self._lines.append((label, value))
            grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, row, 1)
        column.addLayout(grid)
        column.addStretch(1)
        self.show_vitals(None, whole=True)

    @property
    def told(self) -> dict[str, str]:
        """What stands there, by its label."""
        return {label.text(): value.text() for label, value in self._lines if not label.isHidden()}

    def show_vitals(self, vitals: Vitals | None, *, whole: bool) -> None:
        """Show what the newest reading tells; `whole`: of a whole cluster, where it is of one."""
        cluster = whole and vitals is not None and bool(vitals.nodes)
        shown = [] if vitals is None or cluster else list(facts(vitals, time.time()))[:_MOST]
        self.note.setText(EACH_NODE if cluster else UNTOLD)
        self.note.setVisible(not shown)
        for position, (label, value) in enumerate(self._lines):
            there = position < len(shown)
            label.setVisible(there)
            value.setVisible(there)
            if there:
                label.setText(shown[position][0])
                value.setText(shown[position][1])
                value.set_tone(None if shown[position][2] is Tone.NEUTRAL else shown[position][2])
