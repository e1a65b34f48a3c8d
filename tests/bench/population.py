"""A cache as a large fleet would fill it: every family of the layout, the same keys and values for the same seed.

Tokens and preassignments live for 24 hours, far beyond what their families allow: each of them breaks its family's
rule, which is the hardest case for an inspector, and none expires while something is being measured.
"""

from __future__ import annotations

import json
import random
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import hiredis

from fleetcache_gui.redis_io.lane import encode
from tests.servers import HOST, Server

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fleetcache_gui.domain.values import Command

_HALF_DAY_MS = 12 * 3_600_000
_DAY_MS = 24 * 3_600_000
_BATCH_COMMANDS, _BATCH_BYTES = 2000, 2 << 20
_CRONS = ("vulnerabilities", "cleanups", "usage_statistics", "integrations", "apple_mdm")
_ENDPOINTS = ("login", "enroll", "device", "sso")


@dataclass(frozen=True, slots=True)
class Population:
    """How many keys of each kind a server of `keys` keys holds; `queued` and `hosts` are elements within keys."""

    keys: int
    seed: int = 42

    @property
    def campaigns(self) -> int:
        """Each of them has its SQL and the set of hosts that completed it."""
        return min(200, self.keys // 50)

    @property
    def queued(self) -> int:
        """Host details that wait."""
        return min(self.keys, 100_000)

    @property
    def locks(self) -> int:
        return max(20, self.keys // 2000)

    @property
    def limits(self) -> int:
        return min(200, self.keys // 50)

    @property
    def teams(self) -> int:
        """Teams with a cached configuration."""
        return min(50, self.keys // 100)

    @property
    def preassignments(self) -> int:
        return self._rest * 3 // 10

    @property
    def tokens(self) -> int:
        return self._rest - self.preassignments

    @property
    def _rest(self) -> int:
        singles = 3  # the active set, the queue, the AppConfig
        return self.keys - 2 * self.campaigns - self.locks - self.limits - self.teams - singles

    def hosts(self, campaign: int) -> int:
        """Hosts that completed a campaign (1 …): a few campaigns are large, most are small."""
        hosts = 50_000 if campaign <= 4 else 5000 if campaign <= 14 else 200 + campaign * 13 % 800
        return hosts if self.keys >= 100_000 else hosts // 10


def populate(server: Server, population: Population) -> None:
    """Empty the server and fill it. ServerError when it is not the one that was started; about 5 s for a million."""
    server.flush()
    with socket.create_connection((HOST, server.port)) as connection:
        for batch, count in _batches(_commands(population)):
            connection.sendall(batch)
            _drain(connection, count)
    found = server.call("DBSIZE")
    if found != population.keys:
        raise RuntimeError(f"{population.keys} keys were written, the server holds {found}")


def _batches(commands: Iterable[Command]) -> Iterator[tuple[bytes, int]]:
    """Commands as RESP in large pieces, with the number of replies to expect."""
    batch: list[bytes] = []
    size = 0
    for command in commands:
        batch.append(encode(command))
        size += len(batch[-1])
        if len(batch) >= _BATCH_COMMANDS or size >= _BATCH_BYTES:
            yield b"".join(batch), len(batch)
            batch, size = [], 0
    yield b"".join(batch), len(batch)


def _drain(connection: socket.socket, count: int) -> None:
    replies = hiredis.Reader()
    while count:
        data = connection.recv(1 << 16)
        if not data:
            raise ConnectionError("the server hung up")
        replies.feed(data)
        while (reply := replies.gets()) is not False:
            if isinstance(reply, Exception):
                raise reply
            count -= 1


def _commands(population: Population) -> Iterator[Command]:
    rnd = random.Random(population.seed)
    yield from _campaigns(population)
    yield from _small_families(population, rnd)
    for number in range(population.queued):
        detail = {"uptime": number * 7, "hostname": f"host-{number:06d}"}
        details = {"host_id": number, "detail": detail, "pad": "d" * 380}
        yield b"LPUSH", b"async_host:detail", _json(details)
    for number in range(population.preassignments):
        key = b"mdm:apple:preassign:C02%06dQ%03d" % (number, rnd.randrange(1000))
        fields = (b"external_id", b"ext-%08x" % rnd.getrandbits(32), b"team", b"team-%d" % (number % 50))
        yield b"HSET", key, *fields, b"profile", b"profile-%d" % (number % 7)
        yield b"PEXPIRE", key, _expiry(rnd, _DAY_MS)
    for number in range(population.tokens):
        value = b'{"title_id": %d, "team_id": %d}' % (number % 900, number % 50)
        yield b"SET", b"sw:installer:token:" + _uuid(rnd), value, b"PX", _expiry(rnd, _DAY_MS)


def _campaigns(population: Population) -> Iterator[Command]:
    for campaign in range(1, population.campaigns + 1):
        key = b"live_query:campaign:%d:" % campaign
        padding = "x" * (400 + campaign * 37 % 600)
        sql = f"SELECT name, version FROM deb_packages WHERE name LIKE '%{campaign}%' -- {padding}"
        yield b"SET", key + b"sql", sql.encode()
        if campaign % 20:  # the others were left behind
            yield b"SADD", b"live_query:active", b"%d" % campaign
        hosts = population.hosts(campaign)
        for first in range(1, hosts + 1, 1000):
            members = (b"%d" % host for host in range(first, min(first + 1000, hosts + 1)))
            yield b"SADD", key + b"hosts_completed", *members


def _small_families(population: Population, rnd: random.Random) -> Iterator[Command]:
    for number in range(population.locks):
        key = f"lock:cron:{_CRONS[number % len(_CRONS)]}:{number}".encode()
        yield b"SET", key, b"api-%d:%b" % (number % 3, rnd.randbytes(16).hex().encode()), b"PX", _expiry(rnd)
    for number in range(population.limits):
        key = f"rate_limit:{_ENDPOINTS[number % len(_ENDPOINTS)]}:10.0.{number // 250}.{number % 250}".encode()
        yield b"SET", key, b"%d" % rnd.randrange(100), b"PX", _expiry(rnd)
    yield b"SET", b"cache:app_config", _json({"org_info": {"org_name": "Bench"}}), b"PX", _expiry(rnd)
    for number in range(population.teams):
        yield b"SET", b"cache:team:%d" % (number + 1), _json({"name": f"Team {number + 1}"}), b"PX", _expiry(rnd)


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _expiry(rnd: random.Random, least: int = _HALF_DAY_MS) -> bytes:
    return b"%d" % (least + rnd.randrange(3_600_000))


def _uuid(rnd: random.Random) -> bytes:
    digits = rnd.randbytes(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}".encode()
