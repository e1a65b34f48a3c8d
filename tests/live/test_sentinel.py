"""Sentinel: the primary is found through real sentinels, and found again after a failover."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fleetcache_gui import aio
from fleetcache_gui.domain.family import Expected
from fleetcache_gui.domain.snapshot import Phase
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.address import Address, Sentinel
from fleetcache_gui.redis_io.check import Outcome, Step, check
from fleetcache_gui.redis_io.faults import Fault
from fleetcache_gui.redis_io.poll import Poller
from fleetcache_gui.redis_io.sentinel import resolve
from tests.live.commands import run
from tests.live.readers import Recorder, peer, trouble_of
from tests.live.sentinels import SERVICE, Watched
from tests.servers import HOST, VALKEY, Server, free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

    Eventually = Callable[..., Coroutine[Any, Any, None]]


@pytest.fixture
def watched() -> Iterator[Watched]:
    with Watched() as started:
        yield started


def by_sentinel(at: tuple[tuple[str, int], ...], service: str = SERVICE) -> Address:
    return Address("", 0, sentinel=Sentinel(service, at))


@asynccontextmanager
async def watching(address: Address) -> AsyncIterator[Recorder]:
    recorder = Recorder()
    task = aio.spawn(Poller(address, SPEC, recorder, Expected(), 0.5).run(), name="poller")
    try:
        yield recorder
    finally:
        await aio.cancel_and_wait([task])


async def test_a_primary_that_dies_is_followed(watched: Watched, eventually: Eventually) -> None:
    run_ids = [server.info()["run_id"] for server in (watched.primary, watched.replica)]
    async with watching(by_sentinel(watched.at)) as seen:
        await eventually(lambda: seen.link.phase is Phase.LIVE)
        assert seen.vitals[-1].run_id == run_ids[0]
        watched.primary.kill()
        await eventually(lambda: seen.vitals[-1].run_id == run_ids[1], timeout=30)
        assert seen.vitals[-1].role == "master"
        assert Phase.DOWN in {link.phase for link in seen.links}


async def test_a_primary_that_steps_down_is_left(watched: Watched, eventually: Eventually) -> None:
    """It stays alive, as a replica; what is shown must be the new primary's."""
    run_id = watched.replica.info()["run_id"]
    async with watching(by_sentinel(watched.at)) as seen:
        await eventually(lambda: seen.link.phase is Phase.LIVE)
        watched.fail_over()
        await eventually(lambda: seen.vitals[-1].run_id == run_id, timeout=30)
        await eventually(lambda: seen.link.phase is Phase.LIVE)
        assert {vitals.role for vitals in seen.vitals} == {"master"}


async def test_sentinels_that_are_gone_are_passed_over(watched: Watched) -> None:
    watched.stop_sentinel(0)
    found = await resolve(by_sentinel(watched.at))
    assert (found.host, found.port) == (HOST, watched.primary.port)
    told: list[Step] = []
    assert await check(by_sentinel(watched.at), told.append)
    assert told[0].outcome is Outcome.OK
    assert told[0].text == f"The primary of {SERVICE} is {HOST}:{watched.primary.port}."


async def test_what_sentinels_do_not_know(watched: Watched) -> None:
    trouble = await trouble_of(by_sentinel(watched.at, "other"))
    assert (trouble.fault, trouble.final) == (Fault.SENTINEL, True)
    assert "service other" in trouble.text


async def test_what_is_no_sentinel(valkey: Server) -> None:
    trouble = await trouble_of(by_sentinel(((HOST, valkey.port),)))
    assert (trouble.fault, trouble.final) == (Fault.SENTINEL, True)
    assert "is no sentinel" in trouble.text
    nobody = await trouble_of(by_sentinel(((HOST, free_port()), (HOST, free_port()))))
    assert (nobody.fault, nobody.final) == (Fault.SENTINEL, False)
    assert "No sentinel of fleet answers" in nobody.text


@pytest.mark.parametrize(
    "answer", [b"*1\r\n$1\r\nx\r\n", b"*2\r\n$0\r\n\r\n$1\r\n1\r\n", b"*2\r\n$1\r\nh\r\n$6\r\n999999\r\n", b":1\r\n"]
)
async def test_answers_that_are_none(answer: bytes) -> None:
    async with peer(b"+PONG\r\n", answer) as target:
        trouble = await trouble_of(by_sentinel(((target.host, target.port),)))
        assert (trouble.fault, trouble.text.endswith("gave no address.")) == (Fault.SENTINEL, True)


async def test_a_replica_is_not_taken_for_the_primary(valkey: Server) -> None:
    """A sentinel that has not heard of a failover yet names what is a replica now."""
    with Server(VALKEY, "--replicaof", HOST, str(valkey.port)) as replica:
        port = str(replica.port).encode()
        answer = b"*2\r\n$9\r\n127.0.0.1\r\n$%d\r\n%b\r\n" % (len(port), port)
        async with peer(b"+PONG\r\n", answer) as target:
            trouble = await trouble_of(by_sentinel(((target.host, target.port),)))
    assert (trouble.fault, trouble.final) == (Fault.SENTINEL, False)
    assert trouble.text == f"{HOST}:{replica.port} is no longer the primary of fleet."


@contextmanager
def guarded(watched: Watched, position: int) -> Iterator[None]:
    """That sentinel wants a login: one of its default account, or of another one that may only ask where."""
    port = watched.at[position][1]
    may = ("+ping", "+auth", "+sentinel|get-master-addr-by-name")
    watched.call(port, "ACL", "SETUSER", "asker", "on", ">canary2", *may)
    watched.call(port, "ACL", "SETUSER", "default", "resetpass", ">canary1")
    try:
        yield
    finally:
        watched.call(port, "AUTH", "canary1", then=("ACL", "SETUSER", "default", "nopass"))


def with_login(address: Address, username: str, password: str) -> Address:
    assert address.sentinel is not None
    return replace(address, sentinel=replace(address.sentinel, username=username, password=password))


async def test_sentinels_with_a_password_of_their_own(watched: Watched) -> None:
    server = replace(by_sentinel(watched.at[:1]), username="me", password="hunter2")
    with guarded(watched, 0):
        for username, password in (("", "canary1"), ("asker", "canary2")):
            async with asyncio.timeout(10):
                found = await resolve(with_login(server, username, password))
            assert (found.port, found.username, found.password) == (watched.primary.port, "me", "hunter2")
            assert "canary" not in repr(found) + str(found)


async def test_the_command_line_takes_the_sentinels_password_from_a_variable(watched: Watched) -> None:
    watched.primary.call("SET", "lock:a", "x")
    with guarded(watched, 0):
        place = f"redis://{HOST}:{watched.at[0][1]}"
        wanted = ("snapshot", place, "--sentinel", SERVICE, "--sentinel-user", "asker")
        assert "The sentinel" in run(*wanted).failed()
        done = run(*wanted, "--sentinel-password-env", "THEIRS", THEIRS="canary2")
        assert done.code == 0, done.err
        assert "canary2" not in done.out + done.err
        alone = ("snapshot", place, "--sentinel-password-env", "THEIRS")
        assert "needs --sentinel SERVICE" in run(*alone, THEIRS="canary2").failed()
        assert "THEIRS is not set" in run(*wanted, "--sentinel-password-env", "THEIRS").failed()


async def test_what_sentinels_say_of_a_password(watched: Watched) -> None:
    with guarded(watched, 0):
        refused = watched.call(watched.at[0][1], "AUTH", "canary1", then=("ACL", "LOG"))
        asked = await trouble_of(by_sentinel(watched.at[:1]))
        assert (asked.fault, asked.final) == (Fault.PASSWORD, True)
        assert asked.text == f"The sentinel {HOST}:{watched.at[0][1]} asks for a password."
        wrong = await trouble_of(with_login(by_sentinel((watched.at[0], watched.at[0])), "", "wrong"))
        assert (wrong.fault, wrong.final) == (Fault.PASSWORD, True)
        assert wrong.text == f"The sentinel {HOST}:{watched.at[0][1]} refused the user name or password."
        log = watched.call(watched.at[0][1], "AUTH", "canary1", then=("ACL", "LOG"))
        assert sum(int(entry[1]) for entry in log) - sum(int(entry[1]) for entry in refused) == 1
        async with asyncio.timeout(10):  # another one, which asks for none, is asked as well
            assert (await resolve(by_sentinel(watched.at[:2]))).port == watched.primary.port


async def test_the_password_is_not_for_the_sentinels(watched: Watched) -> None:
    """It is the server's: sentinels that have none would refuse it."""
    async with asyncio.timeout(10):
        found = await resolve(replace(by_sentinel(watched.at), username="me", password="hunter2"))
    assert (found.username, found.password) == ("me", "hunter2")
