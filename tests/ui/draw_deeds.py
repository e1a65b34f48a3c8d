"""Pictures of everything that changes a server, for `draw`: each scene by its name, in two sizes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage, QPainter

from fleetcache_gui.deeds import Mode
from fleetcache_gui.domain.plan import Outcome, Skipped, Strictness
from fleetcache_gui.domain.verbs import Refusal
from fleetcache_gui.settings import Settings
from fleetcache_gui.ui.window import MainWindow
from tests.ui.stage import Stage
from tests.ui.stage_deeds import StageDeeds, long_plan, plan, receipt, step, way_back

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from fleetcache_gui.domain.plan import Plan
    from fleetcache_gui.ui.theme import Theme

    Scene = Callable[[MainWindow, StageDeeds], Awaitable[None]]

SIZES = ((1024, 700, 1), (1280, 800, 1))
SETTLE = 0.15


async def draw(window: MainWindow, path: Path, width: int, height: int, ratio: int) -> None:
    """Paint `window` at a size into a PNG file."""
    window.resize(width, height)
    await asyncio.sleep(SETTLE)
    image = QImage(width * ratio, height * ratio, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    painter = QPainter(image)
    window.render(painter, QPoint())
    painter.end()
    image.save(str(path))


async def locked(window: MainWindow, deeds: StageDeeds) -> None:
    window.show_family("locks")


async def unlocked(window: MainWindow, deeds: StageDeeds) -> None:
    deeds.set_mode(Mode.UNLOCKED)
    window.jump("locks", b"lock:async:software")


async def soon_locked(window: MainWindow, deeds: StageDeeds) -> None:
    deeds.set_mode(Mode.UNLOCKED, left=87.0)
    window.show_family("live_queries")


async def never(window: MainWindow, deeds: StageDeeds) -> None:
    deeds.set_mode(Mode.NEVER, "This server is marked never to be unlocked; its profile says so.")
    window.show_family("locks")


async def unlock(window: MainWindow, deeds: StageDeeds) -> None:
    deeds.word = "prod-eu"
    window.desk.toggle_lock()


async def unlock_failed(window: MainWindow, deeds: StageDeeds) -> None:
    deeds.failure = "The account inspector may not write: its ACL lacks +unlink and +eval. Ask for them and try again."
    window.desk.toggle_lock()
    window.desk.unlock_sheet._unlock("")


async def choice(window: MainWindow, deeds: StageDeeds) -> None:
    await unlocked(window, deeds)
    page = window.page
    assert page is not None
    window.desk.do(page, page.family.verbs[1], (b"lock:async:software",))


async def choice_text(window: MainWindow, deeds: StageDeeds) -> None:
    deeds.set_mode(Mode.UNLOCKED)
    window.show_family("host_queue")
    page = window.page
    assert page is not None
    window.desk.do(page, page.family.verbs[0], (b"host_queue:000",))
    window.desk.choice_sheet.field.setText("10k")


def planned(made: Plan | Refusal) -> Scene:
    async def scene(window: MainWindow, deeds: StageDeeds) -> None:
        await unlocked(window, deeds)
        deeds.made = made
        window.desk.plan_sheet.begin("Release lock", lambda: deeds.plan_undo("x"))

    return scene


def flushed(*, database: bool) -> Scene:
    async def scene(window: MainWindow, deeds: StageDeeds) -> None:
        await unlocked(window, deeds)
        window.desk.flush(database)

    return scene


async def running(window: MainWindow, deeds: StageDeeds) -> None:
    await planned(long_plan(12_000))(window, deeds)
    await asyncio.sleep(SETTLE)
    window.desk.plan_sheet._carry_out("prod-eu 12000")
    await asyncio.sleep(SETTLE)
    deeds.progress(4_312, 12_000, rate=2_150.0, left=3.6, waiting="Looking what became of 200 keys.")


def received(made: Plan, outcomes: list[Outcome] | Outcome, **changes: object) -> Scene:
    async def scene(window: MainWindow, deeds: StageDeeds) -> None:
        deeds.ways = (way_back(made.id, count=812),)
        await planned(made)(window, deeds)
        await asyncio.sleep(SETTLE)
        window.desk.plan_sheet._carry_out("")
        await asyncio.sleep(SETTLE)
        assert deeds.outcome is not None
        deeds.outcome.set_result(receipt(made, outcomes, **changes))
        deeds.changed.emit()

    return scene


async def history(window: MainWindow, deeds: StageDeeds) -> None:
    deeds.set_mode(Mode.UNLOCKED)
    other = "It was done on another server: connect to staging-eu to put it back."
    deeds.ways = (
        way_back(),
        way_back("2", title="Remove 812 tokens", count=812, size=146_000, until=time.time() + 820, where="disk"),
        way_back("3", title="Clean up campaign 1042", server="staging-eu (10.1.0.4:6379 db 0)", hindrance=other),
    )
    window.desk.history_sheet.open()


async def audit(window: MainWindow, deeds: StageDeeds) -> None:
    await history(window, deeds)
    deeds.audit.broken = "Entry 2 is not the one that entry 3 was written after: somebody has changed the file."
    window.desk.history_sheet.tabs.setCurrentIndex(1)


async def palette(window: MainWindow, deeds: StageDeeds) -> None:
    await unlocked(window, deeds)
    window.palette_.open()
    window.palette_.field.setText("lock")
    window.palette_.field.textEdited.emit("lock")


MANY = long_plan(1_000, skipped=3)
MIXED = [
    *[Outcome.DONE] * 812,
    *[Outcome.GONE] * 41,
    *[Outcome.CHANGED] * 3,
    *[Outcome.REFUSED] * 2,
    *[Outcome.UNREACHABLE] * 100,
    *[Outcome.CANCELLED] * 30,
    Outcome.FAILED,
    *[Outcome.UNKNOWN] * 11,
]
ON_NODES = plan(
    *(step(b"locks:%d" % i, node=f"10.0.0.{i % 3}:7000", saved=i % 4 > 0) for i in range(9)),
    strictness=Strictness.TYPE,
    word="prod-eu 9",
    button="Remove 9 locks",
    title="Remove 9 locks",
    skipped=(Skipped("lock cron:stats", "it changed hands while you were looking: worker-2 holds it now"),),
)
WAITING = Refusal("The lock cron:vuln expires by itself in 4.2 s, sooner than you can confirm.", 4.2)
BROKEN_OFF = "The server 10.0.2.11:6379 stopped answering after 852 of 1,000 keys; 11 of them are not known."

SCENES: dict[str, Scene] = {
    "locked": locked,
    "unlocked": unlocked,
    "soon-locked": soon_locked,
    "never": never,
    "unlock": unlock,
    "unlock-failed": unlock_failed,
    "choice": choice,
    "choice-text": choice_text,
    "plan": planned(plan()),
    "plan-long": planned(MANY),
    "plan-nodes": planned(ON_NODES),
    "plan-wait": planned(WAITING),
    "flush-fleet": flushed(database=False),
    "flush-database": flushed(database=True),
    "running": running,
    "receipt-done": received(plan(), Outcome.DONE),
    "receipt-changed": received(
        plan(), Outcome.CHANGED, notes={0: "it changed hands: worker-2 holds it now (token 9f…)"}
    ),
    "receipt-mixed": received(MANY, MIXED, trouble=BROKEN_OFF),
    "history": history,
    "audit": audit,
    "deed-palette": palette,
}


async def scenes(theme: Theme, folder: Path, look: str, wanted: list[str]) -> None:
    """Draw those that are wanted, all where none is named; in PRODUCTION, the plan in DEMO too."""
    for name, play in SCENES.items():
        if wanted and name not in wanted:
            continue
        for environment in ("PRODUCTION", "DEMO") if name == "plan" else ("PRODUCTION",):
            stage = Stage(environment=environment)
            deeds = StageDeeds(stage)
            window = MainWindow(stage, deeds, theme, Settings())  # type: ignore[arg-type]
            window.show()
            stage.go_live()
            window.resize(*SIZES[-1][:2])
            await play(window, deeds)
            for width, height, ratio in SIZES:
                file = f"{name}-{environment.lower()}-{look}-{width}x{height}.png"
                await draw(window, folder / file, width, height, ratio)
            window.close()
            await window.end()
            window.deleteLater()
            await asyncio.sleep(0)
