"""A cluster's nodes from what one of them tells, whatever the text."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcache_gui.domain.values import ReplyError
from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.redis_io.faults import Fault, Trouble
from fleetcache_gui.redis_io.topology import SLOTS, Node, Topology, parse, ranges, slot_of

ASKED = Address("cache.example", 7000, username="ann", password="hunter2")
A, B, C, D = (letter * 40 for letter in "abcd")


def topology(*lines: str, asked: Address = ASKED) -> Topology:
    found = parse("\n".join(lines).encode(), asked)
    assert found is not None
    return found


def line(node: str, place: str, flags: str = "master", primary: str = "-", slots: str = "") -> str:
    return f"{node} {place} {flags} {primary} 0 1700000000000 1 connected {slots}".rstrip()


def test_primaries_and_replicas() -> None:
    found = topology(
        line(D, "10.0.0.4:7003@17003", "slave", A),
        line(B, "10.0.0.2:7001@17001", slots="5461-10922"),
        line(A, "10.0.0.1:7000@17000", "myself,master", slots="0-5460 16383"),
        line(C, "10.0.0.3:7002@17002", slots="10923-16382"),
    )
    assert [node.id for node in found.nodes] == [A, B, C, D]
    assert [node.id for node in found.primaries] == [A, B, C]
    assert (found.me, found.epoch) == (A, 1)
    assert found.nodes[0] == Node(A, replace(ASKED, host="10.0.0.1"), primary=True, slots=((0, 5460), (16383, 16383)))
    assert found.nodes[1].address == Address("10.0.0.2", 7001, username="ann", password="hunter2")
    assert found.nodes[3] == Node(D, found.nodes[3].address, primary=False, of=A)
    owners = [found.owner(slot) for slot in (0, 5460, 5461, 16382, 16383)]
    assert [node.id if node else "" for node in owners] == [A, A, B, C, A]
    assert found.missing == ()
    assert "hunter2" not in repr(found)


def test_slots_on_their_way_stay_with_their_owner() -> None:
    found = topology(line(A, ":7000@17000", "myself,master", slots=f"0-9 [3->-{B}] [12-<-{C}]"))
    assert found.nodes[0].slots == ((0, 9),)
    assert found.missing == ((10, SLOTS - 1),)


@pytest.mark.parametrize(("flags", "healthy"), [("master", True), ("master,fail", False), ("master,fail?", False)])
def test_the_slots_of_a_failed_primary_are_missing(flags: str, healthy: bool) -> None:
    found = topology(
        line(A, "h:1@2", "myself,master", slots="0-99 200-16383"), line(B, "h:3@4", flags, slots="100-199")
    )
    assert found.missing == (() if healthy else ((100, 199),))
    node = found.owner(150)
    assert node is not None
    assert (node.id, node.healthy) == (B, healthy)


@pytest.mark.parametrize(
    ("told", "host", "port"),
    [
        (":7001@17001", "cache.example", 7001),
        ("?:7001@17001", "cache.example", 7001),
        ("10.0.0.2:7001@17001,node-2.example", "10.0.0.2", 7001),
        ("10.0.0.2:7001@17001,,shard-id=aa", "10.0.0.2", 7001),
        ("10.0.0.2:7001", "10.0.0.2", 7001),
        ("fe80::1:7001@17001", "fe80::1", 7001),
        ("::1:7001@17001", "::1", 7001),
    ],
)
def test_announced_addresses(told: str, host: str, port: int) -> None:
    address = topology(line(B, told, slots="0-9")).nodes[0].address
    assert (address.host, address.port, address.password) == (host, port, "hunter2")


def test_with_tls_the_name_that_a_certificate_may_hold() -> None:
    asked = Address("cache.example", 7000, tls=True)
    found = topology(line(B, "10.0.0.2:7001@17001,node-2.example"), line(C, "10.0.0.3:7002@17002"), asked=asked)
    assert [(node.address.host, node.address.tls) for node in found.nodes] == [
        ("node-2.example", True),
        ("10.0.0.3", True),
    ]


@pytest.mark.parametrize(
    "told",
    [
        line(B, "10.0.0.2:99999@1"),
        line(B, "10.0.0.2:@1"),
        line(B, "evil\x1b[2J:1@2"),
        line(B, "<img>:1@2"),
        line(B, "-rf:1@2"),
        line(B, "h:1@2", "handshake"),
        line(B[:39], "h:1@2"),
        f"{B} h:1@2 master",
        "",
        "vars currentEpoch 6",
    ],
)
def test_what_cannot_be_a_node_is_none(told: str) -> None:
    found = topology(line(A, "h:1@2", "myself,master", slots="0-16383"), told)
    assert [node.id for node in found.nodes] == [A]


def test_who_refuses_stands_alone() -> None:
    for text in (
        "ERR This instance has cluster support disabled",
        "ERR unknown command 'CLUSTER', with args beginning with: 'NODES' ",
        "ERR unknown command `CLUSTER`",
        "ERR command is not allowed",
        "NOPERM User ann has no permissions to run the 'cluster|nodes' command",
    ):
        assert parse(ReplyError(text), ASKED) is None


def test_who_cannot_answer_now_has_not_refused() -> None:
    with pytest.raises(Trouble) as caught:
        parse(ReplyError("LOADING Redis is loading the dataset in memory"), ASKED)
    assert caught.value.fault is Fault.LOADING


@given(st.binary(max_size=200) | st.from_regex(rb"\A([0-9a-f]{40} [ -~]{0,60}\n?){0,4}\Z"))
def test_any_text_gives_a_topology(text: bytes) -> None:
    found = parse(text, ASKED)
    assert found is not None
    assert all(0 <= first <= last < SLOTS for node in found.nodes for first, last in node.slots)


def test_slots_and_tags() -> None:
    assert slot_of(b"123456789") == 0x31C3
    assert slot_of(b"a{tag}b") == slot_of(b"tag")
    assert slot_of(b"{}a") != slot_of(b"")


def test_ranges() -> None:
    assert ranges([]) == ()
    assert ranges([0, 1, 2, 5, 7, 8]) == ((0, 2), (5, 5), (7, 8))
