"""Colours, fonts and the one style sheet, light and dark.

Every colour on screen comes from a `Palette`; widgets that paint themselves get the `Theme` by constructor
and repaint on `changed`. Nothing here or elsewhere uses a colour without a word or an icon beside it.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cache
from string import Template
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QGuiApplication, QPalette

from fleetcache_gui import assets
from fleetcache_gui.domain.values import Tone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtWidgets import QApplication

Mode = Literal["system", "light", "dark"]

ROW = 26
"""Height of a table row, px."""
GRID = 8
"""Distances are multiples of this, px."""
RADIUS = 8
"""Corners of cards, px; controls have 6."""


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """The colours of one look, of which there are two in all. `on_accent` is text upon the accent colour."""

    background: QColor
    surface: QColor
    raised: QColor
    line: QColor
    text: QColor
    muted: QColor
    accent: QColor
    selection: QColor
    ok: QColor
    warn: QColor
    critical: QColor
    on_accent: QColor
    production: QColor
    staging: QColor
    development: QColor
    demo: QColor

    @cache  # noqa: B019  (of the two palettes, which stay)
    def tone(self, tone: Tone) -> QColor:
        """The colour that goes with a tone's word."""
        return {
            Tone.NEUTRAL: self.muted,
            Tone.ACCENT: self.accent,
            Tone.OK: self.ok,
            Tone.WARN: self.warn,
            Tone.CRITICAL: self.critical,
        }[tone]

    @cache  # noqa: B019
    def tint(self, tone: Tone) -> QColor:
        """A pale fill for pills; text of `tone` upon it reads at 4.5:1."""
        return mix(self.surface, self.tone(tone), 0.13)

    @cache  # noqa: B019
    def groove(self) -> QColor:
        """The empty part of a bar."""
        return mix(self.surface, self.muted, 0.22)

    def environment(self, word: str) -> QColor:
        """The colour of an environment such as ``PRODUCTION``; muted for words that have none."""
        known = {
            "PRODUCTION": self.production,
            "STAGING": self.staging,
            "DEVELOPMENT": self.development,
            "DEMO": self.demo,
        }
        return known.get(word.upper(), self.muted)


def mix(base: QColor, over: QColor, share: float) -> QColor:
    """`base` with `share` (0..1) of `over`, opaque."""
    parts = zip(_rgb(base), _rgb(over), strict=True)
    return QColor(*(round(255 * (a + (b - a) * share)) for a, b in parts))


def luminance(color: QColor) -> float:
    """Relative luminance as WCAG 2 defines it, 0..1."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _rgb(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rgb(color: QColor) -> tuple[float, float, float]:
    return color.redF(), color.greenF(), color.blueF()


def contrast(a: QColor, b: QColor) -> float:
    """Contrast of two colours as WCAG 2 defines it, 1..21."""
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


def ink(ground: QColor) -> QColor:
    """White or near black, whichever reads better upon `ground`."""
    white, black = QColor("#FFFFFF"), QColor("#10131A")
    return white if contrast(white, ground) >= contrast(black, ground) else black


def _palette(*lines: str) -> Palette:
    return Palette(*(QColor(color) for line in lines for color in line.split()))


# The light tones are a little darker than usual: they read at 4.5:1 upon a selected row and in a pill too.
LIGHT = _palette(
    "#F5F6F8 #FFFFFF #FAFBFC #E2E5EB #1A1F29 #5D6676",  # background surface raised line text muted
    "#2158CB #E4ECFD #0F7043 #8F5200 #BF242A #FFFFFF",  # accent selection ok warn critical on_accent
    "#C4282D #A65F00 #2B66E3 #6B4BC8",  # production staging development demo
)
DARK = _palette(
    "#15181E #1B1F27 #222732 #2C333F #E7EAF0 #97A1B2",
    "#6EA0FF #243552 #4CC38A #F2B54D #FF7575 #10131A",
    "#D8393E #F2B54D #6EA0FF #A78BFA",
)


@dataclass(frozen=True, slots=True)
class Fonts:
    """All sizes in px, all with figures of equal width."""

    body: QFont  # 13
    strong: QFont  # 13, semibold
    heading: QFont  # 15, semibold
    label: QFont  # 11, semibold, capitals
    figure: QFont  # 22, semibold
    mono: QFont  # 12.5

    @classmethod
    def of_system(cls) -> Fonts:
        """Inter and JetBrains Mono where they are installed, else the system's own."""
        general = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
        fixed = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        plain, mono = _family("Inter", general), _family("JetBrains Mono", fixed)
        semibold = QFont.Weight.DemiBold
        label = _font(plain, 11, semibold)
        label.setCapitalization(QFont.Capitalization.AllUppercase)
        label.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, 0.3)
        return cls(
            body=_font(plain, 13),
            strong=_font(plain, 13, semibold),
            heading=_font(plain, 15, semibold),
            label=label,
            figure=_font(plain, 22, semibold),
            mono=_font(mono, 12.5),
        )


def _family(wanted: str, fallback: QFont) -> str:
    return wanted if wanted in QFontDatabase.families() else QFontInfo(fallback).family()


def _font(family: str, px: float, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    font = QFont(family)
    font.setWeight(weight)
    if px == int(px):
        font.setPixelSize(int(px))
    else:  # pixel sizes are whole numbers, point sizes are not
        font.setPointSizeF(px * 72 / QGuiApplication.primaryScreen().logicalDotsPerInchY())
    font.setFeature(QFont.Tag("tnum"), 1)
    for ligatures in ("calt", "liga"):  # of a key every character counts: `//` must not become one sign
        font.setFeature(QFont.Tag(ligatures), 0)
    return font


class Theme(QObject):
    """The look in force. `changed` is emitted after colours have changed and been applied."""

    changed = Signal()

    def __init__(self, mode: Mode = "system", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._mode: Mode = mode
        self._app: QApplication | None = None
        self.fonts = Fonts.of_system()
        self.dark = self._is_dark()
        self.colors = DARK if self.dark else LIGHT
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._refresh)

    @property
    def mode(self) -> Mode:
        """What the person chose; ``system`` follows the desktop as it changes."""
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._mode = mode
        self._refresh()

    def apply(self, app: QApplication) -> None:
        """Give the application this look, now and whenever it changes."""
        with self.dressing(app):
            pass

    @contextmanager
    def dressing(self, app: QApplication) -> Iterator[None]:
        """The same around the making of a window: under a style sheet each widget that gets a parent is styled anew."""
        if self._app is app:  # another window, beside one that is shown
            yield
            return
        self._app = app
        app.setStyle("Fusion")
        app.setFont(self.fonts.body)
        app.setPalette(self._qt_palette())
        app.setStyleSheet("")
        yield
        app.setStyleSheet(self.style_sheet())

    def style_sheet(self) -> str:
        """The whole application's style sheet in the present colours."""
        tokens = {field.name: getattr(self.colors, field.name).name() for field in fields(Palette)}
        hover = mix(self.colors.raised, self.colors.text, 0.06).name()
        pressed = mix(self.colors.raised, self.colors.text, 0.12).name()
        faint = mix(self.colors.surface, self.colors.muted, 0.6).name()
        icons = (assets.root() / "icons").as_posix()
        tick = "tick-dark" if self.dark else "tick-light"  # upon the accent's colour
        more = {"icons": icons, "tick": tick, "on_production": ink(self.colors.production).name()}
        return Template(assets.text("theme.qss")).substitute(tokens, hover=hover, pressed=pressed, faint=faint, **more)

    def _is_dark(self) -> bool:
        if self._mode == "system":
            return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return self._mode == "dark"

    def _refresh(self) -> None:
        if self._is_dark() == self.dark:
            return
        self.dark = self._is_dark()
        self.colors = DARK if self.dark else LIGHT
        if self._app is not None:
            self._dress(self._app)
        self.changed.emit()

    def _dress(self, app: QApplication) -> None:
        app.setPalette(self._qt_palette())
        app.setStyleSheet(self.style_sheet())

    def _qt_palette(self) -> QPalette:
        colors, role = self.colors, QPalette.ColorRole
        palette = QPalette()
        for key, color in (
            (role.Window, colors.background),
            (role.WindowText, colors.text),
            (role.Base, colors.surface),
            (role.AlternateBase, colors.raised),
            (role.Text, colors.text),
            (role.PlaceholderText, colors.muted),
            (role.Button, colors.raised),
            (role.ButtonText, colors.text),
            (role.ToolTipBase, colors.raised),
            (role.ToolTipText, colors.text),
            (role.Highlight, colors.selection),
            (role.HighlightedText, colors.text),
            (role.Link, colors.accent),
            (role.Accent, colors.accent),
            (role.Light, colors.raised),
            (role.Mid, colors.line),
            (role.Dark, colors.line),
        ):
            palette.setColor(key, color)
        for key in (role.Text, role.ButtonText, role.WindowText):
            palette.setColor(QPalette.ColorGroup.Disabled, key, mix(colors.surface, colors.muted, 0.6))
        return palette
