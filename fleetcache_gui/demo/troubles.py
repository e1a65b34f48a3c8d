"""Things that go wrong in real caches, planted on purpose so that an inspector has something to find.

Unlike the rest of the fleet these are raw commands: the cache library cannot make such keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcache_gui.cache.availability import send

if TYPE_CHECKING:
    from fleetcache_gui.demo.world import World

Command = tuple[str, str | bytes, *tuple[bytes | str | int, ...]]
"""Name, key, the other words."""

_SPEC_PREFIXES = (
    b"live_query:",
    b"lock:",
    b"async_host:",
    b"mdm:apple:preassign:",
    b"sw:installer:token:",
    b"rate_limit:",
    b"cache:",
)


MISCHIEF = "mischief"
"""Whose connections the troubles are made with."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong, the commands that make it so, and those that mend it.

    It `lasts` so many simulated seconds and comes back after a `pause`. One that nothing mends stays, and is
    made anew should somebody else have removed it.
    """

    what: str
    plant: tuple[Command, ...]
    mend: tuple[Command, ...] = ()
    lasts: float = 120.0
    pause: float = 60.0


TROUBLES = (
    Trouble(
        "campaign 17 orphaned: its node died between two commands, and no cron knows it",
        (
            ("SET", "live_query:campaign:17:sql", "SELECT * FROM kernel_modules WHERE status = 'Live'"),
            ("SADD", "live_query:campaign:17:hosts_completed", *range(3, 900, 7)),
        ),
    ),
    Trouble(
        "campaign 99 active without SQL",
        (("SADD", "live_query:active", 99),),
        (("SREM", "live_query:active", 99),),
        lasts=45,
    ),
    Trouble(
        "lock without TTL, its token in another form",
        (("SET", "lock:cron:legacy_import", "b64:9zUwq0mLQ3yVf1pTj6e2Gw==", "NX"),),
    ),
    Trouble(
        "team config cached without TTL",
        (("SET", "cache:team:99", '{"id":99,"name":"Contractors","config":{"features":{}}}'),),
        (("UNLINK", "cache:team:99"),),
        lasts=40,
        pause=50,
    ),
    Trouble(
        "preassignment without TTL",
        (
            (
                "HSET",
                "mdm:apple:preassign:F9FXH2K4Q6L7",
                "external_id",
                "4471",
                "team",
                "Kiosks",
                "profile",
                "kiosk-mode",
            ),
        ),
    ),
    Trouble("name of no campaign", (("SET", "live_query:campaign:abc:sql", "SELECT 1"),)),
    Trouble(
        "lock of the wrong type",
        (("HSET", "lock:cron:apple_mdm_apns_pusher", "owner", "api-2", "since", "monday"),),
    ),
    Trouble(
        "sessions of another program",
        (
            ("HSET", "session:5d41402abc4b2a76", "user", "maria", "ip", "192.0.2.41", "csrf", "a3f0"),
            ("EXPIRE", "session:5d41402abc4b2a76", 86_400),
            (
                "ZADD",
                "session:by_last_seen",
                1_700_000_000,
                "5d41402abc4b2a76",
                1_700_003_600,
                "7d793037a0760186",
            ),
        ),
    ),
    Trouble("binary key and value", (("SET", b"\x00\xff\xfe\x80blob\r\n\x1b[31m", bytes(range(256))),)),
    Trouble(
        "hostile text",
        (
            ("SET", "<b>not bold</b>\u202egnp.exe", '<img src="file:///etc/hostname">\u202e\u200b'),
            ("SET", '=HYPERLINK("http://192.0.2.1")', "=1+1"),
        ),
    ),
)

_FOREIGN_KEYS = frozenset(
    key.encode() if isinstance(key, str) else key for trouble in TROUBLES for _, key, *_ in trouble.plant
)


def is_demo_key(key: bytes) -> bool:
    """Whether the demo makes keys of that name: a pattern of the cache, or one of its own foreign keys."""
    return key.startswith(_SPEC_PREFIXES) or key in _FOREIGN_KEYS


class Mischief:
    """Plants one trouble, mends it, plants it again."""

    def __init__(self, world: World, trouble: Trouble) -> None:
        self._world = world
        self._trouble = trouble
        self._planted = False
        self.actor = f"trouble ({trouble.what})"

    async def step(self) -> float:
        """Plant, or mend what is planted."""
        trouble = self._trouble
        mends = self._planted and bool(trouble.mend)
        client = self._world.client(MISCHIEF)
        for command in trouble.mend if mends else trouble.plant:
            await send(client, *command)
        self._planted = not mends
        self._world.tell(self.actor, "planted" if self._planted else "mended")
        return trouble.lasts if self._planted else trouble.pause
