"""The drills' page and the presenter's bar, with a teacher who has nothing to do with Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui import app
from fleetcache_gui.domain.lessons import Lesson, Measured, StepFailed
from fleetcache_gui.ui import drill_play
from fleetcache_gui.ui.drills_page import DrillsPage
from fleetcache_gui.ui.theme import Theme
from tests.ui.shell import opened, settle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest
    from PySide6.QtWidgets import QApplication

    from fleetcache_gui.ui.drill_play import DrillPlay
    from fleetcache_gui.ui.presenter import Presenter
    from fleetcache_gui.ui.window import MainWindow
    from tests.conftest import Eventually
    from tests.ui.stage import Stage

LESSONS = (
    Lesson("one", "First", "It happens.", "Watch it.", "Fleet waits.", ("Begin it.", "End it."), "locks"),
    Lesson("two", "Second", "Another.", "Look.", "Nothing.", ("Only this.",)),
)


class Teacher:
    """Plays lessons whose steps hold, but for the last one of the first."""

    def __init__(self, *, own: bool = True) -> None:
        self.lessons = LESSONS
        self.own = own
        self.told: list[object] = []
        self.left: list[Sequence[Measured]] = []
        self.broken = False

    async def is_own(self, run_id: str) -> bool:
        return self.own

    async def begin(self, name: str, *, seed: int, speed: float) -> None:
        self.told.append((name, seed, speed))
        self.left = [(Measured("It is there", True),), (Measured("It is gone", False),)][: 2 if name == "one" else 1]

    async def step(self) -> Sequence[Measured] | None:
        if self.broken:
            raise StepFailed("The server is away.")
        return self.left.pop(0) if self.left else None

    async def reset(self) -> None:
        self.told.append("reset")


async def offered(window: MainWindow, stage: Stage, teacher: Teacher) -> tuple[DrillPlay, Presenter, DrillsPage]:
    made = await app.offer_drills(window, stage, Theme("light"), teacher)  # type: ignore[arg-type]
    assert made is not None
    window.show_section("drills")
    page = window.home.page("drills")
    assert isinstance(page, DrillsPage)
    return *made, page


async def test_there_are_none_on_a_server_that_is_not_the_demos_own(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        assert await app.offer_drills(window, stage, Theme("light"), Teacher(own=False)) is None  # type: ignore[arg-type]
        assert "drills" not in [section.id for section in window.home.sections]


async def test_step_by_step_with_what_was_measured(qapp: QApplication, eventually: Eventually) -> None:
    async with opened(qapp) as (window, stage):
        teacher = Teacher()
        play, bar, page = await offered(window, stage, teacher)
        page.seed.setValue(11)
        page.speed.setValue(5.0)
        page.go.click()
        await eventually(lambda: not play.busy)
        assert teacher.told == [("one", 11, 5.0)]
        assert page.steps[0].claims[0][1].text() == "It is there"
        assert page.go.text() == "Next"
        assert not page.seed.isEnabled()
        bar.show()
        assert bar.caption.text() == "Begin it."
        assert bar.measured.text() == "✓ It is there"
        bar.go.click()
        await eventually(lambda: play.over and not play.busy)
        assert bar.measured.text() == "✗ It is gone"
        assert not page.go.isEnabled()
        page.grab()
        page.again.click()
        await eventually(lambda: not play.busy)
        assert teacher.told[-1] == "reset"
        assert page.go.text() == "Begin"
        page.watch.click()
        assert window.current == "locks"


async def test_by_itself_with_a_picture_of_each_step(
    qapp: QApplication, eventually: Eventually, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(drill_play, "BREATH", 0.01)
    monkeypatch.setattr(drill_play, "SETTLES", 0.01)
    async with opened(qapp) as (window, stage):
        play, _, page = await offered(window, stage, Teacher())
        play.pictures = tmp_path
        page.auto.click()
        await eventually(lambda: play.over and not play.busy)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["one-01.png", "one-02.png"]


async def test_a_step_that_fails_is_told_and_another_drill_gives_it_up(
    qapp: QApplication, eventually: Eventually
) -> None:
    async with opened(qapp) as (window, stage):
        teacher = Teacher()
        play, _, page = await offered(window, stage, teacher)
        teacher.broken = True
        page.go.click()
        await eventually(lambda: not play.busy)
        assert page.problem.text() == "The server is away."
        assert not page.go.isEnabled()
        page.list.setCurrentRow(1)
        await eventually(lambda: not play.busy)
        await settle()
        assert play.lesson is LESSONS[1]
        assert teacher.told[-1] == "reset"
        assert page.title.text() == "Second"
        assert not page.problem.isVisible()
