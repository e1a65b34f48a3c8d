"""The layout of Fleet's cache specification: its seven uses in their order, then the keys of strangers."""

from __future__ import annotations

from fleetcache_gui.domain.layout import Layout
from fleetcache_gui.families import other
from fleetcache_gui.families.spec import (
    config_cache,
    host_queue,
    installer_tokens,
    live_queries,
    locks,
    preassign,
    rate_limits,
)
from fleetcache_gui.families.spec.sizing import PARTS

SPEC = Layout(
    "spec",
    "Fleet cache specification",
    (
        live_queries.FAMILY,
        locks.FAMILY,
        host_queue.FAMILY,
        preassign.FAMILY,
        installer_tokens.FAMILY,
        rate_limits.FAMILY,
        config_cache.FAMILY,
        other.FAMILY,
    ),
    parts=PARTS,
)
