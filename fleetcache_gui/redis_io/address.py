"""Where a server is and how it is reached; without its password in any text."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

SCHEMES = {"redis": False, "valkey": False, "rediss": True, "valkeys": True}
"""URL schemes, and whether each means TLS."""

LONGEST_HOST = 253
"""Characters of a name in the DNS."""


CONNECT_TIMEOUT = 2.0
"""Seconds for DNS, TCP and TLS, and as many for a tunnel before them."""

REPLY_TIMEOUT = 2.0
"""Seconds without a single byte of an awaited reply until the server counts as frozen."""


class BadAddress(ValueError):
    """The URL cannot be used; the text says why and what to write instead, and never holds the password."""


@dataclass(frozen=True, slots=True)
class Tls:
    """How TLS is spoken. All files are PEM; empty ones are not used.

    `ca_file`: who may have signed the server's certificate; empty: the system's authorities. `server_name`: the name
    that the certificate must carry, and that is asked for (SNI); empty: the host. `verify` is False only where a person
    has said so in a profile or an option, never by a URL; an address says it wherever it is shown.
    """

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    server_name: str = ""
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Tunnel:
    """An SSH server through which the Redis server is reached.

    `user` empty: as OpenSSH would choose. `key_file` empty: the agent's keys and the usual files. `known_hosts` empty:
    ~/.ssh/known_hosts. The host key is always checked.
    """

    host: str
    port: int = 22
    user: str = ""
    key_file: str = ""
    known_hosts: str = ""

    def __str__(self) -> str:
        return f"{self.user}@{host_port(self.host, self.port)}" if self.user else host_port(self.host, self.port)


@dataclass(frozen=True, slots=True)
class Sentinel:
    """The sentinels (host, port) that know where the primary of `service` is. They are asked before each connection.

    `tls`: they speak TLS, with the address's own settings. `username` and `password` are theirs; the server's are never
    sent to them.
    """

    service: str
    at: tuple[tuple[str, int], ...]
    tls: bool = False
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """One server and one database on it. `password` never appears in `repr` or `str`.

    With `sentinel` the host is empty until a sentinel has told it. `seeds` are other nodes (host, port) of the same
    cluster, tried in turn where the host is away.
    """

    host: str
    port: int = 6379
    database: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    tls: Tls | None = None
    tunnel: Tunnel | None = None
    sentinel: Sentinel | None = None
    seeds: tuple[tuple[str, int], ...] = ()
    connect_timeout: float = CONNECT_TIMEOUT
    reply_timeout: float = REPLY_TIMEOUT

    def __str__(self) -> str:
        text = host_port(self.host, self.port)
        if self.sentinel and not self.host:
            text = f"{self.sentinel.service} (by Sentinel)"
        if self.database:
            text += f" db {self.database}"
        if self.tls and not self.tls.verify:
            text += " (certificate NOT VERIFIED)"
        return text


def host_port(host: str, port: int) -> str:
    """``cache.example.com:6379``, ``[::1]:6379``."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_host_port(text: str, port: int) -> tuple[str, int]:
    """Host and port of ``host``, ``host:port``, ``[::1]:port``; `port` where none is named. Raises `BadAddress`."""
    try:
        parts = urlsplit(f"//{text}")
        host, given = parts.hostname, parts.port
    except ValueError:
        host, given = None, None
    plain = host is not None and not set("/?#@") & set(text) and text.isprintable() and len(text) < LONGEST_HOST + 8
    if not host or not plain or given == 0:
        raise BadAddress("A host is written as HOST or HOST:PORT, with a port from 1 to 65535.")
    return host, given or port


def parse_url(url: str) -> Address:
    """`redis[s]://[user[:password]@]host[:port][/database]` as an `Address`. Raises `BadAddress`."""
    scheme, separator, _ = url.partition("://")
    if not separator or scheme.lower() not in SCHEMES:
        raise BadAddress("The address must start with redis:// or rediss:// (TLS), such as redis://localhost:6379/0.")
    if "#" in url:
        raise BadAddress("The address holds a #. Within a user name or password write it as %23.")
    if len(url) > 4096 or not url.isprintable():
        raise BadAddress("The address is too long or holds characters that cannot be printed.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        # urlsplit's own text may quote a piece of the password, so it is not passed on.
        raise BadAddress(
            "The address cannot be read: the port must be a number from 1 to 65535, and the characters / ? # [ ] @ :"
            " within a password must be written as %2F %3F %23 %5B %5D %40 %3A."
        ) from None
    if not host or len(host) > LONGEST_HOST:
        raise BadAddress("The address names no host. Write it as redis://HOST:PORT.")
    if port == 0:
        raise BadAddress("The port must be a number from 1 to 65535.")
    if parts.query:
        raise BadAddress(
            "The address holds options after '?'. None is taken from an address,"
            " since an option there could turn off the verification of certificates."
        )
    database = parts.path.strip("/")
    if database and not (database.isascii() and database.isdigit() and int(database) < 2**31):
        raise BadAddress("After the port comes the number of the database, such as redis://HOST:6379/0.")
    return Address(
        host=host,
        port=port or 6379,
        database=int(database or 0),
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=Tls() if SCHEMES[scheme.lower()] else None,
    )
