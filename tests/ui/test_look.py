from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QFont, QImage, QPainter

from fleetcache_gui import assets
from fleetcache_gui.domain.values import Tone
from fleetcache_gui.ui.charts import paint_sparkline, runs, thinned
from fleetcache_gui.ui.marks import paint_mark
from fleetcache_gui.ui.theme import DARK, LIGHT, Palette, Theme, contrast, ink

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from fleetcache_gui.domain.values import Sample

ENVIRONMENTS = ("PRODUCTION", "STAGING", "DEVELOPMENT", "DEMO")


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_all_text_reads(colors: Palette) -> None:
    grounds = (colors.background, colors.surface, colors.raised, colors.selection)
    inks = (colors.text, colors.muted, *(colors.tone(tone) for tone in Tone))
    assert min(contrast(word, ground) for word in inks for ground in grounds) >= 4.5
    assert min(contrast(colors.tone(tone), colors.tint(tone)) for tone in Tone) >= 4.5
    assert contrast(colors.on_accent, colors.accent) >= 4.5
    shades = [colors.environment(word) for word in ENVIRONMENTS]
    assert min(contrast(ink(shade), shade) for shade in shades) >= 4.5
    assert len({shade.name() for shade in shades}) == len(ENVIRONMENTS)
    assert colors.environment("") == colors.environment("elsewhere") == colors.muted


def test_a_chosen_look_is_applied_and_told_once(qapp: QApplication) -> None:
    theme = Theme("light")
    theme.apply(qapp)
    told: list[bool] = []
    theme.changed.connect(lambda: told.append(theme.dark))
    theme.mode = "dark"
    theme.mode = "dark"
    assert told == [True]
    assert theme.colors is DARK
    assert qapp.styleSheet() == theme.style_sheet()
    assert DARK.surface.name() in qapp.styleSheet()
    assert "$" not in qapp.styleSheet()
    assert qapp.palette().window().color() == DARK.background


def test_the_system_is_followed_while_it_is_chosen(qapp: QApplication) -> None:
    from PySide6.QtCore import Qt

    theme = Theme("system")
    assert theme.dark == (qapp.styleHints().colorScheme() is Qt.ColorScheme.Dark)
    fixed = Theme("light")
    qapp.styleHints().colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert not fixed.dark


def test_figures_have_equal_width(qapp: QApplication) -> None:
    fonts = Theme("light").fonts
    for font in (fonts.body, fonts.figure, fonts.mono):
        assert font.featureValue(QFont.Tag("tnum")) == 1


def test_every_icon_draws_something(qapp: QApplication) -> None:
    names = [path.stem for path in (assets.root() / "icons").glob("*.svg")]
    assert len(names) > 15
    for name in names:
        image = assets.pixmap(name, QColor("#c4282d"), 16, 2.0).toImage()
        assert (image.width(), image.devicePixelRatio()) == (32, 2.0)
        assert any(image.pixelColor(x, y).alpha() for x in range(32) for y in range(32)), name


def drawn(samples: tuple[Sample, ...], **options: float) -> QImage:
    image = QImage(100, 50, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    paint_sparkline(painter, QRectF(0, 0, 100, 50), samples, QColor("black"), window=100.0, now=100.0, **options)
    painter.end()
    return image


def inked(image: QImage, x: int, rows: range = range(50)) -> list[int]:
    return [y for y in rows if image.pixelColor(x, y).lightness() < 128]


def test_a_pause_is_a_gap_in_the_line() -> None:
    steady = tuple((float(at), 1.0) for at in range(0, 41, 2))
    later = tuple((float(at), 1.0) for at in range(70, 101, 2))
    assert [len(run) for run in runs(steady + later, 0.0)] == [len(steady), len(later)]
    image = drawn(steady + later)
    assert inked(image, 20)
    assert not inked(image, 55)
    assert inked(image, 85)


def test_charts_begin_at_zero() -> None:
    image = drawn(tuple((float(at), 0.0 if at < 50 else 10.0) for at in range(0, 101, 2)))
    assert min(inked(image, 20)) > 45
    assert max(inked(image, 80)) < 12, "a little room is left above the highest value"
    half = drawn(tuple((float(at), 5.0) for at in range(0, 101, 2)), top=10.0)
    assert abs(inked(half, 50)[0] - 25) <= 2


def test_what_is_older_than_the_window_is_not_drawn() -> None:
    assert list(runs([(0.0, 1.0), (1.0, 1.0)], 50.0)) == []
    assert list(runs([], 50.0)) == []
    shown = list(runs([(float(at), 1.0) for at in range(0, 100, 2)], 50.0))
    assert shown[0][0][0] == 48.0, "one older sample lets the line start at the edge"


def test_many_samples_are_thinned_without_losing_a_peak() -> None:
    run = [(float(at), 1.0) for at in range(1000)]
    run[437], run[700] = (437.0, 9.0), (700.0, 0.0)
    kept = thinned(run, 20.0)
    assert len(kept) <= 102
    assert {(437.0, 9.0), (700.0, 0.0), run[-1]} <= set(kept)
    assert kept == sorted(kept)
    assert thinned(run[:40], 2.0) == run[:40], "few are left as they are"


def test_each_tone_has_its_own_shape(qapp: QApplication) -> None:
    shapes = set()
    for tone in (Tone.CRITICAL, Tone.WARN, Tone.OK, Tone.ACCENT):
        image = QImage(24, 24, QImage.Format.Format_RGB32)
        image.fill(QColor("white"))
        painter = QPainter(image)
        paint_mark(painter, QRectF(0, 0, 24, 24).center(), 20, tone, QColor("#404040"))
        painter.end()
        shapes.add(tuple(image.pixelColor(x, y).lightness() < 128 for x in range(24) for y in range(24)))
    assert len(shapes) == 4
