"""Entries of a STREAM as the host queue deleted by id and by age, and put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.domain.plan import Deed, Draft, Outcome, command_shown
from fleetcache_gui.redis_io import survey_queue
from fleetcache_gui.redis_io.act.queue_undo import standing
from tests.live.acting import acting, chunks_of
from tests.live.streams import GROUP, KEY, draft, fields, fill, group, ids, outcome, read, undo

if TYPE_CHECKING:
    from tests.servers import Server


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
