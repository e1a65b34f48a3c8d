"""fleetcache_gui: a desktop inspector for the Redis cache of Fleet."""

from __future__ import annotations

__version__ = "0.1.0"
