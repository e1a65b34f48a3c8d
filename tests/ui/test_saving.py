from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

from fleetcache_gui.ui.saving import write_whole
from tests.ui.desk import at_desk, choose, let_pass, planned
from tests.ui.stage_deeds import plan, receipt, step

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from PySide6.QtWidgets import QApplication

    Eventually = Callable[..., Coroutine[None, None, None]]


def test_a_file_is_written_whole_and_for_us_alone(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    path.write_text("old")
    assert write_whole(path, "new ✓") == ""
    assert path.read_text(encoding="utf-8") == "new ✓"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    assert write_whole(tmp_path / "nowhere" / "report.txt", "x").startswith("It could not be saved: ")
    assert write_whole(tmp_path, "x").startswith("It could not be saved: ")
    assert list(tmp_path.iterdir()) == []


async def test_a_receipt_is_saved_as_text_or_json(qapp: QApplication, eventually: Eventually, tmp_path: Path) -> None:
    async with at_desk(qapp) as (window, deeds):
        made = plan(step(b"tokens:secret-of-the-host"))
        sheet = await planned(window, deeds, made)
        let_pass(sheet.plan.bar)
        sheet.plan.bar.button.click()
        await eventually(lambda: deeds.running is not None)
        assert deeds.outcome is not None
        deeds.outcome.set_result(receipt(made))
        await eventually(sheet.receipt.isVisible)
        for name in ("deed.txt", "deed.json"):
            sheet.receipt.save_button.click()
            await choose(window, tmp_path / name, eventually)
            await eventually(lambda name=name: sheet.receipt.saved.text() == f"Saved as {name}")
            assert "secret" not in (tmp_path / name).read_text()
        assert json.loads((tmp_path / "deed.json").read_text())["title"] == made.title
