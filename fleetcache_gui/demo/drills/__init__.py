"""Drills: what the cache does, shown on a server of our own and measured there.

A drill is a lesson and a story. The story is an async generator that yields once for each caption of the lesson, with
what was measured on the server after that step: no text claims what was not looked at.
"""

from __future__ import annotations

from fleetcache_gui.demo.drills import campaigns, clustered, failing, locking, queueing, small
from fleetcache_gui.demo.drills.scene import Drill, Scene
from fleetcache_gui.demo.drills.stage import Stage

_BY_NAME = {
    drill.lesson.name: drill
    for drill in (
        *campaigns.DRILLS,
        *locking.DRILLS,
        *queueing.DRILLS,
        *small.DRILLS,
        *failing.DRILLS,
        *clustered.DRILLS,
    )
}

DRILLS = {
    name: _BY_NAME[name]
    for name in (
        "campaign",
        "two-servers",
        "crash",
        "gc-pause",
        "surge",
        "stream",
        "orphan",
        "windows",
        "burst",
        "stampede",
        "restart",
        "frozen",
        "memory-full",
        "flush",
        "failover",
        "partition",
    )
}
"""By name, in the order in which they are best learned."""

__all__ = ["DRILLS", "Drill", "Scene", "Stage"]
