"""Entries of a LIST dropped by position: exactly those that were seen, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.domain.plan import Outcome
from fleetcache_gui.redis_io.act.queue_undo import standing
from tests.live.acting import acting
from tests.live.lists import KEY, drop, entries, fill, undo

if TYPE_CHECKING:
    from tests.servers import Server


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 9), (7, 7), (10, 250), (990, 999), (0, 999), (995, 5000)])
async def test_a_range_is_dropped_and_put_back_at_the_old_end(server: Server, first: int, last: int) -> None:
    fill(server, 1000)
    before = entries(server)
    async with acting(server) as act:
        plan = await act.plan(drop(first, last))
        assert plan.count == len(before[first : last + 1])
        receipt = await act.run(plan)
        assert set(receipt.outcomes) == {Outcome.DONE}
        left = before[:first] + before[last + 1 :]
        assert entries(server) == left
        assert (await undo(act)).taken == plan.count
    assert entries(server) == left + before[first : last + 1]


async def test_a_range_is_found_where_it_has_come_to(server: Server) -> None:
    fill(server, 300)
    before = entries(server)
    async with acting(server) as act:
        plan = await act.plan(drop(50, 199))
        fill(server, 1500, start=5000)
        server.call("RPOP", KEY, 60)
        receipt = await act.run(plan)
        assert receipt.outcomes == (Outcome.DONE, Outcome.DONE)
    assert entries(server)[1500:] == before[:50] + before[200:240]


async def test_a_range_that_is_not_there_as_seen_is_kept(server: Server) -> None:
    fill(server, 100)
    async with acting(server) as act:
        plan = await act.plan(drop(50, 99))
        server.call("RPOP", KEY)
        before = entries(server)
        receipt = await act.run(plan)
        assert receipt.outcomes == (Outcome.GONE,)
        assert "no longer stand there" in receipt.notes[0]
        plan = await act.plan(drop(50, 60))
        server.call("LSET", KEY, 55, b"another")
        before = entries(server)
        assert (await act.run(plan)).outcomes == (Outcome.GONE,)
        assert standing(act.keeper.items) == []
    assert entries(server) == before


async def test_a_range_that_stands_there_twice_is_kept(server: Server) -> None:
    server.call("LPUSH", KEY, *[b"a", b"b"] * 20)
    async with acting(server) as act:
        receipt = await act.do(drop(4, 5))
    assert receipt.outcomes == (Outcome.CHANGED,)
    assert "more than once" in receipt.notes[0]
    assert len(entries(server)) == 40


async def test_ranges_that_are_refused_in_the_plan(valkey: Server) -> None:
    async with acting(valkey) as act:
        assert (await act.plan(drop(0, 1))).skipped[0].reason == "it is gone already"
        fill(valkey, 30_000)
        reasons = [
            (await act.plan(drop(*ends))).skipped[0].reason
            for ends in ((30_000, 30_001), (0, 10_000), (15_000, 15_001))
        ]
    assert reasons[0] == "it has no entries there"
    assert "more than 10,000 entries" in reasons[1]
    assert "so deep" in reasons[2]


async def test_a_range_too_deep_by_now_is_kept(valkey: Server) -> None:
    fill(valkey, 21_000)
    async with acting(valkey) as act:
        plan = await act.plan(drop(9_000, 9_001))
        fill(valkey, 2_000, start=50_000)
        receipt = await act.run(plan)
    assert receipt.outcomes == (Outcome.CHANGED,)
    assert len(entries(valkey)) == 23_000
