"""What the window remembers from one start to the next. Never a secret, never what a server holds."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import platformdirs

Interval = Annotated[float, msgspec.Meta(ge=0.5, le=60.0)]
"""Seconds between two readings."""

INTERVALS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""The intervals offered, seconds."""


class PageSettings(msgspec.Struct, omit_defaults=True):
    """How one family's page was left: widths in px by column id, the order, the splitter's parts in px."""

    widths: dict[str, Annotated[int, msgspec.Meta(ge=1, le=10_000)]] = {}
    sort: tuple[str, bool] | None = None
    split: list[Annotated[int, msgspec.Meta(ge=0, le=100_000)]] = []


class UndoSettings(msgspec.Struct, omit_defaults=True):
    """How much is kept to be put back: bytes of one deed and of all together, and for how many seconds."""

    deed_bytes: Annotated[int, msgspec.Meta(ge=0, le=2**40)] = 64 * 2**20
    all_bytes: Annotated[int, msgspec.Meta(ge=0, le=2**40)] = 256 * 2**20
    age: Annotated[float, msgspec.Meta(ge=60, le=366 * 86400)] = 24 * 3600.0


class Hushed(msgspec.Struct, omit_defaults=True):
    """A finding, or all of a kind, that a person does not want to be told of. `row` is a digest: a row's id may be a
    credential; empty for all rows. `acknowledged`: the severity that was seen. `until`: Unix seconds, None for good."""

    family: Annotated[str, msgspec.Meta(max_length=100)]
    code: Annotated[str, msgspec.Meta(max_length=100)]
    row: Annotated[str, msgspec.Meta(max_length=64)] = ""
    acknowledged: Literal["", "info", "warning", "critical"] = ""
    until: float | None = None


class Settings(msgspec.Struct, omit_defaults=True):
    """`geometry` is Qt's own, in base64; `tab` the family shown last, empty for the overview, and
    `section` that of the overview; `hushed` by the name of the connection. `notify`: tell of findings on the
    desktop while the window is in the background. `journal`: recordings are kept on disk too."""

    theme: Literal["system", "light", "dark"] = "system"
    interval: Interval = 2.0
    geometry: str = ""
    tab: str = ""
    section: str = ""
    pages: dict[str, PageSettings] = {}
    undo: UndoSettings = msgspec.field(default_factory=UndoSettings)
    hushed: dict[str, list[Hushed]] = {}
    notify: bool = True
    journal: bool = False

    def page(self, family_id: str) -> PageSettings:
        """The part that belongs to one family's page, to be changed in place."""
        return self.pages.setdefault(family_id, PageSettings())


def default_path() -> Path:
    """Where the settings of this user lie."""
    return platformdirs.user_config_path("fleetcache-gui") / "settings.json"


def data_folder() -> Path:
    """Where the audit log and the undo bin of this user lie."""
    return platformdirs.user_data_path("fleetcache-gui")


def load(path: Path) -> Settings:
    """The settings in `path`, or the defaults. A file that cannot be understood is kept aside."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Settings)
    except OSError:  # none yet, or not ours to read
        return Settings()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        with contextlib.suppress(OSError):
            path.replace(path.with_suffix(".unreadable"))
        return Settings()


def save(settings: Settings, path: Path) -> None:
    """Write `path` whole or not at all, for this user's eyes only. Raises OSError."""
    write_private(msgspec.json.format(msgspec.json.encode(settings), indent=2), path)


def write_private(text: bytes, path: Path) -> None:
    """Replace `path` whole or not at all, with mode 0600. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # made with mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
