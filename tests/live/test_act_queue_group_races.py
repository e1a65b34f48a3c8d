"""Interleavings of acknowledging and claiming with workers that read, acknowledge, claim and delete.

Only what is pending as it was seen is touched, and undo knows exactly what was.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.domain.plan import Deed, Outcome
from fleetcache_gui.redis_io.act import queue, queue_stream
from fleetcache_gui.redis_io.act.queue_undo import count, standing
from tests.live.acting import Acting, acting
from tests.live.streams import GROUP, KEY, draft, fill, group, pending, raw, undo

if TYPE_CHECKING:
    from tests.servers import Server

RUNS = 15
Pending = dict[bytes, tuple[bytes, int]]


def disturb(server: Server, chance: random.Random, most: int) -> None:
    """A random while in the life of the group's workers."""
    for _ in range(chance.randrange(most)):
        worker, entry = chance.choice(("a", "b")), f"{chance.randrange(1, 25)}-0"
        chance.choice(
            (
                lambda w=worker, e=entry: raw(server, "XACK", KEY, GROUP, e),
                lambda w=worker, e=entry: raw(server, "XCLAIM", KEY, GROUP, w, 0, e),
                lambda w=worker, e=entry: raw(server, "XCLAIM", KEY, GROUP, w, 0, e, "JUSTID"),
                lambda w=worker, e=entry: raw(server, "XREADGROUP", "GROUP", GROUP, w, "COUNT", 2, "STREAMS", KEY, ">"),
                lambda w=worker, e=entry: raw(server, "XREADGROUP", "GROUP", GROUP, w, "COUNT", 2, "STREAMS", KEY, "0"),
                lambda w=worker, e=entry: raw(server, "XDEL", KEY, e),
            )
        )()


async def once(act: Acting, server: Server, deed: Deed, seed: int) -> int:
    """One plan with disturbances at every point; how many entries it changed."""
    chance = random.Random(seed)
    server.call("DEL", KEY)
    fill(server, 24)
    group(server, b"a", b"b", b"c")
    for worker in (b"a", b"b", b"a"):
        raw(server, "XREADGROUP", "GROUP", GROUP, worker, "COUNT", chance.randrange(1, 8), "STREAMS", KEY, ">")
    plan = await act.plan(draft(deed, GROUP, b"a", b"0" if deed is Deed.ACK else b"c"))
    told = plan.steps[0].told
    seen = {name: int(times) for name, times in zip(told[::3], told[1::3], strict=True)}
    most = chance.choice((1, 3, 8))
    before, changed = pending(server), set[bytes]()

    def look() -> None:
        after = pending(server)
        moved = {name for name in before if after.get(name) != before[name]}
        assert all(before[name] == (b"a", seen.get(name)) for name in moved), f"seed {seed}: others were touched"
        assert {after.get(name, (b"", 0))[0] for name in moved} <= {b"" if deed is Deed.ACK else b"c"}, f"seed {seed}"
        assert set(after) <= set(before)
        changed.update(moved)

    def between(*_: object) -> None:
        nonlocal before
        look()
        disturb(server, chance, most)
        before = pending(server)

    between()
    act.keeper.saved = act.told = between
    receipt = await act.run(plan)
    act.keeper.saved, act.told = lambda: None, lambda progress: None
    look()
    assert receipt.count(Outcome.DONE) == len(changed), f"seed {seed}"
    assert sum(map(count, standing(act.keeper.items))) == len(changed), f"seed {seed}"
    mine = {name for name in changed if pending(server).get(name, (b"c", 0))[0] == b"c"}
    if changed:
        await undo(act)
    back = {name for name, (owner, _) in pending(server).items() if name in mine and owner == b"a"}
    assert back <= mine
    return len(changed)


@pytest.mark.parametrize("deed", [Deed.ACK, Deed.CLAIM])
async def test_only_what_is_pending_as_seen_is_touched(
    server: Server, deed: Deed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_stream, "_EACH", 4)
    monkeypatch.setattr(queue, "SLOW", 60.0)
    changed = 0
    async with acting(server) as act:
        for seed in range(RUNS):
            changed += await once(act, server, deed, seed)
    assert changed > RUNS
