"""A LIST as the host queue, made shorter while hosts push and workers pop."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fleetcache_gui.domain.plan import Outcome
from fleetcache_gui.redis_io import survey_queue
from fleetcache_gui.redis_io.act import queue
from fleetcache_gui.redis_io.act.queue_undo import count, standing
from fleetcache_gui.redis_io.undo import Saved, UndoBin
from tests.live.acting import acting, chunks_of
from tests.live.lists import KEY, drop, entries, fill, trim, undo
from tests.monitor import Monitor

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Cluster, Server


async def test_trim_keeps_the_newest_and_undo_brings_all_back_in_order(server: Server) -> None:
    fill(server, 3500)
    before = entries(server)
    async with acting(server) as act:
        plan = await act.plan(trim(500))
        assert entries(server) == before
        assert (plan.count, plan.steps[0].saved, plan.skipped) == (3000, True, ())
        receipt = await act.run(plan)
        assert (receipt.outcomes, receipt.taken, receipt.saved) == ((Outcome.DONE,), {0: 3000}, 3000)
        assert entries(server) == before[:500]
        assert (await undo(act)).taken == 3000
    assert entries(server) == before


async def test_clear_leaves_no_key_and_undo_makes_it_anew(server: Server) -> None:
    fill(server, 40)
    before = entries(server)
    async with acting(server) as act:
        receipt = await act.do(trim(0))
        assert receipt.count(Outcome.DONE) == 40
        assert server.call("EXISTS", KEY) == 0
        assert (await undo(act)).outcome is Outcome.DONE
    assert entries(server) == before


async def test_what_comes_after_the_plan_stays_and_what_workers_took_is_said(server: Server) -> None:
    fill(server, 100)
    before = entries(server)
    async with acting(server) as act:
        plan = await act.plan(trim(10))
        fill(server, 30, start=1000)
        server.call("RPOP", KEY, 20)
        receipt = await act.run(plan)
        newer = entries(server)[:30]
        assert entries(server) == [*newer, *before[:10]]
        assert receipt.taken == {0: 70}
        assert receipt.notes[0] == "70 of 90: workers took the others meanwhile"
        assert (await undo(act)).taken == 70
    assert entries(server) == [*newer, *before[:80]]


async def test_workers_that_take_between_saving_and_removing(server: Server) -> None:
    """What was saved and then taken by a worker is not put back."""
    fill(server, 50)
    before = entries(server)
    async with acting(server) as act:
        plan = await act.plan(trim(5))
        act.keeper.saved = lambda: len(act.keeper.items) == 1 and server.call("RPOP", KEY, 3)
        receipt = await act.run(plan)
        assert entries(server) == before[:5]
        assert receipt.taken == {0: 42}
        await undo(act)
    assert entries(server) == before[:47]


async def test_nothing_goes_when_workers_have_come_beyond_the_boundary(server: Server) -> None:
    fill(server, 50)
    async with acting(server) as act:
        plan = await act.plan(trim(10))
        server.call("RPOP", KEY, 45)
        fill(server, 60, start=500)
        before = entries(server)
        receipt = await act.run(plan)
        assert (receipt.outcomes, receipt.counts) == ((Outcome.GONE,), {Outcome.GONE: 40})
        assert standing(act.keeper.items) == []
    assert entries(server) == before


async def test_emptied_and_filled_again(server: Server) -> None:
    fill(server, 50)
    async with acting(server) as act:
        plan = await act.plan(trim(0))
        server.call("DEL", KEY)
        assert (await act.run(plan)).outcomes == (Outcome.GONE,)
        fill(server, 80, start=500)
        plan = await act.plan(trim(20))
        server.call("RPOP", KEY, 80)
        fill(server, 80, start=900)
        before = entries(server)
        assert (await act.run(plan)).outcomes == (Outcome.GONE,)
        assert standing(act.keeper.items) == []
    assert entries(server) == before


async def test_alike_entries_go_where_nobody_takes_any(server: Server) -> None:
    """The server's own counters prove that all of them are those that were seen."""
    server.call("LPUSH", KEY, *[b"same"] * 60)
    async with acting(server) as act:
        plan = await act.plan(trim(10))
        server.call("LPUSH", KEY, *[b"same"] * 5)
        receipt = await act.run(plan)
    assert (receipt.taken, len(entries(server))) == ({0: 50}, 15)


async def test_alike_entries_are_kept_where_workers_take_some(server: Server) -> None:
    server.call("LPUSH", KEY, *[b"same"] * 60)
    async with acting(server) as act:
        plan = await act.plan(trim(0))
        server.call("RPOP", KEY, 59)
        server.call("LPUSH", KEY, *[b"same"] * 30)
        receipt = await act.run(plan)
        assert receipt.taken == {0: 1}
        assert "cannot be told" in receipt.notes[0]
        await undo(act)
    assert len(entries(server)) == 31


async def test_another_type_in_its_place(server: Server) -> None:
    fill(server, 5)
    async with acting(server) as act:
        plans = [await act.plan(trim(0)), await act.plan(drop(1, 2))]
        server.call("DEL", KEY)
        server.call("SADD", KEY, b"x")
        for plan in plans:
            receipt = await act.run(plan)
            assert (receipt.outcomes, receipt.notes) == ((Outcome.CHANGED,), {0: "it has another type now"})
            assert standing(act.keeper.items) == []
        assert (await act.plan(trim(0))).skipped[0].reason == "it is now a set, not a list"
        server.call("DEL", KEY)
        fill(server, 5)
        await act.do(trim(0))
        server.call("SADD", KEY, b"x")
        assert (await undo(act)).outcome is Outcome.CHANGED
    assert server.call("SCARD", KEY) == 1


async def test_somebody_puts_entries_at_the_old_end(server: Server) -> None:
    """Where they stand they look old, and were not seen."""
    fill(server, 20)
    async with acting(server) as act:
        plan = await act.plan(trim(0))
        server.call("RPUSH", KEY, b"put back by another inspector")
        receipt = await act.run(plan)
    assert receipt.outcomes == (Outcome.CHANGED,)
    assert "plan again" in receipt.notes[0]
    assert len(entries(server)) == 21


async def test_a_full_bin_keeps_the_rest(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    chunks_of(monkeypatch, 10)
    fill(server, 100)
    before = entries(server)
    async with acting(server) as act:
        act.keeper.room = 3
        receipt = await act.do(trim(0))
        assert receipt.taken == {0: 30}
        assert "could not be saved for undo" in receipt.notes[0]
        assert entries(server) == before[:70]
        await undo(act)
    assert entries(server) == before


async def test_what_does_not_fit_into_the_bin_has_no_way_back_and_goes_all_the_same(server: Server) -> None:
    fill(server, 5000)
    async with acting(server) as act:
        plan = await act.plan(trim(10), room=1000)
        assert (plan.unsaved, plan.count) == (4990, 4990)
        receipt = await act.run(plan)
        assert (receipt.taken, receipt.saved, act.keeper.items) == ({0: 4990}, 0, [])
    assert len(entries(server)) == 10


async def test_cancelled_between_chunks(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    chunks_of(monkeypatch, 10)
    fill(server, 100)
    before = entries(server)
    async with acting(server) as act:
        plan = await act.plan(trim(0))
        act.told = lambda progress: act.stop.set() if progress.done >= 30 else None
        receipt = await act.run(plan)
        assert (receipt.taken, receipt.notes) == ({0: 30}, {0: "30 of 100: cancelled"})
        assert [progress.done for progress in act.progress][:3] == [10, 20, 30]
        await undo(act)
    assert entries(server) == before


async def test_no_command_touches_more_than_a_bounded_piece(valkey: Server) -> None:
    """Whatever the length of the list: what is read, compared and removed at once is counted."""
    fill(valkey, 30_000)
    async with acting(valkey) as act:
        with Monitor(valkey) as seen:
            await act.do(trim(100))
            commands = [one.words for one in seen.commands() if one.name in (b"lrange", b"ltrim")]
    assert len(commands) > 30
    for name, _, first, last in commands:
        if name == b"LTRIM":
            assert (first, -1 - int(last) <= queue.CHUNK) == (b"0", True)
        else:
            assert int(last) - int(first) <= queue.CHUNK + survey_queue.WINDOW


async def test_on_a_cluster(cluster: Cluster) -> None:
    node = cluster.owner(cluster.nodes[0].call("CLUSTER", "KEYSLOT", KEY))
    fill(node, 100)
    before = entries(node)
    async with acting(cluster.nodes[0]) as act:
        receipt = await act.do(drop(10, 19))
        receipt = await act.do(trim(30))
        assert receipt.taken == {0: 60}
        await undo(act)
    assert entries(node) == before[:10] + before[20:]


@pytest.mark.parametrize("missing", ["-ltrim", "-lrange", "-eval"])
async def test_an_account_that_may_not(server: Server, missing: str) -> None:
    fill(server, 10)
    server.call("ACL SETUSER", "clerk", "on", ">pw", "~*", "+@all", missing)
    try:
        async with acting(server, username="clerk", password="pw") as act:
            found = await act.look(trim(0))
            receipt = await act.run(act.planned(found))
    finally:
        server.call("ACL DELUSER", "clerk")
    if missing == "-lrange":  # without it there is not even a plan
        assert found.skipped[0].reason == "the account may not read it"
    else:
        assert receipt.outcomes == (Outcome.REFUSED,)
        assert receipt.notes == {0: f"The account may not use {missing[1:].upper()}."}
    assert len(entries(server)) == 10


async def test_without_counters_what_is_unlike_goes_all_the_same(valkey: Server) -> None:
    """Where the server does not tell them, only what looks alike cannot be told apart."""
    fill(valkey, 50)
    before = entries(valkey)
    async with acting(valkey) as act:
        found = await act.look(trim(5))
        (step,) = found.steps
        told = (step.told[0], b"", b"", *step.told[3:])
        receipt = await act.run(act.planned(replace(found, steps=(replace(step, told=told),))))
        assert receipt.taken == {0: 45}
    assert entries(valkey) == before[:5]


async def test_nothing_can_be_put_back_while_memory_is_full(server: Server) -> None:
    fill(server, 50)
    before = entries(server)
    async with acting(server) as act:
        await act.do(trim(5))
        server.call("CONFIG SET", "maxmemory", 1)
        try:
            done = await undo(act)
        finally:
            server.call("CONFIG SET", "maxmemory", 0)
        assert (done.outcome, done.note) == (Outcome.FAILED, "The server's memory is full.")
        assert (await undo(act)).taken == 45
    assert entries(server) == before


async def test_through_the_undo_bin_on_the_disk(
    valkey: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks_of(monkeypatch, 10)
    fill(valkey, 50)
    before = entries(valkey)
    async with acting(valkey) as act:
        plan = await act.plan(trim(5))
        act.keeper.saved = lambda: len(act.keeper.items) == 2 and valkey.call("RPOP", KEY, 3)
        await act.run(plan)
        undo_bin = UndoBin(tmp_path, b"k" * 32)
        record = undo_bin.begin(plan.id, "Trim queue", {})
        for item in act.keeper.items:
            await record.save([item])
        await record.finish()
        loaded = [item async for item in undo_bin.load(plan.id)]
        act.keeper.items = [item for item in loaded if isinstance(item, Saved)]
        assert len(act.keeper.items) == len(loaded)
        assert (await undo(act)).taken == 42
    assert entries(valkey) == before[:37] + before[40:]


def test_what_went_in_part_is_put_back_in_part() -> None:
    def saved(kind: str, content: Any) -> Saved:
        return Saved(KEY, kind, msgspec.msgpack.encode(content))

    items = [saved("list", [b"a", b"b", b"c"]), saved("only", [1, 2]), saved("list", [b"d"]), saved("only", [])]
    (item,) = standing(items)
    assert (msgspec.msgpack.decode(item.payload), count(item)) == ([b"b", b"c"], 2)
