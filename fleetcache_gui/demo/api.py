"""What the API nodes do beside live queries: installer tokens, DEP enrolments, rate limits, cached config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fleetcache_gui.cache import ConfigCache, InstallerTokens, Preassignments, RateLimits
from fleetcache_gui.demo.world import API_NODES

if TYPE_CHECKING:
    from fleetcache_gui.cache import Client
    from fleetcache_gui.demo.world import World

RATE_LIMITS: dict[str, int] = {
    "login": 10,
    "forgot_password": 10,
    "device_ping": 60,
    "osquery_enroll": 30,
    "fleetctl": 120,
}
"""Requests that one client may make in a minute, by endpoint."""

_TEAMS = ("Workstations", "Workstations (canary)", "Servers", "Mobile devices", "Kiosks", "Laboratory")
_PROFILES = ("wifi-corporate", "filevault-escrow", "gatekeeper", "passcode", "kiosk-mode", "vpn-always-on")
_SERIAL_LETTERS = "0123456789CDFGHJKLMNPQRTVWXY"  # as Apple's serials: nothing that reads like another letter
_WINDOW = 60.0

_CLIENTS = {
    "login": [f"203.0.113.{n}" for n in range(10, 18)],
    "forgot_password": [f"203.0.113.{n}" for n in range(20, 23)],
    "device_ping": [f"device-{n:04x}" for n in range(0x3A10, 0x3A1C)],
    "osquery_enroll": [f"198.51.100.{n}" for n in range(30, 40)],
    "fleetctl": ["gitops@ci", "2001:db8::17", "198.51.100.200"],
}
_GUESSER = ("login", "203.0.113.66")  # tries passwords, far above its limit
_IMAGING_LAB = ("osquery_enroll", "198.51.100.17")  # enrols new machines, just below its limit


class Traffic:
    """What reaches the API nodes, one node after the other; each public method is the step of one actor."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._tokens = world.rng("tokens")
        self._enrolments = world.rng("enrolments")
        self._requests = world.rng("requests")
        self._issued: list[str] = []
        self._assigned: list[str] = []
        self._count = 0

    async def tokens(self) -> float:
        """Issue an installer token, and use an older one; every fourth is never used and expires."""
        rng = self._tokens
        lifetime = self._world.lifetime(rng.choice((120, 300, 900, 3600)))
        title, team = rng.randrange(1, 400), rng.randrange(len(_TEAMS) + 1)
        wanted, used = rng.random() < 0.75, rng.random()
        tokens = InstallerTokens(self._node(), lifetime=lifetime)
        token = await tokens.issue(title, team)
        self._world.tell("tokens", f"issue for title {title}, team {team}")
        if wanted:
            self._issued.append(token)
        if len(self._issued) > 6:
            await tokens.use(self._issued.pop(int(used * len(self._issued))))
            return rng.uniform(2, 7)
        return 0.05

    async def enrolments(self) -> float:
        """Preassign a new Mac's profiles, and let an older one take them; some never come and expire."""
        rng = self._enrolments
        serial = "".join(rng.choices(_SERIAL_LETTERS, k=12))
        external_id, team, profile = str(rng.randrange(1000, 9999)), rng.choice(_TEAMS), rng.choice(_PROFILES)
        comes, taken = rng.random() < 0.9, rng.random()
        preassignments = Preassignments(self._node(), window=self._world.lifetime(600))
        await preassignments.assign(serial, external_id, team, profile)
        self._world.tell("enrolments", f"preassign {serial} to {team}")
        if comes:
            self._assigned.append(serial)
        if len(self._assigned) > 8:
            await preassignments.take(self._assigned.pop(int(taken * len(self._assigned))))
            return rng.uniform(3, 9)
        return 0.05

    async def requests(self) -> float:
        """Two seconds' requests against limited endpoints."""
        limits = RateLimits(self._node(), window=self._world.lifetime(_WINDOW))
        endpoints = self._requests.choices(list(RATE_LIMITS), weights=(2, 1, 8, 3, 4), k=5)
        callers = [(endpoint, self._requests.choice(_CLIENTS[endpoint])) for endpoint in endpoints]
        for endpoint, client in (*callers, _GUESSER, _IMAGING_LAB):
            await limits.count(endpoint, client, RATE_LIMITS[endpoint])
        return 2.0

    async def config(self) -> float:
        """The app config and one team's, as each request needs them."""
        cache = ConfigCache(self._node(), ttl=self._world.lifetime(5))
        await cache.app_config(_app_config)
        number = self._count % len(_TEAMS)

        async def team() -> dict[str, Any]:
            return {
                "id": number + 1,
                "name": _TEAMS[number],
                "config": {"mdm": {"enable_disk_encryption": True}},
            }

        await cache.team(number + 1, team)
        return 1.0

    def _node(self) -> Client:
        """The next node's connections."""
        self._count += 1
        return self._world.client(API_NODES[self._count % len(API_NODES)])


async def _app_config() -> dict[str, Any]:
    """Stands for the read from Fleet's database."""
    return {
        "org_info": {"org_name": "Example Industries", "org_logo_url": ""},
        "server_settings": {"server_url": "https://fleet.example.com", "live_query_disabled": False},
        "host_expiry_settings": {"host_expiry_enabled": True, "host_expiry_window": 30},
        "features": {"enable_host_users": True, "enable_software_inventory": True},
        "vulnerability_settings": {"databases_path": "/var/lib/fleet/vuln"},
        "mdm": {
            "enabled_and_configured": True,
            "apple_bm_default_team": _TEAMS[0],
            "macos_updates": {"deadline": ""},
        },
        "integrations": {"jira": [], "zendesk": [], "google_calendar": []},
        "webhook_settings": {"host_status_webhook": {"enable_host_status_webhook": False}, "interval": "24h"},
        "agent_options": {"config": {"options": {"distributed_interval": 10, "logger_tls_period": 10}}},
    }
