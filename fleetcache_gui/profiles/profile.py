"""A profile: everything about a connection that is no secret."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import msgspec

from fleetcache_gui.domain.thresholds import USUAL, Thresholds
from fleetcache_gui.families.layouts import PINNED
from fleetcache_gui.redis_io.address import (
    CONNECT_TIMEOUT,
    REPLY_TIMEOUT,
    Address,
    BadAddress,
    Sentinel,
    Tls,
    Tunnel,
    host_port,
    parse_host_port,
    parse_url,
)
from fleetcache_gui.redis_io.pace import SHARE
from fleetcache_gui.settings import Interval

ENVIRONMENTS = ("production", "staging", "development", "demo")
"""Environments that have a colour of their own; others may be named."""

AUTO = "auto"
LAYOUTS = ("", AUTO, *PINNED)
"""What a profile may say of how keys are named; the first two leave it to a look at the server."""

Seconds = Annotated[float, msgspec.Meta(ge=0.2, le=60.0)]
Word = Annotated[str, msgspec.Meta(max_length=200)]
File = Annotated[str, msgspec.Meta(max_length=1000)]

REDIS_PORT, SENTINEL_PORT, SSH_PORT = 6379, 26379, 22


class TlsPart(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, frozen=True):
    """Files in PEM. `verify` is False only where a person has said so."""

    ca_file: File = ""
    cert_file: File = ""
    key_file: File = ""
    server_name: Word = ""
    verify: bool = True


class TunnelPart(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, frozen=True):
    """The SSH server. Empty: the user's own name, agent and usual keys, ~/.ssh/known_hosts."""

    address: Word
    user: Word = ""
    key_file: File = ""
    known_hosts: File = ""


Budget = Annotated[float, msgspec.Meta(ge=0.05, le=10.0)]
_Percent = Annotated[float, msgspec.Meta(ge=1, le=100)]
_Times = Annotated[float, msgspec.Meta(ge=1.1, le=10)]


class AlertsPart(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, frozen=True):
    """From where on findings open: see `Thresholds`, which has the same fields and defaults."""

    memory: _Percent = 80.0
    memory_critical: _Percent = 95.0
    clients: _Percent = 80.0
    clients_critical: _Percent = 95.0
    lag: Annotated[float, msgspec.Meta(ge=1, le=3600)] = 10.0
    evicted: Annotated[float, msgspec.Meta(ge=0, le=1e6)] = 0.0
    hit_drop: _Percent = 20.0
    fragmentation: _Times = 1.5
    growth: Annotated[float, msgspec.Meta(ge=10, le=10_000)] = 100.0
    buffer: _Percent = 80.0


class Profile(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, frozen=True):
    """A connection. Only the addresses must be there.

    `addresses` are HOST[:PORT] of the server, or of nodes of one cluster, tried in turn; with `sentinel` (the name of a
    service) they are its sentinels'. `replicas`: of a cluster, read a replica of each primary. `interval` None: as in
    the last window. `budget`: percent of one core of the server that polling, and discovery after its first sweep, may
    each use. `layout` empty: what the server has keys of. `never_unlock`: nothing can ever be changed through this
    profile. `alerts` None: the usual thresholds.
    """

    addresses: list[Word]
    name: Word = ""
    environment: Annotated[str, msgspec.Meta(max_length=20)] = ""
    user: Word = ""
    database: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 0
    tls: TlsPart | None = None
    sentinel: Word = ""
    sentinel_tls: bool = False
    sentinel_user: Word = ""
    tunnel: TunnelPart | None = None
    replicas: bool = False
    connect_timeout: Seconds = CONNECT_TIMEOUT
    reply_timeout: Seconds = REPLY_TIMEOUT
    interval: Interval | None = None
    budget: Budget = 100 * SHARE
    layout: Word = ""
    never_unlock: bool = False
    alerts: AlertsPart | None = None

    @property
    def thresholds(self) -> Thresholds:
        """From where on findings open."""
        return Thresholds(**msgspec.structs.asdict(self.alerts)) if self.alerts else USUAL

    def with_thresholds(self, thresholds: Thresholds) -> Profile:
        """The same with these; the usual ones need not be kept."""
        alerts = None if thresholds == USUAL else AlertsPart(**asdict(thresholds))
        return msgspec.structs.replace(self, alerts=alerts)

    def address(self, password: str = "", sentinels: str = "") -> Address:
        """Where and how to connect, with the server's and the sentinels' passwords. Raises `BadAddress` with one
        sentence."""
        if not self.addresses:
            raise BadAddress("The connection names no host.")
        sentinel = None
        if self.sentinel:
            places = tuple(parse_host_port(place, SENTINEL_PORT) for place in self.addresses)
            sentinel = Sentinel(self.sentinel, places, self.sentinel_tls, self.sentinel_user, sentinels)
            nodes = [("", 0)]
        else:
            nodes = [parse_host_port(place, REDIS_PORT) for place in self.addresses]
        return Address(
            *nodes[0],
            self.database,
            self.user,
            password,
            Tls(*msgspec.structs.astuple(self.tls)) if self.tls else None,
            self._tunnel(),
            sentinel,
            tuple(nodes[1:]),
            self.connect_timeout,
            self.reply_timeout,
        )

    def _tunnel(self) -> Tunnel | None:
        part = self.tunnel
        if part is None:
            return None
        host, port = parse_host_port(part.address, SSH_PORT)
        return Tunnel(host, port, part.user, part.key_file, part.known_hosts)


def of_url(url: str) -> tuple[Profile, str]:
    """The profile that a URL means, without a name, and the password that it holds. Raises `BadAddress`."""
    address = parse_url(url)
    profile = Profile(
        [host_port(address.host, address.port)],
        user=address.username,
        database=address.database,
        tls=TlsPart() if address.tls else None,
    )
    return profile, address.password


def check(profile: Profile) -> Profile:
    """The profile, fit to be kept under its name. Raises `BadAddress` with one sentence."""
    name = profile.name
    if not name.strip() or name != name.strip() or len(name) > 60 or "://" in name:
        raise BadAddress("A profile needs a name of 1 to 60 characters, without :// in it.")
    if profile.layout not in LAYOUTS:
        raise BadAddress(f"A profile's layout is one of {', '.join(filter(None, LAYOUTS))}.")
    texts = [text for part in (profile, profile.tls, profile.tunnel) if part for text in _texts(part)]
    if not all(text.isprintable() for text in texts):
        raise BadAddress("A profile holds characters that cannot be printed. Names of files go in, not what they hold.")
    profile.address()
    return profile


def _texts(part: msgspec.Struct) -> list[str]:
    values = msgspec.structs.astuple(part)
    return [
        text for value in values for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)
    ]
