"""The lane: right replies whatever the bytes, and one sentence in time whatever goes wrong."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest
import redis

from fleetcache_gui.domain.values import ReplyError
from fleetcache_gui.redis_io.allow import READS, NotAllowed
from fleetcache_gui.redis_io.check import Step, check
from fleetcache_gui.redis_io.faults import Fault, Trouble, cause
from fleetcache_gui.redis_io.lane import Lane
from tests.live.readers import address, calls, connected, inspectors, lane_to, peer, trouble_of, watching
from tests.servers import REDIS_7, REDIS_8, VALKEY, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.servers import Binary

# ---- bytes ------------------------------------------------------------------------------------------------


async def test_keys_and_values_of_all_bytes(server: Server) -> None:
    names = [bytes([n]) for n in range(256)]
    names += [b"", bytes(range(256)), b"\r\n$3\r\n", b"k" * 65536, b"\xff\xfe\0", "\u202e".encode()]
    with redis.Redis(port=server.port) as client:
        for name in names:
            client.set(name, name[::-1])
        client.set("large", bytes(range(256)) * 4096)
    async with lane_to(server) as lane:
        replies = await lane.exchange([(b"GETRANGE", name, b"0", b"-1") for name in names])
        assert replies == [name[::-1] for name in names]
        large = await lane.ask(b"GETRANGE", b"large", b"0", b"-1")
        assert large == bytes(range(256)) * 4096
        assert await lane.ask(b"STRLEN", b"large") == 1 << 20


async def test_many_commands_in_one_exchange_keep_their_order(valkey: Server) -> None:
    with redis.Redis(port=valkey.port) as client:
        client.mset({str(n): n for n in range(5000)})
    async with lane_to(valkey) as lane:
        replies = await lane.exchange([(b"GETRANGE", b"%d" % n, b"0", b"-1") for n in range(5000)])
        assert replies == [b"%d" % n for n in range(5000)]


async def test_errors_are_values_and_the_lane_goes_on(valkey: Server) -> None:
    valkey.call("SET", "text", "x")
    async with lane_to(valkey) as lane:
        replies = await lane.exchange([(b"LLEN", b"text"), (b"PING",), (b"GETRANGE", b"text")])
        assert [getattr(reply, "code", reply) for reply in replies] == ["WRONGTYPE", b"PONG", "ERR"]
        assert await lane.exchange([]) == []
        assert await lane.ask(b"PING") == b"PONG"


async def test_what_is_no_read_does_not_leave(valkey: Server) -> None:
    async with lane_to(valkey) as lane:
        with pytest.raises(NotAllowed):
            await lane.exchange([(b"PING",), (b"SET", b"k", b"v")])
        assert await lane.ask(b"PING") == b"PONG"
    assert valkey.call("EXISTS", "k") == 0


def test_every_entry_of_the_allow_list_is_a_read(server: Server) -> None:
    with redis.Redis(port=server.port) as client:
        facts = {facts["name"].upper().encode(): facts for facts in client.command().values()}
    # keyless, or containers
    own = {b"PING", b"TIME", b"INFO", b"CLIENT", b"CLUSTER", b"XINFO", b"OBJECT", b"MEMORY", b"CONFIG", b"PUBSUB"}
    own |= {b"READONLY", b"ASKING", b"SLOWLOG"}
    for name in READS:
        flags = facts[name]["flags"]
        assert not {"write", "blocking", "pubsub"} & set(flags), name
        assert name in own or "readonly" in flags, name
    assert all(READS[name] for name in facts if name in READS and facts[name]["flags"] == [])


# ---- whose reply is it ------------------------------------------------------------------------------------


async def test_a_storm_of_cancellations_never_gives_a_wrong_reply(valkey: Server) -> None:
    with redis.Redis(port=valkey.port) as client:
        client.mset({str(n): f"value {n}" * 50 for n in range(100)})
    dice = random.Random(7)
    right = cancelled = 0
    lane = await Lane.open(address(valkey))

    async def ask(number: int) -> None:
        nonlocal right
        try:
            reply = await lane.ask(b"GETRANGE", b"%d" % number, b"0", b"-1")
        except Trouble as trouble:
            assert trouble.fault is Fault.LOST  # noqa: PT017
        else:
            assert reply == b"value %d" % number * 50
            right += 1

    for _ in range(300):
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(ask(dice.randrange(100))) for _ in range(5)]
            for _ in range(dice.randrange(6)):
                await asyncio.sleep(0)
            for task in dice.sample(asked, dice.randrange(3)):
                cancelled += task.cancel()
        try:
            await lane.ask(b"PING")
        except Trouble:
            lane = await Lane.open(address(valkey))
    await lane.close()
    assert right > 300
    assert cancelled > 100


async def test_a_reply_that_nobody_asked_for_ends_the_lane() -> None:
    async with peer(b"+PONG\r\n", b"+PONG\r\n+PONG\r\n") as target:
        lane = await Lane.open(target)
        with pytest.raises(Trouble):
            await lane.ask(b"PING")
        with pytest.raises(Trouble):
            await lane.ask(b"PING")


# ---- servers that go --------------------------------------------------------------------------------------


async def test_a_server_that_is_killed(valkey: Server) -> None:
    async with lane_to(valkey) as lane:
        await lane.ask(b"PING")
        valkey.kill()
        with pytest.raises(Trouble) as lost:
            await lane.ask(b"PING")
        assert lost.value.fault is Fault.LOST
        with pytest.raises(Trouble) as closed:
            await lane.ask(b"PING")
        assert closed.value.fault is Fault.LOST
        assert (await trouble_of(address(valkey))).fault is Fault.REFUSED


async def test_a_server_that_is_frozen(valkey: Server) -> None:
    """Met in the middle, while connecting, and while logging in."""

    async def asked(lane: Lane) -> Trouble:
        with pytest.raises(Trouble) as caught:
            await lane.ask(b"PING")
        return caught.value

    async with lane_to(valkey) as lane:
        with valkey.frozen():
            troubles = await asyncio.gather(
                asked(lane), trouble_of(address(valkey)), trouble_of(address(valkey, password="x", database=3))
            )
            assert {trouble.fault for trouble in troubles} == {Fault.TIMEOUT}


async def test_whoever_waited_for_a_frozen_server_is_not_the_cause(valkey: Server) -> None:
    async with lane_to(valkey) as lane:
        with valkey.frozen():
            troubles = await asyncio.gather(*(lane.ask(b"PING") for _ in range(3)), return_exceptions=True)
    met = [trouble for trouble in troubles if isinstance(trouble, Trouble)]
    assert [trouble.fault for trouble in met] == [Fault.TIMEOUT, Fault.LOST, Fault.LOST]
    assert cause(met) is cause(reversed(met)) is met[0]
    assert cause(met[1:]) is met[1]


async def test_a_connection_that_the_server_closed_while_idle(valkey: Server) -> None:
    async with connected(valkey) as node:
        valkey.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        with pytest.raises(Trouble) as lost:
            await node.ask(b"PING")
        assert lost.value.fault is Fault.LOST


async def test_a_closed_lane_leaves_no_connection(valkey: Server, eventually: Callable[..., Any]) -> None:
    async with connected(valkey):
        assert inspectors(valkey) == 1
    await eventually(lambda: inspectors(valkey) == 0)


# ---- servers that refuse ----------------------------------------------------------------------------------


def attempts(server: Server) -> int:
    """Logins that failed, from ACL LOG."""
    log: list[dict[str, Any]] = server.call("ACL LOG")
    return sum(int(entry["count"]) for entry in log if entry["reason"] == "auth")


@pytest.mark.parametrize("binary", [VALKEY, REDIS_7, REDIS_8], ids=lambda binary: binary.name)
async def test_passwords(binary: Any) -> None:
    with Server(binary) as server:
        server.call("ACL", "SETUSER", "reader", "on", ">right", "+@all", "~*")
        wrong = await trouble_of(address(server, username="reader", password="hunter2"))
        assert (wrong.fault, wrong.final) == (Fault.PASSWORD, True)
        assert "hunter2" not in f"{wrong} {wrong!r} {wrong.advice}"
        assert attempts(server) == 1
        assert (await trouble_of(address(server, username="nobody", password="hunter2"))).fault is Fault.PASSWORD
        assert attempts(server) == 2
        async with connected(server, username="reader", password="right") as node:
            assert await node.ask(b"PING") == b"PONG"
        assert attempts(server) == 2


async def test_a_password_where_none_is_known_and_none_where_one_is(valkey: Server) -> None:
    assert (await trouble_of(address(valkey, password="hunter2"))).fault is Fault.PASSWORD
    with Server(VALKEY) as server:
        server.call("CONFIG", "SET", "requirepass", "right")
        missing = await trouble_of(address(server))
        assert missing.fault is Fault.PASSWORD
        assert "asks for a password" in missing.text


async def test_a_database_that_does_not_exist(server: Server) -> None:
    trouble = await trouble_of(address(server, database=99))
    assert trouble.fault is Fault.DATABASE
    assert "99" in trouble.text


async def test_databases_are_apart(valkey: Server) -> None:
    with redis.Redis(port=valkey.port, db=5) as client:
        client.set("five", "5")
    async with connected(valkey, database=5) as five, connected(valkey) as zero:
        assert five.vitals.keys == 1
        assert zero.vitals.keys == 0
    valkey.flush()


async def test_a_server_without_room_for_another_client() -> None:
    with Server(VALKEY, "--maxclients", "3") as server, redis.Redis(port=server.port) as client:
        held = [client.connection_pool.get_connection() for _ in range(3)]
        assert (await trouble_of(address(server))).fault is Fault.FULL
        for connection in held:
            connection.disconnect()


async def test_a_server_that_runs_a_script() -> None:
    with Server(VALKEY, "--busy-reply-threshold", "1") as server, redis.Redis(port=server.port) as client:
        running = client.connection_pool.get_connection()
        running.send_command("EVAL", "while true do end", 0)
        await until_error(server, b"BUSY")
        trouble = await trouble_of(address(server))
        server.call("SCRIPT", "KILL")
        running.disconnect()
        assert (trouble.fault, trouble.final) == (Fault.BUSY, False)


async def test_a_server_that_loads_its_data() -> None:
    slow = "--enable-debug-command yes --key-load-delay 2000 --loading-process-events-interval-bytes 1024"
    with Server(VALKEY, *slow.split()) as server, redis.Redis(port=server.port) as client:
        client.mset({f"key:{n}": "x" * 100 for n in range(1000)})
        loading = client.connection_pool.get_connection()
        loading.send_command("DEBUG", "RELOAD")
        await until_error(server, b"LOADING")
        trouble = await trouble_of(address(server))
        assert (trouble.fault, trouble.final) == (Fault.LOADING, False)
        loading.disconnect()


async def until_error(server: Server, code: bytes) -> None:
    """Until PING is answered by this error."""
    async with asyncio.timeout(30):
        while True:
            reader, writer = await asyncio.open_connection(server.host, server.port)
            writer.write(b"PING\r\n")
            said = await reader.readline()
            writer.close()
            await writer.wait_closed()
            if said.startswith(b"-" + code):
                return


# ---- servers that lack commands ---------------------------------------------------------------------------


class Bare(Server):
    """A server without each command that is not needed. INFO has another name, by which the harness asks."""

    LACKING = "CLIENT CONFIG COMMAND ACL OBJECT KEYS HELLO EVAL MEMORY PEXPIRETIME DBSIZE TIME XINFO".split()  # noqa: SIM905

    def __init__(self, binary: Binary) -> None:
        renamed = [word for name in self.LACKING for word in ("--rename-command", name, "")]
        super().__init__(binary, *renamed, "--rename-command", "INFO", "INFO-OF-THE-TESTS")

    def info(self, section: str = "server") -> dict[str, Any]:
        lines = self.call("INFO-OF-THE-TESTS", section).decode().splitlines()
        found = dict(line.split(":", 1) for line in lines if ":" in line)
        return {name: int(value) if value.isdigit() else value for name, value in found.items()}


@pytest.fixture(scope="module", params=[VALKEY, REDIS_7], ids=lambda binary: binary.name)
def bare_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with Bare(request.param) as server:
        yield server


@pytest.mark.parametrize("name", ["CLIENT", "OBJECT", "MEMORY", "PEXPIRETIME", "TIME", "DBSIZE"])
async def test_each_command_that_is_not_needed_may_be_missing(name: str, eventually: Callable[..., Any]) -> None:
    with Server(REDIS_7, "--rename-command", name, "") as server:
        server.call("SET", "lock:x", "api-1:0123456789abcdef", "EX", 60)
        async with watching(server) as (_, seen):
            await eventually(lambda: seen.complete() and seen.rows("locks"))
            assert seen.phases() == ["connecting", "live"]


async def test_all_that_are_not_needed_may_be_missing(bare_server: Server, eventually: Callable[..., Any]) -> None:
    bare_server.call("SET", "lock:x", "api-1:0123456789abcdef", "EX", 60)
    async with watching(bare_server) as (_, seen):
        await eventually(lambda: seen.complete() and seen.rows("locks"))
        assert seen.rows("locks")[b"lock:x"].state.word == "held"
    async with connected(bare_server) as node:
        assert (node.absolute, node.skew) == (False, None)
        assert node.vitals.keys is None
        assert node.vitals.version == "?"
        assert isinstance(await node.ask(b"MEMORY", b"USAGE", b"k"), ReplyError)
        assert await node.ask(b"PING") == b"PONG"


async def test_what_a_bare_server_lacks_is_named(bare_server: Server) -> None:
    told: list[Step] = []
    assert await check(address(bare_server), told.append)
    notes = " ".join(told[-1].notes)
    for name in ("INFO", "DBSIZE", "TIME", "CLIENT SETNAME", "OBJECT ENCODING", "MEMORY USAGE", "PEXPIRETIME"):
        assert f"The server has no {name}:" in notes
    assert "SCAN" not in notes


async def test_an_account_may_lack_info(valkey: Server) -> None:
    """The harness itself needs INFO, so it is an account here that must not use it."""
    valkey.call("ACL", "SETUSER", "narrow", "on", ">x", "resetchannels", "-@all", "+scan", "~*")
    try:
        async with connected(valkey, username="narrow", password="x") as node:
            assert node.vitals.version == "?"
            assert node.vitals.calls == {}
            assert isinstance(await node.ask(b"SCAN", b"0"), list)
    finally:
        valkey.call("ACL", "DELUSER", "narrow")


async def test_where_commands_are_there_they_are_used(server: Server) -> None:
    async with connected(server) as node:
        assert node.absolute
        assert node.skew is not None
        assert abs(node.skew) < 0.1
        assert node.vitals.server_name == ("Valkey" if server.name == VALKEY.name else "Redis")
        assert server.name.endswith(".".join(node.vitals.version.split(".")[:2]))
        assert node.vitals.run_id == server.info()["run_id"]
        assert "ping" in node.vitals.calls or calls(server)["ping"]
        assert 0 < await node.refresh() < 1
