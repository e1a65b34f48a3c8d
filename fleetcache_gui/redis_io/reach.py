"""From an address to a lane: by Sentinel where there is one, by any of a cluster's nodes where several are named."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from fleetcache_gui.redis_io import sentinel
from fleetcache_gui.redis_io.faults import AWAY, Trouble
from fleetcache_gui.redis_io.lane import Lane

if TYPE_CHECKING:
    from fleetcache_gui.redis_io.address import Address

L = TypeVar("L", bound=Lane)


async def reach(address: Address, kind: type[L]) -> L:
    """A lane of that kind to the primary, or to the first node that answers. Raises the first node's `Trouble`.

    The lane's own address names no other nodes: another connection to the same node must not end at a different one.
    """
    try:
        return await kind.open(replace(await sentinel.resolve(address), seeds=()))
    except Trouble as first:
        if first.fault not in AWAY:
            raise
        for host, port in address.seeds:
            try:
                return await kind.open(replace(address, host=host, port=port, seeds=()))
            except Trouble as trouble:
                if trouble.fault not in AWAY:
                    raise
        raise
