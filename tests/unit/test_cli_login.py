"""A password from the system's keyring: from backends that encrypt, alone or one of several."""

from __future__ import annotations

import keyring
import pytest
from keyring.backends.chainer import ChainerBackend
from keyring.errors import InitError, KeyringLocked

from fleetcache_gui.cli import login
from fleetcache_gui.redis_io.address import Address

ADDRESS = Address("cache.example.com", 6379)


class Safe:
    """One that counts as encrypting."""

    __module__ = "keyring.backends.SecretService"

    def __init__(self, password: str | None) -> None:
        self.password = password

    def get_password(self, service: str, username: str) -> str | None:
        assert (service, username) == (login.KEYRING_SERVICE, "cache.example.com:6379")
        return self.password


class Plain(Safe):
    """One that keeps plain text."""

    __module__ = "keyrings.alt.file"


class Locked(Safe):
    __module__ = "keyring.backends.kwallet"

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
    assert login._from_keyring(ADDRESS) == password


@pytest.mark.parametrize("error", [InitError(), ImportError()], ids=repr)
def test_a_keyring_that_cannot_begin_is_none(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise error

    monkeypatch.setattr(keyring, "get_keyring", fails)
    assert login._from_keyring(ADDRESS) is None
