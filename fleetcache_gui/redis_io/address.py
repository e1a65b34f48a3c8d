"""Where a server is, from a URL; without its password in any text."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

SCHEMES = {"redis": False, "valkey": False, "rediss": True, "valkeys": True}
"""URL schemes, and whether each means TLS."""

LONGEST_HOST = 253
"""Characters of a name in the DNS."""


class BadAddress(ValueError):
    """The URL cannot be used; the text says why and what to write instead, and never holds the password."""


@dataclass(frozen=True, slots=True)
class Address:
    """One server and one database on it. `password` never appears in `repr` or `str`."""

    host: str
    port: int = 6379
    database: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" + (f" db {self.database}" if self.database else "")


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
        tls=SCHEMES[scheme.lower()],
    )
