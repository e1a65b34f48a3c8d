"""One connected server, or one node of a cluster: what it is, what it can, and its clock."""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from fleetcache_gui import clock
from fleetcache_gui.domain.snapshot import Vitals
from fleetcache_gui.domain.values import Command, Reply, ReplyError
from fleetcache_gui.redis_io import info, sentinel
from fleetcache_gui.redis_io.faults import from_reply
from fleetcache_gui.redis_io.lane import Lane, midpoint
from fleetcache_gui.redis_io.reach import reach

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.redis_io.address import Address


CLIENT_NAME = b"fleetcache-inspector"

_LEARN = 30.0
"""Seconds between two looks at the server's settings."""

_LATEST = 1 << 36  # Unix seconds: far beyond any clock, and still a date

HEAD: tuple[Command, ...] = ((b"TIME",), (b"DBSIZE",), (b"INFO",), (b"INFO", b"commandstats"))


@dataclass(slots=True)
class Server:
    """One node behind one lane; a `Keyspace` is one of these, or several.

    `absolute`: PEXPIRETIME is there (Redis >= 7.0, Valkey). `skew`: server's clock minus ours, seconds;
    None where it may not be asked. `info`: the fields of INFO that `vitals` were made from. `parameters`: settings as
    `learn` read them.
    """

    lane: Lane
    vitals: Vitals
    absolute: bool
    skew: float | None = None
    info: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    _learnt: float = -_LEARN

    @classmethod
    async def connect(cls, address: Address, *, replica: bool = False) -> Server:
        """Connect, say who we are, learn what the server is and can. Raises `Trouble`.

        `replica`: it is one of a cluster, and to be asked for keys all the same.
        """
        lane = await reach(address, Lane)
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
        asked = clock.now()
        moment, keys, plain, stats = await self.lane.exchange(HEAD)
        at = midpoint(asked)
        now = _unix(moment)
        if now is not None:
            self.skew = now - (time.time() - (clock.now() - at))
        self.info = info.fields(plain) | info.fields(stats)
        vitals = info.vitals(self.info, at, keys if isinstance(keys, int) else None)
        self.vitals = replace(vitals, parameters=dict(self.parameters))
        if isinstance(plain, ReplyError) and plain.code not in ("NOPERM", "ERR"):
            raise from_reply(plain, self.lane.address)
        if trouble := sentinel.demoted(self.lane.address, self.vitals.role):
            raise trouble
        return 2 * (at - asked)

    async def learn(self, parameters: Sequence[bytes]) -> None:
        """Read these settings, twice a minute at the most; never again where that is refused. Raises `Trouble`."""
        now = clock.now()
        if not parameters or now - self._learnt < _LEARN:
            return
        self._learnt = now
        replies = await self.lane.exchange([(b"CONFIG", b"GET", name) for name in parameters])
        if any(isinstance(reply, ReplyError) for reply in replies):
            self._learnt = math.inf  # each refusal would be an entry of the ACL's log
        for reply in replies:
            if isinstance(reply, list) and len(reply) == 2:
                name, value = reply
                if isinstance(name, bytes) and isinstance(value, bytes):
                    self.parameters[name.decode("ascii", "replace")] = value.decode("ascii", "replace")
        self.vitals = replace(self.vitals, parameters=dict(self.parameters))


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
