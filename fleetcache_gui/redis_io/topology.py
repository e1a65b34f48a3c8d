"""What a cluster is made of: its nodes, and which of them serves which slots. All but `read` is pure."""

from __future__ import annotations

import re
from binascii import crc_hqx
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING

from fleetcache_gui.domain.values import Command, Reply, ReplyError
from fleetcache_gui.redis_io import info
from fleetcache_gui.redis_io.faults import from_reply, not_redis

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from fleetcache_gui.redis_io.address import Address
    from fleetcache_gui.redis_io.lane import Lane

SLOTS = 16384
"""Into so many slots a cluster divides its keys."""

NODES: Command = (b"CLUSTER", b"NODES")
"""The one form that tells replicas, the failed and slotless nodes too; every version since clusters exist has it."""

_ID = re.compile("[0-9a-f]{40}")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}|[0-9A-Fa-f:.]{2,45}")
"""A name or an IP address; what is announced otherwise is not handed to a resolver, nor shown."""
_RANGE = re.compile("([0-9]{1,5})(?:-([0-9]{1,5}))?")
_AWAY = frozenset({"fail", "fail?", "noaddr"})
_UNMET = "handshake"
_PASSING = frozenset({"LOADING", "BUSY", "NOAUTH", "MASTERDOWN"})
"""Errors that tell nothing of whether this is a cluster."""


def slot_of(key: bytes) -> int:
    """The slot of a key, 0 to 16383: of its hash tag, where it has one."""
    return crc_hqx(tag_of(key) or key, 0) % SLOTS


def tag_of(key: bytes) -> bytes | None:
    """The hash tag of a key: what stands in its first braces, where it alone decides on the slot."""
    tag, closed, _ = key.partition(b"{")[2].partition(b"}")
    return tag if tag and closed else None


@dataclass(frozen=True, slots=True)
class Node:
    """One node. `id`: 40 hex digits, the same for its life. `of`: of a replica, the id of its primary, else empty.

    `address`: as announced, with the credentials, TLS and database of the address that was connected by. `slots`: first
    and last of each range that it serves. `healthy`: False where the cluster thinks that it has failed.
    """

    id: str
    address: Address
    primary: bool
    slots: tuple[tuple[int, int], ...] = ()
    of: str = ""
    healthy: bool = True


@dataclass(frozen=True, slots=True)
class Topology:
    """A cluster as one of its nodes sees it: the one with the id `me`. `epoch` grows with each change: of two views the
    higher is the newer."""

    nodes: tuple[Node, ...]
    me: str = ""
    epoch: int = 0
    _owners: list[Node | None] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        owners: list[Node | None] = [None] * SLOTS
        for node in self.primaries:
            for first, last in node.slots:
                owners[first : last + 1] = [node] * (last + 1 - first)
        object.__setattr__(self, "_owners", owners)

    @property
    def primaries(self) -> tuple[Node, ...]:
        """The nodes that are primaries, those without slots and the failed ones too."""
        return tuple(node for node in self.nodes if node.primary)

    def owner(self, slot: int) -> Node | None:
        """The primary that a slot is assigned to, healthy or not."""
        return self._owners[slot]

    def readers(self, *, replicas: bool, known: Container[str] = ()) -> dict[str, Node]:
        """Whom to ask for the keys of each primary, by the primary's id: itself, or one of its healthy replicas, those
        of the `known` ids first. Nobody asks a failed primary that serves nothing."""
        readers = {node.id: node for node in self.primaries if node.slots or node.healthy}
        for node in sorted(self.nodes, key=lambda node: node.id in known) if replicas else ():
            if node.of in readers and node.healthy:
                readers[node.of] = node
        return readers

    @property
    def missing(self) -> tuple[tuple[int, int], ...]:
        """First and last of each range of slots that nobody serves: unassigned, or their primary has failed."""
        lost = [slot for slot, node in enumerate(self._owners) if node is None or not node.healthy]
        return ranges(lost)


def ranges(numbers: list[int]) -> tuple[tuple[int, int], ...]:
    """Ascending numbers as first and last of each run without a gap."""
    runs = (list(run) for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]))
    return tuple((run[0][1], run[-1][1]) for run in runs)


async def read(lane: Lane) -> Topology | None:
    """The cluster as the lane's node sees it; None where it is no cluster. Raises `Trouble`.

    As Fleet does: who has no CLUSTER command, keeps it from us or says that its cluster support is off, stands alone.
    """
    return parse(await lane.ask(*NODES), lane.address)


def parse(reply: Reply, address: Address) -> Topology | None:
    """The topology of a reply to CLUSTER NODES that `address` gave; None for a refusal. Raises `Trouble`."""
    if isinstance(reply, ReplyError):
        if reply.code in _PASSING:
            raise from_reply(reply, address)
        return None
    if not isinstance(reply, bytes):
        raise not_redis(address)
    lines = [line.split() for line in reply.decode("utf-8", "replace").splitlines()]
    told = [words for words in lines if len(words) >= 8 and _ID.fullmatch(words[0])]
    nodes = {node.id: node for node in _nodes(told, address)}
    epoch = max((info.figure(words[6]) or 0 for words in told), default=0)
    me = next((words[0] for words in told if "myself" in words[2].split(",")), "")
    return Topology(tuple(sorted(nodes.values(), key=lambda node: (not node.primary, node.slots, node.id))), me, epoch)


def _nodes(lines: list[list[str]], asked: Address) -> Iterator[Node]:
    """`id host:port@bus[,hostname] flags primary ping pong epoch link slot slot-slot [slot->-id] …`, a line each."""
    for words in lines:
        flags = frozenset(words[2].split(","))
        address = _address(words[1], asked)
        if address is None or _UNMET in flags:
            continue
        yield Node(
            id=words[0],
            address=address,
            primary="master" in flags,
            slots=tuple(_slots(words[8:])) if "master" in flags else (),
            of=words[3] if _ID.fullmatch(words[3]) else "",
            healthy=not flags & _AWAY,
        )


def _address(told: str, asked: Address) -> Address | None:
    """`host:port@bus,hostname,…`; None for what cannot be an address. An empty host or `?` is the host asked."""
    place, _, extras = told.partition(",")
    host, _, port = place.partition("@")[0].rpartition(":")
    hostname = extras.partition(",")[0]
    if asked.tls and hostname:  # certificates name hosts
        host = hostname
    host = asked.host if host in ("", "?") else host
    if not _HOST.fullmatch(host) or not (port.isascii() and port.isdigit() and len(port) <= 5):
        return None
    return replace(asked, host=host, port=int(port)) if int(port) <= 65535 else None


def _slots(words: list[str]) -> Iterator[tuple[int, int]]:
    for word in words:
        if told := _RANGE.fullmatch(word):  # a slot on its way from node to node, in brackets, is told beside its range
            first, last = int(told[1]), int(told[2] or told[1])
            if first <= last < SLOTS:
                yield first, last
