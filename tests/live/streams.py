"""What tests of a stream as the host queue share: entries and groups on a real server, and what it holds then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fleetcache_gui.domain.plan import Deed, Draft, Outcome, Plan
from fleetcache_gui.redis_io.act.queue import Done

if TYPE_CHECKING:
    from tests.live.acting import Acting
    from tests.servers import Server

KEY = b"async_host:detail"
GROUP = b"workers"
_FILL = r"""
for entry = ARGV[1], ARGV[2] do
  redis.call('XADD', KEYS[1], string.format('%d-0', entry), 'payload', '\0\255 host\r\n' .. entry, 'n', entry)
end
"""


def draft(deed: Deed, *args: bytes) -> Draft:
    return Draft(deed, KEY, "the queue", "stream", args=args)


def fill(server: Server, number: int, start: int = 1) -> None:
    """Entries `start`-0, …"""
    server.call("EVAL", _FILL, 1, KEY, start, start + number - 1)


def group(server: Server, *consumers: bytes) -> None:
    server.call("XGROUP", "CREATE", KEY, GROUP, 0)
    for consumer in consumers:
        server.call("XGROUP", "CREATECONSUMER", KEY, GROUP, consumer)


def read(server: Server, consumer: bytes, count: int, start: str = ">") -> None:
    server.call("XREADGROUP", "GROUP", GROUP, consumer, "COUNT", count, "STREAMS", KEY, start)


def ids(server: Server) -> list[bytes]:
    return [name for name, _ in server.call("XRANGE", KEY, "-", "+")]


def fields(server: Server) -> list[Any]:
    return [values for _, values in server.call("XRANGE", KEY, "-", "+")]


def pending(server: Server) -> dict[bytes, tuple[bytes, int]]:
    """Id to consumer and deliveries."""
    return {
        name: (owner, deliveries) for name, owner, _, deliveries in raw(server, "XPENDING", KEY, GROUP, "-", "+", 9999)
    }


def raw(server: Server, *command: bytes | str | int) -> Any:
    """The reply as the server gives it."""
    return server.call("EVAL", "return redis.call(unpack(ARGV))", 1, KEY, *command)


def delivered(server: Server) -> list[Any]:
    return [facts["last-delivered-id"] for facts in server.call("XINFO GROUPS", KEY)]


async def undo(act: Acting) -> Done:
    """What the receipt says of the one step that there is."""
    receipt = await act.undo_queue()
    (outcome,) = receipt.outcomes
    return Done(outcome, receipt.notes.get(0, ""), receipt.taken.get(0, 0))


def outcome(plan: Plan, receipt: Any) -> tuple[Outcome, int]:
    assert len(plan.steps) == 1
    return receipt.outcomes[0], receipt.taken.get(0, 0)
