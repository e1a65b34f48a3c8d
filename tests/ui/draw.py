"""Draws the window with stand-in data to PNG files, to be looked at: `python -m tests.ui.draw FOLDER [SCENE…]`.

Scenes are those of `SCENES` (the window) and of `draw_deeds.SCENES` (what changes a server); all without a name.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from fleetcache_gui import aio
from fleetcache_gui.domain.snapshot import Phase
from fleetcache_gui.settings import Settings
from fleetcache_gui.ui.theme import Theme
from fleetcache_gui.ui.window import MainWindow
from tests.ui import draw_deeds
from tests.ui.draw_deeds import draw
from tests.ui.stage import Stage
from tests.ui.stage_deeds import StageDeeds

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = ((960, 640, 1), (1024, 700, 1), (1280, 800, 1), (1920, 1080, 2))
"""Logical width, height, and device pixels to each: the last is a 4K screen at 200 %."""


def calm(stage: Stage) -> None:
    """Nothing is wrong."""
    stage.go_live()
    for family_id in ("live_queries", "locks"):
        rows = stage.snapshot(family_id).rows  # type: ignore[union-attr]
        stage.show(family_id, tuple(row for row in rows if not row.judgements))


def lost(stage: Stage) -> None:
    """The server has gone away."""
    stage.go_live()
    text = "10.0.2.11:6379 refuses connections: no server is listening there."
    advice = "Start the server, or check the port."
    stage.set_link(Phase.DOWN, text=text, advice=advice, server_away=True, next_try=stage.link.since + 4)


def refused(stage: Stage) -> None:
    """It has never been reached."""
    text = "10.0.2.11:6379 refuses connections: no server is listening there."
    stage.set_link(Phase.DOWN, text=text, last_read=None, load=None, skew=None, next_try=stage.link.since + 4)


def paused(stage: Stage) -> None:
    """A person has paused it."""
    stage.go_live()
    stage.pause()


def partial(stage: Stage) -> None:
    """A cluster of which a part is missing."""
    stage.go_cluster(1)


SCENES: dict[str, Callable[[Stage], None]] = {
    "troubled": Stage.go_live,
    "calm": calm,
    "lost": lost,
    "refused": refused,
    "connecting": lambda stage: None,
    "paused": paused,
    "cluster": Stage.go_cluster,
    "partial": partial,
}


async def scenes(app: QApplication, folder: Path, wanted: list[str]) -> int:
    """Draw scenes in both looks."""
    folder.mkdir(parents=True, exist_ok=True)
    for look in ("dark", "light"):
        theme = Theme(look)  # type: ignore[arg-type]
        theme.apply(app)
        await draw_deeds.scenes(theme, folder, look, wanted)
        for scene, play in SCENES.items():
            if wanted and scene not in wanted:
                continue
            stage = Stage(environment="DEMO" if scene == "calm" else "PRODUCTION")
            window = MainWindow(stage, StageDeeds(stage), theme, Settings())  # type: ignore[arg-type]
            window.show()
            play(stage)
            for width, height, ratio in SIZES if scene in ("troubled", "calm") else SIZES[2:3]:
                await draw(window, folder / f"{scene}-{look}-{width}x{height}@{ratio}.png", width, height, ratio)
            if scene == "troubled":
                await floating(window, folder, look)
            window.close()
            await window.end()
            window.deleteLater()
    return 0


async def floating(window: MainWindow, folder: Path, look: str) -> None:
    """What opens above the window."""
    window.show_family("live_queries")
    window.palette_.open()
    await draw(window, folder / f"palette-{look}.png", 1280, 800, 1)
    window.palette_.close_up()
    window.sheet.open()
    await draw(window, folder / f"sheet-{look}.png", 1280, 800, 1)
    window.sheet.close_up()
    window.activateWindow()
    window.top.field.setFocus()
    window.top.field.setText("cron")
    await asyncio.sleep(0.3)
    await draw(window, folder / f"find-{look}.png", 1280, 800, 1)


def main() -> int:
    app = QApplication([])
    return aio.run(app, scenes(app, Path(sys.argv[1]), sys.argv[2:]), print)


if __name__ == "__main__":
    sys.exit(main())
