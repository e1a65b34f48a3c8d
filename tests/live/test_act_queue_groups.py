"""Pending entries acknowledged and claimed, consumers removed, groups set back; and verbs from a row on screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fleetcache_gui.domain.family import Expected
from fleetcache_gui.domain.plan import Deed, Outcome
from fleetcache_gui.families.spec.host_queue import FAMILY
from fleetcache_gui.redis_io import rows, survey_queue
from fleetcache_gui.redis_io.act import queue_stream
from fleetcache_gui.redis_io.act.queue_undo import standing
from tests.live.acting import acting
from tests.live.readers import connected
from tests.live.streams import GROUP, KEY, delivered, draft, fill, group, ids, outcome, pending, raw, read, undo

if TYPE_CHECKING:
    from tests.servers import Cluster, Server


# ---- pending ----------------------------------------------------------------------------------------------------


async def test_all_of_a_consumer_is_acknowledged_and_pending_again(server: Server) -> None:
    fill(server, 700)
    group(server, b"a", b"b")
    read(server, b"a", 600)
    read(server, b"a", 100, "0")  # delivered twice
    read(server, b"b", 50)
    before = pending(server)
    async with acting(server) as act:
        plan = await act.plan(draft(Deed.ACK, GROUP, b"a", b"0"))
        assert plan.steps[0].draft.what == "600 entries pending for a"
        assert outcome(plan, await act.run(plan)) == (Outcome.DONE, 600)
        assert {owner for owner, _ in pending(server).values()} == {b"b"}
        assert (await undo(act)).taken == 600
    assert pending(server) == before


async def test_only_those_idle_long_enough_are_acknowledged(server: Server) -> None:
    fill(server, 10)
    group(server)
    read(server, b"a", 10)
    for entry in (3, 4):
        raw(server, "XCLAIM", KEY, GROUP, "a", 0, f"{entry}-0", "IDLE", 700_000, "JUSTID")
    async with acting(server) as act:
        plan = await act.plan(draft(Deed.ACK, GROUP, b"a", b"600000"))
        assert outcome(plan, await act.run(plan)) == (Outcome.DONE, 2)
        assert len(pending(server)) == 8
        await undo(act)
    idle = {name: since for name, _, since, _ in raw(server, "XPENDING", KEY, GROUP, "-", "+", 99)}
    assert [name for name, since in idle.items() if since >= 700_000] == [b"3-0", b"4-0"]


@pytest.mark.parametrize("deed", [Deed.ACK, Deed.CLAIM])
async def test_entries_that_moved_on_are_kept(server: Server, deed: Deed) -> None:
    """Acknowledged, claimed by another, delivered again or kept alive by their worker meanwhile."""
    fill(server, 10)
    group(server, b"c")
    read(server, b"a", 8)
    for entry in range(1, 9):
        raw(server, "XCLAIM", KEY, GROUP, "a", 0, f"{entry}-0", "IDLE", 5000, "JUSTID")
    async with acting(server) as act:
        plan = await act.plan(draft(deed, GROUP, b"a", b"0" if deed is Deed.ACK else b"c"))
        server.call("XACK", KEY, GROUP, "1-0")
        raw(server, "XCLAIM", KEY, GROUP, "b", 0, "2-0", "JUSTID")
        raw(server, "XCLAIM", KEY, GROUP, "a", 0, "3-0")
        raw(server, "XCLAIM", KEY, GROUP, "a", 0, "4-0", "JUSTID")
        receipt = await act.run(plan)
        assert outcome(plan, receipt) == (Outcome.DONE, 4)
        assert receipt.notes[0].startswith("4 of 8: the others are no longer pending for it as they were seen")
        left = {name: owner for name, (owner, _) in pending(server).items()}
        moved = {b"2-0": b"b", b"3-0": b"a", b"4-0": b"a"}
        assert left == moved | ({b"%d-0" % n: b"c" for n in range(5, 9)} if deed is Deed.CLAIM else {})
        assert (await undo(act)).taken == 4
    assert {name: owner for name, (owner, _) in pending(server).items()} == moved | {
        b"%d-0" % n: b"a" for n in range(5, 9)
    }


async def test_nothing_is_acknowledged_when_the_worker_was_quicker(server: Server) -> None:
    fill(server, 3)
    group(server)
    read(server, b"a", 3)
    async with acting(server) as act:
        plan = await act.plan(draft(Deed.ACK, GROUP, b"a", b"0"))
        server.call("XACK", KEY, GROUP, "1-0", "2-0", "3-0")
        assert outcome(plan, await act.run(plan)) == (Outcome.CHANGED, 0)
        server.call("XGROUP", "DESTROY", KEY, GROUP)
        receipt = await act.run(plan)
        assert (receipt.outcomes, receipt.notes) == ((Outcome.CHANGED,), {0: "the group is gone"})
        assert standing(act.keeper.items) == []


async def test_claimed_entries_go_back_unless_the_other_worker_has_begun(server: Server) -> None:
    fill(server, 10)
    group(server, b"b")
    read(server, b"a", 10)
    before = pending(server)
    async with acting(server) as act:
        plan = await act.plan(draft(Deed.CLAIM, GROUP, b"a", b"b"))
        assert outcome(plan, await act.run(plan)) == (Outcome.DONE, 10)
        assert {owner for owner, _ in pending(server).values()} == {b"b"}
        read(server, b"b", 2, "0")
        server.call("XACK", KEY, GROUP, "3-0")
        done = await undo(act)
    assert (done.outcome, done.taken) == (Outcome.DONE, 7)
    assert "3 stayed as they are" in done.note
    now = pending(server)
    assert [name for name, (owner, _) in now.items() if owner == b"b"] == [b"1-0", b"2-0"]
    assert all(now[name] == before[name] for name in now if now[name][0] == b"a")


async def test_nothing_is_claimed_for_a_consumer_that_is_gone(server: Server) -> None:
    fill(server, 3)
    group(server, b"b")
    read(server, b"a", 3)
    async with acting(server) as act:
        plan = await act.plan(draft(Deed.CLAIM, GROUP, b"a", b"b"))
        server.call("XGROUP", "DELCONSUMER", KEY, GROUP, "b")
        receipt = await act.run(plan)
    assert (receipt.outcomes, receipt.notes[0]) == ((Outcome.CHANGED,), "the consumer that was to have them is gone")


# ---- consumers and groups ---------------------------------------------------------------------------------------


async def test_a_dead_consumer_is_removed_and_made_again(server: Server) -> None:
    fill(server, 3)
    group(server, b"a\xff ", b"b")
    async with acting(server) as act:
        plan = await act.plan(draft(Deed.DELETE_CONSUMER, GROUP, b"a\xff "))
        assert outcome(plan, await act.run(plan)) == (Outcome.DONE, 1)
        assert names(server) == {b"b"}
        assert (await undo(act)).taken == 1
        assert names(server) == {b"a\xff ", b"b"}
        assert (await undo(act)).outcome is Outcome.GONE


def names(server: Server) -> set[bytes]:
    return {facts["name"] for facts in server.call("XINFO CONSUMERS", KEY, GROUP)}


async def test_a_consumer_that_comes_to_life_is_kept(server: Server, eventually: Any) -> None:
    fill(server, 1)
    group(server, b"a")
    async with acting(server) as act:
        await eventually(lambda: server.call("XINFO CONSUMERS", KEY, GROUP)[0]["idle"] >= 20)
        plan = await act.plan(draft(Deed.DELETE_CONSUMER, GROUP, b"a"))
        read(server, b"a", 1)
        receipt = await act.run(plan)
        assert receipt.notes[0] == "entries are pending for it again"
        server.call("XACK", KEY, GROUP, "1-0")
        receipt = await act.run(plan)
        assert (receipt.outcomes, receipt.notes[0]) == ((Outcome.CHANGED,), "it has come to life again")
        server.call("XGROUP", "DELCONSUMER", KEY, GROUP, "a")
        assert (await act.run(plan)).outcomes == (Outcome.GONE,)
        assert standing(act.keeper.items) == []


async def test_a_group_is_set_back_and_forth(server: Server) -> None:
    fill(server, 20)
    group(server)
    read(server, b"a", 10)
    before = server.call("XINFO GROUPS", KEY)
    async with acting(server) as act:
        plan = await act.plan(draft(Deed.REPLAY, GROUP, b"4-0"))
        assert plan.steps[0].draft.what == "the group workers, which is given 6 entries again"
        assert outcome(plan, await act.run(plan)) == (Outcome.DONE, 6)
        assert delivered(server) == [b"4-0"]
        assert (await undo(act)).outcome is Outcome.DONE
        assert server.call("XINFO GROUPS", KEY) == before
        await act.run(plan)
        read(server, b"a", 1)
        done = await undo(act)
    assert (done.outcome, done.note) == (Outcome.CHANGED, "the group has been given entries meanwhile")
    assert delivered(server) == [b"5-0"]


async def test_a_group_that_moved_on_is_not_set_back(server: Server) -> None:
    fill(server, 20)
    group(server)
    read(server, b"a", 10)
    async with acting(server) as act:
        plan = await act.plan(draft(Deed.REPLAY, GROUP, b"0-0"))
        read(server, b"a", 1)
        receipt = await act.run(plan)
        assert standing(act.keeper.items) == []
    assert (receipt.outcomes, delivered(server)) == ((Outcome.CHANGED,), [b"11-0"])


async def test_on_a_cluster(cluster: Cluster) -> None:
    node = cluster.owner(cluster.nodes[0].call("CLUSTER", "KEYSLOT", KEY))
    fill(node, 30)
    group(node, b"b")
    read(node, b"a", 10)
    async with acting(cluster.nodes[0]) as act:
        for what in (draft(Deed.CLAIM, GROUP, b"a", b"b"), draft(Deed.ACK, GROUP, b"b", b"0")):
            plan = await act.plan(what)
            assert outcome(plan, await act.run(plan)) == (Outcome.DONE, 10)
        plan = await act.plan(draft(Deed.TRIM, b"5"))
        assert outcome(plan, await act.run(plan)) == (Outcome.DONE, 25)
        assert (await undo(act)).taken == 25
    assert len(ids(node)) == 30


async def test_many_pending_entries_are_looked_up_in_pieces(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey_queue, "WINDOW", 7)
    monkeypatch.setattr(survey_queue, "MOST_PENDING", 14)
    monkeypatch.setattr(queue_stream, "_EACH", 4)
    fill(server, 40)
    group(server)
    read(server, b"a", 40)
    async with acting(server) as act:
        plan = await act.plan(draft(Deed.ACK, GROUP, b"a", b"0"))
        assert plan.steps[0].draft.what == "14 entries pending for a, the oldest of them"
        assert outcome(plan, await act.run(plan)) == (Outcome.DONE, 14)
    assert min(pending(server), key=lambda name: int(name[:-2])) == b"15-0"


# ---- the verbs of the family, from a row as it is read to what the server holds then ----------------------------


async def test_verbs_from_a_row_on_screen(server: Server) -> None:
    fill(server, 20)
    group(server, b"b\xff \t")
    read(server, b"a", 5)
    verbs = {verb.id: verb for verb in FAMILY.verbs}
    async with connected(server) as node, acting(server) as act:

        async def done(verb: str, choice: str | None = None) -> int:
            (row,) = (await rows.read(node, [rows.Question(FAMILY, [KEY])], Expected()))[FAMILY.id]
            assert not verbs[verb].hidden(row)
            assert verbs[verb].fits(row, row.at) is None
            choose = verbs[verb].choice
            if choice is None and choose is not None:
                choice = choose((row,)).options[0][1]
            assert choose is None or not choose((row,)).check(choice or "")
            receipt = await act.do(*verbs[verb].drafts(row, choice or ""))
            assert set(receipt.outcomes) == {Outcome.DONE}
            return receipt.count(Outcome.DONE)

        assert await done("claim") == 5
        assert {owner for owner, _ in pending(server).values()} == {b"b\xff \t"}
        assert await done("forget") == 1
        assert await done("replay", "2 workers") == 3
        assert await done("acknowledge") == 5
        assert await done("delete", "1-0 4-0") == 4
        assert await done("trim-stream", "10") == 6
        assert await done("clear-stream") == 10
        server.call("DEL", KEY)
        server.call("LPUSH", KEY, *range(20))
        assert await done("drop", "2-3") == 2
        assert await done("trim", "10") == 8
        assert await done("clear") == 10
    assert server.call("EXISTS", KEY) == 0
