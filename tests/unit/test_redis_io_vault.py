"""The undo bin's key: from backends that encrypt, never later than promised, never with a traceback."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import keyring
import pytest
from keyring.backends.chainer import ChainerBackend
from keyring.errors import KeyringLocked

from fleetcache_gui.redis_io import vault

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
KEY = bytes(range(32))
KEPT = base64.b64encode(KEY).decode()

HANGS = """
import asyncio, sys, threading
import keyring
from fleetcache_gui.redis_io import vault

vault.KEYRING_SECONDS = 0.1
keyring.get_keyring = threading.Event().wait
print(asyncio.run(vault.key()))
"""


class Safe:
    """One that counts as encrypting, and remembers."""

    __module__ = "keyring.backends.SecretService"

    def __init__(self, kept: str | None = None) -> None:
        self.kept = kept
        self.asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        assert (service, username) == ("fleetcache-inspector", "undo bin")
        assert threading.current_thread() is not threading.main_thread()
        self.asked += 1
        return self.kept

    def set_password(self, service: str, username: str, password: str) -> None:
        assert (service, username) == ("fleetcache-inspector", "undo bin")
        self.kept = password


class Plain(Safe):
    """One that keeps plain text."""

    __module__ = "keyrings.alt.file"


class Forgetful(Safe):
    """Takes everything, keeps nothing."""

    __module__ = Safe.__module__

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


class Contested(Safe):
    """Another inspector's key comes right after ours."""

    __module__ = Safe.__module__

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept = KEPT


class Panic(BaseException):
    """What a library in another language may raise."""


class Raising(Safe):
    __module__ = Safe.__module__

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        raise self.error


class Hanging(Safe):
    __module__ = Safe.__module__

    def __init__(self) -> None:
        super().__init__(KEPT)
        self.let_go = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        assert self.let_go.wait(60)
        return super().get_password(service, username)


def chain(*backends: Safe) -> ChainerBackend:
    class Chain(ChainerBackend):
        @property
        def backends(self) -> tuple[Safe, ...]:
            return backends

    return Chain()  # type: ignore[no-untyped-call]


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Callable[[Safe | ChainerBackend], None]:
    return lambda backend: monkeypatch.setattr(keyring, "get_keyring", lambda: backend)


async def test_a_key_is_made_once_and_kept(choose: Callable[..., None]) -> None:
    backend = Safe()
    choose(backend)
    made = await vault.key()
    assert made is not None
    assert len(made) == 32
    assert base64.b64decode(backend.kept or "") == made
    assert await vault.key() == made
    other = Safe()
    choose(other)
    assert await vault.key() != made


async def test_of_several_backends_the_trusted_ones_are_asked(choose: Callable[..., None]) -> None:
    plain, empty, full = Plain("never"), Safe(), Safe(KEPT)
    choose(chain(plain, empty, full))
    assert await vault.key() == KEY
    choose(chain(plain, empty))
    assert await vault.key() == base64.b64decode(empty.kept or "")
    assert plain.kept == "never"


@pytest.mark.parametrize(
    "backend",
    [
        Plain(KEPT),
        chain(),
        chain(Plain(KEPT)),
        Forgetful(),
        Safe("not base64!"),
        Safe(""),
        Safe(base64.b64encode(b"too short").decode()),
        Raising(KeyringLocked()),
        Raising(RuntimeError("D-Bus is not there")),
        Raising(SystemExit()),
        Raising(Panic()),
    ],
    ids=lambda backend: f"{type(backend).__name__} {getattr(backend, 'kept', '')} {getattr(backend, 'error', '')!r}",
)
async def test_otherwise_there_is_no_key(
    backend: Safe | ChainerBackend, choose: Callable[..., None], capfd: pytest.CaptureFixture[str]
) -> None:
    before = getattr(backend, "kept", None)
    choose(backend)
    assert await vault.key() is None
    assert getattr(backend, "kept", None) == before
    trusted = type(backend).__module__ == Safe.__module__
    assert bool(getattr(backend, "asked", 0)) == trusted
    assert capfd.readouterr() == ("", "")


async def test_a_keyring_that_cannot_begin_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise ImportError("the user's own backend")

    monkeypatch.setattr(keyring, "get_keyring", fails)
    assert await vault.key() is None


async def test_the_key_of_whoever_was_last_counts(choose: Callable[..., None]) -> None:
    choose(Contested())
    assert await vault.key() == KEY


async def test_a_hanging_keyring_is_given_up_and_the_loop_goes_on(
    choose: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = Hanging()
    choose(backend)
    monkeypatch.setattr(vault, "KEYRING_SECONDS", 0.05)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.005)

    counting = asyncio.get_running_loop().create_task(count())
    assert await vault.key() is None
    counting.cancel()
    assert turns > 1
    backend.let_go.set()  # its answer comes too late, and is heard by nobody
    for thread in threading.enumerate():
        if thread.name == "keyring":
            await asyncio.to_thread(thread.join)
    await asyncio.sleep(0)


def test_an_answer_after_the_loop_has_ended_is_heard_by_nobody(
    choose: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    backend = Hanging()
    choose(backend)
    monkeypatch.setattr(vault, "KEYRING_SECONDS", 0.0)
    assert asyncio.run(vault.key()) is None
    backend.let_go.set()
    for thread in threading.enumerate():
        if thread.name == "keyring":
            thread.join()
    assert capfd.readouterr() == ("", "")


def test_a_hanging_keyring_does_not_keep_the_program_from_ending() -> None:
    done = subprocess.run([sys.executable, "-c", HANGS], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "None\n", "")
