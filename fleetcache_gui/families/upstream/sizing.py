"""What the things of an upstream Fleet server take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui.domain.sizing import KB, Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fleetcache_gui.domain.family import Row

_RULE = "the rule of thumb"
_FORMULA = "one bit for each host id up to the highest"
_CACHED = "4.5 KB for each active host, as Fleet's engineers measured"


def _each(size: float, rows: Sequence[Row]) -> float | None:
    return size / len(rows) if rows else None


PARTS = (
    Part(
        "upstream_live_queries",
        "SQL of campaigns",
        KB,
        "the rule of thumb",
        lambda load: load.campaigns,
        knob="campaigns",
    ),
    Part("upstream_live_queries", "Pending hosts (bits)", 1 / 8, _FORMULA, lambda load: load.campaigns * load.hosts),
    Part("upstream_host_cache", "Host cache", 4.5 * KB, _CACHED, lambda load: load.hosts, _each),
    Part(
        "upstream_host_tasks",
        "Queued host tasks",
        KB / 2,
        "the rule of thumb",
        lambda load: load.backlog,
        knob="backlog",
    ),
    Part("upstream_tokens", "Installer tokens", 120.0, "measured once", lambda load: load.tokens, _each, "tokens"),
)
