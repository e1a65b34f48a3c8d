"""The figures of a cluster from those of its nodes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from fleetcache_gui.domain.snapshot import Missing, Vitals
from fleetcache_gui.domain.values import ReplyError
from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.redis_io.topology import Node, Topology
from fleetcache_gui.redis_io.totals import listeners, parameters, total

if TYPE_CHECKING:
    from fleetcache_gui.redis_io.server import Server

A, B, C, D = (letter * 40 for letter in "abcd")
CLUSTER = Topology(
    (
        Node(A, Address("10.0.0.1"), primary=True, slots=((0, 8191),)),
        Node(B, Address("10.0.0.2"), primary=True, slots=((8192, 16383),)),
        Node(C, Address("10.0.0.3"), primary=False, of=A),
        Node(D, Address("10.0.0.4"), primary=False, of=B, healthy=False),
    )
)


def server(info: dict[str, str] | None = None, **figures: object) -> Server:
    """What is known of a connected node."""
    return cast("Server", SimpleNamespace(vitals=Vitals(**{"at": 1.0, **figures}), info=info or {}))  # type: ignore[arg-type]


def test_sums_over_the_nodes_that_are_read() -> None:
    slaves = {"slave0": "ip=10.0.0.3,port=6379,state=online,lag=4"}
    one = server(slaves, run_id="x", keys=3, memory=10, clients=2, hits=5, calls={"get": 1, "set": 2}, version="9.1")
    two = server(run_id="w", keys=4, memory=20, clients=3, hits=None, calls={"get": 10}, at=2.0, version="9.1")
    told = total(CLUSTER, {A: one, B: two}, {}, ())
    assert (told.keys, told.memory, told.clients, told.at, told.version) == (7, 30, 5, 2.0, "9.1")
    assert told.hits is None, "one of them does not tell"
    assert (told.mode, told.role, told.replicas, told.lag_s, told.run_id) == ("cluster", "master", 2, 4.0, "w+x")
    assert told.calls == {"get": 11, "set": 2}
    assert [(node.link, node.role, node.keys, node.lag_s) for node in told.nodes] == [
        ("live", "primary", 3, None),
        ("live", "primary", 4, None),
        ("in step", "replica", None, 4.0),
        ("failed", "replica", None, None),
    ]
    assert [node.of for node in told.nodes] == ["", "", "10.0.0.1:6379", "10.0.0.2:6379"]


def test_what_is_away_is_told_and_not_summed() -> None:
    gap = Missing(((8192, 16383),), "10.0.0.2:6379", "It does not answer.")
    told = total(CLUSTER, {A: server(keys=3)}, {B: "w"}, (gap,))
    assert (told.keys, told.missing) == (3, (gap,))
    assert [node.link for node in told.nodes] == ["live", "away", "in step", "failed"]
    assert told.nodes[1].run_id == "w", "who comes back in its place is compared with it"


def test_replicas_that_are_read_tell_themselves_how_late_they_are() -> None:
    copy = server({"master_last_io_seconds_ago": "2"}, keys=3, run_id="x")
    lost = server({"master_last_io_seconds_ago": "-1", "master_link_down_since_seconds": "90"}, version="8")
    told = total(CLUSTER, {C: copy, D: lost}, {}, ())
    assert [node.lag_s for node in told.nodes] == [None, None, 2.0, 90.0]
    assert (told.lag_s, told.version) == (90.0, "?, 8")


def test_settings_are_those_of_the_first_node_that_tells() -> None:
    silent, first, second = server(), server(parameters={"a": "1"}), server(parameters={"a": "2", "b": "3"})
    assert parameters([silent, first, second]) == {"a": "1", "b": "3"}
    assert total(CLUSTER, {A: silent, B: second}, {}, ()).parameters == {"a": "2", "b": "3"}


def test_nobody_listens_only_where_all_nodes_were_asked() -> None:
    some, none, refused = [b"results_7", 2], [b"results_7", 0], ReplyError("NOPERM no")
    assert listeners([some, none, some], whole=False) == [b"results_7", 4]
    assert listeners([none, none], whole=True) == [b"results_7", 0]
    assert isinstance(listeners([none, none], whole=False), ReplyError)
    assert listeners([some, refused], whole=True) is refused
    assert isinstance(listeners([], whole=False), ReplyError)
