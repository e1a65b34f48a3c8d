"""The system's keyring: which of its backends are trusted, and the key that the undo bin is encrypted with."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import secrets
from typing import TYPE_CHECKING

from fleetcache_gui.redis_io.aside import aside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keyring.backend import KeyringBackend

KEYRING_SERVICE = "fleetcache-inspector"
"""Service name under which `keyring set fleetcache-inspector HOST:PORT` keeps a password."""

KEYRING_SECONDS = 5.0
"""How long a keyring may take: a locked one may ask a person, and one without its service may never answer."""

_TRUSTED_BACKENDS = tuple(
    f"keyring.backends.{name}" for name in ("SecretService", "kwallet", "libsecret", "macOS", "Windows")
)
"""Backends that encrypt. Others, such as keyrings.alt, quietly keep plain text, so they count as none."""

_NAME = "undo bin"
_KEY_BYTES = 32  # AES-256


def trusted_backends() -> Iterator[KeyringBackend]:
    """The backends in use that encrypt. Raises whatever the user's configuration of keyring leads to."""
    import keyring  # late: it looks for backends among all installed packages
    from keyring.backends.chainer import ChainerBackend

    chosen = keyring.get_keyring()
    for backend in chosen.backends if isinstance(chosen, ChainerBackend) else (chosen,):
        if type(backend).__module__.startswith(_TRUSTED_BACKENDS):
            yield backend


async def key() -> bytes | None:
    """The key of the undo bin, 32 bytes; made and kept at first use. Never raises.

    None without a trusted backend, and when the keyring fails, is locked, holds something else under that name, or
    takes longer than `KEYRING_SECONDS`. Two inspectors that both start for the first time in the same instant may each
    have a key of their own: what the one whose key was replaced has put into the bin cannot be read by later runs.
    """

    def ask() -> bytes | None:
        with contextlib.suppress(BaseException):  # backends are foreign code, down to what panics in Rust
            return _ask()
        return None

    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(aside(ask), KEYRING_SECONDS)
    return None


def _ask() -> bytes | None:
    first: KeyringBackend | None = None
    for backend in trusted_backends():
        first = first or backend
        if (kept := backend.get_password(KEYRING_SERVICE, _NAME)) is not None:
            return _decoded(kept)
    if first is None:
        return None
    made = secrets.token_bytes(_KEY_BYTES)
    first.set_password(KEYRING_SERVICE, _NAME, base64.b64encode(made).decode())
    # What is kept counts: one that forgets at once is no keyring, and another inspector may have been first.
    return _decoded(first.get_password(KEYRING_SERVICE, _NAME) or "")


def _decoded(kept: str) -> bytes | None:
    found = base64.b64decode(kept, validate=True)
    return found if len(found) == _KEY_BYTES else None
