"""What an account may not do is known before it is tried: what a plan says beforehand is what happens."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import redis

from fleetcache_gui.domain.plan import Outcome, Plan
from fleetcache_gui.domain.verbs import Refusal
from fleetcache_gui.redis_io.faults import Trouble
from tests.live.desk import Desk, desk
from tests.live.readers import address
from tests.monitor import Monitor
from tests.servers import REDIS_7, VALKEY, Binary, Server, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOCK, TOKEN, ACTIVE = b"lock:a", b"sw:installer:token:0c1f6e1e-0000-4000-8000-000000000001", b"live_query:active"
LIMIT, FOREVER = b"rate_limit:login:10.0.0.7", b"cache:app_config"
TASKS = {
    "release": ("locks.release", LOCK, ""),
    "token": ("installer_tokens.remove", TOKEN, ""),
    "limit": ("rate_limits.remove", LIMIT, ""),
    "unlist": ("live_queries.unlist", b"5", ""),
    "stop": ("live_queries.stop", b"7", ""),
    "expire": ("config_cache.expire", FOREVER, "60000"),
}
ALL = frozenset(TASKS)
BASE = "~* &* +@all"
DIALECTS = {
    "asks": "",  # ACL DRYRUN tells
    "tries": "-acl",  # one script tries
    "asks-itself": "-acl +acl|whoami +acl|dryrun",
}

KNOWING = "+info +client +command +acl|whoami +cluster +ping +memory|usage"

PROFILES: dict[str, tuple[str, frozenset[str], str]] = {
    "all": (BASE, ALL, ""),
    "no-eval": (f"{BASE} -eval -evalsha", frozenset(), "The account may not use EVAL."),
    "no-evalsha": (f"{BASE} -evalsha", ALL, ""),
    "no-unlink": (f"{BASE} -unlink", frozenset({"expire", "unlist"}), "The account may not use UNLINK."),
    "no-srem": (f"{BASE} -srem", ALL - {"unlist", "stop"}, "The account may not use SREM."),
    "no-pexpireat": (f"{BASE} -pexpireat", ALL - {"expire"}, "The account may not use PEXPIREAT."),
    "no-own": (f"{BASE} -delifeq", ALL, ""),
    "locks-alone": ("~lock:* &* +@all", frozenset({"release"}), "The account may not change these keys."),
    "locks-written": ("%R~* ~lock:* &* +@all", frozenset({"release"}), "The account may not change these keys."),
    "read-only": (f"~* &* +@read {KNOWING}", frozenset(), "The account may not use "),
    "no-dump": (f"{BASE} -dump", frozenset({"unlist"}), "The account may not use DUMP."),
    "no-memory": (f"{BASE} -memory", ALL, ""),
    "no-command": (f"{BASE} -command", ALL, ""),
    "no-pexpiretime": (f"{BASE} -pexpiretime", ALL, ""),
    "no-pttl": (f"{BASE} -pttl -pexpiretime", frozenset({"unlist"}), "account may not "),
    "no-type": (f"{BASE} -type", frozenset(), "The account may not use TYPE."),
}  # fmt: skip


def fill(client: redis.Redis) -> None:
    with client.pipeline(transaction=False) as pipe:
        pipe.flushall()
        pipe.set(LOCK, "t:0123456789ab", px=60_000)
        pipe.set(TOKEN, '{"title_id":1}', px=60_000)
        pipe.set(LIMIT, "7", px=60_000)
        pipe.set(FOREVER, "{}")
        pipe.sadd(ACTIVE, "5", "6", "7")
        pipe.set(b"live_query:campaign:7:sql", "select 1")
        pipe.execute()


@contextmanager
def account(server: Server, rules: str) -> Iterator[Any]:
    server.call("ACL", "SETUSER", "bob", "reset", "on", ">hunter2", *rules.split())
    try:
        yield address(server, username="bob", password="hunter2")
    finally:
        server.call("ACL", "DELUSER", "bob")


def state(client: redis.Redis) -> list[Any]:
    with client.pipeline(transaction=False) as pipe:
        pipe.keys()
        pipe.smembers(ACTIVE)
        pipe.persist(FOREVER)
        keys, members, had_expiry = pipe.execute()
    return [sorted(keys), members, had_expiry]


async def attempt(at: Desk, everyone: Desk, client: redis.Redis, task: str) -> tuple[bool, str]:
    """Whether a task was done by the account, and what was said where it could not even be planned. Rows are read by
    somebody who may read everything, as the prediction is what is looked at."""
    fill(client)
    before = state(client)
    verb, row, choice = TASKS[task]
    rows = await everyone.rows(verb.partition(".")[0], row)
    made = await at.try_plan(verb, rows, choice)
    if isinstance(made, Refusal):
        assert state(client) == before
        return False, made.text
    receipt = await at.do(made)
    # Predicted is actual: what is planned is done.
    assert set(receipt.outcomes) == {Outcome.DONE}, (task, receipt.outcomes, receipt.notes)
    assert state(client) != before
    return not made.skipped, " ".join(skip.reason for skip in made.skipped)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("binary", [VALKEY, REDIS_7], ids=lambda binary: binary.name)
async def test_predicted_is_actual(
    session_servers: Any, tmp_path: Path, binary: Binary, profile: str, dialect: str
) -> None:
    server: Server = session_servers.get(binary)
    rules, able, why = PROFILES[profile]
    if binary is REDIS_7:
        rules = rules.replace(" -delifeq", "")
    elif profile in ("no-eval", "no-unlink"):
        able |= {"release"}  # by its own compare-and-delete
    with account(server, f"{rules} {DIALECTS[dialect]}") as login:
        async with desk(login, tmp_path) as at, desk(address(server), tmp_path / "all") as everyone:
            with redis.Redis(port=server.port, protocol=2) as client:
                async with everyone.reading():
                    told = {task: await attempt(at, everyone, client, task) for task in TASKS}
    assert {task for task, (done, _) in told.items() if done} == able
    for task, (done, text) in told.items():
        if not done:
            assert why in text, (task, text)
            assert "hunter2" not in text
            assert text.endswith(".")
    server.check()


async def test_an_account_without_anything_cannot_even_begin(server: Server, tmp_path: Path) -> None:
    with account(server, "~* -@all +ping +client") as login, pytest.raises(Trouble) as refused:
        async with desk(login, tmp_path):
            pass
    assert refused.value.text == f"{address(server)} does not tell who it is (INFO)."
    assert refused.value.advice == "Nothing is changed on a server that cannot be told from another."


async def test_without_info_nothing_is_changed(server: Server, tmp_path: Path) -> None:
    with redis.Redis(port=server.port, protocol=2) as client:
        fill(client)
    with account(server, f"{BASE} -info") as login, Monitor(server) as seen:
        with pytest.raises(Trouble, match="does not tell who it is"):
            async with desk(login, tmp_path):
                pass
        assert seen.writes() == []


RENAMED = {
    "EVAL": (frozenset({"release"}), "The server has no EVAL (or it was renamed)."),
    "UNLINK": (frozenset({"release", "expire", "unlist"}), "The server has no UNLINK (or it was renamed)."),
    "EVALSHA": (ALL, ""),
    "DUMP": (frozenset({"unlist"}), "The server has no DUMP (or it was renamed)."),
    "ACL": (ALL, ""),
    "COMMAND": (ALL, ""),
    "CLIENT": (ALL, ""),
    "MEMORY": (ALL, ""),
}


@pytest.mark.parametrize("name", RENAMED)
@pytest.mark.parametrize("binary", [VALKEY, REDIS_7], ids=lambda binary: binary.name)
async def test_renamed_commands(tmp_path: Path, binary: Binary, name: str) -> None:
    able, why = RENAMED[name]
    if binary is REDIS_7:
        able = {"EVAL": frozenset[str](), "UNLINK": able - {"release"}}.get(name, able)
    with Server(binary, "--rename-command", name, "") as server:
        async with desk(address(server), tmp_path) as at:
            with redis.Redis(port=server.port, protocol=2) as client:
                told = {task: await attempt(at, at, client, task) for task in TASKS}
    assert {task for task, (done, _) in told.items() if done} == able
    assert all(why in text for done, text in told.values() if not done)


async def test_a_replica_is_refused_before_anything_is_sent(server: Server, tmp_path: Path) -> None:
    with redis.Redis(port=server.port, protocol=2) as client:
        fill(client)
    with Server(server.binary) as replica:
        replica.call("REPLICAOF", server.host, server.port)
        wait_until(lambda: replica.info("replication").get("master_link_status") == "up", "the replica follows")
        wait_until(lambda: replica.call("EXISTS", LOCK) == 1, "it has the keys")
        with Monitor(replica) as seen:
            async with desk(address(replica), tmp_path) as at:
                for verb, row, choice in TASKS.values():
                    made = await at.try_plan(verb, await at.rows(verb.partition(".")[0], row), choice)
                    assert isinstance(made, Refusal)
                    assert "This is a replica: it takes no writes." in made.text
            assert seen.writes() == []


async def test_a_primary_that_becomes_a_replica_is_not_the_one_that_was_previewed(
    server: Server, tmp_path: Path
) -> None:
    with redis.Redis(port=server.port, protocol=2) as client:
        fill(client)
    with Server(server.binary) as other:
        async with desk(address(server), tmp_path) as at:
            plan = await at.plan("locks.release", await at.rows("locks", LOCK))
            assert isinstance(plan, Plan)
            server.call("REPLICAOF", other.host, other.port)
            try:
                with Monitor(server) as seen:
                    receipt = await at.do(plan)
                    assert not [c for c in seen.writes() if LOCK in c.words]
            finally:
                server.call("REPLICAOF", "NO", "ONE")
    assert receipt.outcomes == (Outcome.CANCELLED,)
    assert "is not the server that was previewed" in receipt.trouble


async def test_what_an_account_may_do_is_asked_anew(server: Server, tmp_path: Path) -> None:
    with account(server, BASE) as login, redis.Redis(port=server.port, protocol=2) as client:
        async with desk(login, tmp_path) as at:
            fill(client)
            rows = await at.rows("installer_tokens", TOKEN)
            plan = await at.plan("installer_tokens.remove", rows)
            server.call("ACL", "SETUSER", "bob", "-unlink")
            receipt = await at.do(plan)
            assert receipt.outcomes == (Outcome.REFUSED,)
            assert receipt.notes == {0: "The account may not use UNLINK."}
            server.call("ACL", "SETUSER", "bob", "+unlink")
            await at.hands.nodes[""].identify()  # as each plan does
            assert (await at.do(await at.plan("installer_tokens.remove", rows))).outcomes == (Outcome.DONE,)


async def test_what_cannot_be_saved_with_its_expiry_stays(server: Server, tmp_path: Path) -> None:
    with account(server, BASE) as login, redis.Redis(port=server.port, protocol=2) as client:
        async with desk(login, tmp_path) as at:
            fill(client)
            plan = await at.plan("installer_tokens.remove", await at.rows("installer_tokens", TOKEN))
            server.call("ACL", "SETUSER", "bob", "-pexpiretime")
            receipt = await at.do(plan)
            assert receipt.outcomes == (Outcome.REFUSED,)
            assert receipt.notes == {0: "it could not be saved for undo: its expiry cannot be read"}
    assert server.call("EXISTS", TOKEN) == 1
