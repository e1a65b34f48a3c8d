"""One drill under way: which step it is at, what was measured, and what a person wants next."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from fleetcache_gui import aio
from fleetcache_gui.domain.lessons import StepFailed

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from pathlib import Path

    from PySide6.QtWidgets import QWidget

    from fleetcache_gui.domain.lessons import Lesson, Measured, Teacher

BREATH = 2.5
"""Seconds between two steps of a drill that goes on by itself, for people to look."""
SETTLES = 1.2
"""Seconds after a step before its picture is taken: the next reading shows what it did."""


class DrillPlay(QObject):
    """The only one who talks to the teacher. `changed` after anything has."""

    changed = Signal()

    def __init__(self, teacher: Teacher, window: QWidget) -> None:
        super().__init__(window)
        self._teacher, self._window = teacher, window
        self._task: asyncio.Task[None] | None = None
        self.lessons = tuple(teacher.lessons)
        self.lesson: Lesson = self.lessons[0]
        self.results: list[Sequence[Measured]] = []
        self.begun = False
        self.busy = False
        self.doing = False
        self.auto = False
        self.problem = ""
        self.seed, self.speed = 7, 1.0
        self.pictures: Path | None = None

    @property
    def over(self) -> bool:
        """Whether all steps are done."""
        return len(self.results) >= len(self.lesson.captions)

    @property
    def caption(self) -> str:
        """Of the step that is under way, or of the one that was done last."""
        at = len(self.results) if self.doing and not self.over else len(self.results) - 1
        return self.lesson.captions[at] if 0 <= at < len(self.lesson.captions) else ""

    def choose(self, lesson: Lesson) -> None:
        """Stand before another drill; one that was begun is given up."""
        if lesson is not self.lesson and not self.busy:
            begun, self.lesson = self.begun, lesson
            self._forget()
            if begun:
                self._do(self._teacher.reset())
            else:
                self.changed.emit()

    def go(self) -> None:
        """The next step; the first one begins the drill."""
        if not self.busy and not self.over:
            self._do(self._next())

    def set_auto(self, auto: bool) -> None:
        """Go on by itself, or wait for a person before each step."""
        self.auto = auto
        self.changed.emit()
        if auto:
            self.go()

    def reset(self) -> None:
        """Have the simulated Fleet back at work."""
        if not self.busy:
            self._forget()
            self._do(self._teacher.reset())

    def _forget(self) -> None:
        self.results, self.begun, self.problem, self.auto = [], False, "", False

    def _do(self, work: Coroutine[None, None, None]) -> None:
        self.busy = True
        self._task = aio.spawn(self._guarded(work), name="drill")
        self.changed.emit()

    async def _guarded(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except StepFailed as failed:
            self.problem, self.auto = str(failed), False
        finally:
            self.busy = False
            self.changed.emit()

    async def _next(self) -> None:
        if not self.begun:
            await self._teacher.begin(self.lesson.name, seed=self.seed, speed=self.speed)
            self.begun = True
        while True:
            measured = await self._step()
            if measured is None:
                return
            self.results.append(measured)
            self.changed.emit()
            await self._take_picture()
            if self.over or not self.auto:
                return
            await asyncio.sleep(BREATH)

    async def _step(self) -> Sequence[Measured] | None:
        self.doing = True
        self.changed.emit()
        try:
            return await self._teacher.step()
        finally:
            self.doing = False

    async def _take_picture(self) -> None:
        if self.pictures is not None:
            await asyncio.sleep(SETTLES)
            self._window.grab().save(str(self.pictures / f"{self.lesson.name}-{len(self.results):02}.png"))

    async def end(self) -> None:
        """Stop what is under way."""
        await aio.cancel_and_wait([self._task] if self._task else [])
