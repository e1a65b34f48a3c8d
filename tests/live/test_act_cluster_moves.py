"""Guarded actions on a cluster whose nodes fail, fail over or hand their slots on meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.domain.plan import Deed, Draft, Guard, Outcome, Plan, Step
from fleetcache_gui.redis_io.act.hands import WriteLane, ready
from fleetcache_gui.redis_io.faults import Trouble
from fleetcache_gui.redis_io.survey import survey
from fleetcache_gui.redis_io.topology import slot_of
from tests.live.breaking import WRITES, calls, flushing, plan_of, removal, said, when
from tests.live.breaking_cluster import ACTIVE, KEYS, at, by_node, each, fill, losing_a_part, there
from tests.live.desk import PREFIXES, desk
from tests.servers import HOST, Cluster, Server, wait_until

if TYPE_CHECKING:
    from pathlib import Path

# --- nodes that go, and slots that move (F22, F23, F24) ---------------------------------------------------------------


async def test_keys_of_a_dead_primary_are_unreachable_and_the_others_go(cluster: Cluster, tmp_path: Path) -> None:
    fill(cluster)
    dead = cluster.nodes[2]
    lost = set(by_node(cluster, KEYS)[dead.port])
    with losing_a_part(cluster):
        async with desk(at(cluster), tmp_path) as made:
            plan = await removal(made.hands, KEYS)
            when(made, "intent", dead.kill)
            receipt = await made.do(plan)
            told = {s.draft.key: met for s, met in zip(plan.steps, receipt.outcomes, strict=True)}
            assert {key for key, met in told.items() if met is not Outcome.DONE} == lost, said(receipt)
            assert {told[key] for key in lost} == {Outcome.UNREACHABLE}
            assert receipt.trouble == ""
            # With one primary away, what is elsewhere can still be planned and done; a flush cannot.
            fill(cluster, [key for key in KEYS if key not in lost])
            made.hands = await ready(made.hands, at(cluster), PREFIXES)
            assert made.hands.lost
            again = await removal(made.hands, KEYS)
            assert {step.draft.key for step in again.steps} == set(KEYS) - lost
            assert set((await made.do(again)).outcomes) == {Outcome.DONE}
            with pytest.raises(Trouble, match="A part of the cluster cannot be reached"):
                await flushing(made.hands)


async def test_a_node_that_was_started_anew_gets_nothing_more(cluster: Cluster, tmp_path: Path) -> None:
    fill(cluster)
    node = cluster.nodes[1]
    mine = by_node(cluster, KEYS)[node.port]

    def restart() -> None:
        node.restart()
        cluster.wait()
        fill(cluster, mine)

    async with desk(at(cluster), tmp_path) as made:
        plan = await removal(made.hands, KEYS)
        when(made, "progress", restart)
        receipt = await made.do(plan)
        assert {Outcome.DONE, Outcome.UNREACHABLE} == set(receipt.outcomes), said(receipt)
        assert calls(node, *WRITES) == 0
        assert there(cluster) == set(mine)


def _fail_over(cluster: Cluster, index: int) -> None:
    """The replica of that primary takes its place, and all know."""
    primary = cluster.nodes[index]
    name = primary.call("CLUSTER", "MYID").decode()
    copy = next(
        node for node in cluster.nodes if name in str(node.call("CLUSTER", "NODES")) and _follows(node, primary.port)
    )
    copy.call("CLUSTER", "FAILOVER")
    wait_until(lambda: bool(primary.info("replication")["role"] == "slave"), "the old primary follows")
    wait_until(lambda: bool(copy.info("replication")["role"] == "master"), "the new one leads")
    cluster.wait()


def _follows(node: Server, port: int) -> bool:
    facts = node.info("replication")
    return bool(facts["role"] == "slave" and int(facts["master_port"]) == port)


@pytest.mark.parametrize("moment", ["before", "during"])
async def test_a_failover_sends_nothing_to_who_was_not_previewed(
    six_nodes: Cluster, tmp_path: Path, moment: str
) -> None:
    fill(six_nodes)
    index = next(i for i, node in enumerate(six_nodes.nodes) if node.info("replication")["role"] == "master")
    mine = set(by_node(six_nodes, KEYS)[six_nodes.nodes[index].port])
    async with desk(at(six_nodes), tmp_path) as made:
        plan = await removal(made.hands, KEYS)
        if moment == "before":
            _fail_over(six_nodes, index)
        else:
            when(made, "intent", lambda: _fail_over(six_nodes, index))
        receipt = await made.do(plan)
        if moment == "before":
            assert set(receipt.outcomes) == {Outcome.CANCELLED}
            assert "not the server that was previewed" in receipt.trouble
            assert there(six_nodes) == set(KEYS)
        else:
            told = {s.draft.key: met for s, met in zip(plan.steps, receipt.outcomes, strict=True)}
            assert {key for key, met in told.items() if met is Outcome.FAILED} == mine, said(receipt)
            assert set(receipt.notes.values()) == {"its slot is moving to another node; plan again"}
            assert there(six_nodes) == mine
        made.hands = await ready(made.hands, at(six_nodes), PREFIXES)
        rest = await made.do(await removal(made.hands, KEYS))
        assert set(rest.outcomes) == {Outcome.DONE}
        assert not there(six_nodes)


class Move:
    """A slot on its way from its node to the next."""

    def __init__(self, cluster: Cluster, key: bytes) -> None:
        self.cluster, self.slot = cluster, slot_of(key)
        self.source = cluster.owner(self.slot)
        self.target = next(node for node in cluster.nodes[:3] if node is not self.source)
        self._names = [node.call("CLUSTER", "MYID") for node in (self.source, self.target)]

    def begin(self) -> None:
        self.target.call("CLUSTER", "SETSLOT", self.slot, "IMPORTING", self._names[0])
        self.source.call("CLUSTER", "SETSLOT", self.slot, "MIGRATING", self._names[1])

    def take(self, *keys: bytes) -> None:
        for key in keys:
            self.source.call("MIGRATE", HOST, self.target.port, key, 0, 5000)

    def end(self) -> None:
        for node in (self.target, self.source, *self.cluster.nodes):
            if node.info("replication")["role"] == "master":
                node.call("CLUSTER", "SETSLOT", self.slot, "NODE", self._names[1])

    def back(self) -> None:
        """As it was before the test."""
        for node in self.cluster.nodes:
            node.call("CLUSTER", "SETSLOT", self.slot, "NODE", self._names[0])


@pytest.mark.parametrize("how", ["moved", "asked"])
async def test_a_step_follows_its_slot_to_a_node_that_was_previewed(cluster: Cluster, tmp_path: Path, how: str) -> None:
    fill(cluster)
    key = KEYS[5]
    move = Move(cluster, key)

    def go() -> None:
        move.begin()
        move.take(key)
        if how == "moved":
            move.end()

    try:
        async with desk(at(cluster), tmp_path) as made:
            plan = await removal(made.hands, KEYS)
            when(made, "intent", go)
            receipt = await made.do(plan)
            assert set(receipt.outcomes) == {Outcome.DONE}, said(receipt)
            assert move.target.call("DBSIZE") == move.source.call("DBSIZE") == 0
            saved = {item.key async for item in made.bin.load(plan.id) if hasattr(item, "key")}
            assert saved == set(KEYS)
    finally:
        for node in (move.source, move.target):
            node.flush()
        move.back()


async def test_a_script_whose_keys_are_on_both_sides_is_told_to_be_planned_again(
    cluster: Cluster, tmp_path: Path
) -> None:
    key, guard = b"{tag}:key", b"{tag}:guard"
    fill(cluster, [key, guard])
    move = Move(cluster, key)

    def go() -> None:
        move.begin()
        move.take(guard)

    try:
        async with desk(at(cluster), tmp_path) as made:
            draft = Draft(Deed.REMOVE, key, "a key", "string", guards=(Guard(guard, None, True, "it is lonely"),))
            found = await survey(made.hands.ask, [draft], absolute=True, room=1 << 20, node_of=made.hands.node_of)
            when(made, "intent", go)
            receipt = await made.do(plan_of(made.hands, found.steps))
            assert receipt.outcomes == (Outcome.FAILED,)
            assert receipt.notes[0] == "its slot is moving to another node; plan again"
            assert move.source.call("EXISTS", key) == 1
    finally:
        for node in (move.source, move.target):
            node.flush()
        move.back()


async def test_a_plan_sees_a_slot_that_has_moved_since(cluster: Cluster, tmp_path: Path) -> None:
    fill(cluster)
    move = Move(cluster, KEYS[7])
    try:
        async with desk(at(cluster), tmp_path) as made:
            move.begin()
            move.take(*(key for key in KEYS if slot_of(key) == move.slot))
            made.hands = await ready(made.hands, at(cluster), PREFIXES)
            drafts = [Draft(Deed.REMOVE, KEYS[7], "a key", "string")]
            asked = await survey(made.hands.ask, drafts, absolute=True, room=1, node_of=made.hands.node_of)
            assert [skip.reason for skip in asked.skipped] == ["its slot is moving to another node; plan again"]
            move.end()
            made.hands = await ready(made.hands, at(cluster), PREFIXES)
            plan = await removal(made.hands, KEYS)
            assert len(plan.steps) == len(KEYS)
            assert set((await made.do(plan)).outcomes) == {Outcome.DONE}
            assert not there(cluster)
    finally:
        for node in cluster.nodes:
            node.flush()
        move.back()


# --- a campaign's keys, interrupted anywhere --------------------------------------------------------------------------


@pytest.mark.parametrize("away", [0, 1, 2])
async def test_what_an_interruption_leaves_of_a_campaign_is_found_again(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, away: int
) -> None:
    """One node is frozen while campaigns are cleaned up, whose keys lie on all three."""
    numbers = [b"%d" % number for number in range(40)]
    keys = [b"%b{%b}" % (prefix, number) for number in numbers for prefix in (b"sql:livequery:", b"livequery:")]
    drafts: list[Draft] = []
    for number in numbers:
        sql, hosts = b"sql:livequery:{%b}" % number, b"livequery:{%b}" % number
        drafts += [
            Draft(Deed.REMOVE, sql, "the SQL", "string"),
            Draft(Deed.REMOVE, hosts, "the hosts", "string", stage=1),
            Draft(Deed.DROP_MEMBER, ACTIVE, "in the active set", "set", args=(number,), stage=2),
        ]
    fill(cluster, keys)
    for number in numbers:
        each(cluster, [ACTIVE], "SADD", number)
    async with desk(at(cluster), tmp_path) as made:

        async def plan() -> Plan:
            found = await survey(made.hands.ask, drafts, absolute=True, room=1 << 20, node_of=made.hands.node_of)
            # The guard holds by the time its turn comes, as the SQL goes first.
            return plan_of(made.hands, [_while_dead(step) for step in found.steps])

        first = await plan()
        when(made, "intent", cluster.nodes[away].freeze)
        monkeypatch.setattr(WriteLane, "longer", 0.5)  # a live node that is slow is only told as unreachable
        receipt = await made.do(first)
        cluster.nodes[away].thaw()
        monkeypatch.undo()
        cluster.wait()
        left = there(cluster, keys)
        active = each(cluster, [ACTIVE], "SMEMBERS")[ACTIVE]
        assert Outcome.UNREACHABLE in receipt.outcomes
        for number in numbers:  # no campaign has its SQL and is out of the active set: it could not be told apart
            assert number in active or b"sql:livequery:{%b}" % number not in left
        made.hands = await ready(made.hands, at(cluster), PREFIXES)
        await made.do(await plan())
        assert not there(cluster, keys)
        assert not each(cluster, [ACTIVE], "SMEMBERS")[ACTIVE]


def _while_dead(step: Step) -> Step:
    """An id goes out of the active set only when its SQL is gone."""
    if step.draft.deed is Deed.REMOVE:
        return step
    guard = Guard(b"sql:livequery:{%b}" % step.draft.args[0], None, False, "its SQL is still there")
    return replace(step, draft=replace(step.draft, guards=(guard,)))
