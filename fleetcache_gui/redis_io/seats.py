"""The nodes of a cluster that are read, and the connections to them, as nodes come, go and change their parts."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, TypeVar, cast

from fleetcache_gui import clock
from fleetcache_gui.domain.snapshot import Missing
from fleetcache_gui.redis_io import topology
from fleetcache_gui.redis_io.faults import Fault, Trouble
from fleetcache_gui.redis_io.pace import BRIEF, Backoff
from fleetcache_gui.redis_io.server import Server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator

    from fleetcache_gui.domain.snapshot import Slots
    from fleetcache_gui.redis_io.address import Address
    from fleetcache_gui.redis_io.topology import Node, Topology

T = TypeVar("T")

RELEARN = 1.0
"""Seconds from one look at the topology to the next, at least."""


@dataclass(slots=True, eq=False)
class Seat:
    """A node that is read, with the connection to it or with what is wrong with that; with neither, it is about to be
    connected to. `since`, and `due` for the next attempt, are monotonic seconds; `run_id` is that of the process that
    was read last."""

    node: Node
    server: Server | None = None
    trouble: Trouble | None = None
    run_id: str = ""
    since: float = 0.0
    due: float = 0.0
    backoff: Backoff = field(default_factory=Backoff)
    joining: asyncio.Lock = field(default_factory=asyncio.Lock)


class Seats:
    """One connection to each node that is read: to each primary, or with `replicas` to a replica of each where there is
    a healthy one. `torn` is set when `mend` has something to do."""

    def __init__(self, address: Address, *, replicas: bool) -> None:
        self.torn = asyncio.Event()
        self.topology = topology.Topology(())
        self._address = address
        self._replicas = replicas
        self._seats: dict[str, Seat] = {}
        self._routes: dict[str, Seat] = {}
        """By the id of the primary."""
        self._ears: dict[str, Server | None] = {}
        """Nodes that are not read and are asked all the same, by id; None where that was in vain, for this topology."""
        self._left: list[Server] = []
        """Nodes that are read no more, and have yet to be hung up on."""
        self._ways: dict[str, Address] = {}
        """Addresses that have led to a node, beside what it announces: there may be a tunnel."""
        self._unowned: Slots = ()
        self._mending = asyncio.Lock()
        self._mended = -inf

    def __iter__(self) -> Iterator[Seat]:
        return iter(list(self._seats.values()))

    @property
    def read(self) -> dict[str, Server]:
        """The connected nodes by their ids."""
        return {name: seat.server for name, seat in self._seats.items() if seat.server is not None}

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What cannot be read now."""
        gaps = [Missing(self._unowned, "", "No node serves these slots.")] if self._unowned else []
        for node in self.topology.primaries:
            seat = self._routes.get(node.id)
            if node.slots and seat is not None and seat.trouble is not None:
                gaps.append(Missing(node.slots, str(seat.node.address), seat.trouble.text))
        return tuple(gaps)

    def of(self, key: bytes) -> Seat | None:
        """Whom to ask for a key."""
        owner = self.topology.owner(topology.slot_of(key))
        return self._routes.get(owner.id) if owner else None

    def at(self, host: str, port: str) -> Seat | None:
        """Whom to ask for what the node of that address has; an empty host is the one that was connected to. Only nodes
        that the cluster itself has named are found: a redirection is no reason to send a password elsewhere."""
        for node in self.topology.nodes:
            if str(node.address.port) == port and node.address.host == (host or self._address.host):
                return self._routes.get(node.id)
        return None

    # --- connections -------------------------------------------------------------------------------------------

    async def begin(self, cluster: Topology, server: Server) -> None:
        """`server` has told of the cluster: connect to the others as well. Raises `Trouble` where none can be read."""
        self._ways[cluster.me] = server.lane.address
        self._learn(cluster)
        seat = self._seats.get(cluster.me)
        if seat is not None and seat.node.primary:
            seat.server, seat.since = server, clock.now()
        else:
            await server.lane.close()
        self._mended = clock.now()
        await self._join_all()
        if not self.read:
            raise self.nobody()

    async def close(self) -> None:
        """Hang up everywhere; safe to call twice."""
        seated = [seat.server for seat in self._seats.values()]
        for server in (*seated, *self._left, *self._ears.values()):
            if server is not None:
                await server.lane.close()

    async def attempt(self, seat: Seat, do: Callable[[Server], Awaitable[T]]) -> T | None:
        """Do something with a node's server; None where it is away. Raises `Trouble` when all are."""
        for _ in range(2):
            if seat.server is None and seat.trouble is None:
                await self._join(seat)
            server = seat.server
            if server is None:
                break
            try:
                return await do(server)
            except Trouble as trouble:
                # An idle connection that the server closed is no news: it is made again.
                idle = trouble.fault is Fault.LOST and clock.now() - seat.since > BRIEF
                await self._lose(seat, server, None if idle else trouble)
        if all(seat.trouble is not None for seat in self):
            raise self.nobody()
        return None

    async def all(self, do: Callable[[Server], Awaitable[T]]) -> list[T]:
        """What comes of the same with each node that can be read."""
        done = await gather(self.attempt(seat, do) for seat in self)
        return [result for result in done if result is not None]

    async def unread(self, do: Callable[[Server], Awaitable[T]]) -> list[T]:
        """What comes of the same with each node that is not read, connected to for it; those that are away left out."""
        others = [node for node in self.topology.nodes if node.id not in self._seats]
        done = await gather(self._at_ear(node, do) for node in others)
        return [result for result in done if result is not None]

    async def _at_ear(self, node: Node, do: Callable[[Server], Awaitable[T]]) -> T | None:
        try:
            if node.id not in self._ears:
                self._ears[node.id] = None
                self._ears[node.id] = await self._reach(node)
            server = self._ears[node.id]
            return None if server is None else await do(server)
        except Trouble:
            if (lost := self._ears.get(node.id)) is not None:
                del self._ears[node.id]
                await lost.lane.close()
            return None

    async def mend(self) -> bool:
        """Look at the cluster anew, connect to whom we should read and do not; true if keys came within reach by it.
        At most once a second: sooner, it waits. Raises `Trouble` when all nodes are away."""
        wanted = clock.now()
        async with self._mending:
            if self._mended > wanted:
                return False
            await asyncio.sleep(self._mended + RELEARN - clock.now())
            self._mended = clock.now()
            self.torn.clear()
            before = self.missing
            views = [view for view in await self.all(_view) if isinstance(view, topology.Topology)]
            if views:
                self._learn(max(views, key=lambda view: view.epoch))
            await self._join_all()
            now = {slot for gap in self.missing for slot in gap.slots}
            return any(slots not in now for gap in before for slots in gap.slots)

    def nobody(self) -> Trouble:
        """None of the nodes can be reached."""
        troubles = [seat.trouble for seat in self if seat.trouble is not None]
        if not troubles:
            return Trouble(Fault.OTHER, f"No node of the cluster at {self._address} serves keys.", "See its log.")
        first = troubles[0]
        if len(self._seats) == 1:
            return first
        text = f"None of the {len(self._seats)} nodes of the cluster at {self._address} can be read. {first.text}"
        return Trouble(first.fault, text, first.advice, final=all(trouble.final for trouble in troubles))

    def _learn(self, found: Topology) -> None:
        """From now on the cluster is this."""
        wanted = found.readers(replicas=self._replicas, known=self._seats)
        seats = {node.id: self._seats.get(node.id) or Seat(node) for node in wanted.values()}
        for node in wanted.values():
            seats[node.id].node = node
        left = [seat.server for name, seat in self._seats.items() if name not in seats]
        if found.nodes != self.topology.nodes:
            left += self._ears.values()
            self._ears = {}
        self._left += [server for server in left if server is not None]
        self._unowned = topology.ranges([n for n in range(topology.SLOTS) if found.owner(n) is None])
        self._routes = {primary: seats[node.id] for primary, node in wanted.items()}
        self.topology, self._seats = found, seats

    async def _join_all(self) -> None:
        for server in self._left:
            await server.lane.close()
        self._left.clear()
        now = clock.now()
        await gather(self._join(seat) for seat in self if seat.server is None and seat.due <= now)

    async def _join(self, seat: Seat) -> None:
        """Connect to a node, unless that has been done or is no longer wanted."""
        async with seat.joining:
            if seat.server is not None or self._seats.get(seat.node.id) is not seat:
                return
            try:
                server = await self._reach(seat.node)
            except Trouble as trouble:
                seat.trouble = trouble
                # A wrong password is never sent again unasked: some servers lock the account.
                wait = inf if trouble.fault is Fault.PASSWORD else seat.backoff.next(final=trouble.final)
                seat.due = clock.now() + wait
                return
            seat.server, seat.trouble, seat.since = server, None, clock.now()
            seat.backoff.reset()
            if self._seats.get(seat.node.id) is not seat:
                self._left.append(server)

    async def _reach(self, node: Node) -> Server:
        try:
            return await _connect(node, node.address)
        except Trouble as trouble:
            way = self._ways.get(node.id, node.address)
            if way != node.address and trouble.fault is not Fault.PASSWORD:
                with suppress(Trouble):
                    return await _connect(node, way)
            raise

    async def _lose(self, seat: Seat, server: Server, trouble: Trouble | None) -> None:
        await server.lane.close()
        if seat.server is server:  # another may have noticed before
            seat.server, seat.trouble = None, trouble
            if trouble is not None:
                self.torn.set()


async def _connect(node: Node, address: Address) -> Server:
    """Connect to a node, and make sure that it is the one meant. Raises `Trouble`."""
    server = await Server.connect(address, replica=not node.primary)
    try:
        view = await topology.read(server.lane)
        alone = bool(server.info) and server.vitals.mode != "cluster"
        if alone if view is None else view.me != node.id:
            text = f"Another server answers at {address} than the cluster has told of."
            advice = "Check what the node announces (cluster-announce-port), and whether it was reset."
            raise Trouble(Fault.OTHER, text, advice)
    except BaseException:
        await server.lane.close()
        raise
    return server


async def gather(deeds: Iterable[Coroutine[None, None, T]]) -> list[T]:
    """All of them at once; their results in order. What one raises is raised once all have ended."""
    results = await asyncio.gather(*deeds, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return cast("list[T]", results)


async def _view(server: Server) -> Topology | bool:
    """The cluster as a node sees it; False where it does not say."""
    return await topology.read(server.lane) or False
