"""A Fleet to look at without having one: a server of its own and a simulated deployment that uses it.

async with EmbeddedServer() as server, asyncio.TaskGroup() as group:
    fleet = group.create_task(SimulatedFleet(server.url).run())
"""

from __future__ import annotations

from fleetcache_gui.demo.api import RATE_LIMITS
from fleetcache_gui.demo.cluster import EmbeddedCluster
from fleetcache_gui.demo.fleet import QueueForm, SimulatedFleet
from fleetcache_gui.demo.server import EmbeddedServer, ExternalServer, NoEmbeddedServer, ServerRefused

__all__ = [
    "RATE_LIMITS",
    "EmbeddedCluster",
    "EmbeddedServer",
    "ExternalServer",
    "NoEmbeddedServer",
    "QueueForm",
    "ServerRefused",
    "SimulatedFleet",
]
