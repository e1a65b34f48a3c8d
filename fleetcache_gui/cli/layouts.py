"""Which layout to show of a server: as pinned, or by a short look at its keys."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fleetcache_gui.cli import Failure
from fleetcache_gui.families.layouts import LAYOUTS, PINNED, shown
from fleetcache_gui.redis_io.faults import Trouble
from fleetcache_gui.redis_io.layouts import look
from fleetcache_gui.redis_io.server import Server

if TYPE_CHECKING:
    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.redis_io.address import Address

AUTO = "auto"


def layout_of(address: Address, word: str) -> Layout:
    """The layout of that id, or with `AUTO` what the server has keys of. Raises `Failure` where it cannot be read."""
    if word != AUTO:
        return PINNED[word]

    async def find() -> Layout:
        server = await Server.connect(address)
        try:
            return shown(await look(server, LAYOUTS))
        finally:
            await server.lane.close()

    try:
        return asyncio.run(find())
    except Trouble as trouble:
        raise Failure(f"{trouble.text} {trouble.advice}") from None
