"""The layout of upstream Fleet servers (4.x): its uses in the order in which an administrator looks for them."""

from __future__ import annotations

from fleetcache_gui.domain.layout import Layout
from fleetcache_gui.families.upstream import (
    errors,
    host_cache,
    host_tasks,
    hosts,
    limits,
    live_queries,
    locks,
    mdm,
    policies,
    results,
    store,
    strangers,
    tokens,
)
from fleetcache_gui.families.upstream.sizing import PARTS

UPSTREAM = Layout(
    "upstream",
    "Upstream Fleet servers",
    (
        live_queries.FAMILY,
        host_tasks.FAMILY,
        hosts.FAMILY,
        host_cache.FAMILY,
        policies.FAMILY,
        locks.FAMILY,
        mdm.FAMILY,
        tokens.FAMILY,
        limits.FAMILY,
        errors.FAMILY,
        store.FAMILY,
        strangers.FAMILY,
    ),
    (results.PARAMETER,),
    results.judge,
    PARTS,
)
