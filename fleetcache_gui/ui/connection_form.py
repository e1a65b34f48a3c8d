"""The fields of one connection, and the profile that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from fleetcache_gui.domain.values import Tone
from fleetcache_gui.families.layouts import PINNED
from fleetcache_gui.profiles import desk
from fleetcache_gui.profiles.profile import AUTO, ENVIRONMENTS, Profile, TlsPart, TunnelPart
from fleetcache_gui.settings import INTERVALS
from fleetcache_gui.ui.text_widgets import PlainLabel, plain_tooltip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.ui.theme import Theme

_UNSAFE = "Whoever sits between can read all of it, a password too."
_LABEL_WIDTH = 104
_LAYOUTS = tuple((layout.title, layout.id) for layout in PINNED.values())


class FileField(QWidget):
    """A path, typed or chosen."""

    changed = Signal()

    def __init__(self, title: str, hint: str) -> None:
        super().__init__()
        self.line = QLineEdit()
        self.line.setMinimumWidth(80)
        self.line.setPlaceholderText(hint)
        self.line.setAccessibleName(title)
        self.line.textChanged.connect(self.changed)
        button = QPushButton("Choose…")
        button.setAccessibleName(f"Choose the file: {title}")
        button.clicked.connect(self._choose)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.line, 1)
        row.addWidget(button)
        self._title = title

    def _choose(self) -> None:
        dialog = QFileDialog(self, self._title)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.line.setText)
        dialog.open()


class ConnectionForm(QWidget):
    """Shows a profile and makes one of what was typed. `changed` after each change by a person."""

    changed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._shown = Profile([])
        self._quiet = False
        self._rows = QGridLayout()
        self._rows.setColumnMinimumWidth(0, _LABEL_WIDTH)
        self._rows.setColumnStretch(1, 1)
        self._rows.setHorizontalSpacing(12)
        self._rows.setVerticalSpacing(8)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 16)
        column.addLayout(self._rows)
        column.addStretch(1)
        self._server()
        self._tls()
        self._sentinel()
        self._tunnel()
        self._more()
        numbers = (self.database, self.connect_timeout, self.reply_timeout, self.budget)
        for widget in (self.environment, self.layout_, self.interval, *numbers):
            widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            widget.installEventFilter(self)
        for box in numbers:
            box.lineEdit().setTextMargins(4, 0, 0, 0)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A wheel that turns the page must not turn a value that it passes over."""
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    # --- the parts ---------------------------------------------------------------------------------------------

    def _server(self) -> None:
        self.name = self._line("Name", "prod-eu")
        words = [("None", ""), *((word.capitalize(), word) for word in ENVIRONMENTS)]
        self.environment = self._choose("Environment", words)
        self.addresses = self._line("Address", "cache.example.com:6379, or paste a redis:// URL")
        self.addresses.textEdited.connect(self._pasted)
        plain_tooltip(self.addresses, "HOST or HOST:PORT. Commas part several nodes of a cluster, or sentinels.")
        self.user = self._line("User", "the server's default account")
        self.password = self._line("Password", "")
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        self.keep = QCheckBox("Keep it in the system's keyring")
        self.keep.toggled.connect(self._touched)
        self._row("", self.keep)
        self.kept = PlainLabel(theme=self._theme, role="muted", wrap=True)
        self._row("", self.kept)
        self.database = QSpinBox(maximum=2**31 - 1)
        self.database.valueChanged.connect(self._touched)
        self._row("Database", self.database)
        self.replicas = self._check("Of a cluster, read replicas (may be late)")

    def _tls(self) -> None:
        self._section("TLS")
        self.tls = self._check("Speak TLS (1.2 or later)")
        self.ca = self._file("Authority", "the system's authorities (PEM file)")
        self.certificate = self._file("Certificate", "none is shown (PEM file)")
        self.key = self._file("Its key", "PEM file without passphrase")
        self.server_name = self._line("Server's name", "as in the address")
        self.unverified = self._check("Unsafe: take any certificate")
        self.unsafe = PlainLabel(_UNSAFE, theme=self._theme, wrap=True)
        self.unsafe.set_tone(Tone.CRITICAL)
        self._row("", self.unsafe)

    def _sentinel(self) -> None:
        self._section("Sentinel")
        self.service = self._line("Service", "none: the address is the server's own")
        plain_tooltip(self.service, "The name by which the sentinels know the primary. The addresses are theirs then.")
        self.sentinel_tls = self._check("The sentinels speak TLS")
        self.sentinel_user = self._line("User", "the sentinels' default account")
        self.sentinel_password = self._line("Password", "the server's own is not sent to them")
        self.sentinel_password.setEchoMode(QLineEdit.EchoMode.Password)
        for line in (self.sentinel_user, self.sentinel_password):
            line.setAccessibleName(f"{line.accessibleName()} of the sentinels")

    def _tunnel(self) -> None:
        self._section("SSH tunnel")
        self.through = self._line("Through", "none: the server is reached directly (HOST:PORT)")
        self.ssh_user = self._line("User", "your own name")
        self.ssh_key = self._file("Key", "the agent's keys and the usual files")
        self.known_hosts = self._file("Known hosts", "~/.ssh/known_hosts")

    def _more(self) -> None:
        self._section("More")
        self.connect_timeout = self._number("Connect within", " s", 0.2, 60.0, 0.5)
        self.reply_timeout = self._number("Answer within", " s", 0.2, 60.0, 0.5)
        self.layout_ = self._choose("Layout", [("Found out by itself", ""), *_LAYOUTS])
        plain_tooltip(self.layout_, "How the server names its keys.")
        every = [("As in the last window", None), *((f"{seconds:g} s", seconds) for seconds in INTERVALS)]
        self.interval = self._choose("Read every", every)
        self.budget = self._number("Server's time", " % of a core", 0.05, 10.0, 0.1)
        self.budget.setDecimals(2)
        plain_tooltip(self.budget, "For reading what is known, and as much for discovery after its first sweep.")
        self.never_unlock = self._check("Never allow changes")

    # --- profile in, profile out -------------------------------------------------------------------------------

    def show_profile(self, profile: Profile, password: str, sentinels: str, *, keep: bool) -> None:
        """Fill the fields; tells nobody."""
        self._quiet = True
        self._shown = profile
        tls, tunnel = profile.tls or TlsPart(), profile.tunnel or TunnelPart("")
        if self.environment.findData(profile.environment) < 0:
            self.environment.addItem(profile.environment.capitalize(), profile.environment)
        if self.interval.findData(profile.interval) < 0:
            self.interval.addItem(f"{profile.interval:g} s", profile.interval)
        for chosen, value in (
            (self.environment, profile.environment),
            (self.layout_, "" if profile.layout == AUTO else profile.layout),
            (self.interval, profile.interval),
        ):
            chosen.setCurrentIndex(chosen.findData(value))
        for field, text in (
            (self.name, profile.name),
            (self.addresses, ", ".join(profile.addresses)),
            (self.user, profile.user),
            (self.password, password),
            (self.ca.line, tls.ca_file),
            (self.certificate.line, tls.cert_file),
            (self.key.line, tls.key_file),
            (self.server_name, tls.server_name),
            (self.service, profile.sentinel),
            (self.sentinel_user, profile.sentinel_user),
            (self.sentinel_password, sentinels),
            (self.through, tunnel.address),
            (self.ssh_user, tunnel.user),
            (self.ssh_key.line, tunnel.key_file),
            (self.known_hosts.line, tunnel.known_hosts),
        ):
            field.setText(text)
            field.setCursorPosition(0)
        for box, checked in (
            (self.keep, keep),
            (self.replicas, profile.replicas),
            (self.tls, profile.tls is not None),
            (self.unverified, not tls.verify),
            (self.sentinel_tls, profile.sentinel_tls),
            (self.never_unlock, profile.never_unlock),
        ):
            box.setChecked(checked)
        self.database.setValue(profile.database)
        self.connect_timeout.setValue(profile.connect_timeout)
        self.reply_timeout.setValue(profile.reply_timeout)
        self.budget.setValue(profile.budget)
        self._quiet = False
        self._enable()

    def profile(self) -> Profile:
        """What the fields say; whether it can be used is another question."""
        tls = tunnel = None
        if self.tls.isChecked():
            files = (field.line.text().strip() for field in (self.ca, self.certificate, self.key))
            ca, certificate, key = files
            name, verify = self.server_name.text().strip(), not self.unverified.isChecked()
            tls = TlsPart(ca, certificate, key, name, verify)
        if self.through.text().strip():
            key, known = self.ssh_key.line.text().strip(), self.known_hosts.line.text().strip()
            tunnel = TunnelPart(self.through.text().strip(), self.ssh_user.text().strip(), key, known)
        return msgspec.structs.replace(
            self._shown,  # which has what no field shows
            name=self.name.text(),
            environment=self.environment.currentData(),
            addresses=[place for part in self.addresses.text().split(",") if (place := part.strip())],
            user=self.user.text(),
            database=self.database.value(),
            replicas=self.replicas.isChecked(),
            tls=tls,
            sentinel=self.service.text().strip(),
            sentinel_tls=self.sentinel_tls.isChecked(),
            sentinel_user=self.sentinel_user.text().strip(),
            tunnel=tunnel,
            connect_timeout=self.connect_timeout.value(),
            reply_timeout=self.reply_timeout.value(),
            layout=self.layout_.currentData(),
            interval=self.interval.currentData(),
            budget=self.budget.value(),
            never_unlock=self.never_unlock.isChecked(),
        )

    def _pasted(self, text: str) -> None:
        """A URL in the field of addresses fills the other fields; its password goes where it is not seen."""
        if "://" not in text:
            return
        try:
            found, password = desk.url(text.strip())
        except ValueError:
            return  # half typed; what is wrong with it is said below
        mine = self.profile()
        tls = found.tls and (mine.tls or found.tls)
        made = msgspec.structs.replace(
            mine, addresses=found.addresses, user=found.user, database=found.database, tls=tls
        )
        typed = password or self.password.text()
        self.show_profile(made, typed, self.sentinel_password.text(), keep=self.keep.isChecked())
        self._touched()

    # --- rows --------------------------------------------------------------------------------------------------

    def _touched(self) -> None:
        if not self._quiet:
            self._enable()
            self.changed.emit()

    def _enable(self) -> None:
        """What has no meaning now cannot be typed."""
        tls = self.tls.isChecked()
        for widget in (self.ca, self.certificate, self.key, self.server_name, self.unverified):
            widget.setEnabled(tls)
        self.unsafe.setVisible(tls and self.unverified.isChecked())
        for widget in (self.sentinel_tls, self.sentinel_user, self.sentinel_password):
            widget.setEnabled(bool(self.service.text().strip()))
        for widget in (self.ssh_user, self.ssh_key, self.known_hosts):
            widget.setEnabled(bool(self.through.text().strip()))

    def _row(self, title: str, widget: QWidget) -> None:
        at = self._rows.rowCount()
        if title:
            label = PlainLabel(title, theme=self._theme, role="muted")
            label.setBuddy(widget)
            self._rows.addWidget(label, at, 0)
            if not widget.accessibleName():
                widget.setAccessibleName(title)
        self._rows.addWidget(widget, at, 1)

    def _section(self, title: str) -> None:
        at = self._rows.rowCount()
        self._rows.setRowMinimumHeight(at, 12)
        self._rows.addWidget(PlainLabel(title, theme=self._theme, role="label"), at + 1, 0, 1, 2)

    def _line(self, title: str, hint: str) -> QLineEdit:
        line = QLineEdit()
        line.setPlaceholderText(hint)
        line.textChanged.connect(self._touched)
        self._row(title, line)
        return line

    def _file(self, title: str, hint: str) -> FileField:
        field = FileField(title, hint)
        field.changed.connect(self._touched)
        self._row(title, field)
        return field

    def _check(self, title: str) -> QCheckBox:
        box = QCheckBox(title)
        box.toggled.connect(self._touched)
        self._row("", box)
        return box

    def _choose(self, title: str, options: Sequence[tuple[str, object]]) -> QComboBox:
        box = QComboBox()
        box.setProperty("kind", "field")
        for words, value in options:
            box.addItem(words, value)
        box.currentIndexChanged.connect(self._touched)
        self._row(title, box)
        return box

    def _number(self, title: str, suffix: str, least: float, most: float, step: float) -> QDoubleSpinBox:
        box = QDoubleSpinBox(minimum=least, maximum=most, decimals=1, singleStep=step, suffix=suffix)
        box.valueChanged.connect(self._touched)
        self._row(title, box)
        return box
