"""What can go wrong between here and the server, as sentences with a next step."""

from __future__ import annotations

import errno
import socket
from enum import Enum
from typing import TYPE_CHECKING

from hiredis import HiredisError

from fleetcache_gui.domain.text import show

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleetcache_gui.domain.values import ReplyError
    from fleetcache_gui.redis_io.address import Address


class Fault(Enum):
    """Kinds of trouble that a person would treat differently."""

    REFUSED = "refused"
    UNKNOWN_HOST = "unknown host"
    TIMEOUT = "timeout"
    NOT_REDIS = "not redis"
    PASSWORD = "password"
    PERMISSION = "permission"
    TLS = "tls"
    TUNNEL = "tunnel"
    SENTINEL = "sentinel"
    LOADING = "loading"
    BUSY = "busy"
    DATABASE = "database"
    FULL = "max clients"
    LOST = "lost"
    TOO_LARGE = "too large"
    OTHER = "other"


_LOGIN = ("invalid password", "without any password", "'auth' command")
"""Parts of what servers before ACLs, or without a password, say to AUTH."""


AWAY = frozenset({Fault.REFUSED, Fault.TIMEOUT, Fault.LOST, Fault.LOADING})
"""What Fleet suffers as well: the server itself is not there."""

ENOUGH = (
    "It needs: %R~* +@read +ping +select +info +time +client|setname (from Redis 7.2 +client|no-touch; "
    "on a cluster +cluster|nodes +asking, for its replicas +readonly)."
)
"""The least that an account must be allowed, as an ACL line, for everything to be shown."""


_SILENT = (
    "Check the address and the firewall, and whether the server is frozen. A slow way there needs longer time-outs"
    " (Connect within, Answer within; --connect-timeout, --reply-timeout)."
)
_NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN)


class Trouble(Exception):
    """The link does not work. `text` says what happened, `advice` what to do next; neither holds a credential.

    `final`: trying again will not help until somebody changes something, so it is seldom tried unasked.
    """

    def __init__(self, fault: Fault, text: str, advice: str, *, final: bool = False) -> None:
        super().__init__(text)
        self.fault, self.text, self.advice, self.final = fault, text, advice, final


def cause(troubles: Iterable[Trouble]) -> Trouble:
    """Of troubles met together on one connection, at least one, that which ended it. A connection that timed out is
    closed, and whoever waited for his turn on it finds it lost."""
    return min(troubles, key=lambda trouble: trouble.fault is Fault.LOST)


def from_reply(error: ReplyError, address: Address) -> Trouble:
    """Trouble for an error that the server answers to whatever is asked."""
    code = error.code
    if code == "NOAUTH":
        text, advice = f"{address} asks for a password.", "Give the password of an account that may read."
        return Trouble(Fault.PASSWORD, text, advice, final=True)
    if code == "WRONGPASS" or any(word in error.text for word in _LOGIN):
        text, advice = f"{address} refused the user name or password.", "Check both. They were sent once only."
        return Trouble(Fault.PASSWORD, text, advice, final=True)
    if code == "NOPERM":
        text = f"The account may not do what is needed on {address}."
        return Trouble(Fault.PERMISSION, text, ENOUGH, final=True)
    if code == "DENIED":
        text = f"{address} is in protected mode and answers its own machine only."
        return Trouble(Fault.PERMISSION, text, "Connect from there, or give the server a password.", final=True)
    if code == "LOADING":
        return Trouble(Fault.LOADING, f"{address} is loading its data.", "It answers when it has finished.")
    if code == "BUSY":
        return Trouble(Fault.BUSY, f"{address} is busy running a script.", "Wait for the script's end, or end it.")
    if "max number of clients" in error.text:
        return Trouble(Fault.FULL, f"{address} takes no more clients.", "Raise maxclients or close idle clients.")
    if "DB index" in error.text or "SELECT is not allowed" in error.text:
        text = f"{address.host}:{address.port} has no database {address.database}."
        return Trouble(Fault.DATABASE, text, "Give the number of one that exists; on a cluster it is 0.", final=True)
    return Trouble(Fault.OTHER, f"{address} answered with an error ({code_shown(error)}).", "See the server's log.")


def from_exception(error: BaseException, address: Address, *, connecting: bool = False) -> Trouble:
    """Trouble for whatever hiredis, asyncio or the system raised; `connecting`: before any reply."""
    if isinstance(error, Trouble):
        return error
    if isinstance(error, HiredisError):
        return not_redis(address)
    if isinstance(error, TimeoutError):
        if address.tls and connecting:
            said = f"{address} does not answer in TLS."
            return Trouble(Fault.TIMEOUT, said, "Use redis:// if it speaks no TLS there; else check the firewall.")
        said = f"{address} does not answer."
        return Trouble(Fault.TIMEOUT, said, _SILENT)
    if isinstance(error, socket.gaierror | UnicodeError):
        said = f"The host name {address.host} is not known."
        return Trouble(Fault.UNKNOWN_HOST, said, "Check its spelling and the DNS.")
    if isinstance(error, ConnectionRefusedError):
        said = f"Nothing accepts connections at {address}."
        return Trouble(Fault.REFUSED, said, "Check the address and the port, and that the server is running.")
    if isinstance(error, OSError) and error.errno in _NO_WAY:
        said = f"There is no way to {address} from this machine."
        return Trouble(Fault.TIMEOUT, said, "Check the network, a VPN that may be needed, and the address.")
    if connecting and not address.tls:
        said = f"{address} hung up at once."
        return Trouble(Fault.LOST, said, "Use rediss:// if it speaks TLS on this port; else see the server's log.")
    if connecting and isinstance(error, ConnectionError):
        said = f"{address} hung up during the TLS handshake."
        advice = "It speaks no TLS there, none from 1.2 on, or wants a client certificate: its log tells."
        return Trouble(Fault.LOST, said, advice)
    said = f"The connection to {address} was lost."
    return Trouble(Fault.LOST, said, "Check that the server is running and reachable.")


def no_names(address: Address) -> Trouble:
    """No name server answered in time."""
    said = f"No name server told where {address.host} is."
    return Trouble(Fault.UNKNOWN_HOST, said, "Check this machine's network and DNS, and a VPN that may be needed.")


def not_redis(address: Address) -> Trouble:
    """Something answers, but not as a Redis server would."""
    said = f"What answers at {address} is not a Redis or Valkey server."
    return Trouble(Fault.NOT_REDIS, said, "Check the port; if the server wants TLS, use rediss://.", final=True)


def code_shown(error: ReplyError) -> str:
    """An error's first word; servers, and what is none, may say anything."""
    return show(error.code.encode("utf-8", "replace"), 20)


def too_large(address: Address) -> Trouble:
    """A reply went beyond what this program is ready to hold."""
    said = f"{address} sent more than is read at once."
    return Trouble(Fault.TOO_LARGE, said, "One element of a collection there must be huge.")
