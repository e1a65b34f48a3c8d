"""What reading needs of an account, command by command, and what is missing without it; as an ACL line to copy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleetcache_gui.domain.values import Command, ReplyError

DEFAULT_USER = "fleet-inspector"

_KEY = b"\0"
"""Stands in a probe for a key that does not exist."""


@dataclass(frozen=True, slots=True)
class Need:
    """A command, one that shows whether it is allowed, and what the program does without it, as the rest of a sentence.

    `vital`: without it nothing can be shown. `recent`: not known to Redis 7.0.
    """

    probe: Command
    without: str
    vital: bool = False
    recent: bool = False
    sub: bool = False

    @property
    def name(self) -> str:
        """As people write it: ``MEMORY USAGE``."""
        return b" ".join(self.probe[: 1 + self.sub]).decode()

    @property
    def rule(self) -> str:
        """As an ACL has it: ``+memory|usage``."""
        return "+" + b"|".join(self.probe[: 1 + self.sub]).decode().lower()

    def on(self, key: bytes) -> Command:
        """The probe with `key` in it."""
        return tuple(key if word == _KEY else word for word in self.probe)


_KEY_DENIED = re.compile(r"permissions to access (?:one of the keys|a key)")
"""As Redis 6 to 7.0, and later ones and Valkey, say it."""

_VALUES = "values of that type are not shown"

READING: tuple[Need, ...] = (
    Need((b"SCAN", b"0", b"COUNT", b"1"), "no keys are found, so nothing can be shown", vital=True),
    Need((b"TYPE", _KEY), "keys are listed without their type, and not judged by it"),
    Need((b"PTTL", _KEY), "no time left is shown or judged"),
    Need((b"PEXPIRETIME", _KEY), "a renewal cannot be told from a second reading, nor exports give absolute times"),
    Need((b"GETRANGE", _KEY, b"0", b"0"), "strings are not shown: locks without owner, campaigns without SQL"),
    Need((b"STRLEN", _KEY), "the length of strings is not told"),
    Need((b"BITCOUNT", _KEY, b"0", b"0"), "pending hosts of a campaign are not counted"),
    Need((b"LLEN", _KEY), "the depth of list queues is not told"),
    Need((b"LRANGE", _KEY, b"0", b"0"), "lists are not shown"),
    Need((b"SCARD", _KEY), "the number of hosts that answered is not told"),
    Need((b"SISMEMBER", _KEY, b"x"), "campaigns without targets are not recognised"),
    Need((b"SSCAN", _KEY, b"0"), "sets are not shown, the set of active campaigns among them"),
    Need((b"HLEN", _KEY), "the number of a hash's fields is not told"),
    Need((b"HMGET", _KEY, b"x"), "preassigned profiles are listed without what they hold"),
    Need((b"HSTRLEN", _KEY, b"x"), "the length of a hash's values is not told"),
    Need((b"HSCAN", _KEY, b"0"), "hashes are not shown"),
    Need((b"ZCARD", _KEY), "the size of sorted sets is not told"),
    Need((b"ZRANGE", _KEY, b"0", b"0"), f"{_VALUES} (sorted sets)"),
    Need((b"XLEN", _KEY), "the length of stream queues is not told"),
    Need((b"XRANGE", _KEY, b"-", b"+", b"COUNT", b"1"), f"{_VALUES} (streams)"),
    Need((b"XPENDING", _KEY, b"x"), "entries that wait for an acknowledgement are not told"),
    Need((b"XINFO", b"GROUPS", _KEY), "a stream's groups are not told", sub=True),
    Need((b"XINFO", b"CONSUMERS", _KEY, b"x"), "a stream's consumers are not told", sub=True),
    Need((b"OBJECT", b"ENCODING", _KEY), "a key's encoding is not told", sub=True),
    Need((b"MEMORY", b"USAGE", _KEY), "the memory of keys is not told", sub=True),
    Need((b"SLOWLOG", b"GET", b"1"), "slow calls are not shown", sub=True),
    Need((b"SLOWLOG", b"LEN"), "slow calls are not shown", sub=True),
    Need((b"INFO",), "the server's figures are missing: memory, clients, hit rate, version, rates of a list queue"),
    Need((b"DBSIZE",), "the number of keys is known only after they were all found"),
    Need((b"TIME",), "this machine's clock is taken for the server's"),
    Need((b"PING",), "nothing is missing"),
    Need((b"PUBSUB", b"NUMSUB", b"x"), "whether anybody listens to a campaign is not told", sub=True),
    Need((b"CLUSTER", b"NODES"), "of a cluster only one node is read", sub=True),
    Need((b"ASKING",), "keys of a cluster that are being moved are not read meanwhile"),
    Need((b"READONLY",), "a cluster's replicas cannot be read instead of its primaries"),
    Need((b"CLIENT", b"SETNAME", b"fleetcache-inspector"), "it has no name in CLIENT LIST", sub=True),
    Need((b"CLIENT", b"NO-TOUCH", b"ON"), "looking at a key counts as using it", sub=True, recent=True),
)
"""What reading needs, and SELECT where the database is not 0. Nothing here writes.

CONFIG GET is not asked for: who may use it may read passwords too. Without it the limit of listeners is not judged.
"""


ACTING = (
    *("eval", "evalsha", "dump", "restore", "exists", "unlink", "srem", "sadd", "pexpireat", "persist"),
    *("ltrim", "lset", "lrem", "rpush", "xdel", "xadd", "xack", "xclaim", "xrevrange", "xinfo|stream"),
    *("xgroup|createconsumer", "xgroup|delconsumer", "xgroup|setid"),
    *("acl|whoami", "acl|dryrun", "client|id", "client|kill", "cluster|myid", "command|info"),
)
"""What actions need beside that, as an ACL has it, but for `FLUSHING`."""

FLUSHING = "+flushdb"
"""What flushing the whole database needs as well: better given to nobody."""


def reading_line(user: str = DEFAULT_USER, *, recent: bool = True) -> str:
    """The ACL line for an account that can only look; `recent`: for Redis 7.2 and later, and Valkey.

    PASSWORD stands in it for one to be chosen.
    """
    return _line(user, "%R~*", recent, ())


def acting_line(user: str = DEFAULT_USER, *, recent: bool = True) -> str:
    """The same for one that may also do what actions do, but not flush the whole database."""
    return _line(user, "~*", recent, (f"+{rule}" for rule in ACTING))


def _line(user: str, keys: str, recent: bool, more: Iterable[str]) -> str:
    rules = [need.rule for need in READING if recent or not need.recent]
    return " ".join((f"ACL SETUSER {user} reset on >PASSWORD {keys}", *rules, "+select", *more))


def denies_command(error: ReplyError) -> bool:
    """The account may not use the command at all, on whatever key."""
    return error.code == "NOPERM" and not denies_key(error)


def denies_key(error: ReplyError) -> bool:
    """The account may use the command, but not on this key."""
    return error.code == "NOPERM" and _KEY_DENIED.search(error.text) is not None


def unknown(error: ReplyError) -> bool:
    """The server has no such command: older, or renamed."""
    text = error.text.lower()
    return error.code == "ERR" and ("unknown command" in text or "unknown subcommand" in text)
