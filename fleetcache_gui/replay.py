"""A recording in the place of a session: the window shows it, moment by moment, and nothing is read from any server."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from fleetcache_gui.domain.pages import Page
from fleetcache_gui.domain.snapshot import Phase
from fleetcache_gui.present.comparing import differences
from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.session import EVENTS, HISTORY, Session

if TYPE_CHECKING:
    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.domain.pages import PageCursor
    from fleetcache_gui.present.frames import Frame
    from fleetcache_gui.present.recorder import History, Tape
    from fleetcache_gui.present.timeline import Event

NOWHERE = Address("recording.invalid", 1)
"""Stands for a server where there is none. Nothing is ever sent to it."""


class Replay(Session):
    """Shows one reading of a `tape` at a time; time stands still between them."""

    recorded = True

    def __init__(self, tape: Tape, history: History, layout: Layout, *, name: str, environment: str = "") -> None:
        """`history` is the tape's own. Raises `BadRecording`."""
        super().__init__(NOWHERE, layout, name=name, environment=environment)
        self.tape = tape
        self._told, self._figures = history.events[-EVENTS:], history.vitals
        self._last = tape.frame(len(tape.moments) - 1)
        self._frame = self._last
        self.address = self._last.link.address

    async def run(self) -> None:
        """Nothing is read."""
        await asyncio.Event().wait()

    def now(self) -> float:
        return self._frame.at

    def wall(self) -> float:
        return self._frame.wall

    def show(self, number: int) -> None:
        """Show the reading of that number, from 0. Raises `BadRecording`; what was shown stays then."""
        frame = self.tape.frame(number)
        self._frame = frame
        shown = [event for at, event in self._told if at <= number]
        self.events.clear()
        self.events.extend(reversed(shown))
        upto = bisect_right(self._figures, frame.at, key=lambda vitals: vitals.at)
        self.history.clear()
        self.history.extend(self._figures[max(upto - HISTORY, 0) : upto])
        self._take(frame)

    def _take(self, frame: Frame) -> None:
        self.vitals, self.inventory = frame.vitals, frame.inventory
        self._judge.book.restore(frame.findings)
        for family in self.layout.families:
            if snapshot := frame.snapshots.get(family.id):
                self._snapshots[family.id] = snapshot
            else:
                self._snapshots.pop(family.id, None)
                self._tables.pop(family.id, None)  # its rows are of a later moment
        self.link = replace(frame.link, phase=Phase.RECORDED, text=_words(frame), advice=_ADVICE)
        self.link_changed.emit(self.link)
        self.vitals_changed.emit(self.vitals)
        self.inventory_changed.emit(self.inventory)
        for family in self.layout.families:
            self.family_changed.emit(family.id)
        self.findings_changed.emit()
        self.rewound.emit()

    def since(self) -> tuple[Event, ...]:
        """What is otherwise in the last reading of the recording than in the one that is shown."""
        found: list[Event] = []
        for family in self.layout.families:
            then, last = self._frame.snapshots.get(family.id), self._last.snapshots.get(family.id)
            if then is not None and last is not None:
                found += differences(family, then, last, self._last.wall)
        return tuple(found)

    def pause(self) -> None:
        """Nothing is read that could be paused."""

    def resume(self) -> None:
        """Nor resumed."""

    def refresh(self) -> None:
        """Nor read anew."""

    def retry_now(self) -> None:
        """Nor connected to."""

    async def page(self, key: bytes, type_word: str, cursor: PageCursor | None = None) -> Page:
        return Page(key, type_word, problem="Values are not recorded.")


_ADVICE = "Nothing is read, nothing can be changed. Values of keys are not recorded, and credentials are masked."


def _words(frame: Frame) -> str:
    moment = datetime.fromtimestamp(frame.wall).strftime("%d %b %Y, %H:%M:%S")
    lost = f" There was no connection then: {frame.link.text}" if frame.link.phase is Phase.DOWN else ""
    return f"A recording: this is how it was on {moment}.{lost}"
