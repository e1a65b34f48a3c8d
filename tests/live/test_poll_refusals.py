"""The poller against servers that refuse: wrong passwords, and accounts that may do little."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from fleetcache_gui.domain.snapshot import Phase
from tests.live.readers import (
    ROWS,
    fill,
    watching,
)
from tests.servers import REDIS_7, VALKEY, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.servers import Binary

    Eventually = Callable[..., Coroutine[Any, Any, None]]


async def test_a_wrong_password_is_sent_once_and_again_only_when_asked(eventually: Eventually) -> None:
    with Server(VALKEY) as server:
        server.call("ACL", "SETUSER", "reader", "on", ">right", "+@all", "~*")

        def attempts() -> int:
            return sum(int(entry["count"]) for entry in server.call("ACL LOG") if entry["reason"] == "auth")

        async with watching(server, username="reader", password="hunter2") as (poller, seen):
            await eventually(lambda: seen.link.phase is Phase.DOWN)
            assert seen.link.next_try is None
            assert "hunter2" not in repr(seen.links)
            await asyncio.sleep(1.5)  # longer than any other trouble would wait
            for _ in range(3):  # what a person does to the window is no wish to log in again
                poller.hold("hidden")
                poller.release("hidden")
                poller.interval = 3.0
                poller.nudge()
            await asyncio.sleep(0.2)
            assert attempts() == 1
            assert not seen.link.server_away
            told = len(seen.links)
            poller.retry()
            await eventually(lambda: len(seen.links) > told)  # an attempt under way is not asked for twice
            assert attempts() == 2
            server.call("ACL", "SETUSER", "reader", ">hunter2")
            poller.retry()
            await eventually(lambda: seen.link.phase is Phase.LIVE)


PROFILES = {
    "scan alone": "resetkeys ~* -@all +scan",
    "scan and get": "resetkeys ~* -@all +scan +get +getrange +ping",
    "names and times": "resetkeys ~* -@all +scan +type +pttl",
    "reads alone": "resetkeys ~* -@all +@read",
    "reads of some keys": "resetkeys ~lock:* -@all +@read +@connection +info",
    "no info": "resetkeys ~* +@all -info",
    "no client": "resetkeys ~* +@all -client",
    "no danger": "resetkeys ~* +@all -@dangerous",
    "no object and memory": "resetkeys ~* +@all -object -memory -time -dbsize",
    "no ping and no commands that list": "resetkeys ~* +@all -ping -command -hello -acl -@admin",
}


@pytest.mark.parametrize("binary", [VALKEY, REDIS_7], ids=lambda binary: binary.name)
@pytest.mark.parametrize("rules", PROFILES.values(), ids=PROFILES.keys())
async def test_accounts_that_may_do_little(
    session_servers: Any, eventually: Eventually, binary: Binary, rules: str
) -> None:
    server = session_servers.get(binary)
    fill(server)
    server.call("ACL", "SETUSER", "narrow", "reset", "on", ">x", *rules.split())
    try:
        async with watching(server, username="narrow", password="x") as (_, seen):
            await eventually(seen.complete)
            assert seen.phases() == ["connecting", "live"]
            assert b"lock:cron:vuln" in seen.rows("locks")
            shown = {key for family in ROWS for key in seen.rows(family)}
            assert shown >= set.union(*ROWS.values()) - {b"7", b"live_query:active"}
            polls = len(seen.vitals)
            await eventually(lambda: len(seen.vitals) > polls)
    finally:
        server.call("ACL", "DELUSER", "narrow")


async def test_what_may_not_be_read_is_said_and_not_taken_for_nothing(valkey: Server, eventually: Eventually) -> None:
    fill(valkey)
    valkey.call("ACL", "SETUSER", "narrow", "reset", "on", ">x", "~*", "-@all", "+scan", "+getrange", "+ping")
    try:
        async with watching(valkey, username="narrow", password="x") as (_, seen):
            await eventually(seen.complete)
            assert "(TYPE)" in str(seen.snapshots["locks"].refused)
            assert seen.rows("live_queries")[b"7"].why == "How many hosts have answered could not be read."
            valkey.call("ACL", "SETUSER", "narrow", "+type")
            await eventually(lambda: seen.snapshots["locks"].refused is None)
            assert "Held by api-1." in seen.rows("locks")[b"lock:cron:vuln"].why
            assert ("Could not be read", "NOPERM") in seen.rows("host_queue")[b"async_host:detail"].facts
    finally:
        valkey.call("ACL", "DELUSER", "narrow")


async def test_an_account_that_may_not_scan_is_told(valkey: Server, eventually: Eventually) -> None:
    valkey.call("ACL", "SETUSER", "blind", "reset", "on", ">x", "~*", "+@all", "-scan")
    try:
        async with watching(valkey, username="blind", password="x") as (_, seen):
            await eventually(lambda: seen.link.phase is Phase.DOWN)
            assert "may not do what is needed" in seen.link.text
            assert "+@read" in seen.link.advice
    finally:
        valkey.call("ACL", "DELUSER", "blind")
