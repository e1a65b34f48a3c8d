"""Guarded actions on a cluster: each step at its key's node, one verdict for each node, nothing half known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fleetcache_gui.domain.plan import Deed, Draft, Guard, Outcome
from fleetcache_gui.redis_io.act import flush
from fleetcache_gui.redis_io.act.hands import WriteLane
from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.redis_io.faults import Trouble
from fleetcache_gui.redis_io.survey import survey
from tests.live.breaking import calls, flushing, impatient, plan_of, said, undoing, when
from tests.live.breaking_cluster import ACTIVE, KEYS, at, by_node, each, fill, named, there
from tests.live.desk import desk
from tests.servers import HOST, Cluster

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# --- each step at its node --------------------------------------------------------------------------------------------


async def test_each_kind_of_step_goes_to_the_node_of_its_key(cluster: Cluster, tmp_path: Path) -> None:
    fill(cluster)
    locks = [b"lock:%d" % number for number in range(30)]
    sets = [b"livequery:set:%d" % number for number in range(30)]
    each(cluster, locks, "SET", b"token")
    each(cluster, sets, "SADD", b"7")
    shares = by_node(cluster, KEYS)
    before = {node.port: calls(node, "unlink") for node in cluster.nodes}
    async with desk(at(cluster), tmp_path) as made:
        drafts = [
            *(Draft(Deed.REMOVE, key, "a key", "string") for key in KEYS),
            *(Draft(Deed.EXPIRE, key, "a lock", "string", args=(b"60000",)) for key in locks),
            *(Draft(Deed.DROP_MEMBER, key, "a set", "set", args=(b"7",)) for key in sets),
        ]
        found = await survey(made.hands.ask, drafts, absolute=True, room=1 << 20, node_of=made.hands.node_of)
        plan = plan_of(made.hands, found.steps)
        assert len(plan.nodes) == 3
        assert sum(plan.nodes.values()) == len(drafts)
        receipt = await made.do(plan)
        assert set(receipt.outcomes) == {Outcome.DONE}, said(receipt)
        assert {node.port: calls(node, "unlink") - before[node.port] for node in cluster.nodes} == {
            port: len(keys) for port, keys in shares.items()
        }
        assert all(0 < left <= 60_000 for left in each(cluster, locks, "PTTL").values())
        assert not there(cluster, [*KEYS, *sets])
        undone = await made.do(await undoing(made, plan))
        assert set(undone.outcomes) == {Outcome.DONE}, said(undone)
        assert there(cluster, [*KEYS, *sets]) == {*KEYS, *sets}
        assert set(each(cluster, locks, "PTTL").values()) == {-1}


async def test_a_guard_in_another_slot_is_looked_at_just_before(cluster: Cluster, tmp_path: Path) -> None:
    keys = [b"livequery:{%d}" % number for number in range(20)]
    drafts = [
        Draft(Deed.REMOVE, key, "a campaign", "string", guards=(Guard(ACTIVE, key, False, "it is active again"),))
        for key in keys
    ]
    fill(cluster, keys)
    async with desk(at(cluster), tmp_path) as made:
        found = await survey(made.hands.ask, drafts, absolute=True, room=1 << 20, node_of=made.hands.node_of)
        assert len(found.steps) == len(keys)
        again = keys[::2]
        when(made, "intent", lambda: [each(cluster, [ACTIVE], "SADD", key) for key in again])
        receipt = await made.do(plan_of(made.hands, found.steps))
        assert receipt.count(Outcome.DONE) == receipt.count(Outcome.CHANGED) == 10, said(receipt)
        assert set(receipt.notes.values()) == {"it is active again"}
        assert there(cluster, keys) == set(again)


# --- flushing all primaries (F6, F7, F8) ------------------------------------------------------------------------------


async def test_a_flush_counts_all_primaries(six_nodes: Cluster, tmp_path: Path) -> None:
    fill(six_nodes)
    shares = {port: len(keys) for port, keys in by_node(six_nodes, KEYS).items()}
    async with desk(at(six_nodes), tmp_path) as made:
        plan = await flushing(made.hands)
        assert plan.count == 300
        assert {named(six_nodes, node).port: count for node, count in plan.nodes.items()} == shares
        receipt = await made.do(plan)
        assert receipt.counts == {Outcome.DONE: 300}
    assert not there(six_nodes)


@pytest.mark.parametrize("can_ask", [True, False])
async def test_one_node_that_denies_blocks_the_whole_flush(cluster: Cluster, tmp_path: Path, can_ask: bool) -> None:
    fill(cluster)
    last = cluster.nodes[2]
    rights = "+@all" if can_ask else "+@all -acl|dryrun"
    for node in cluster.nodes:
        node.call("ACL", "SETUSER", "deputy", "reset", "on", ">pw", "~*", "&*", *rights.split())
    async with desk(Address(HOST, cluster.nodes[0].port, username="deputy", password="pw"), tmp_path) as made:
        plan = await flushing(made.hands)
        last.call("ACL", "SETUSER", "deputy", "-flushdb")
        before = [calls(node, "flushdb") for node in cluster.nodes]
        with pytest.raises(Trouble) as refused:
            await flushing(made.hands)
        assert f"{HOST}:{last.port} would refuse it" in refused.value.text
        receipt = await made.do(plan)
    assert set(receipt.outcomes) == {Outcome.CANCELLED}
    assert f"{HOST}:{last.port} would refuse it" in receipt.trouble
    assert there(cluster) == set(KEYS)
    assert [calls(node, "flushdb") for node in cluster.nodes] == before


async def test_a_frozen_primary_before_a_flush_keeps_it_from_all(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(cluster)
    async with desk(at(cluster), tmp_path) as made:
        plan = await flushing(made.hands)
        before = [calls(node, "flushdb") for node in cluster.nodes]
        monkeypatch.setattr(WriteLane, "longer", 0.25)
        with cluster.nodes[1].frozen():
            receipt = await made.do(plan)
        assert set(receipt.outcomes) == {Outcome.CANCELLED}, said(receipt)
        assert "Nothing was sent" in receipt.trouble
        assert made.log.entries == []
    cluster.wait()
    assert [calls(node, "flushdb") for node in cluster.nodes] == before
    assert there(cluster) == set(KEYS)


async def test_a_primary_that_freezes_during_a_flush_is_found_out_about(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(cluster)
    frozen = cluster.nodes[1]
    impatient(monkeypatch)
    flushes = flush._flushes
    met: list[int] = []

    async def freezing(hand: Any) -> int | None:
        found = await flushes(hand)
        if hand.lane.address.port == frozen.port and not met:
            met.append(frozen.port)
            frozen.freeze()
        return found

    async with desk(at(cluster), tmp_path) as made:
        plan = await flushing(made.hands)
        before = [calls(node, "flushdb") for node in cluster.nodes]
        monkeypatch.setattr(flush, "_flushes", freezing)
        made.told = _Waiting(frozen.thaw)
        receipt = await made.do(plan)
        assert met == [frozen.port]
    cluster.wait()
    made_calls = [calls(node, "flushdb") - count for node, count in zip(cluster.nodes, before, strict=True)]
    assert max(made_calls) == 1
    for step, outcome in zip(plan.steps, receipt.outcomes, strict=True):
        node = named(cluster, step.node)
        done = made_calls[cluster.nodes.index(node)]
        assert outcome is (Outcome.DONE if done else Outcome.FAILED), said(receipt)
        assert node.call("DBSIZE") == (0 if done else step.count)
        assert done or node is frozen


class _Waiting(list[Any]):
    """Calls something as soon as it is told that something is waited for."""

    def __init__(self, then: Callable[[], object]) -> None:
        super().__init__()
        self._then = then

    def append(self, told: Any) -> None:
        super().append(told)
        if told.waiting:
            self._then()
