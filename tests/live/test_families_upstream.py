"""An upstream Fleet's keys on real servers: each judgement where it was planted and nowhere else, and no credential."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import redis

from fleetcache_gui import aio
from fleetcache_gui.domain.family import Expected
from fleetcache_gui.families.upstream import UPSTREAM, host_cache
from fleetcache_gui.redis_io.poll import Poller
from fleetcache_gui.session import Session
from tests.live.commands import run, run_all
from tests.live.readers import Recorder, address, assert_only_reads, begin_counting, calls
from tests.servers import VALKEY, Server
from tests.upstream_fleet import ODD, WEEK, Upstream, disorder, populate

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    Eventually = Callable[..., Coroutine[Any, Any, None]]

DEFAULT = {"server.pubsub-limit": 1}
"""What a server as it comes is told of."""


@pytest.fixture
def client(server: Server) -> Iterator[redis.Redis]:
    with redis.Redis(port=server.port) as connection:
        yield connection


def snapshot(server: Server, *args: str) -> dict[str, Any]:
    done = run("snapshot", server.url, "--json", *args)
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def findings(found: dict[str, Any]) -> dict[str, list[str]]:
    """Rows by code of what was found, of all families and the server."""
    told: dict[str, list[str]] = {}
    for part in found["families"].values():
        for finding in part["findings"]:
            told.setdefault(finding["id"], []).append(finding["row"])
    for finding in found["server_findings"]:
        told.setdefault(finding["id"], []).append("")
    return told


def counts(found: dict[str, Any]) -> dict[str, int]:
    return {code: len(rows) for code, rows in findings(found).items()}


# ---- what is there


def test_a_quiet_fleet(server: Server, client: redis.Redis) -> None:
    populate(client)
    found = snapshot(server)
    assert found["layout"] == "upstream"
    assert counts(found) == {**DEFAULT, "limit.banned": 1}
    rows = {family: part["count"] for family, part in found["families"].items()}
    assert rows == {
        "upstream_live_queries": 5,  # three campaigns and two sets
        "upstream_host_tasks": 4,
        "upstream_hosts": 50,
        "upstream_host_cache": 201,
        "upstream_policies": 3,
        "upstream_locks": 5,
        "upstream_mdm": 4,
        "upstream_tokens": 5,
        "upstream_limits": 4,
        "upstream_errors": 2,
        "upstream_store": 8,
        "other": 1,
    }
    campaigns = {row["id"]: row["columns"] for row in found["families"]["upstream_live_queries"]["rows"]}
    assert (campaigns["41"]["pending"], campaigns["42"]["pending"], campaigns["43"]["pending"]) == (100, 40, None)
    assert campaigns["42"]["listeners"] == 0


def test_disorder_is_found_where_it_was_planted(server: Server, client: redis.Redis) -> None:
    disorder(populate(client))
    told = findings(snapshot(server))
    assert {code: len(rows) for code, rows in told.items()} == {
        **DEFAULT,
        "campaign.orphaned": 12,
        "campaign.no-sql": 1,
        "campaign.unheard": 2,
        "campaign.old-name": 1,
        "hosttask.backlog": 3,
        "hosttask.processing": 1,
        "hostcache.no-ttl": 4,
        "hostcache.too-many": 1,
        "policy.not-listed": 1,
        "lock.no-ttl": 1,
        "token.no-ttl": 1,
        "limit.banned": 1,
        "error.no-ttl": 1,
    }


def test_orphans_among_many_campaigns_are_found_exactly(server: Server, client: redis.Redis) -> None:
    """500 bitmaps of which 37 are orphaned, and 40 hold something odd."""
    fleet = Upstream(client)
    orphans = set(range(13, 500, 13))
    assert len(orphans) == 38
    orphans.discard(13)
    for campaign in range(1, 501):
        if campaign in orphans:
            fleet.run_query(campaign, "SELECT 1", range(1, 20))
            fleet.stop_query(campaign)
            fleet.orphan(campaign, 5000)
        else:
            fleet.run_query(campaign, f"SELECT {campaign}", range(1, 20))
        if campaign % 12 == 1 and campaign not in orphans:
            client.set(f"livequery:{{{campaign}}}", ODD, ex=WEEK)
    told = findings(snapshot(server, "--family", "upstream_live_queries"))
    assert {int(row) for row in told["campaign.orphaned"]} == orphans
    assert set(told) == {"campaign.orphaned", "campaign.crowd", "server.pubsub-limit"}


def test_somebody_who_listens(server: Server, client: redis.Redis) -> None:
    fleet = Upstream(client)
    fleet.run_query(7, "SELECT 1", range(1, 40))
    for key in ("sql:livequery:{7}", "livequery:{7}"):
        client.expire(key, WEEK - 300)
    assert counts(snapshot(server)) == {**DEFAULT, "campaign.unheard": 1}
    with client.pubsub() as listening:
        listening.subscribe("results_7")
        assert listening.get_message(timeout=5)
        found = snapshot(server)
    assert counts(found) == DEFAULT
    assert found["families"]["upstream_live_queries"]["rows"][0]["columns"]["listeners"] == 1


@pytest.mark.parametrize("value", [ODD, b"", b"\xff" * 100_000, b'{"a":1}'])
def test_odd_values_crash_nothing(valkey: Server, value: bytes) -> None:
    with redis.Redis(port=valkey.port) as client:
        client.sadd("livequery:active", 7)
        client.set("livequery:{7}", value, ex=60)
        client.set("sql:livequery:{7}", value, ex=60)
        for family in UPSTREAM.families:
            for prefix in family.prefixes:
                client.set(prefix + b"\xff{odd", value)
        found = snapshot(valkey)
        assert found["families"]["upstream_live_queries"]["rows"][0]["state"]
        assert found["complete"]


def test_the_limit_of_listeners(valkey: Server) -> None:
    with Server(VALKEY, "--client-output-buffer-limit", "pubsub 0 0 60") as server:
        server.call("SET", "livequery:{7}", "x", "EX", 60)
        assert "server.pubsub-limit" not in counts(snapshot(server))


def test_a_server_that_tells_nothing_of_its_settings(valkey: Server) -> None:
    valkey.call("SET", "livequery:{7}", "x", "EX", 60)
    valkey.call("ACL", "SETUSER", "narrow", "reset", "on", ">x", "~*", "-@all", "+@read", "+ping", "+info", "+time")
    try:
        done = run("snapshot", f"redis://narrow:x@127.0.0.1:{valkey.port}", "--json")
        told = counts(json.loads(done.out))
        refused = [entry for entry in valkey.call("ACL LOG") if entry["object"].startswith("config")]
        assert len(refused) == 1
        assert int(refused[0]["count"]) == 1
    finally:
        valkey.call("ACL", "DELUSER", "narrow")
    assert told == {"campaign.left-behind": 1}


# ---- credentials


def test_no_credential_is_told_unasked(server: Server, client: redis.Redis) -> None:
    fleet = populate(client)
    disorder(fleet)
    assert len(fleet.secrets.all) > 700
    done = run_all(
        ("snapshot", server.url, "--json"),
        ("snapshot", server.url),
        ("snapshot", server.url, "--json", "--layout", "both"),
    )
    for told in done:
        assert told.code == 0
        assert told.err == ""
        for secret in fleet.secrets.all:
            assert secret[5:] not in told.out
    # In the other layout too: what it does not claim stands among the other keys. Only the id of a sign-in looks like
    # anybody's key there.
    among_others = run("snapshot", server.url, "--json", "--layout", "spec").out
    bare = {key.decode() for key in client.keys("*") if key.decode() in fleet.secrets.all}
    assert len(bare) == 1
    assert not [secret for secret in fleet.secrets.all if secret not in bare and secret[5:] in among_others]
    revealed = run("snapshot", server.url, "--json", "--reveal", "--family", "upstream_tokens", "--family", "other").out
    for secret in (key for key in client.keys("software_installer_token:*")):
        assert secret.decode() in revealed


# ---- reading it again and again


async def test_polling_only_reads(server: Server, client: redis.Redis, eventually: Eventually) -> None:
    disorder(populate(client))
    begin_counting(server)
    recorder = Recorder()
    poller = Poller(address(server), UPSTREAM, recorder, Expected(), 0.5)
    task = aio.spawn(poller.run(), name="poller")
    try:
        await eventually(
            lambda: (
                len(recorder.snapshots) == len(UPSTREAM.families)
                and all(found.complete for found in recorder.snapshots.values())
                and recorder.counts["upstream_live_queries"] > 4
            )
        )
    finally:
        await aio.cancel_and_wait([task])
    assert_only_reads(server)
    told = calls(server)
    assert told["config|get"] == 1
    assert told["pubsub|numsub"] >= 2


async def test_findings_in_the_window(valkey: Server, qapp: object, eventually: Eventually) -> None:
    with redis.Redis(port=valkey.port) as client:
        disorder(populate(client))
    session = Session(address(valkey), UPSTREAM, interval=0.5)
    task = aio.spawn(session.run(), name="session")
    try:
        await eventually(lambda: {f.judgement.code for f in session.findings} >= {"hostcache.too-many", "error.no-ttl"})
        codes = [finding.judgement.code for finding in session.findings]
        assert codes.count("campaign.orphaned") == 12
        assert codes.count("server.pubsub-limit") == 1
        assert session.vitals is not None
        assert "pubsub" in session.vitals.parameters["client-output-buffer-limit"]
    finally:
        await aio.cancel_and_wait([task])


async def test_a_host_cache_of_many_hosts(valkey: Server, qapp: object, eventually: Eventually) -> None:
    """A long family: the enrolled hosts are read all the same, and no name is told whole."""
    with redis.Redis(port=valkey.port) as client:
        fleet = Upstream(client)
        fleet.enroll(range(1, 500))
        for host in range(1, 700):
            fleet.cache_host(host, 170)
    session = Session(address(valkey), UPSTREAM, interval=0.5)
    task = aio.spawn(session.run(), name="session")
    family = host_cache.FAMILY.id
    try:
        await eventually(lambda: (s := session.snapshot(family)) is not None and s.complete and s.long)
        await eventually(lambda: any(f.judgement.code == "hostcache.too-many" for f in session.findings))
        assert not [f for f in session.findings if f.judgement.code.endswith("many") and "break" in f.judgement.text]
        table = session.table(family)
        titles = "\n".join(table.row(position).title for position in range(200))
        assert not any(secret[5:] in titles for secret in fleet.secrets.all)
    finally:
        await aio.cancel_and_wait([task])
