"""Which layout to show of a server: as pinned, or by a short look at its keys."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fleetcache_gui.cli.told import Failure
from fleetcache_gui.families.layouts import LAYOUTS, PINNED, shown
from fleetcache_gui.profiles.profile import AUTO
from fleetcache_gui.redis_io.faults import Trouble
from fleetcache_gui.redis_io.keyspace import Keyspace
from fleetcache_gui.redis_io.layouts import look

if TYPE_CHECKING:
    from fleetcache_gui.domain.layout import Layout
    from fleetcache_gui.redis_io.address import Address


async def find(address: Address, word: str) -> Layout:
    """The layout of that id, or with `AUTO` what the server has keys of. Raises `Trouble`."""
    if word != AUTO:
        return PINNED[word]
    keyspace = await Keyspace.connect(address)
    try:
        return shown(await look(keyspace, LAYOUTS))
    finally:
        await keyspace.close()


def layout_of(address: Address, word: str) -> Layout:
    """The same, for who has no loop yet. Raises `Failure` where the server cannot be read."""
    try:
        return asyncio.run(find(address, word))
    except Trouble as trouble:
        raise Failure(f"{trouble.text} {trouble.advice}") from None
