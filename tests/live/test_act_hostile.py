"""Hostile names and values, through every verb and back: to a server they are keys and arguments, never commands."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
import redis

from fleetcache_gui.domain.plan import Outcome, command_shown
from fleetcache_gui.families.spec import SPEC
from tests.live.desk import desk
from tests.live.readers import address
from tests.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.servers import Server

DONE = Outcome.DONE
CHANCE = random.Random(7)

NASTY = [
    b"",
    *(bytes([byte]) for byte in range(256)),
    bytes(range(256)),
    b"x" * 65_536,
    *(
        b"*",
        b"?",
        b"[a]",
        b"[^a]",
        b"a*",
        b"\\",
        b"\\*",
        b"{a}",
        b"{",
        b"}{",
        b"a b",
        b"a\nb",
        b"a\r\nb",
        b"\0",
        b"a\0b",
    ),
    *(b"'", b'"', b"''", b"]]", b"]]..redis.call('FLUSHALL')..[[", b"') redis.call('FLUSHALL') --", b"%s%n%1"),
    *(b"'; redis.call('FLUSHALL'); local x = '", b"${7*7}", b"$(reboot)", b"`id`", b"\r\n*1\r\n$8\r\nFLUSHALL\r\n"),
    *(b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n", b"FLUSHALL", b"REPLACE", b"ABSTTL", b"IFEQ", b"ASYNC", b"0", b"-1"),
    *(b"<img src=file:///etc/passwd>", b"<table>", b"\xe2\x80\xae", b"\xe2\x80\x8b", b"\xc2\xa0", b"\xed\xa0\x80"),
    *(b"\xff\xfe\0", b"KEYS[1]", b"ARGV[6]", b"nil", b"false", b"__index", b"done", b"unsaved", b"changed"),
]
PREFIXES = {
    "locks": b"lock:",
    "installer_tokens": b"sw:installer:token:",
    "rate_limits": b"rate_limit:",
    "config_cache": b"cache:team:",
    "preassign": b"mdm:apple:preassign:",
    "live_queries": b"live_query:",
}
COMMANDS = {
    *(
        b"info",
        b"type",
        b"pexpiretime",
        b"pttl",
        b"memory",
        b"dump",
        b"strlen",
        b"getrange",
        b"hlen",
        b"exists",
        b"time",
    ),
    *(b"scard", b"sscan", b"sismember", b"eval", b"evalsha", b"delifeq", b"delex", b"unlink"),
    *(b"restore", b"srem", b"sadd"),
    *(b"ping", b"client", b"cluster", b"acl", b"command", b"dbsize", b"select", b"hstrlen", b"hmget", b"pexpireat"),
    *(b"persist", b"lrange", b"xinfo", b"srandmember", b"object", b"zcard", b"llen", b"xlen"),
}
"""Everything that a deed may be seen to send, inside of scripts or not."""


def names(family: str) -> list[bytes]:
    found = [PREFIXES[family] + text for text in NASTY]
    return [key for key in dict.fromkeys(found) if SPEC.families[SPEC.router(key)].id == family]


def held(server: Server) -> dict[bytes, Any]:
    with server_client(server) as client:
        keys = sorted(client.keys())
        with client.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.dump(key)
                pipe.pexpiretime(key)
            told = pipe.execute()
    return {key: tuple(told[2 * n : 2 * n + 2]) for n, key in enumerate(keys)}


def server_client(server: Server) -> Any:
    return redis.Redis(port=server.port, protocol=2)


def proper(seen: Monitor, secrets: Sequence[bytes]) -> None:
    """Commands are of the list, and what is hostile stands where keys and arguments do."""
    told = seen.commands(exclude=[b"config", b"flushall", b"set", b"hset", b"keys", b"smembers"])
    assert told
    assert {command.name for command in told} <= COMMANDS
    nasty = {text for text in secrets if text}
    for command in told:
        assert command.words[0] not in nasty
        if command.name in (b"eval", b"evalsha"):
            assert not any(text in command.words[1] for text in secrets if len(text) > 9)  # never in the script itself
            assert command.words[2].isdigit()
        if command.name == b"restore":
            assert command.words[4:] == (b"ABSTTL",)
            assert command.words[2].isdigit()


@pytest.mark.parametrize("family", PREFIXES)
async def test_names_of_any_bytes_go_and_come_back(server: Server, tmp_path: Path, family: str) -> None:
    keys = names(family)
    assert len(keys) > 250
    with server_client(server) as client, client.pipeline(transaction=False) as pipe:
        for number, key in enumerate(keys):
            value = CHANCE.choice(NASTY)
            if family == "preassign":
                # Short ones: a HASH laid out as a table has no order, and so neither has its dump.
                pipe.hset(key, mapping={b"team": value[:60], CHANCE.choice(NASTY)[:60]: b"x"})
                pipe.pexpire(key, 600_000 + number)
            else:
                pipe.set(key, value, px=600_000 + number)
        pipe.set(b"bystander", b"1")
        pipe.execute()
    before = held(server)
    half = keys[::2]
    verb = {"locks": "release"}.get(family, "remove")
    chosen = half if family != "live_queries" else [key for key in half if key != b"live_query:active"]
    with Monitor(server) as seen:
        async with desk(address(server), tmp_path) as at:
            if family == "live_queries":
                plan = await at.plan("live_queries.flush", await at.rows(family, *chosen))
            else:
                plan = await at.plan(f"{family}.{verb}", await at.rows(family, *chosen))
            assert [step.draft.key for step in plan.steps] == chosen
            assert all("\n" not in command_shown(step) for step in plan.steps)
            receipt = await at.do(plan)
            assert receipt.counts == {DONE: len(chosen)}
            after = held(server)
            assert after.keys() == before.keys() - set(chosen)
            assert all(after[key] == before[key] for key in after)
            assert (await at.undo(plan)).counts == {DONE: len(chosen)}
        proper(seen, NASTY)
    assert held(server) == before


async def test_members_of_any_bytes_go_and_come_back(server: Server, tmp_path: Path) -> None:
    active = b"live_query:active"
    members = [text for text in dict.fromkeys(NASTY) if not text.startswith(b"live_query:")]
    with server_client(server) as client:
        client.sadd(active, *members, b"11", b"1")
        client.set(b"live_query:campaign:11:sql", b"s")
        with Monitor(server) as seen:
            async with desk(address(server), tmp_path) as at:
                half = list(dict.fromkeys([*members[::2], b"1"]))
                rows = await at.rows("live_queries", *half)
                plan = await at.plan("live_queries.unlist", rows)
                gone = {step.draft.args[0] for step in plan.steps}
                assert b"1" in gone
                assert len(gone) >= len(half) - 2
                assert (await at.do(plan)).counts == {DONE: len(gone)}
                assert set(client.smembers(active)) == {*members, b"11", b"1"} - gone
                assert (await at.undo(plan)).counts == {DONE: len(gone)}
            proper(seen, NASTY)
        assert set(client.smembers(active)) == {*members, b"11", b"1"}


async def test_campaign_1_is_not_campaign_11(server: Server, tmp_path: Path) -> None:
    others: list[bytes] = []
    for name in (b"1", b"11", b"111", b"10", b"*", b"?", b"[1]", b"1*", b"01", b"1:sql", b"1\0"):
        for kind in (b"sql", b"hosts_completed"):
            key = b"live_query:campaign:%b:%b" % (name, kind)
            server.call(*(("SET", key, "s") if kind == b"sql" else ("SADD", key, "1")))
            others += [key] if name != b"1" else []
    async with desk(address(server), tmp_path) as at:
        plan = await at.plan("live_queries.cleanup", await at.rows("live_queries", b"1"))
        assert (await at.do(plan)).counts == {DONE: 2}
    assert sorted(server.call("KEYS", "*")) == sorted(others)


async def test_nothing_of_a_secret_name_is_told(server: Server, tmp_path: Path) -> None:
    secret = b"0c1f6e1e-dead-4000-8000-beefbeefbeef"
    token = b"sw:installer:token:" + secret
    server.call("SET", token, '{"title_id":1,"secret":"canary"}', "PX", 60_000)
    async with desk(address(server), tmp_path) as at:
        plan = await at.plan("installer_tokens.remove", await at.rows("installer_tokens", token))
        receipt = await at.do(plan)
        assert receipt.outcomes == (DONE,)
        told = f"{plan}{receipt}{at.log.entries}{at.told}"
    for canary in (secret.decode(), secret[9:].decode(), "canary"):
        assert canary not in told
