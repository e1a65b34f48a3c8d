"""The steps of "Test connection" on real servers: what each says, in their order, and one login alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.acl import reading_line
from fleetcache_gui.redis_io.address import Address, Tls
from fleetcache_gui.redis_io.check import TITLES, Outcome, Step, check
from tests.live.certificates import Certificates, tls_server
from tests.live.readers import address, begin_counting, calls, fill, peer
from tests.servers import REDIS_7, VALKEY, Server, free_port

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "hunter2"


async def steps_of(target: Address) -> tuple[bool, dict[str, Step]]:
    """Whether it can be used, and each step by its id."""
    told: list[Step] = []
    good = await check(target, told.append, SPEC.samples)
    assert [step.id for step in told] == list(TITLES)
    for step in told:
        for sentence in (step.text, *step.notes):
            assert sentence.endswith((".", "What is missing:")), sentence
            assert CANARY not in sentence
    assert good == (Outcome.FAILED not in {step.outcome for step in told})
    return good, {step.id: step for step in told}


def failed(steps: dict[str, Step]) -> str:
    """The one step that failed."""
    (found,) = (step.id for step in steps.values() if step.outcome is Outcome.FAILED)
    after = list(TITLES)[list(TITLES).index(found) + 1 :]
    assert {steps[step].outcome for step in after} <= {Outcome.SKIPPED}
    return found


async def test_a_server_where_all_is_well(server: Server) -> None:
    begin_counting(server)
    good, steps = await steps_of(address(server, database=3))
    assert good
    assert steps["rights"].text.startswith("Valkey 9.1" if server.name == VALKEY.name else "Redis")
    assert ", a primary" in steps["rights"].text
    skipped = {step.id for step in steps.values() if step.outcome is Outcome.SKIPPED}
    assert skipped == {"sentinel", "tunnel", "tls", "auth"}
    old = server.name == REDIS_7.name
    assert [note for note in steps["rights"].notes if "NO-TOUCH" not in note] == []
    assert len(steps["rights"].notes) == old
    assert not {name for name, count in calls(server).items() if count > 40}


async def test_an_account_made_by_the_line_lacks_nothing(server: Server) -> None:
    line = reading_line("looker", recent=server.name != REDIS_7.name).replace("PASSWORD", CANARY)
    fill(server)
    server.call(*line.split())
    try:
        good, steps = await steps_of(address(server, username="looker", password=CANARY, database=1))
        assert good
        assert [note for note in steps["rights"].notes if "server has no CLIENT NO-TOUCH" not in note] == []
        assert steps["auth"].text == "Logged in as looker."
    finally:
        server.call("ACL", "DELUSER", "looker")


async def test_what_an_account_may_not_is_named(server: Server) -> None:
    rules = "resetkeys ~lock:* ~async_host:* -@all +scan +getrange +type +ping"
    server.call("ACL", "SETUSER", "narrow", "reset", "on", ">x", *rules.split())
    try:
        good, steps = await steps_of(address(server, username="narrow", password="x"))
    finally:
        server.call("ACL", "DELUSER", "narrow")
    assert good
    notes = " ".join(steps["rights"].notes)
    for word in ("PTTL", "INFO", "TIME", "MEMORY USAGE"):
        assert f"may not use {word}:" in notes
    for word in ("SCAN", "GETRANGE", "TYPE"):
        assert f"may not use {word}:" not in notes
    assert "may not read keys such as live_query:fleetcache-inspector" in notes
    assert "such as lock:" not in notes


async def test_an_account_that_may_not_scan(valkey: Server) -> None:
    valkey.call("ACL", "SETUSER", "blind", "reset", "on", ">x", "~*", "+@all", "-scan")
    try:
        good, steps = await steps_of(address(valkey, username="blind", password="x"))
    finally:
        valkey.call("ACL", "DELUSER", "blind")
    assert not good
    assert failed(steps) == "rights"
    assert "nothing can be shown" in steps["rights"].text


@pytest.mark.parametrize("user", ["reader", ""])
async def test_a_wrong_password_is_sent_once(user: str) -> None:
    with Server(REDIS_7) as server:
        server.call("ACL", "SETUSER", "reader", "on", ">right", "+@all", "~*")
        _, steps = await steps_of(address(server, username=user, password=CANARY))
        assert failed(steps) == "auth"
        assert steps["auth"].text.endswith("refused the user name or password.")
        assert calls(server)["auth"] == 1


async def test_where_it_ends(valkey: Server, tmp_path: Path) -> None:
    for host, step in (("no-such-host.invalid", "dns"), ("127.0.0.1", "tcp")):
        _, steps = await steps_of(Address(host, free_port()))
        assert failed(steps) == step
    _, steps = await steps_of(address(valkey, database=99))
    assert failed(steps) == "select"
    async with peer(b"SSH-2.0-OpenSSH_9.2p1\r\n") as target:
        _, steps = await steps_of(target)
        assert failed(steps) == "ping"
    made = Certificates(tmp_path)
    with tls_server(made, made.good) as (_, port):
        _, steps = await steps_of(Address("127.0.0.1", port, tls=Tls(ca_file=made.other_ca)))
        assert failed(steps) == "tls"
        _, steps = await steps_of(Address("127.0.0.1", port))
        assert failed(steps) == "ping"
        assert "speaks TLS on this port" in steps["ping"].text
        good, steps = await steps_of(Address("127.0.0.1", port, tls=Tls(ca_file=made.ca)))
        assert good
        assert steps["tls"].text == "TLSv1.3; the certificate is valid for 127.0.0.1."
        good, steps = await steps_of(Address("127.0.0.1", port, tls=Tls(verify=False)))
        assert good
        assert "NOT VERIFIED" in steps["tls"].text


async def test_a_replica_and_a_node_of_a_cluster(valkey: Server) -> None:
    with Server(VALKEY, "--replicaof", "127.0.0.1", str(valkey.port)) as replica:
        _, steps = await steps_of(address(replica))
        assert ", a replica." in steps["rights"].text
    with Server(VALKEY, "--cluster-enabled", "yes", "--cluster-port", str(free_port())) as node:
        _, steps = await steps_of(address(node))
        assert ", a primary of a cluster." in steps["rights"].text
