"""Where profiles are kept: a file beside the settings, for this user's eyes only, and never a secret in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from fleetcache_gui import settings
from fleetcache_gui.profiles.profile import Profile, check
from fleetcache_gui.redis_io.address import BadAddress

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from fleetcache_gui.domain.thresholds import Thresholds

_SECRET = re.compile("pass|pwd|secret|token|credential|auth|private|pem", re.IGNORECASE)
"""Names of fields that would hold a secret. Names of files of keys are none."""

_LARGEST = 1 << 20  # bytes


class BadProfiles(ValueError):
    """Profiles cannot be read, kept or taken in; the text is one sentence or two, and holds no value of theirs."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    profiles: list[Profile]


def default_path() -> Path:
    """Where the profiles of this user lie."""
    return settings.default_path().with_name("profiles.json")


def load(path: Path) -> dict[str, Profile]:
    """The profiles by name, in the order of the file; none where there is no file. Raises `BadProfiles`."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise BadProfiles(f"{path} cannot be read: {error.strerror}.") from None
    return parse(text, str(path))


def save(profiles: Iterable[Profile], path: Path) -> None:
    """Write the file whole or not at all, with mode 0600. Raises `BadProfiles`."""
    try:
        settings.write_private(text(profiles), path)
    except OSError as error:
        raise BadProfiles(f"{path} cannot be written: {error.strerror}.") from None


def keep_thresholds(profile: Profile, thresholds: Thresholds, path: Path) -> str:
    """Keep them in the file with the profile of that name; a sentence on why not, else nothing."""
    try:
        profiles = load(path)
        if profile.name in profiles:
            profiles[profile.name] = profiles[profile.name].with_thresholds(thresholds)
            save(profiles.values(), path)
    except BadProfiles as bad:
        return str(bad)
    return "" if profile.name in profiles else f"There is no profile {profile.name} any more: they are not kept."


def text(profiles: Iterable[Profile]) -> bytes:
    """The profiles as a file, to keep or to hand on."""
    return msgspec.json.format(msgspec.json.encode(_File(list(profiles))), indent=2) + b"\n"


def parse(found: bytes, origin: str) -> dict[str, Profile]:
    """The profiles by name of a file's text. Refuses a field that looks like a secret. Raises `BadProfiles`."""
    if len(found) > _LARGEST:
        raise BadProfiles(f"{origin} is too large to be a file of profiles.")
    try:
        secret = _secret(msgspec.json.decode(found))
        if secret:
            said = f"{origin} holds a field {secret!r}, and a profile may hold no secret."
            raise BadProfiles(f"{said} Take it out; passwords are kept in the system's keyring.")
        profiles = msgspec.json.decode(found, type=_File).profiles
        kept = {profile.name: check(profile) for profile in profiles}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = str(error) if isinstance(error, msgspec.ValidationError) else "it is not JSON"
        raise BadProfiles(f"{origin} cannot be understood: {reason}.") from None
    except BadAddress as error:
        raise BadProfiles(f"{origin} cannot be understood: {error}") from None
    if len(kept) < len(profiles):
        raise BadProfiles(f"{origin} holds two profiles of one name.")
    return kept


def _secret(value: object) -> str:
    """The name of the first field that looks like a secret; empty where there is none."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if _SECRET.search(name):
                return str(name)[:40]
            if found := _secret(inner):
                return found
    elif isinstance(value, list):
        for inner in value:
            if found := _secret(inner):
                return found
    return ""
