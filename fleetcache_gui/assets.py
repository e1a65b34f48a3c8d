"""The files that are not code: icons, the style sheet's template, texts.

They lie in `resources/` beside the package while it is developed, and in `fleetcache_gui/_resources` once
it is installed.
"""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

_SIZES = (16, 20, 24, 32, 40, 48, 64)
"""Device pixels an icon is drawn at: 16 and 20 px at scales of 1 to 3, so that none is ever stretched."""


@cache
def root() -> Path:
    """The folder of the resources."""
    here = Path(__file__).resolve().parent
    installed = here / "_resources"
    return installed if installed.is_dir() else here.parent / "resources"


@cache
def text(name: str) -> str:
    """The text file `name`, such as ``theme.qss``. Raises FileNotFoundError."""
    return (root() / name).read_text(encoding="utf-8")


def icon(name: str, color: QColor) -> QIcon:
    """The line icon ``icons/<name>.svg`` in one colour (its strokes are drawn in ``currentColor``)."""
    return _icon(name, color.name())


def pixmap(name: str, color: QColor, size: int, ratio: float) -> QPixmap:
    """The icon at `size` logical pixels for a screen of `ratio` device pixels each."""
    drawn = _draw(name, color.name(), round(size * ratio))
    drawn.setDevicePixelRatio(ratio)
    return drawn


def application_icon() -> QIcon:
    """The program's own icon."""
    return _icon("app", "#000000", sizes=(16, 24, 32, 48, 64, 128, 256))


@lru_cache(maxsize=256)
def _icon(name: str, color: str, sizes: tuple[int, ...] = _SIZES) -> QIcon:
    made = QIcon()
    for size in sizes:
        made.addPixmap(_draw(name, color, size))
    return made


def _draw(name: str, color: str, size: int) -> QPixmap:
    svg = text(f"icons/{name}.svg").replace("currentColor", color)
    drawn = QPixmap(size, size)
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return drawn
