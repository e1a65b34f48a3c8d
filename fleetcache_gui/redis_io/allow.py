"""The commands that may leave this program for an inspected server: reads, and a connection's own settings.

An allow-list, checked where the bytes leave. A deny-list forgets (XAUTOCLAIM, GETEX, FCALL …); this cannot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fleetcache_gui.domain.values import Command

_ANY: frozenset[bytes] = frozenset()

READS: dict[bytes, frozenset[bytes]] = {
    **dict.fromkeys(
        (
            *(b"PING", b"TIME", b"INFO", b"DBSIZE", b"SCAN", b"TYPE", b"PTTL", b"PEXPIRETIME"),
            *(b"GETRANGE", b"STRLEN", b"BITCOUNT", b"LLEN", b"LRANGE", b"SCARD", b"SISMEMBER", b"SSCAN"),
            *(b"HLEN", b"HMGET", b"HSTRLEN", b"HSCAN", b"ZCARD", b"ZRANGE", b"XLEN", b"XRANGE", b"XPENDING"),
        ),
        _ANY,
    ),
    b"XINFO": frozenset({b"GROUPS", b"CONSUMERS"}),
    b"OBJECT": frozenset({b"ENCODING"}),
    b"MEMORY": frozenset({b"USAGE"}),
    b"CLUSTER": frozenset({b"NODES"}),
    b"PUBSUB": frozenset({b"NUMSUB"}),
    b"SLOWLOG": frozenset({b"GET", b"LEN"}),
    b"CONFIG": frozenset({b"GET"}),  # of `PARAMETERS` alone
    # These change this program's own connection alone: its name in CLIENT LIST, that looking leaves LRU alone, that it
    # reads from a replica, and that its next command may read of a slot that is on its way here.
    b"CLIENT": frozenset({b"SETNAME", b"NO-TOUCH"}),
    **dict.fromkeys((b"READONLY", b"ASKING"), _ANY),
}
"""Command name to the subcommands that are allowed; an empty set allows the command with any arguments."""

PARAMETERS = frozenset({b"client-output-buffer-limit"})
"""Settings that may be asked for, one at a time: others, such as requirepass, are secrets."""


class NotAllowed(Exception):
    """A command that is no read was about to be sent: a bug of this program, stopped before the first byte."""


def check(command: Command) -> None:
    """Raises `NotAllowed` for anything that `READS` does not list."""
    subcommands = READS.get(command[0])
    if subcommands is None or (subcommands and (len(command) < 2 or command[1] not in subcommands)):
        # The second word may be a key, and a key may be a credential: it is named for container commands only.
        raise NotAllowed(f"not a read command: {b' '.join(command[: 2 if subcommands else 1])!r}")
    if command[0] == b"CONFIG" and (len(command) != 3 or command[2] not in PARAMETERS):
        raise NotAllowed("CONFIG GET of a setting that is not on the list")
