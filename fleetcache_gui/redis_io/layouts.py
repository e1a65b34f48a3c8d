"""Which layouts a server has keys of: a look that costs a few round trips, whatever the server holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui import clock
from fleetcache_gui.domain.layout import present
from fleetcache_gui.redis_io import allow
from fleetcache_gui.redis_io.lane import encode
from fleetcache_gui.redis_io.seats import gather

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.domain.values import Command
    from fleetcache_gui.redis_io.keyspace import Keyspace, Scanner

PAGES = 20
"""Pages of SCAN at most, of each node: some 20,000 keys, 26 ms of server time."""

LONGEST = 0.2
"""Seconds after which no further page is asked for."""

_COUNT = 1000

allow.check((b"SCAN",))


async def look(keyspace: Keyspace, layouts: Sequence[Layout]) -> frozenset[str]:
    """The ids of those layouts that have keys on the server, as far as a short look tells. Raises `Trouble`."""
    known = [name for layout in layouts for name in layout.known]
    commands: list[Command] = [(b"TYPE", name) for name in known]
    kinds = await keyspace.exchange(commands)
    found = set(present((name for name, kind in zip(known, kinds, strict=True) if _exists(kind)), layouts))
    await gather(_scan(scan, layouts, found) for scan in keyspace.scanners())
    return frozenset(found)


async def _scan(scan: Scanner, layouts: Sequence[Layout], found: set[str]) -> None:
    """Look at the first keys of one node, until all layouts are found."""
    until = clock.now() + LONGEST
    cursor = b"0"
    for _ in range(PAGES):
        if len(found) == len(layouts) or clock.now() > until:
            break
        replies = await scan(encode((b"SCAN", cursor, b"COUNT", b"%d" % _COUNT)), 1)
        reply = replies[0] if replies else None
        if not isinstance(reply, list) or len(reply) != 2 or not isinstance(reply[0], bytes):
            break  # no permission: the sweep will tell
        cursor, keys = reply[0], reply[1] if isinstance(reply[1], list) else []
        found |= present((key for key in keys if isinstance(key, bytes)), layouts)
        if cursor == b"0":
            break


def _exists(kind: object) -> bool:
    """TYPE's answer is a word; an error (no permission, on another node) tells nothing."""
    return isinstance(kind, bytes) and kind != b"none"
