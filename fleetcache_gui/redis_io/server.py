"""One connected server, or one node of a cluster: what it is, what it can, and its clock."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fleetcache_gui.domain.snapshot import Vitals
from fleetcache_gui.domain.values import Command, Reply, ReplyError
from fleetcache_gui.redis_io import info
from fleetcache_gui.redis_io.faults import from_reply
from fleetcache_gui.redis_io.lane import Lane, midpoint

if TYPE_CHECKING:
    from fleetcache_gui.redis_io.address import Address

CLIENT_NAME = b"fleetcache-inspector"

_LATEST = 1 << 36  # Unix seconds: far beyond any clock, and still a date

HEAD: tuple[Command, ...] = ((b"TIME",), (b"DBSIZE",), (b"INFO",), (b"INFO", b"commandstats"))


@dataclass(slots=True)
class Server:
    """One node behind one lane; a `Keyspace` is one of these, or several.

    `absolute`: PEXPIRETIME is there (Redis >= 7.0, Valkey). `skew`: server's clock minus ours, seconds;
    None where it may not be asked. `info`: the fields of INFO that `vitals` were made from.
    """

    lane: Lane
    vitals: Vitals
    absolute: bool
    skew: float | None = None
    info: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def connect(cls, address: Address, *, replica: bool = False) -> Server:
        """Connect, say who we are, learn what the server is and can. Raises `Trouble`.

        `replica`: it is one of a cluster, and to be asked for keys all the same.
        """
        lane = await Lane.open(address)
        try:
            name = CLIENT_NAME + b"-%d" % os.getpid()
            greeting: list[Command] = [
                (b"CLIENT", b"SETNAME", name),
                (b"CLIENT", b"NO-TOUCH", b"ON"),  # looking at keys must not make them look used (Redis >= 7.2)
                (b"PEXPIRETIME", b"fleetcache-inspector:no-such-key"),
            ]
            if replica:
                greeting.append((b"READONLY",))
            moment = (await lane.exchange(greeting))[2]
            server = cls(lane, Vitals(0.0), _knows(moment))
            await server.refresh()
        except BaseException:
            await lane.close()
            raise
        return server

    async def refresh(self) -> float:
        """Read the clock and the figures; the round trip in seconds. Raises `Trouble`."""
        asked = time.monotonic()
        moment, keys, plain, stats = await self.lane.exchange(HEAD)
        at = midpoint(asked)
        now = _unix(moment)
        if now is not None:
            self.skew = now - (time.time() - (time.monotonic() - at))
        self.info = info.fields(plain) | info.fields(stats)
        self.vitals = info.vitals(self.info, at, keys if isinstance(keys, int) else None)
        if isinstance(plain, ReplyError) and plain.code not in ("NOPERM", "ERR"):
            raise from_reply(plain, self.lane.address)
        return 2 * (at - asked)


def _knows(moment: Reply) -> bool:
    """Whether PEXPIRETIME is there; another node's key is no reason against it."""
    return isinstance(moment, int) or (isinstance(moment, ReplyError) and moment.code in ("MOVED", "CLUSTERDOWN"))


def _unix(reply: Reply) -> float | None:
    if isinstance(reply, list) and len(reply) == 2:
        seconds, micros = reply
        if isinstance(seconds, bytes) and isinstance(micros, bytes):
            whole, part = (info.figure(told.decode("ascii", "replace")) for told in (seconds, micros))
            if whole is not None and part is not None and whole < _LATEST:
                return whole + part / 1e6
    return None
