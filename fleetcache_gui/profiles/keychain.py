"""Passwords in the system's keyring: in backends that encrypt, and in no other.

These calls may wait for a person (an unlock dialog): on a loop they go through `redis_io.aside`.
"""

from __future__ import annotations

from fleetcache_gui.redis_io.vault import KEYRING_SERVICE, trusted_backends


class NoKeychain(Exception):
    """The password was not kept; the text says why, in one sentence."""


def account(profile_name: str) -> str:
    """The name under which a profile's password is kept."""
    return f"profile {profile_name}"


def sentinels(profile_name: str) -> str:
    """The same of its sentinels' password."""
    return f"sentinels of profile {profile_name}"


def password(*accounts: str) -> str | None:
    """The first of these accounts' passwords that a backend holds; None without one."""
    from keyring.errors import KeyringError

    try:
        for backend in trusted_backends():
            for name in accounts:
                found = backend.get_password(KEYRING_SERVICE, name)
                if found is not None:
                    return found
    except (KeyringError, ImportError):  # ImportError: a backend of the user's configuration that is not there
        pass
    return None


def keep(name: str, secret: str) -> None:
    """Keep a password; an empty one is forgotten. Raises `NoKeychain`."""
    from keyring.errors import KeyringError

    try:
        for backend in trusted_backends():
            if secret:
                backend.set_password(KEYRING_SERVICE, name, secret)
            elif backend.get_password(KEYRING_SERVICE, name) is not None:
                backend.delete_password(KEYRING_SERVICE, name)
            return
    except (KeyringError, ImportError):
        raise NoKeychain("The system's keyring is locked or did not take the password.") from None
    if secret:
        raise NoKeychain("This system has no keyring that encrypts, so the password is not kept.")


def place() -> str:
    """Where a password would be kept, for a person; empty where it would not be."""
    from keyring.errors import KeyringError

    try:
        return next((str(backend.name) for backend in trusted_backends()), "")
    except (KeyringError, ImportError):
        return ""
