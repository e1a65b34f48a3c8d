"""The connections that may write: one to a server, or one to each primary of a cluster.

Each command is sent once. No client library stands between that would send a write again by itself when its reply was
lost; what became of it is then found out by reading (`settle`).
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, cast

from fleetcache_gui.domain.plan import Identity
from fleetcache_gui.domain.values import Command, Reply, ReplyError
from fleetcache_gui.redis_io import allow, info, topology
from fleetcache_gui.redis_io.act import probes
from fleetcache_gui.redis_io.faults import Fault, Trouble
from fleetcache_gui.redis_io.lane import Lane, encode
from fleetcache_gui.redis_io.reach import reach
from fleetcache_gui.redis_io.server import CLIENT_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from fleetcache_gui.redis_io.address import Address
    from fleetcache_gui.redis_io.dial import Streams
    from fleetcache_gui.redis_io.topology import Topology

_ANY: frozenset[bytes] = frozenset()
_RESET = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
"""SO_LINGER under which closing resets the connection and drops what was not sent."""

WRITES: dict[bytes, frozenset[bytes]] = {
    **dict.fromkeys((b"EVAL", b"EVALSHA", b"DELIFEQ", b"DELEX", b"RESTORE"), _ANY),
    # A FLUSHDB that is not ASYNC holds up every client for seconds.
    b"FLUSHDB": frozenset({b"ASYNC"}),
    # Reads that only a survey needs.
    **dict.fromkeys((b"DUMP", b"EXISTS", b"SISMEMBER", b"XREVRANGE"), _ANY),
    b"XINFO": frozenset({b"STREAM"}),
    b"CLUSTER": frozenset({b"MYID"}),
    b"COMMAND": frozenset({b"INFO"}),
    b"ACL": frozenset({b"WHOAMI", b"DRYRUN"}),
    b"CLIENT": frozenset({b"ID", b"KILL"}),
    b"ASKING": _ANY,  # for a slot that is just moving
}
"""What may be sent beside the reads of `allow.READS`: everything else that changes a key is inside a script."""


def check(command: Command) -> None:
    """Raises `allow.NotAllowed` for a command that neither reads nor stands in `WRITES` in the form it is used here."""
    subcommands = WRITES.get(command[0])
    if subcommands is None or (subcommands and not subcommands.intersection(command[1:2])):
        allow.check(command)
        return
    # Only our own connection is ever killed, and nothing that exists is ever overwritten.
    misused = (command[:2] == (b"CLIENT", b"KILL") and command[2:3] != (b"ID",)) or (
        command[0] == b"RESTORE" and b"REPLACE" in command[4:]
    )
    if misused:
        raise allow.NotAllowed(f"not a write command of this program: {command[0]!r}")


class WriteLane(Lane):
    """A connection that may write. It waits longer for a reply, since what is not heard of is not known; nothing is
    sent before all that was sent earlier has been answered."""

    alone: ClassVar[bool] = True
    longer: ClassVar[float] = 2.5
    """So many times as long as for a read is waited for a reply until it counts as lost."""

    def __init__(self, streams: Streams, address: Address) -> None:
        super().__init__(streams, address)
        self.patience = self.longer * address.reply_timeout

    @staticmethod
    def allows(command: Command) -> None:
        """Raises for a command that neither reads nor writes in a way that is used here."""
        check(command)

    async def once(self, commands: Sequence[Command]) -> tuple[list[Reply], Trouble | None]:
        """Send commands once; the replies that came, and the trouble that ended them early.

        With trouble, those without a reply may have been executed or not. When this is cancelled nothing is known
        either, so it must be let end by itself.
        """
        for command in commands:
            self.allows(command)
        replies: list[Reply] = []
        trouble = await self._send(b"".join(map(encode, commands)), len(commands), replies)
        return replies, trouble

    async def close(self) -> None:
        """Hang up at once: what lies here unsent must not be sent any more when the way to the server is free again."""
        with suppress(OSError):
            self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        await super().close()


@dataclass(slots=True)
class Hand:
    """One server, or one primary of a cluster.

    `connection`: its client id, 0 where the server does not tell. `absolute`: PEXPIRETIME is there. `full`: its memory
    was full when it was last asked. `native`: its own compare-and-delete. `missing`: what cannot be done, by prefix of
    keys and command, with the reason; as it was when it was last asked. `met`: scripts that it knows.
    """

    lane: WriteLane
    identity: Identity
    prefixes: Sequence[bytes] = ()
    connection: int = 0
    absolute: bool = False
    full: bool = False
    native: bytes = b""
    missing: dict[tuple[bytes, bytes], str] = field(default_factory=dict)
    met: set[bytes] = field(default_factory=set)

    @classmethod
    async def reach(cls, address: Address, prefixes: Sequence[bytes]) -> Hand:
        """Connect, and learn who answers and what it lets us do. Raises `Trouble`."""
        lane = await reach(address, WriteLane)
        try:
            _, _, number, moment, native, _ = await lane.exchange(
                (
                    (b"CLIENT", b"SETNAME", CLIENT_NAME + b"-%d-act" % os.getpid()),
                    (b"CLIENT", b"NO-TOUCH", b"ON"),
                    (b"CLIENT", b"ID"),
                    (b"PEXPIRETIME", b"fleetcache-inspector:no-such-key"),
                    (b"COMMAND", b"INFO", b"DELIFEQ", b"DELEX"),
                    (b"PING",),
                )
            )
            hand = cls(
                lane,
                Identity(str(address), "", "", address.database),
                prefixes,
                number if isinstance(number, int) else 0,
                isinstance(moment, int),
                native=_native(native),
            )
            await hand.identify()
        except BaseException:
            await lane.close()
            raise
        return hand

    async def identify(self) -> Identity:
        """Who answers on this very connection now, and what it lets us do. Raises `Trouble`."""
        told, mine = await self.lane.exchange(((b"INFO",), (b"CLUSTER", b"MYID")))
        if not isinstance(told, bytes):
            text = f"{self.lane.address} does not tell who it is (INFO)."
            raise Trouble(Fault.PERMISSION, text, "Nothing is changed on a server that cannot be told from another.")
        facts = info.fields(told)
        limit, used = info.whole(facts, "maxmemory"), info.whole(facts, "used_memory")
        self.full = bool(limit and used and used >= limit and facts.get("maxmemory_policy") == "noeviction")
        self.identity = Identity(
            str(self.lane.address),
            facts.get("run_id", ""),
            facts.get("role", ""),
            self.lane.address.database,
            mine.decode("ascii", "replace") if isinstance(mine, bytes) else "",
        )
        self.missing = await probes.refused(self.lane.exchange, self.prefixes)
        return self.identity

    def same(self, identity: Identity) -> bool:
        """Whether this is the very process, in the same role and database, that was met as `identity`."""
        mine = self.identity
        return (mine.run_id, mine.role, mine.database, mine.node_id) == (
            identity.run_id,
            identity.role,
            identity.database,
            identity.node_id,
        )

    def refusal(self, key: bytes, *commands: bytes) -> str:
        """Why one of these cannot be done to the key, as far as that is known beforehand."""
        if self.identity.role not in ("master", "primary"):
            return "This is a replica: it takes no writes."
        for (prefix, command), why in self.missing.items():
            if command in commands and key.startswith(prefix):
                return why
        return ""

    def own(self, key: bytes) -> bytes:
        """The server's own compare-and-delete, where the account may use it on the key."""
        return self.native if self.native and not self.refusal(key, self.native) else b""

    async def clock(self) -> float:
        """The server's Unix time. Raises `Trouble`."""
        reply = await self.lane.ask(b"TIME")
        if isinstance(reply, list) and len(reply) == 2 and all(isinstance(part, bytes) for part in reply):
            seconds, micros = cast("list[bytes]", reply)
            return int(seconds) + int(micros) / 1e6
        return time.time()


def _native(reply: Reply) -> bytes:
    """The server's own compare-and-delete: Valkey >= 9.0 has DELIFEQ, Redis >= 8.4 has DELEX."""
    if not isinstance(reply, list) or len(reply) != 2:
        return b""
    return b"DELIFEQ" if reply[0] else b"DELEX" if reply[1] else b""


class Hands:
    """All that may be written to. `nodes`: by the id of the cluster's node, or the only one under the empty word."""

    def __init__(
        self, nodes: dict[str, Hand], shape: Topology | None, address: Address, prefixes: Sequence[bytes]
    ) -> None:
        self.nodes = nodes
        self.shape = shape
        self.address = address
        self._prefixes = prefixes

    @classmethod
    async def open(cls, address: Address, prefixes: Sequence[bytes]) -> Hands:
        """Connect to the server, or to each primary of its cluster that answers; `prefixes`: keys that may be changed.

        Raises `Trouble` where the server at `address` cannot be reached itself.
        """
        first = await Hand.reach(address, prefixes)
        nodes = {"": first}
        try:
            shape = await topology.read(first.lane)
            if shape is not None and shape.primaries:
                nodes = {first.identity.node_id: first}
                for node in shape.primaries:
                    if node.id not in nodes and node.healthy:
                        with suppress(Trouble):  # `lost` tells, and so does each of its keys
                            nodes[node.id] = await Hand.reach(node.address, prefixes)
                if first.identity.node_id not in {node.id for node in shape.primaries}:
                    await nodes.pop(first.identity.node_id).lane.close()  # a replica
            shape = shape if shape is not None and shape.primaries else None
            return cls(nodes, shape, address, prefixes)
        except BaseException:
            await _close(nodes.values())
            raise

    @property
    def identities(self) -> tuple[Identity, ...]:
        """Who was met, in the order of the nodes."""
        return tuple(hand.identity for hand in self.nodes.values())

    @property
    def lost(self) -> bool:
        """True where some slots have no primary that can be written to."""
        return self.shape is not None and (bool(self.shape.missing) or len(self.nodes) < len(self.shape.primaries))

    @property
    def shaped(self) -> bool:
        """Whether there is one hand for each primary, and none besides."""
        return self.shape is None or self.nodes.keys() == {node.id for node in self.shape.primaries}

    def node_of(self, key: bytes) -> str:
        """The node that owns a key: a word for `nodes`, which may lack it."""
        if self.shape is None:
            return ""
        owner = self.shape.owner(topology.slot_of(key))
        return owner.id if owner else "nobody"

    async def again(self, node: str) -> Hand:
        """Connect anew to a node whose connection broke. Raises `Trouble`."""
        old = self.nodes[node]
        await old.lane.close()
        hand = await Hand.reach(old.lane.address, self._prefixes)
        self.nodes[node] = hand
        return hand

    async def refresh(self, first: str = "") -> None:
        """Learn anew which node owns which slots, from the node `first` if it answers, and connect to primaries that
        are new. Raises `Trouble`."""
        for node_id in sorted(self.nodes, key=lambda node_id: node_id != first):
            hand = self.nodes[node_id]
            try:
                shape = await topology.read(hand.lane)
            except Trouble:
                continue  # another node may know
            if shape is not None and shape.primaries:
                self.shape = shape
                for node in shape.primaries:
                    if node.healthy and node.id not in self.nodes:
                        self.nodes[node.id] = await Hand.reach(node.address, self._prefixes)
                return

    def directed(self, error: ReplyError, key: bytes) -> str:
        """The node that a MOVED or ASK error sends to: a word for `nodes`, which may lack it."""
        place = error.text.split()[-1]
        if error.code != "ASK" or self.shape is None:
            return self.node_of(key)
        there = (node.id for node in self.shape.nodes if f"{node.address.host}:{node.address.port}" == place)
        return next(there, "nobody")

    def together(self, *keys: bytes) -> bool:
        """Whether one script may touch all of them."""
        return self.shape is None or len({topology.slot_of(key) for key in keys}) == 1

    async def ask(self, questions: Sequence[tuple[bytes, Command]]) -> list[Reply]:
        """Read commands, each sent to the primary that owns its key; their replies in order.

        Raises `Trouble`; of a cluster's node that does not answer there are CLUSTERDOWN errors instead, as of none.
        """
        groups: dict[str, list[int]] = {}
        for position, (key, _) in enumerate(questions):
            groups.setdefault(self.node_of(key), []).append(position)
        replies: list[Reply] = [ReplyError("CLUSTERDOWN nobody serves this slot")] * len(questions)
        for node, positions in groups.items():
            if (hand := self.nodes.get(node)) is None:
                continue
            try:
                answered = await hand.lane.exchange([questions[position][1] for position in positions])
            except Trouble:
                if self.shape is None:
                    raise
                continue
            for position, reply in zip(positions, answered, strict=True):
                replies[position] = reply
        return replies

    async def close(self) -> None:
        """Hang up; safe to call twice."""
        await _close(self.nodes.values())


async def ready(hands: Hands | None, address: Address, prefixes: Sequence[bytes]) -> Hands:
    """The hands as they are where all of them still answer and none is lacking, else new ones. Raises `Trouble`."""
    if hands is not None:
        with suppress(Trouble):
            for hand in hands.nodes.values():
                await hand.identify()  # the server may have closed an idle connection
            if hands.shape is not None:
                await hands.refresh()
            if hands.shaped:
                return hands
        await hands.close()
    return await Hands.open(address, prefixes)


async def _close(hands: Iterable[Hand]) -> None:
    for hand in hands:
        with suppress(Trouble):
            await hand.lane.close()
