from __future__ import annotations

import json
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.settings import Hushed, PageSettings, Settings, UndoSettings, data_folder, default_path, load, save

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "settings.json"
    settings = Settings(theme="dark", interval=5.0, geometry="AdnQ", tab="locks")
    settings.page("locks").widths["name"] = 240
    settings.page("locks").sort = ("left", True)
    settings.page("locks").split = [700, 340]
    settings.undo = UndoSettings(16 * 2**20, 64 * 2**20, 3600.0)
    save(settings, path)
    assert load(path) == settings
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_no_file_means_the_defaults(tmp_path: Path) -> None:
    assert load(tmp_path / "none.json") == Settings()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        '{"theme": "pink"}',
        '{"interval": 0}',
        '{"interval": -3}',
        '{"interval": 1e9}',
        '{"pages": {"locks": {"widths": {"name": -5}}}}',
        '{"undo": {"age": 1}}',
        "[" * 100_000,
        "\udcff",
    ],
)
def test_what_cannot_be_understood_is_kept_aside(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert load(path) == Settings()
    assert not path.exists()
    assert (tmp_path / "settings.unreadable").read_bytes() == text.encode("utf-8", "surrogateescape")


def test_settings_of_a_later_version_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"theme": "dark", "something_new": [1, 2]}))
    assert load(path) == Settings(theme="dark")


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.mkdir()  # cannot be replaced by a file
    (path / "kept").write_text("kept")
    with pytest.raises(IsADirectoryError):
        save(Settings(), path)
    assert (path / "kept").read_text() == "kept"
    assert [entry.name for entry in tmp_path.iterdir()] == ["settings.json"]


def test_nothing_secret_has_a_place(tmp_path: Path) -> None:
    parts = (Settings, PageSettings, UndoSettings, Hushed)
    fields = {field for part in parts for field in part.__struct_fields__}
    assert fields == {
        "theme",
        "interval",
        "geometry",
        "tab",
        "section",
        "pages",
        "widths",
        "sort",
        "split",
        "undo",
        "deed_bytes",
        "all_bytes",
        "age",
        "notify",
        "journal",  # whether, not what
        "hushed",
        "family",
        "code",
        "row",  # a digest: see `ui/attention.py` and its test
        "acknowledged",
        "until",
    }


@pytest.mark.skipif(sys.platform != "linux", reason="other systems ask no variable")
def test_the_folder_of_what_is_kept_is_not_that_of_the_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert data_folder() == tmp_path / "data" / "fleetcache-gui"
    assert data_folder() != default_path().parent
