"""A password from the system's keyring: from backends that encrypt, alone or one of several."""

from __future__ import annotations

import keyring
import pytest
from keyring.backends.chainer import ChainerBackend
from keyring.errors import InitError, KeyringLocked

from fleetcache_gui.profiles import keychain
from fleetcache_gui.redis_io import vault

ACCOUNT = "cache.example.com:6379"


class Safe:
    """One that counts as encrypting."""

    __module__ = "keyring.backends.SecretService"
    name = "Secret Service"

    def __init__(self, password: str | None) -> None:
        self.password = password

    def get_password(self, service: str, username: str) -> str | None:
        assert (service, username) == (vault.KEYRING_SERVICE, ACCOUNT)
        return self.password

    def set_password(self, service: str, username: str, password: str) -> None:
        assert (service, username) == (vault.KEYRING_SERVICE, ACCOUNT)
        self.password = password

    def delete_password(self, service: str, username: str) -> None:
        self.set_password(service, username, "")
        self.password = None


class Plain(Safe):
    """One that keeps plain text."""

    __module__ = "keyrings.alt.file"


class Locked(Safe):
    __module__ = "keyring.backends.kwallet"

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked


def chain(*backends: Safe) -> ChainerBackend:
    class Chain(ChainerBackend):
        @property
        def backends(self) -> tuple[Safe, ...]:
            return backends

    return Chain()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("chosen", "password"),
    [
        (Safe("hunter2"), "hunter2"),
        (Plain("hunter2"), None),
        (Locked(None), None),
        (chain(Plain("other"), Safe(None), Safe("hunter2")), "hunter2"),
        (chain(Plain("hunter2")), None),
        (chain(), None),
    ],
    ids=["one", "plain", "locked", "several", "several plain", "none"],
)
def test_backends_that_encrypt_are_asked(
    chosen: Safe | ChainerBackend, password: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyring, "get_keyring", lambda: chosen)
    assert keychain.password(ACCOUNT) == password


@pytest.mark.parametrize("error", [InitError(), ImportError()], ids=repr)
def test_a_keyring_that_cannot_begin_is_none(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise error

    monkeypatch.setattr(keyring, "get_keyring", fails)
    assert keychain.password(ACCOUNT) is None


def test_a_password_is_kept_and_forgotten_where_it_is_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, safe = Plain(None), Safe(None)
    monkeypatch.setattr(keyring, "get_keyring", lambda: chain(plain, safe))
    keychain.keep(ACCOUNT, "hunter2")
    assert (plain.password, safe.password) == (None, "hunter2")
    assert keychain.place() == "Secret Service"
    keychain.keep(ACCOUNT, "")
    assert safe.password is None
    keychain.keep(ACCOUNT, "")  # nothing is there to forget


@pytest.mark.parametrize("chosen", [Plain(None), Locked("x")], ids=["plain", "locked"])
def test_a_password_that_cannot_be_kept_is_told(chosen: Safe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "get_keyring", lambda: chosen)
    with pytest.raises(keychain.NoKeychain, match="keyring") as told:
        keychain.keep(ACCOUNT, "hunter2")
    assert "hunter2" not in str(told.value)
    assert chosen.password != "hunter2"
