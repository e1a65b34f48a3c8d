"""Thresholds that a person chooses."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from fleetcache_gui.domain.thresholds import Thresholds
from fleetcache_gui.profiles import store
from fleetcache_gui.profiles.profile import AlertsPart, Profile
from fleetcache_gui.settings import Settings
from fleetcache_gui.ui.alerts_sheet import LINES, NOT_KEPT
from tests.ui.shell import opened, press

if TYPE_CHECKING:
    from pathlib import Path

    from PySide6.QtWidgets import QApplication


async def test_what_is_saved_holds_from_then_on(qapp: QApplication) -> None:
    settings, kept = Settings(), list[Thresholds]()

    def keep(thresholds: Thresholds) -> str:
        kept.append(thresholds)
        return ""

    async with opened(qapp, settings=settings) as (window, stage):
        window.desk.keep_thresholds = keep
        window.overview.alerts.click()
        sheet = window.desk.alerts_sheet
        assert sheet.isVisible()
        assert sheet.fields["memory"].value() == 80
        sheet.fields["memory"].setValue(70)
        sheet.fields["clients"].setValue(99)
        sheet.notify.setChecked(False)
        press(sheet, Qt.Key.Key_Escape)
        assert stage.thresholds == Thresholds(), "not what was typed and left"
        window.overview.alerts.click()
        assert sheet.fields["memory"].value() == 80
        sheet.fields["memory"].setValue(70)
        sheet.fields["clients"].setValue(99)
        sheet.notify.setChecked(False)
        sheet.save.click()
        assert not sheet.isVisible()
        assert stage.thresholds == Thresholds(memory=70, clients=99, clients_critical=99)
        assert kept == [stage.thresholds]
        assert not settings.notify
        window.overview.alerts.click()
        sheet.usual.click()
        assert sheet.typed == Thresholds()


async def test_where_they_are_kept_is_said(qapp: QApplication) -> None:
    async with opened(qapp) as (window, stage):
        sheet = window.desk.alerts_sheet
        sheet.open()
        assert sheet.where.text() == NOT_KEPT
        sheet.close_up()
    async with opened(qapp) as (window, stage):
        window.desk.keep_thresholds = lambda thresholds: "The file cannot be written: no room."
        sheet = window.desk.alerts_sheet
        sheet.open()
        assert sheet.where.text() == "They are kept with the profile."
        sheet.fields["lag"].setValue(33)
        sheet.save.click()
        assert sheet.isVisible()
        assert sheet.where.text() == "The file cannot be written: no room."
        assert stage.thresholds.lag == 33, "for this window they hold all the same"


def test_a_profile_has_the_same_thresholds_with_the_same_defaults() -> None:
    assert AlertsPart.__struct_fields__ == tuple(field.name for field in fields(Thresholds))
    assert Profile(["h"], alerts=AlertsPart()).thresholds == Thresholds() == Profile(["h"]).thresholds
    assert {line.field for line in LINES} == {field.name for field in fields(Thresholds)}


def test_they_are_kept_with_the_profile(tmp_path: Path) -> None:
    path = tmp_path / "profiles.json"
    one, two = Profile(["a"], name="one", never_unlock=True), Profile(["b"], name="two")
    store.save((one, two), path)
    chosen = Thresholds(memory=70, growth=500)
    assert store.keep_thresholds(one, chosen, path) == ""
    found = store.load(path)
    assert found["one"].thresholds == chosen
    assert found["one"].never_unlock
    assert found["two"] == two
    assert store.keep_thresholds(one, Thresholds(), path) == ""
    assert store.load(path)["one"] == one
    assert "no profile gone" in store.keep_thresholds(Profile(["c"], name="gone"), chosen, path)
    path.write_text("{")
    assert "cannot be understood" in store.keep_thresholds(one, chosen, path)
