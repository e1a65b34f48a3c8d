"""What the things of an upstream Fleet server take."""

from __future__ import annotations

from fleetcache_gui.domain.sizing import KB, Part, each_key

_RULE = "the rule of thumb"
_FORMULA = "one bit for each host id up to the highest"
_CACHED = "4.5 KB for each active host, as Fleet's engineers measured"


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
    Part("upstream_host_cache", "Host cache", 4.5 * KB, _CACHED, lambda load: load.hosts, each_key),
    Part(
        "upstream_host_tasks",
        "Queued host tasks",
        KB / 2,
        "the rule of thumb",
        lambda load: load.backlog,
        knob="backlog",
    ),
    Part("upstream_tokens", "Installer tokens", 120.0, "measured once", lambda load: load.tokens, each_key, "tokens"),
)
