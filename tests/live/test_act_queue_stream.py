"""A STREAM as the host queue: entries deleted, acknowledged and claimed, consumers removed, groups set back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from fleetcache_gui.domain.family import Expected
from fleetcache_gui.domain.plan import Deed, Draft, Outcome, Plan, command_shown
from fleetcache_gui.families.spec.host_queue import FAMILY
from fleetcache_gui.redis_io import rows, survey_queue
from fleetcache_gui.redis_io.act import queue_stream
from fleetcache_gui.redis_io.act.queue_undo import put_back, standing
from tests.live.acting import Acting, acting, chunks_of
from tests.live.readers import connected

if TYPE_CHECKING:
    from fleetcache_gui.redis_io.act.queue import Done
    from tests.servers import Cluster, Server

KEY = b"async_host:detail"
GROUP = b"workers"
_FILL = r"""
for entry = ARGV[1], ARGV[2] do
  redis.call('XADD', KEYS[1], string.format('%d-0', entry), 'payload', '\0\255 host\r\n' .. entry, 'n', entry)
end
"""


def draft(deed: Deed, *args: bytes) -> Draft:
    return Draft(deed, KEY, "the queue", "stream", args=args)


def fill(server: Server, number: int, start: int = 1) -> None:
    """Entries `start`-0, …"""
    server.call("EVAL", _FILL, 1, KEY, start, start + number - 1)


def group(server: Server, *consumers: bytes) -> None:
    server.call("XGROUP", "CREATE", KEY, GROUP, 0)
    for consumer in consumers:
        server.call("XGROUP", "CREATECONSUMER", KEY, GROUP, consumer)


def read(server: Server, consumer: bytes, count: int, start: str = ">") -> None:
    server.call("XREADGROUP", "GROUP", GROUP, consumer, "COUNT", count, "STREAMS", KEY, start)


def ids(server: Server) -> list[bytes]:
    return [name for name, _ in server.call("XRANGE", KEY, "-", "+")]


def fields(server: Server) -> list[Any]:
    return [values for _, values in server.call("XRANGE", KEY, "-", "+")]


def pending(server: Server) -> dict[bytes, tuple[bytes, int]]:
    """Id to consumer and deliveries."""
    return {
        name: (owner, deliveries) for name, owner, _, deliveries in raw(server, "XPENDING", KEY, GROUP, "-", "+", 9999)
    }


def raw(server: Server, *command: bytes | str | int) -> Any:
    """The reply as the server gives it."""
    return server.call("EVAL", "return redis.call(unpack(ARGV))", 1, KEY, *command)


def delivered(server: Server) -> list[Any]:
    return [facts["last-delivered-id"] for facts in server.call("XINFO GROUPS", KEY)]


async def undo(act: Acting) -> Done:
    node = act.hands.node_of(KEY)
    return await put_back(act.hands, node, act.keeper.items, lambda taken, waiting: None, asyncio.Event())


def outcome(plan: Plan, receipt: Any) -> tuple[Outcome, int]:
    assert len(plan.steps) == 1
    return receipt.outcomes[0], receipt.taken.get(0)


# ---- entries ----------------------------------------------------------------------------------------------------


async def test_a_range_of_ids_is_deleted_and_comes_back_at_the_end(server: Server) -> None:
    fill(server, 50)
    group(server, b"a")
    read(server, b"a", 12)
    before = fields(server)
    async with acting(server) as act:
        plan = await act.plan(draft(Deed.DROP_RANGE, b"10-0", b"19-0"))
        assert plan.steps[0].draft.what == "10 entries of the queue, 3 of them pending in the group workers"
        assert command_shown(plan.steps[0]) == "XDEL async_host:detail 10-0 19-0"
        assert outcome(plan, await act.run(plan)) == (Outcome.DONE, 10)
        assert ids(server) == [b"%d-0" % n for n in (*range(1, 10), *range(20, 51))]
        done = await undo(act)
    assert (done.outcome, done.taken) == (Outcome.DONE, 10)
    assert done.note == "10 entries came back at the end under new ids, as newer ones exist"
    assert fields(server) == before[:9] + before[19:] + before[9:19]


async def test_entries_keep_their_ids_where_none_are_newer(server: Server) -> None:
    fill(server, 5)
    before = server.call("XRANGE", KEY, "-", "+")
    async with acting(server) as act:
        await act.do(draft(Deed.TRIM, b"0"))
        assert server.call("XLEN", KEY) == 0
        server.call("DEL", KEY)
        done = await undo(act)
    assert (done.taken, done.note) == (5, "")
    assert server.call("XRANGE", KEY, "-", "+") == before


@pytest.mark.parametrize("stay", [0, 1, 40, 2000, 2499])
async def test_trim_leaves_the_newest_and_what_came_later(server: Server, stay: int) -> None:
    fill(server, 2500)
    async with acting(server) as act:
        plan = await act.plan(draft(Deed.TRIM, b"%d" % stay))
        assert plan.count == 2500 - stay
        assert command_shown(plan.steps[0]) == "XTRIM async_host:detail"
        fill(server, 10, start=5000)
        assert outcome(plan, await act.run(plan)) == (Outcome.DONE, 2500 - stay)
    assert len(ids(server)) == stay + 10
    assert ids(server)[-1] == b"5009-0"


async def test_entries_that_others_deleted_are_not_counted_nor_put_back(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks_of(monkeypatch, 10)
    fill(server, 30)
    async with acting(server) as act:
        plan = await act.plan(draft(Deed.TRIM, b"0"))
        server.call("XDEL", KEY, "29-0")
        act.keeper.saved = lambda: len(act.keeper.items) == 1 and server.call("XDEL", KEY, "3-0", "5-0")
        receipt = await act.run(plan)
        assert outcome(plan, receipt) == (Outcome.DONE, 27)
        assert receipt.notes[0] == "27 of 30: the others were deleted by somebody else meanwhile"
        assert (await undo(act)).taken == 27


async def test_another_stream_in_its_place_is_kept(server: Server) -> None:
    fill(server, 30)
    async with acting(server) as act:
        plan = await act.plan(draft(Deed.TRIM, b"0"))
        server.call("DEL", KEY)
        fill(server, 10)
        receipt = await act.run(plan)
        assert receipt.notes[0] == "it is another stream than the one that was seen"
        assert outcome(plan, receipt) == (Outcome.CHANGED, 0)
        assert standing(act.keeper.items) == []
        plan = await act.plan(draft(Deed.TRIM, b"0"))
        server.call("DEL", KEY)
        assert outcome(plan, await act.run(plan)) == (Outcome.GONE, 0)
        server.call("SET", KEY, "x")
        assert outcome(plan, await act.run(plan)) == (Outcome.CHANGED, 0)
    assert server.call("GET", KEY) == b"x"


async def test_ids_beyond_what_a_float_holds(server: Server) -> None:
    top = 2**64 - 1
    for last in (top - 2, top - 1, top):
        server.call("XADD", KEY, f"{top}-{last}", "f", "v")
    async with acting(server) as act:
        plan = await act.plan(draft(Deed.DROP_RANGE, b"%d-%d" % (top, top - 1), b"%d-%d" % (top, top - 1)))
        assert outcome(plan, await act.run(plan)) == (Outcome.DONE, 1)
    assert ids(server) == [b"%d-%d" % (top, last) for last in (top - 2, top)]


async def test_a_stop_keeps_the_rest(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    chunks_of(monkeypatch, 10)
    fill(server, 50)
    async with acting(server) as act:
        plan = await act.plan(draft(Deed.TRIM, b"0"))
        act.told = lambda progress: act.stop.set() if progress.done >= 20 else None
        assert outcome(plan, await act.run(plan)) == (Outcome.DONE, 20)
        assert len(ids(server)) == 30
        act.keeper.room = 1
        act.told = lambda progress: None
        assert outcome(plan, receipt := await act.run(plan)) == (Outcome.DONE, 10)
    assert "could not be saved" in receipt.notes[0]


async def test_what_cannot_be_planned(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(server, 30)
    group(server, b"a", b"b")
    read(server, b"a", 5)
    monkeypatch.setattr(survey_queue, "MOST_WALKED", 12)
    drafts = {
        draft(Deed.TRIM, b"30"): "it has no more than 30 entries",
        draft(Deed.TRIM, b"15"): "more than 12 entries stay and go: trim it in smaller steps",
        draft(Deed.DROP_RANGE, b"31-0", b"40-0"): "it has no entries there",
        draft(Deed.DROP_RANGE, b"1-0", b"20-0"): "these are more than 12 entries: choose fewer, or trim",
        draft(Deed.ACK, GROUP, b"b", b"0"): "nothing of that is pending for it",
        draft(Deed.ACK, GROUP, b"a", b"3600000"): "nothing of that is pending for it",
        draft(Deed.ACK, b"none", b"a", b"0"): "the group is gone",
        draft(Deed.DELETE_CONSUMER, GROUP, b"c"): "it is gone already",
        draft(
            Deed.DELETE_CONSUMER, GROUP, b"a"
        ): "5 entries are pending for it: claim them for another or acknowledge them first",
        draft(Deed.REPLAY, GROUP, b"5-0"): "nothing after that id was delivered yet, so there is nothing to give again",
        draft(Deed.REPLAY, b"none", b"0-0"): "the group is gone",
    }
    async with acting(server) as act:
        plan = await act.plan(*drafts)
        assert plan.steps == ()
        assert [skipped.reason for skipped in plan.skipped] == list(drafts.values())
        server.call("DEL", KEY)
        server.call("LPUSH", KEY, "x")
        kinds = await act.plan(Draft(Deed.ACK, KEY, "q", "", args=(GROUP, b"a", b"0")), draft(Deed.TRIM, b"0"))
    assert [skipped.reason for skipped in kinds.skipped] == ["it is a list now", "it is now a list, not a stream"]


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
