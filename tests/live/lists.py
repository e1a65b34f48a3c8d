"""What tests of a LIST as the host queue share: entries on a real server, deeds on them, and undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.domain.plan import Deed, Draft
from fleetcache_gui.redis_io.act.queue import Done

if TYPE_CHECKING:
    from tests.live.acting import Acting
    from tests.servers import Server

KEY = b"async_host:detail"


def trim(stay: int) -> Draft:
    return Draft(Deed.TRIM, KEY, "the queue", "list", args=(b"%d" % stay,))


def drop(first: int, last: int) -> Draft:
    return Draft(Deed.DROP_RANGE, KEY, "entries", "list", args=(b"%d" % first, b"%d" % last))


def fill(server: Server, number: int, start: int = 0) -> None:
    """Push as hosts do: the oldest entry ends up last."""
    for first in range(start, start + number, 1000):
        last = min(first + 1000, start + number)
        server.call("LPUSH", KEY, *(b"\x00\xff host %d\r\n" % entry for entry in range(first, last)))


def entries(server: Server) -> list[bytes]:
    found: list[bytes] = server.call("LRANGE", KEY, 0, -1)
    return found


async def undo(act: Acting) -> Done:
    """What the receipt says of the one step that there is."""
    receipt = await act.undo_queue()
    (outcome,) = receipt.outcomes
    return Done(outcome, receipt.notes.get(0, ""), receipt.taken.get(0, 0))
