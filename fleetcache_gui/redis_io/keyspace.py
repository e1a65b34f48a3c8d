"""All keys of a database, on one server or on the nodes of a cluster: each command goes to who has its key.

A cluster's nodes come and go. What one of them held is answered with `AWAY` until somebody serves it again; only when
none can be reached is there `Trouble`.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, TypeAlias

from fleetcache_gui import clock
from fleetcache_gui.domain.snapshot import Missing, Vitals
from fleetcache_gui.domain.values import Command, Reply, ReplyError
from fleetcache_gui.redis_io import allow, topology, totals
from fleetcache_gui.redis_io.faults import Trouble
from fleetcache_gui.redis_io.pace import Lookups, pause, worth
from fleetcache_gui.redis_io.seats import RELEARN, Seats, gather
from fleetcache_gui.redis_io.server import HEAD, Server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from fleetcache_gui.redis_io.address import Address
    from fleetcache_gui.redis_io.seats import Seat
    from fleetcache_gui.redis_io.topology import Topology

Scanner: TypeAlias = "Callable[[bytes, int], Awaitable[list[Reply] | None]]"

AWAY = ReplyError("AWAY nobody that can be reached serves this key")
"""In place of a reply where a part of a cluster is missing."""

_MOST_KEYS = 50_000_000
"""DBSIZE is believed up to here: room for its keys is made beforehand, and a server may claim 2**63 of them."""

_ROUNDS = 5
"""A key that has been moved so often while it was asked for counts as away, this once."""

_CALM = 10.0
"""Seconds from one look at the topology to the next while all is well."""

_LISTENERS = b"PUBSUB"

_REDIRECTED = frozenset({"MOVED", "ASK"})
UNSERVED = _REDIRECTED | {"CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN"}
"""Codes of what a node says of keys that it does not serve, or not now."""

_DOWN = "The cluster answers for no key until all of its slots are served."


def key_of(command: Command) -> bytes:
    """The key of a keyed read: its first argument, after the subcommand where there is one."""
    return command[2 if allow.READS[command[0]] else 1]


class Keyspace:
    """Made by `connect`. A server by itself is the case of one node that has everything, and costs nothing more.

    `vitals`: figures of the whole, as last read. `lookups`: how often we looked keys up, counted by who knows what the
    replies mean. `commands`: exchanged so far, a costly one as so many cheap ones.
    """

    def __init__(self, address: Address, server: Server | None, seats: Seats) -> None:
        self.address = address
        self.vitals = server.vitals if server else Vitals(0.0)
        self.lookups = Lookups()
        self.commands = 0
        self._alone = server
        self._seats = seats
        self._refusing = False

    @classmethod
    async def connect(cls, address: Address, *, replicas: bool = False, others: Sequence[Address] = ()) -> Keyspace:
        """Connect to a server, and to the whole cluster where it is of one: to each primary, or with `replicas` to a
        replica of each. Tries `others` where `address` is away. Raises `Trouble`: the one of `address`."""
        server = await _first(address, others)
        address = server.lane.address  # as a sentinel or the one of several nodes that answered has it
        seats = Seats(address, replicas=replicas)
        try:
            cluster = await topology.read(server.lane)
            if cluster is None:
                return cls(address, server, seats)
            await seats.begin(cluster, server)
            keyspace = cls(address, None, seats)
            await keyspace.refresh()
        except BaseException:
            await server.lane.close()
            await seats.close()
            raise
        return keyspace

    async def close(self) -> None:
        """Hang up everywhere; safe to call twice."""
        if self._alone is not None:
            await self._alone.lane.close()
        await self._seats.close()

    # --- what it is --------------------------------------------------------------------------------------------

    @property
    def topology(self) -> Topology | None:
        """The cluster, as its nodes see it; None for a server by itself."""
        return None if self._alone is not None else self._seats.topology

    @property
    def absolute(self) -> bool:
        """PEXPIRETIME is there (Redis >= 7.0, Valkey)."""
        return all(server.absolute for server in self._servers)

    @property
    def skew(self) -> float | None:
        """The server's clock minus ours, seconds; of a cluster, of one of its nodes. None where it may not be asked."""
        return next((server.skew for server in self._servers), None)

    @property
    def room(self) -> int:
        """How many keys to make room for before a sweep."""
        return min(self.vitals.keys or 0, _MOST_KEYS)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where else to try should the address that was given be away."""
        return tuple(node.address for node in self._seats.topology.nodes if node.healthy)

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What cannot be read now."""
        everything = (Missing(((0, topology.SLOTS - 1),), "", _DOWN),) if self._refusing else ()
        return everything + self._seats.missing if self._alone is None else ()

    def others(self) -> Vitals:
        """The vitals as everybody else makes them: without our own look-ups among the hits and misses; our commands are
        told beside all calls."""
        hits, misses, ours = self.vitals.hits, self.vitals.misses, self.lookups
        return replace(
            self.vitals,
            hits=None if hits is None else max(hits - ours.found, 0),
            misses=None if misses is None else max(misses - ours.missed, 0),
            ours={sys.intern(name.decode().lower()): number for name, number in ours.sent.items()},
        )

    def wall(self, at: float) -> float:
        """The server's Unix time at monotonic time `at`."""
        return time.time() - (clock.now() - at) + (self.skew or 0.0)

    @property
    def _servers(self) -> Sequence[Server]:
        return (self._alone,) if self._alone is not None else tuple(self._seats.read.values())

    # --- asking ------------------------------------------------------------------------------------------------

    async def ask(self, *command: bytes) -> Reply:
        """One command, one reply."""
        return (await self.exchange((command,)))[0]

    async def exchange(self, commands: Sequence[Command]) -> list[Reply]:
        """The replies to keyed reads, in order, each from the node that has the key; to PUBSUB NUMSUB, the sum over
        the nodes. Raises `Trouble`."""
        self.commands += len(commands) + sum(map(worth, commands))
        self.lookups.sent.update(map(itemgetter(0), commands))
        if self._alone is not None:
            return await self._alone.lane.exchange(commands)
        replies: list[Reply] = [AWAY] * len(commands)
        detours: dict[int, tuple[Seat, bool]] = {}
        counted = [position for position, command in enumerate(commands) if command[0] == _LISTENERS]
        await self._listeners(counted, commands, replies)
        left: Sequence[int] = [position for position in range(len(commands)) if replies[position] is AWAY]
        for _ in range(_ROUNDS):
            groups: dict[Seat, list[tuple[int, bool]]] = {}
            for position in left:
                seat, asking = detours.get(position) or (self._seats.of(key_of(commands[position])), False)
                if seat is not None:
                    groups.setdefault(seat, []).append((position, asking))
            await gather(self._fill(seat, places, commands, replies) for seat, places in groups.items())
            left = [position for position in left if _code(replies[position]) in _REDIRECTED]
            if not left:
                break
            detours = await self._detours({position: replies[position] for position in left})
        self._heed(replies)
        return [AWAY if _code(reply) in UNSERVED else reply for reply in replies]

    async def each(self, commands: Sequence[Command]) -> list[tuple[str, list[Reply]]]:
        """The replies of each node that is read to commands without a key, with its address (empty for a server by
        itself). Raises `Trouble`."""
        if self._alone is not None:
            answers = [("", await self._alone.lane.exchange(commands))]
        else:
            answers = await self._seats.all(partial(_told, commands))
        self.commands += len(commands) * len(answers)
        self.lookups.sent.update(list(map(itemgetter(0), commands)) * len(answers))
        return answers

    async def _listeners(self, places: Sequence[int], commands: Sequence[Command], replies: list[Reply]) -> None:
        """Who listens may do so at any node, and each counts its own: put the sums in their places."""
        if not places:
            return
        questions = [commands[place] for place in places]
        answers = await self._seats.all(lambda server: server.lane.exchange(questions))
        # An account that may not ask is refused by the others too: no reason to connect to them.
        if any(_code(_listening(answers, n)) == totals.PARTIAL for n in range(len(places))):
            answers += await self._seats.unread(lambda server: server.lane.exchange(questions))
        whole = len(answers) == len(self._seats.topology.nodes)
        for n, place in enumerate(places):
            replies[place] = _listening(answers, n, whole=whole)

    def scanners(self) -> list[Scanner]:
        """For each node its `Lane.raw`, by which to find all keys; None instead of replies where the node is lost. What
        it says of keys that have left it are redirections, for `exchange` to follow."""
        if self._alone is not None:
            return [self._alone.lane.raw]
        return [partial(self._raw, seat) for seat in self._seats if seat.trouble is None]

    async def refresh(self) -> float:
        """Read the clocks and the figures; the slowest round trip in seconds. Raises `Trouble`."""
        if self._alone is not None:
            self._count_heads(1)
            trip = await self._alone.refresh()
            self.vitals = self._alone.vitals
            return trip
        trips = await self._seats.all(Server.refresh)
        self._count_heads(len(trips))
        read = self._seats.read
        if not read:
            raise self._seats.nobody()
        for seat in self._seats:
            seat.run_id = seat.server.vitals.run_id if seat.server is not None else seat.run_id
        away = {seat.node.id: seat.run_id for seat in self._seats if seat.server is None}
        before, self.vitals = self.vitals, totals.total(self._seats.topology, read, away, self.missing)
        if before.run_id != self.vitals.run_id:  # other processes, whose counters know nothing of what we asked before
            self.lookups = Lookups()
        return max(trips, default=0.0)

    def _count_heads(self, nodes: int) -> None:
        self.commands += len(HEAD) * nodes
        for command in HEAD:
            self.lookups.sent[command[0]] += nodes

    async def learn(self, parameters: Sequence[bytes]) -> None:
        """Read these settings (see `Server.learn`); of a cluster, those of each node read. Raises `Trouble`."""
        if self._alone is not None:
            await self._alone.learn(parameters)
            self.vitals = self._alone.vitals
            return
        await self._seats.all(lambda server: server.learn(parameters))
        self.vitals = replace(self.vitals, parameters=totals.parameters(self._servers))

    async def torn(self) -> None:
        """Wait until a cluster should be looked at anew; for a server by itself, for ever."""
        await pause(self._seats.torn, None if self._alone is not None else RELEARN if self.missing else _CALM)

    async def mend(self) -> bool:
        """Look at a cluster anew, connect to whom we should read and do not; true if keys came within reach by it.
        At most once a second: sooner, it waits. Raises `Trouble` when all nodes are away."""
        return await self._seats.mend()

    async def _fill(
        self, seat: Seat, places: Sequence[tuple[int, bool]], commands: Sequence[Command], replies: list[Reply]
    ) -> None:
        """Ask one node, with ASKING before what is marked so, and put its replies in their places."""
        words: list[Command] = []
        for position, asking in places:
            words += ((b"ASKING",), commands[position]) if asking else (commands[position],)
        answered = await self._seats.attempt(seat, lambda server: server.lane.exchange(words))
        answers = iter(answered or ())
        for position, asking in places:
            if asking:
                next(answers, AWAY)
            replies[position] = next(answers, AWAY)

    async def _raw(self, seat: Seat, payload: bytes, count: int) -> list[Reply] | None:
        return await self._seats.attempt(seat, lambda server: server.lane.raw(payload, count))

    async def _detours(self, told: dict[int, Reply]) -> dict[int, tuple[Seat, bool]]:
        """Where redirections lead, and whether ASKING is needed there."""
        self._seats.torn.set()
        seats = {position: self._seat_at(reply) for position, reply in told.items()}
        if None in seats.values():
            await self._seats.mend()
            seats = {position: self._seat_at(reply) for position, reply in told.items()}
        return {n: (seat, _code(told[n]) == "ASK") for n, seat in seats.items() if seat is not None}

    def _seat_at(self, redirection: Reply) -> Seat | None:
        """``MOVED 3999 10.0.0.2:7001``"""
        words = redirection.text.split() if isinstance(redirection, ReplyError) else []
        host, _, port = words[2].rpartition(":") if len(words) == 3 else ("", "", "")
        return self._seats.at(host, port)

    def _heed(self, replies: Sequence[Reply]) -> None:
        """Note whether the cluster refuses everything, as it does by default while slots are not served."""
        answered = [reply for reply in replies if reply is not AWAY]
        if answered:
            refusals = [reply.text for reply in answered if isinstance(reply, ReplyError)]
            self._refusing = any(text.startswith("CLUSTERDOWN The cluster is down") for text in refusals)
            if self._refusing:
                self._seats.torn.set()


def _listening(answers: Sequence[Sequence[Reply]], n: int, *, whole: bool = False) -> Reply:
    """What the nodes that have answered know together of the listeners of the nth channel."""
    return totals.listeners([told[n] for told in answers], whole=whole)


async def _told(commands: Sequence[Command], server: Server) -> tuple[str, list[Reply]]:
    return str(server.lane.address), await server.lane.exchange(commands)


def _code(reply: Reply) -> str:
    return reply.code if isinstance(reply, ReplyError) else ""


async def _first(address: Address, others: Sequence[Address]) -> Server:
    """The first that answers. Raises the `Trouble` of `address` where none does."""
    try:
        return await Server.connect(address)
    except Trouble as trouble:
        for other in others if not trouble.final else ():
            with suppress(Trouble):
                return await Server.connect(other)
        raise
