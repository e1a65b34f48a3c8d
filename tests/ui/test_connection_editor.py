"""The window of connections, worked by hand against real servers."""

from __future__ import annotations

import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import keyring
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QWidget

from fleetcache_gui import aio, app, shell
from fleetcache_gui.deeds import Deeds
from fleetcache_gui.domain.snapshot import Phase
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.profiles import store
from fleetcache_gui.profiles.profile import Profile, TlsPart, TunnelPart
from fleetcache_gui.redis_io import vault
from fleetcache_gui.session import Session
from fleetcache_gui.settings import Settings
from fleetcache_gui.ui.connection_editor import SMALLEST, ConnectionEditor
from fleetcache_gui.ui.text_widgets import PlainLabel
from fleetcache_gui.ui.theme import Theme
from tests.servers import REDIS_7, Server
from tests.ui.shell import settle

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
    from pathlib import Path

    Eventually = Callable[..., Coroutine[Any, Any, None]]

CANARY = "hunter2"


class Safe:
    """A keyring that counts as encrypting."""

    __module__ = "keyring.backends.SecretService"
    name = "Secret Service"

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        assert service == vault.KEYRING_SERVICE
        return self.kept.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[username]


class Plain(Safe):
    __module__ = "keyrings.alt.file"


@pytest.fixture
def safe(monkeypatch: pytest.MonkeyPatch) -> Safe:
    chosen = Safe()
    monkeypatch.setattr(keyring, "get_keyring", lambda: chosen)
    return chosen


@pytest.fixture(scope="module")
def guarded() -> Iterator[Server]:
    with Server(REDIS_7) as server:
        server.call("ACL", "SETUSER", "looker", "on", f">{CANARY}", "~*", "+@all")
        yield server


@asynccontextmanager
async def editing(app: QApplication, path: Path, *profiles: Profile) -> AsyncIterator[ConnectionEditor]:
    if profiles:
        store.save(profiles, path)
    theme = Theme("light")
    theme.apply(app)
    editor = ConnectionEditor(theme, path, SPEC.samples)
    editor.show()
    await settle()
    try:
        yield editor
    finally:
        await editor.end()
        editor.hide()
        editor.deleteLater()
        await settle()


FULL = Profile(
    ["a.example.com", "b.example.com:7000"],
    name="full",
    environment="staging",
    user="looker",
    database=3,
    tls=TlsPart("ca.pem", "cert.pem", "key.pem", "cache", verify=False),
    sentinel="mymaster",
    sentinel_tls=True,
    tunnel=TunnelPart("bastion:2222", "ops", "id", "hosts"),
    connect_timeout=5.0,
    reply_timeout=1.5,
    interval=10.0,
    layout="spec",
    never_unlock=True,
)


async def test_what_is_shown_is_what_was_kept(qapp: QApplication, tmp_path: Path, safe: Safe) -> None:
    plain = Profile(["h"], name="plain")
    async with editing(qapp, tmp_path / "p.json", FULL, plain) as editor:
        assert editor.form.profile() == FULL
        assert not editor.unsaved()
        editor.list.select(1)
        assert editor.form.profile() == plain
        assert not editor.unsaved()
        editor.list.select(0)
        assert editor.form.profile() == FULL


async def test_a_pasted_url_fills_the_fields(qapp: QApplication, tmp_path: Path, safe: Safe) -> None:
    async with editing(qapp, tmp_path / "p.json") as editor:
        form = editor.form
        assert not editor.open_.isEnabled()
        form.name.setText("pasted")
        form.addresses.setText(f"rediss://looker:{CANARY}@cache.example.com/3")
        form.addresses.textEdited.emit(form.addresses.text())
        assert form.addresses.text() == "cache.example.com:6379"
        assert form.password.text() == CANARY
        assert form.password.echoMode() is QLineEdit.EchoMode.Password
        assert form.profile() == Profile(
            ["cache.example.com:6379"], name="pasted", user="looker", database=3, tls=TlsPart()
        )
        editor.save.click()
        assert CANARY not in (tmp_path / "p.json").read_text()
        assert store.load(tmp_path / "p.json") == {"pasted": form.profile()}
        assert safe.kept == {}  # nobody asked for it to be kept


async def test_a_password_is_kept_where_the_field_says(
    qapp: QApplication, tmp_path: Path, safe: Safe, eventually: Eventually
) -> None:
    kept = Profile(["h"], name="site", sentinel="fleet", sentinel_tls=True, sentinel_user="asker")
    async with editing(qapp, tmp_path / "p.json", kept) as editor:
        assert editor.form.profile() == kept
        await eventually(lambda: "Secret Service" in editor.form.kept.text())
        editor.form.password.setText(CANARY)
        editor.form.sentinel_password.setText(CANARY[::-1])
        editor.form.keep.setChecked(True)
        assert "goes to Secret Service" in editor.form.kept.text()
        editor.save.click()
        await eventually(lambda: safe.kept == {"profile site": CANARY, "sentinels of profile site": CANARY[::-1]})
        editor.form.password.setText("")
        editor.form.sentinel_password.setText("")
        editor.form.name.setText("renamed")
        editor.save.click()
        both = {"profile renamed": CANARY, "sentinels of profile renamed": CANARY[::-1]}
        await eventually(lambda: safe.kept == both)
        editor.forget.click()
        await eventually(lambda: safe.kept == {})
        assert store.load(tmp_path / "p.json") == {}


async def test_without_a_safe_keyring_none_is_offered(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "get_keyring", Plain)
    async with editing(qapp, tmp_path / "p.json") as editor:
        assert not editor.form.keep.isEnabled()
        assert "kept nowhere" in editor.form.kept.text()


async def test_a_test_is_told_step_by_step(
    qapp: QApplication, tmp_path: Path, safe: Safe, guarded: Server, eventually: Eventually
) -> None:
    place = f"127.0.0.1:{guarded.port}"
    async with editing(qapp, tmp_path / "p.json", Profile([place], name="site", user="looker")) as editor:
        editor.form.password.setText("wrong")
        editor.test.click()
        await eventually(lambda: "cannot be used" in editor.steps.verdict.text())
        assert "refused the user name or password" in editor.steps.lines["auth"].text.text()
        editor.form.password.setText(CANARY)
        assert "tries each step" in editor.steps.verdict.text()  # what was found was about something else
        editor.test.click()
        await eventually(lambda: "can be used" in editor.steps.verdict.text())
        assert "Redis 7.0" in editor.steps.lines["rights"].text.text()
        assert editor.chosen is None
        assert not any(CANARY in label.text() for label in editor.findChildren(QLabel))


async def test_opening_tries_first_and_takes_the_keyrings_password(
    qapp: QApplication, tmp_path: Path, safe: Safe, guarded: Server, eventually: Eventually
) -> None:
    place = f"127.0.0.1:{guarded.port}"
    async with editing(qapp, tmp_path / "p.json", Profile([place], name="site", user="looker")) as editor:
        editor.open_.click()
        await eventually(lambda: "cannot be used" in editor.steps.verdict.text())
        assert editor.isVisible()
        safe.kept["profile site"] = CANARY
        editor.open_.click()
        await eventually(lambda: not editor.isVisible())
        assert editor.chosen is not None
        profile, address = editor.chosen
        assert (profile.name, address.password, address.port) == ("site", CANARY, guarded.port)
        assert CANARY not in repr(editor.chosen)


class Slow(Safe):
    """One that waits for a person who does not come."""

    __module__ = Safe.__module__

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.answered = threading.Event(), threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.set()
        self.answered.wait(30)
        return None


async def test_a_keyring_that_does_not_answer_holds_nothing_up(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, guarded: Server, eventually: Eventually
) -> None:
    slow = Slow()
    monkeypatch.setattr(keyring, "get_keyring", lambda: slow)
    place = f"127.0.0.1:{guarded.port}"
    try:
        async with editing(qapp, tmp_path / "p.json", Profile([place], name="site", user="looker")) as editor:
            await eventually(lambda: editor.form.keep.isEnabled())
            editor.test.click()
            await eventually(slow.asked.is_set)
            assert "may ask you to unlock it" in editor.steps.verdict.text()
            editor.form.password.setText(CANARY)  # typed instead
            editor.test.click()
            await eventually(lambda: "can be used" in editor.steps.verdict.text())
    finally:
        slow.answered.set()


async def test_why_something_cannot_be_done_is_said(qapp: QApplication, tmp_path: Path, safe: Safe) -> None:
    async with editing(qapp, tmp_path / "p.json", Profile(["h"], name="one")) as editor:
        assert "paste a redis://" not in editor.message.text()
        editor.new.click()
        assert "paste a redis://" in editor.message.text()
        editor.form.name.setText("one")
        editor.form.addresses.setText("me@h")
        assert "HOST:PORT" in editor.message.text()
        editor.form.addresses.setText("h")
        assert "another connection of that name" in editor.message.text()
        assert not any(button.isEnabled() for button in (editor.open_, editor.save, editor.test))


async def test_changes_are_not_dropped_unsaid(qapp: QApplication, tmp_path: Path, safe: Safe) -> None:
    async with editing(qapp, tmp_path / "p.json", Profile(["h"], name="one")) as editor:
        editor.form.user.setText("other")
        editor.close_.click()
        assert editor.isVisible()
        assert "Not saved: one." in editor.message.text()
        editor.close_.click()
        assert not editor.isVisible()
        assert store.load(tmp_path / "p.json")["one"].user == ""


async def test_a_file_that_cannot_be_understood_is_not_overwritten(
    qapp: QApplication, tmp_path: Path, safe: Safe
) -> None:
    path = tmp_path / "p.json"
    path.write_text("{")
    async with editing(qapp, path) as editor:
        assert "cannot be understood" in editor.message.text()
        editor.form.name.setText("x")
        editor.form.addresses.setText("h")
        assert not editor.save.isEnabled()
        assert path.read_text() == "{"


async def test_the_wheel_turns_no_value_that_it_passes_over(qapp: QApplication, tmp_path: Path, safe: Safe) -> None:
    async with editing(qapp, tmp_path / "p.json", FULL) as editor:
        editor.form.name.setFocus()
        for widget in (editor.form.environment, editor.form.database, editor.form.connect_timeout):
            middle = QPointF(widget.rect().center())
            qapp.sendEvent(
                widget,
                QWheelEvent(
                    middle,
                    widget.mapToGlobal(middle),
                    QPoint(0, -120),
                    QPoint(0, -120),
                    Qt.MouseButton.NoButton,
                    Qt.KeyboardModifier.NoModifier,
                    Qt.ScrollPhase.NoScrollPhase,
                    False,
                ),
            )
        assert editor.form.profile() == FULL


@pytest.mark.parametrize("size", [SMALLEST, (1024, 700), (1920, 1080)], ids=str)
async def test_nothing_is_cut_off(qapp: QApplication, tmp_path: Path, safe: Safe, size: tuple[int, int]) -> None:
    async with editing(qapp, tmp_path / "p.json", FULL) as editor:
        editor.resize(*size)
        await settle()
        assert editor.form.width() <= editor.form.parentWidget().width()
        whole = editor.rect()
        for button in (editor.new, editor.forget, editor.test, editor.save, editor.close_, editor.open_):
            corner = button.mapTo(editor, button.rect().bottomRight())
            assert whole.contains(corner)
            assert button.width() >= button.sizeHint().width()


async def test_hostile_texts_are_shown_as_they_are_and_all_has_a_name(
    qapp: QApplication, tmp_path: Path, safe: Safe
) -> None:
    text = '<img src="/etc/x">'
    async with editing(qapp, tmp_path / "p.json", Profile(["h"], name=text, environment="<b>odd</b>")) as editor:
        assert editor.title.text() == text
        labels = editor.findChildren(QLabel)
        assert labels
        assert all(isinstance(label, PlainLabel) for label in labels)
        for field in editor.form.findChildren(QLineEdit):
            outer = field.parentWidget()
            assert field.accessibleName() or (isinstance(outer, QWidget) and outer.accessibleName())


async def test_choosing_gives_what_the_window_opens_on(
    qapp: QApplication, tmp_path: Path, safe: Safe, guarded: Server, eventually: Eventually
) -> None:
    """As `fleetcache-gui connect` does it, from the list to the server's own window."""
    place = f"127.0.0.1:{guarded.port}"
    store.save([Profile([place], name="site", user="looker")], tmp_path / "p.json")
    safe.kept["profile site"] = CANARY
    choosing = aio.spawn(
        app.choose_connection(tmp_path / "p.json", tmp_path / "settings.json", SPEC.samples), name="choose"
    )

    def editor() -> ConnectionEditor | None:
        return next((widget for widget in qapp.topLevelWidgets() if isinstance(widget, ConnectionEditor)), None)

    await eventually(lambda: editor() is not None and editor().isVisible())  # type: ignore[union-attr]
    shown = editor()
    assert shown is not None
    shown.open_.click()
    profile, address = await choosing  # type: ignore[misc]
    assert profile.name == "site"
    session = Session(address, SPEC, name=profile.name)
    deeds = Deeds(session, address, tmp_path)
    async with shell.window(session, deeds, Theme("light"), Settings()):
        await eventually(lambda: session.link.phase is Phase.LIVE)
    await settle()
