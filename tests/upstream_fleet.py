"""An upstream Fleet server's keys, written as that server writes them, with known disorder.

`Upstream(client)` is a redis-py client's face of it: each method does what one of Fleet's calls does, with the same
commands in the same order. `populate` fills a server with something of everything, in order; `orphan` leaves a bitmap
as servers did before that was mended: an unguarded write without an expiry, after the campaign had ended.

    python -m tests.upstream_fleet redis://127.0.0.1:6390/0 --disorder
"""

from __future__ import annotations

import argparse
import json
import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import md5, sha256
from random import Random
from typing import TYPE_CHECKING

import redis

if TYPE_CHECKING:
    from collections.abc import Iterable

WEEK = 7 * 86400


@dataclass
class Secrets:
    """Every credential that was written: none may be seen unasked."""

    all: list[str] = field(default_factory=list)

    def new(self, text: str) -> str:
        self.all.append(text)
        return text


class Upstream:
    """What a Fleet server does to Redis. `now`: the server's Unix time, as hosts' reports carry it."""

    def __init__(self, client: redis.Redis, seed: int = 7) -> None:
        self.client = client
        self.dice = Random(seed)
        self.secrets = Secrets()
        moment = client.time()
        self.now = int(moment[0])  # type: ignore[index]

    def uuid(self) -> str:
        return str(uuid.UUID(int=self.dice.getrandbits(128), version=4))

    def key(self) -> str:
        """A node key or a session id: 24 bytes in base 64."""
        return urlsafe_b64encode(self.dice.randbytes(24)).decode()

    # ---- live queries

    def run_query(self, campaign: int, sql: str, hosts: Iterable[int], threshold: int = 0) -> None:
        """RunQuery: the SQL, the targets, and the active set last."""
        targets = list(hosts)
        self.client.set(f"sql:livequery:{{{campaign}}}", sql, ex=WEEK)
        if len(targets) <= threshold:
            pipe = self.client.pipeline(transaction=False)
            for host in targets:
                pipe.sadd(f"livequery:host:{{{host}}}", campaign)
                pipe.expire(f"livequery:host:{{{host}}}", WEEK)
            pipe.execute()
            self.client.sadd("livequery:active:reverse", campaign)
        else:
            self.client.set(f"livequery:{{{campaign}}}", bitmap(targets), ex=WEEK)
        self.client.sadd("livequery:active", campaign)

    def complete(self, campaign: int, host: int) -> None:
        """QueryCompletedByHost: the bit is cleared, if there is a bitmap."""
        self.client.srem(f"livequery:host:{{{host}}}", campaign)
        script = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('SETBIT', KEYS[1], ARGV[1], 0) end return 0"
        self.client.eval(script, 1, f"livequery:{{{campaign}}}", str(host))

    def stop_query(self, campaign: int) -> None:
        """StopQuery."""
        self.client.delete(f"sql:livequery:{{{campaign}}}", f"livequery:{{{campaign}}}")
        self.client.srem("livequery:active", campaign)
        self.client.srem("livequery:active:reverse", campaign)

    def orphan(self, campaign: int, host: int) -> None:
        """A host answers after StopQuery, on a server that writes without looking: the bitmap is made anew."""
        self.client.setbit(f"livequery:{{{campaign}}}", host, 0)

    # ---- async host processing

    def report(self, host: int, *, ago: int = 0, labels: int = 3, policies: int = 2) -> None:
        """A host's labels, policies and query statistics, as its check-in leaves them for the collectors."""
        at, pipe = self.now - ago, self.client.pipeline(transaction=False)
        for task in ("label_membership", "policy_pass"):
            pipe.set(f"{task}_reported:{{{host}}}", at, ex=WEEK)
            pipe.zadd(f"{task}:active_host_ids", {str(host): at})
        pipe.zadd(f"label_membership:{{{host}}}", {str(label): 1 if label % 2 else -1 for label in range(labels)})
        pipe.expire(f"label_membership:{{{host}}}", WEEK)
        pipe.lpush(f"policy_pass:{{{host}}}", *(f"{policy}=1" for policy in range(policies)))
        pipe.ltrim(f"policy_pass:{{{host}}}", 0, 1000)
        pipe.expire(f"policy_pass:{{{host}}}", WEEK)
        pipe.hset(f"scheduled_query_stats:{{{host}}}", "pack\x00query", json.dumps({"average_memory": 1024}))
        pipe.expire(f"scheduled_query_stats:{{{host}}}", WEEK)
        pipe.zadd("scheduled_query_stats:active_host_ids", {str(host): at})
        pipe.sadd("{host_seen:host_ids}", host)
        pipe.expire("{host_seen:host_ids}", WEEK)
        pipe.execute()

    def collecting(self, task: str) -> None:
        """A collector at work: its lock names no holder."""
        self.client.set(f"locks:async_collector:{{collect_{task}}}", 1, nx=True, ex=60)

    # ---- the rest

    def failing(self, policy: int, hosts: Iterable[int], *, listed: bool = True) -> None:
        self.client.sadd(f"policies:failing:{policy}", *(f"{host},mac-{host}.local" for host in hosts))
        if listed:
            self.client.sadd("policies:failing_sets", policy)

    def cache_host(self, host: int, ttl: int | None = 60) -> str:
        """The host cache's keys of one host; its node key."""
        key, orbit = self.secrets.new(self.key()), self.secrets.new(self.key())
        for short, name in (("nk", key), ("onk", orbit)):
            body = json.dumps({"id": host, "node_key": key, "orbit_node_key": orbit, "hostname": f"mac-{host}"})
            self.client.set(f"fleet:hostcache:v1:{short}:{name}", body, ex=ttl)
            self.client.set(f"fleet:hostcache:v1:id2{short}:{host}", name, ex=ttl)
        return key

    def enroll(self, hosts: Iterable[int]) -> None:
        self.client.sadd("enrolled_hosts:host_ids", *hosts)

    def error(self, message: str, times: int = 1, ttl: int | None = 86400) -> str:
        """An error with its count; its hash."""
        name = urlsafe_b64encode(sha256(message.encode()).digest()).decode()
        body = {"cause": {"message": message, "stack": ["server/service.(*Service).Do (service.go:12)"]}}
        self.client.set(f"error:{{{name}}}:json", json.dumps(body), ex=ttl)
        self.client.set(f"error:{{{name}}}:count", times, ex=ttl)
        return name

    def preassign(self, external: str) -> None:
        profile = b"<?xml version='1.0'?><plist/>"
        digest = md5(profile, usedforsecurity=False).hexdigest()
        mapping: dict[str | bytes, bytes | float | int | str] = {
            "host_uuid": self.uuid(),
            digest: profile,
            f"{digest}_group": "g",
        }
        self.client.hset(f"mdm:preassign:{external[:36]}", mapping=mapping)
        self.client.expire(f"mdm:preassign:{external[:36]}", 3600)

    def tokens(self) -> None:
        """One of each credential that Redis holds."""
        token, session, nonce = (self.secrets.new(text) for text in (self.uuid(), self.key(), self.key()))
        body = json.dumps({"title_id": 12, "team_id": 3})
        self.client.set(f"software_installer_token:{token}", body, px=600_000)
        device = json.dumps({"host_id": 7, "account": self.secrets.new(self.uuid())})
        self.client.set(f"key_value_device_sso_session:{session}", device, px=5 * 86_400_000)
        self.client.set(f"sso:assertion:{self.secrets.new('_' + self.uuid())}", 1, px=900_000)
        self.client.set(f"acmenonce:{nonce}", nonce, ex=3600)
        self.client.set(f"pssononce:{self.secrets.new(self.key())}", 1, ex=300)
        self.client.set(f"key_value_win_nonce_{self.secrets.new(self.key())}", self.key(), px=300_000)

    def sign_in(self) -> str:
        """A sign-in by SSO in progress: a key without any prefix; its id."""
        session = self.secrets.new(self.key())
        value = {"request_id": "id" + self.uuid(), "metadata": "<xml/>" * 30, "original_url": "/", "request_data": {}}
        self.client.set(session, json.dumps(value), ex=900)
        return session

    def limits(self) -> None:
        self.client.set("ratelimit::forgot_password-10.0.0.9", 1_764_110_000_000_000_000, ex=9)
        self.client.set("ipbanner::{10.0.0.7}::count", 3, ex=60)
        self.client.set("ipbanner::{10.0.0.8}::count", 10, ex=60)
        self.client.set("ipbanner::{10.0.0.8}::banned", 1, ex=300)
        self.client.set("install:attempts:12:7", 2, px=3_600_000)

    def store(self) -> None:
        self.client.set(f"key_value_software_batch_{self.uuid()}", "processing", px=86_400_000)
        self.client.set(f"key_value_{{mdm_profile_processing}}:{self.uuid()}", 1, px=600_000)
        self.client.set("query_results_count:41", 1203)
        self.client.set("{cfgetag}:gen", 17)
        self.client.set("{cfgetag}:etag:v1:global:darwin", "17|a0f31b", ex=3600)
        self.client.set("{cfgetag}:host-etag:v1:7", "17|global|darwin|a0f31b", ex=3500)
        self.client.set("{cfgetag}:scope-modes", "{}", ex=300)

    def mdm(self) -> None:
        self.preassign("C02XK1ZHJGH5-0001")
        self.client.set("mdm:apple:recon_cursor", self.uuid())
        self.client.set("mdm:windows:recon_cursor", "")
        self.client.set("mdm:apple:apns_sweep_state", json.dumps({"cursor": self.uuid()}))

    def calendar(self, *, queued: int = 0) -> None:
        event = self.uuid()
        self.client.set(f"calendar:lock:{event}", self.uuid(), nx=True, px=1_200_000)
        self.client.set(f"calendar:reserved:{self.uuid()}", self.uuid(), nx=True, px=2_400_000)
        self.client.set(f"calendar:recent_update:{self.uuid()}", 1, px=10_000)
        if queued:
            self.client.sadd("calendar:queue", *(self.uuid() for _ in range(queued)))


def bitmap(hosts: Iterable[int]) -> bytes:
    """The bits of these hosts, in the order of SETBIT: byte id/8, bit 7-(id%8)."""
    targets = list(hosts)
    bits = bytearray(max(targets) // 8 + 1)
    for host in targets:
        bits[host // 8] |= 0x80 >> (host % 8)
    return bytes(bits)


def populate(client: redis.Redis, hosts: int = 200) -> Upstream:
    """A quiet Fleet of so many hosts, in which nothing is wrong but what needs a listener."""
    fleet = Upstream(client)
    everyone = range(1, hosts + 1)
    fleet.enroll(everyone)
    for host in everyone[: hosts // 4]:
        fleet.report(host)
        fleet.cache_host(host, 60)
    for task in ("label_membership", "policy_membership"):
        fleet.collecting(task)
    fleet.run_query(41, "SELECT * FROM os_version", everyone)
    for host in everyone[: hosts // 2]:
        fleet.complete(41, host)
    fleet.run_query(42, "SELECT name, version FROM apps WHERE bundle_identifier LIKE '%zoom%'", everyone[:40])
    fleet.run_query(43, "SELECT 1", (7, 9), threshold=1000)
    fleet.failing(3, (7, 9, 11))
    fleet.failing(5, (12,))
    fleet.calendar()
    fleet.tokens()
    fleet.sign_in()
    fleet.limits()
    fleet.store()
    fleet.mdm()
    fleet.error("get host: sql: no rows in result set", 41)
    fleet.error("enroll secret does not match", 3)
    return fleet


ODD = b"stuff"
"""What somebody may type in the place of a bitmap."""


def disorder(fleet: Upstream) -> None:
    """One of each thing that goes wrong, on top of `populate`."""
    client = fleet.client
    for campaign in range(100, 112):
        fleet.orphan(campaign, 90_000 + campaign)
    client.sadd("livequery:active", 413)
    client.set("livequery:{414}", ODD, ex=WEEK)
    client.set("sql:livequery:{414}", "SELECT 1", ex=WEEK - 2 * 86400)
    client.sadd("livequery:active", 414)
    client.set("livequery:77", b"\xff", ex=WEEK)
    fleet.run_query(415, "SELECT pid FROM processes", range(1, 30))
    client.expire("sql:livequery:{415}", WEEK - 300)
    for host in range(300, 320):
        fleet.report(host, ago=2 * 3600)
    fleet.failing(9, range(20, 32), listed=False)
    for host in range(500, 800):
        fleet.cache_host(host, 170)
    fleet.cache_host(999, None)
    client.set("locks:async_collector:{collect_scheduled_query_stats}", 1)
    client.set(f"software_installer_token:{fleet.secrets.new(fleet.uuid())}", "{}")
    client.sadd("{host_seen:host_ids}:processing", *range(20))
    client.expire("{host_seen:host_ids}:processing", WEEK - 900)
    fleet.calendar(queued=3)
    fleet.error("authentication error: invalid node key: " + fleet.secrets.new(fleet.key()), 12, ttl=None)


def main() -> None:
    """Fill a server for somebody to look at."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--disorder", action="store_true")
    told = parser.parse_args()
    with redis.Redis.from_url(told.url) as client:
        fleet = populate(client)
        if told.disorder:
            disorder(fleet)


if __name__ == "__main__":
    main()
