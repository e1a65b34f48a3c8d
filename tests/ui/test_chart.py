"""A chart: its values by hover and keys, zoom, gaps, copies."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QWheelEvent
from PySide6.QtTest import QTest

from fleetcache_gui.domain.snapshot import Vitals
from fleetcache_gui.present.metrics import METRICS
from fleetcache_gui.ui import chart_paint
from fleetcache_gui.ui.chart import Chart
from fleetcache_gui.ui.charts import runs, time_marks, value_axis
from fleetcache_gui.ui.theme import LIGHT, Theme, contrast
from fleetcache_gui.ui.time_view import TimeView
from tests.ui.shell import press

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtWidgets import QApplication

MB = 2**20
NOW = 1000.0


def history(*, gap: bool = False) -> list[Vitals]:
    """Two minutes of readings, 2 s apart; in a gap nothing was read for 30 s."""
    times = [NOW - 120 + 2.0 * n for n in range(61)]
    return [
        Vitals(at, run_id="a", memory=int(10 * MB + (at - NOW) * MB / 20), memory_limit=20 * MB, rss=16 * MB)
        for at in times
        if not (gap and NOW - 70 < at < NOW - 40)
    ]


@pytest.fixture
def chart(qapp: QApplication) -> Iterator[Chart]:
    theme = Theme("light")
    theme.apply(qapp)
    view = TimeView(lambda: NOW)
    view.oldest = NOW - 120
    made = Chart(METRICS[0], view, theme)
    made.resize(600, 260)
    made.show_history(history())
    made.show()
    made.activateWindow()
    yield made
    made.close()
    made.deleteLater()
    view.deleteLater()


def view_of(chart: Chart) -> TimeView:
    return chart._view


def x_of(chart: Chart, at: float) -> QPoint:
    scale = chart._scale()
    return QPoint(round(scale.x(at)), round(scale.area.center().y()))


def hover(chart: Chart, at: float) -> None:
    QTest.mouseMove(chart, x_of(chart, at) + QPoint(1, 0))
    QTest.mouseMove(chart, x_of(chart, at))


def clock(chart: Chart, at: float) -> str:
    return datetime.fromtimestamp(at + view_of(chart).skew).strftime("%H:%M:%S")


async def test_hovering_tells_all_values_and_the_time(chart: Chart) -> None:
    assert chart.described() == "now: used 10.0 MB, taken from the system 16.0 MB, limit 20.0 MB"
    hover(chart, NOW - 40)
    assert view_of(chart).cursor == NOW - 40
    told = chart.described()
    assert told.startswith(clock(chart, NOW - 40) + ": used 8.0 MB, taken from the system 16.0 MB")
    QTest.mouseMove(chart, x_of(chart, NOW))
    chart.leaveEvent(QEvent(QEvent.Type.Leave))
    assert view_of(chart).cursor is None


async def test_a_gap_has_no_values_and_no_line(chart: Chart) -> None:
    chart.show_history(history(gap=True))
    samples = chart.plot.series[0].samples
    assert len(list(runs(samples, NOW - 120))) == 2, "the curve is in two pieces"
    view_of(chart).point(NOW - 55)
    assert "used unknown" in chart.described()
    scale = chart._scale()
    empty = chart.grab().toImage()
    column = [coloured(empty, round(scale.x(NOW - 55)) + 3, y) for y in rows_of(scale)]
    filled = [coloured(empty, round(scale.x(NOW - 20)), y) for y in rows_of(scale)]
    assert any(filled)
    assert not any(column)


def rows_of(scale: chart_paint.Scale) -> range:
    return range(round(scale.area.top()) + 2, round(scale.area.bottom()) - 2)


def coloured(image: QImage, x: int, y: int) -> bool:
    """Something that is neither ground nor grid."""
    ratio = image.devicePixelRatio()
    color = image.pixelColor(int(x * ratio), int(y * ratio))
    return color.saturation() > 40 and abs(color.hue() - LIGHT.line.hue()) > 4


async def test_keys_walk_along_the_readings(chart: Chart) -> None:
    view = view_of(chart)
    chart.setFocus()
    press(chart, Qt.Key.Key_Left)
    assert view.cursor == NOW
    press(chart, Qt.Key.Key_Left)
    assert view.cursor == NOW - 2
    press(chart, Qt.Key.Key_Home)
    assert view.cursor == NOW - 120
    press(chart, Qt.Key.Key_Left)
    assert view.cursor == NOW - 120
    press(chart, Qt.Key.Key_Right)
    assert view.cursor == NOW - 118
    assert clock(chart, NOW - 118) in chart.accessibleDescription(), "a screen reader hears the values"
    assert "used 4.1 MB" in chart.accessibleDescription()
    press(chart, Qt.Key.Key_End)
    assert view.cursor == NOW
    assert chart.accessibleName() == "Chart: Memory"


async def test_keys_zoom(chart: Chart) -> None:
    view = view_of(chart)
    chart.setFocus()
    view.point(NOW - 60)
    press(chart, Qt.Key.Key_Plus)
    first, last = view.range
    assert view.zoomed
    assert last - first == pytest.approx(96)
    assert (first + last) / 2 == pytest.approx(NOW - 60)
    press(chart, Qt.Key.Key_Minus)
    assert view.range == (NOW - 120, NOW)
    press(chart, Qt.Key.Key_Plus)
    press(chart, Qt.Key.Key_0)
    assert not view.zoomed


async def test_a_drag_looks_closer_and_a_double_click_resets(chart: Chart) -> None:
    view = view_of(chart)
    QTest.mousePress(chart, Qt.MouseButton.LeftButton, pos=x_of(chart, NOW - 80))
    QTest.mouseMove(chart, x_of(chart, NOW - 60))
    QTest.mouseMove(chart, x_of(chart, NOW - 40))
    QTest.mouseRelease(chart, Qt.MouseButton.LeftButton, pos=x_of(chart, NOW - 40))
    first, last = view.range
    assert (first, last) == (pytest.approx(NOW - 80, abs=1), pytest.approx(NOW - 40, abs=1))
    inside = [at for at, _ in chart.plot.series[0].samples]
    assert inside[0] < first
    assert inside[-1] > last
    assert len(inside) < 25, "nothing is worked out that is not looked at"
    QTest.mouseDClick(chart, Qt.MouseButton.LeftButton, pos=x_of(chart, NOW - 60))
    assert not view.zoomed
    QTest.mousePress(chart, Qt.MouseButton.LeftButton, pos=x_of(chart, NOW - 60))
    QTest.mouseRelease(chart, Qt.MouseButton.LeftButton, pos=x_of(chart, NOW - 60) + QPoint(2, 0))
    assert not view.zoomed, "a click is no drag"


def wheel(chart: Chart, notches: int, modifiers: Qt.KeyboardModifier) -> bool:
    """One turn of the wheel over the middle of the time; whether the chart took it."""
    at = QPointF(x_of(chart, NOW - 60))
    event = QWheelEvent(
        at,
        chart.mapToGlobal(at),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QGuiApplication.sendEvent(chart, event)
    return event.isAccepted()


async def test_the_wheel_scrolls_the_page_unless_it_is_meant_for_the_chart(chart: Chart) -> None:
    view = view_of(chart)
    chart.clearFocus()
    assert not wheel(chart, 1, Qt.KeyboardModifier.NoModifier)
    assert not view.zoomed
    assert wheel(chart, 1, Qt.KeyboardModifier.ControlModifier)
    first, last = view.range
    assert last - first == pytest.approx(96, abs=0.5)
    assert wheel(chart, -3, Qt.KeyboardModifier.ControlModifier)
    assert not view.zoomed
    chart.setFocus()
    assert wheel(chart, 2, Qt.KeyboardModifier.NoModifier)
    assert view.zoomed


async def test_what_is_shown_is_copied_as_values_and_as_a_picture(chart: Chart) -> None:
    chart.setFocus()
    press(chart, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    rows = list(csv.reader(io.StringIO(QGuiApplication.clipboard().text())))
    assert rows[0][:2] == ["time_utc", "Memory: used (bytes)"]
    assert len(rows) == 62
    assert rows[-1][1] == str(10 * MB)
    chart.caption = "prod-eu"
    press(chart, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    image = QGuiApplication.clipboard().image()
    assert (image.width(), image.height()) == (1200, 2 * (260 + 26))
    assert image.pixelColor(5, 5) == QColor(LIGHT.surface)
    menu = chart.menu()
    assert [action.text().split("\t")[0] for action in menu.actions() if action.text()] == [
        "Copy as picture",
        "Copy values (CSV)",
        "Whole time again",
    ]
    menu.deleteLater()


async def test_nothing_to_show_says_why(chart: Chart) -> None:
    chart.show_history([Vitals(NOW)])
    assert chart.described() == "The server does not tell."
    assert not chart.grab().isNull()
    hover_point = QPoint(200, 100)
    QTest.mouseMove(chart, hover_point)
    press(chart, Qt.Key.Key_Left)
    chart.show_history([])
    assert not chart.grab().isNull()


async def test_charts_of_one_view_point_at_the_same_moment(chart: Chart) -> None:
    other = Chart(METRICS[1], view_of(chart), chart._theme)
    other.resize(600, 260)
    other.show_history(history())
    hover(chart, NOW - 40)
    assert other.described() == f"{clock(chart, NOW - 40)}: taken by used 2.00"
    other.deleteLater()


def test_a_view_shows_no_more_than_was_seen() -> None:
    view = TimeView(lambda: NOW)
    view.oldest = NOW - 5
    assert view.range == (NOW - 20, NOW), "twenty seconds at the least"
    view.oldest = NOW - 4000
    assert view.range == (NOW - 300, NOW)
    view.choose(1800.0)
    assert view.range == (NOW - 1800, NOW)
    view.choose(float("inf"))
    assert view.range == (NOW - 4000, NOW)
    view.show(NOW - 100.5, NOW - 100)
    first, last = view.range
    assert last - first == pytest.approx(10)
    view.show(NOW - 9000, NOW + 9000)
    assert not view.zoomed
    view.deleteLater()


def test_axes_begin_at_zero_and_have_round_values() -> None:
    assert value_axis(870, 4, binary=False).marks == (0, 500, 1000)
    assert value_axis(0, 4, binary=False, least=1).marks == (0, 1)
    assert value_axis(3, 4, binary=False, least=1).marks == (0, 1, 2, 3)
    assert value_axis(812 * MB, 4, binary=True).marks == tuple(256 * MB * n for n in range(5))
    assert value_axis(1e12, 3, binary=False).top >= 1e12
    assert len(time_marks(0, 300, 5)) <= 6
    assert time_marks(3, 23, 4) == (5, 10, 15, 20)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_curves_can_be_told_from_their_ground(qapp: QApplication, mode: str) -> None:
    theme = Theme(mode)  # type: ignore[arg-type]
    for color in chart_paint._DARK if theme.dark else chart_paint._LIGHT:
        assert contrast(QColor(color), theme.colors.surface) >= 4.5
    theme.deleteLater()
