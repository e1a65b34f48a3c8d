"""Tells on the desktop of findings that open while the window is in the background.

Where there is no place for such a message, the window asks for attention in the task bar, and that is all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from fleetcache_gui import assets
from fleetcache_gui.domain.family import Severity
from fleetcache_gui.domain.server_health import SERVER
from fleetcache_gui.ui.marks import severity_words, worst

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fleetcache_gui.domain.health import Finding
    from fleetcache_gui.session import Session
    from fleetcache_gui.settings import Settings
    from fleetcache_gui.ui.attention import Attention

_LINES = 4


def message(findings: Sequence[Finding], session: Session) -> tuple[str, str]:
    """Title and text. No name of a key or of what it holds is in it: a desktop may show it on a locked screen, and may
    take a text for markup."""
    title = f"{session.name}: {severity_words(findings)}"
    return title, "\n".join(list(_lines(findings, session))[:_LINES])


def _lines(findings: Sequence[Finding], session: Session) -> Iterator[str]:
    for finding in findings:
        if finding.family == SERVER:
            yield finding.judgement.text.translate(_UNMARKED)
    for family in session.layout.families:
        if some := [finding for finding in findings if finding.family == family.id]:
            yield f"{family.title}: {severity_words(some)}"


_UNMARKED = str.maketrans("<>&", "‹›+")


class Herald(QObject):
    """`tell(title, text, grave)` shows a message; it can be replaced."""

    def __init__(self, window: QWidget, session: Session, attention: Attention, settings: Settings) -> None:
        super().__init__(window)
        self._window, self._session, self._attention, self._settings = window, session, attention, settings
        self._known: dict[tuple[str, str, bytes], Severity] = {}
        self._tray: QSystemTrayIcon | None = None
        self.tell: Callable[[str, str, bool], None] = self._show
        session.findings_changed.connect(self._look)

    def _look(self) -> None:
        """What is new, or graver than it was."""
        findings = self._attention.loud(self._session.findings)
        before = self._known
        self._known = {finding.id: finding.severity for finding in findings}
        fresh = [
            finding
            for finding in findings
            if finding.severity is not Severity.INFO
            and (finding.id not in before or before[finding.id].rank < finding.severity.rank)
        ]
        wanted = self._settings.notify and self._attention.settled
        if fresh and wanted and self._window.isVisible() and not self._watched():
            self.tell(*message(fresh, self._session), worst(fresh) is Severity.CRITICAL)

    def _watched(self) -> bool:
        return self._window.isActiveWindow() or QApplication.activeModalWidget() is not None

    def _show(self, title: str, text: str, grave: bool) -> None:
        QApplication.alert(self._window)
        if not (QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages()):
            return
        if self._tray is None:
            self._tray = QSystemTrayIcon(assets.application_icon(), self)
            self._tray.messageClicked.connect(self._come)
            self._tray.activated.connect(self._come)
        self._tray.show()
        kind = QSystemTrayIcon.MessageIcon.Critical if grave else QSystemTrayIcon.MessageIcon.Warning
        self._tray.showMessage(title, text, kind)

    def _come(self) -> None:
        self._window.raise_()
        self._window.activateWindow()
        if self._tray is not None:
            self._tray.hide()
