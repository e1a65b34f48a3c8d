"""The connection that Fleet itself is configured with: the `redis` block of its YAML and FLEET_REDIS_* variables.

Keys, defaults and meanings are Fleet's. A variable wins over the file, as there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fleetcache_gui.profiles.profile import Profile, TlsPart
from fleetcache_gui.redis_io.address import CONNECT_TIMEOUT, REPLY_TIMEOUT, BadAddress, host_port, parse_host_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PREFIX = "FLEET_REDIS_"
_LARGEST = 1 << 20  # bytes
_ADDRESS = "localhost:6379"
_TRUE, _FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False", "")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
_SHORTEST, _LONGEST = 0.2, 60.0

IAM = (
    "Fleet's configuration logs in to ElastiCache by IAM (region and cache_name without a password), which this program"
    " cannot do. Let the cache have a user with a password, and give it by --password-env NAME or --ask-password."
)


class BadConfig(ValueError):
    """Fleet's configuration cannot be used; the text is one sentence or two without any secret."""


@dataclass(frozen=True, slots=True)
class FleetConnection:
    """`iam`: Fleet logs in by IAM, so there is no password. `notes`: settings that are not followed here, and why."""

    profile: Profile
    password: str = field(default="", repr=False)
    iam: bool = False
    notes: tuple[str, ...] = ()


def read(file: Path | None, environ: Mapping[str, str]) -> FleetConnection:
    """What the file and the environment say, each of which may be absent. Raises `BadConfig`."""
    settings = _Settings(_block(file) if file else {}, environ)
    address = settings.text("address", _ADDRESS).removeprefix("redis://")
    try:
        place = host_port(*parse_host_port(address, 6379))
    except BadAddress:
        raise BadConfig(
            "Fleet's redis.address must be HOST:PORT; user, password and database have their own keys."
        ) from None
    password = settings.text("password")
    iam = bool(settings.text("region") and settings.text("cache_name") and not password)
    tls = None
    if settings.flag("use_tls"):
        text = settings.text
        tls = TlsPart(text("tls_ca"), text("tls_cert"), text("tls_key"), text("tls_server_name"))
    profile = Profile(
        [place],
        user=settings.text("username"),
        database=settings.number("database"),
        tls=tls,
        replicas=settings.flag("cluster_read_from_replica"),
        connect_timeout=settings.seconds("connect_timeout", CONNECT_TIMEOUT),
        reply_timeout=settings.seconds("read_timeout", REPLY_TIMEOUT),
    )
    return FleetConnection(profile, password, iam, _notes(settings))


def _notes(settings: _Settings) -> tuple[str, ...]:
    notes = []
    if not settings.flag("cluster_follow_redirections", default=True):
        notes.append("Fleet follows no redirections of a cluster (cluster_follow_redirections is false).")
    if settings.flag("cluster_read_from_replica"):
        notes.append("Of a cluster, replicas are read as Fleet does (cluster_read_from_replica); they may be late.")
    return tuple(notes)


def _block(file: Path) -> dict[str, object]:
    """The `redis` block, keys in lower case as Fleet takes them."""
    try:
        text = file.read_bytes()
    except OSError as error:
        raise BadConfig(f"{file} cannot be read: {error.strerror}.") from None
    if len(text) > _LARGEST:
        raise BadConfig(f"{file} is too large to be Fleet's configuration.")
    import yaml  # most who open a server name no such file

    try:
        whole = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # YAML's own text quotes the line, which may hold the password.
        mark = getattr(error, "problem_mark", None)
        raise BadConfig(f"{file} is not YAML" + (f" (line {mark.line + 1})." if mark else ".")) from None
    blocks = _lower(whole).get("redis", {}) if isinstance(whole, dict) else None
    if blocks is None:
        blocks = {}
    if not isinstance(blocks, dict) or not isinstance(whole, dict | None):
        raise BadConfig(f"{file} has no block 'redis' with settings in it.")
    return _lower(blocks)


def _lower(block: Mapping[object, object]) -> dict[str, object]:
    return {str(name).lower(): value for name, value in block.items()}


class _Settings:
    """Values by key, from the environment or else the file."""

    def __init__(self, block: Mapping[str, object], environ: Mapping[str, str]) -> None:
        self._block, self._environ = block, environ

    def _find(self, key: str) -> object:
        told = self._environ.get(_PREFIX + key.upper(), "")
        return told or self._block.get(key)  # an empty variable counts as none, as in Fleet

    def text(self, key: str, default: str = "") -> str:
        value = self._find(key)
        if isinstance(value, dict | list):
            raise BadConfig(f"Fleet's redis.{key} must be a text.")
        return default if value is None or value == "" else str(value)

    def flag(self, key: str, *, default: bool = False) -> bool:
        value = self._find(key)
        if value is None:
            return default
        word = str(value)
        if word not in (*_TRUE, *_FALSE):
            raise BadConfig(f"Fleet's redis.{key} must be true or false.")
        return word in _TRUE

    def number(self, key: str) -> int:
        word = self.text(key, "0")
        if not (word.isascii() and word.isdigit() and int(word) < 2**31):
            raise BadConfig(f"Fleet's redis.{key} must be a whole number from 0 on.")
        return int(word)

    def seconds(self, key: str, default: float) -> float:
        """A Go duration (``1m30s``; a bare number is nanoseconds; 0 means without end) within what we wait at most."""
        word = self.text(key)
        if not word:
            return default
        total = _duration(word)
        if total is None:
            raise BadConfig(f"Fleet's redis.{key} must be a duration such as 5s or 1m30s.")
        return min(max(total, _SHORTEST), _LONGEST) if total else _LONGEST


def _duration(word: str) -> float | None:
    if word.isascii() and word.isdigit():
        return int(word) * 1e-9 if len(word) < 19 else None
    parts = _PART.findall(word)
    if not parts or "".join(number + unit for number, unit in parts) != word.removeprefix("+"):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
