"""Thousands of interleavings of a plan with workers that pop and hosts that push: nothing unseen is ever removed.

A model of the queue knows each entry by its number, whatever its value, so that an entry which merely looks like one
that was seen is told from it.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import redis

from fleetcache_gui.domain.plan import Deed, Draft, Outcome
from fleetcache_gui.redis_io import survey_queue
from fleetcache_gui.redis_io.act import queue
from fleetcache_gui.redis_io.act.queue_undo import count, standing
from tests.live.acting import Acting, acting, chunks_of
from tests.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fleetcache_gui.redis_io.undo import Saved
    from tests.servers import Server

KEY = b"async_host:detail"
RUNS = int(os.environ.get("FLEETCACHE_RACES", "80"))
"""Interleavings of each kind."""


@dataclass
class Model:
    """The queue as hosts and workers use it, on the server and here: (number, value), newest first."""

    client: redis.Redis
    chance: random.Random
    letters: int
    entries: list[tuple[int, bytes]] = field(default_factory=list)
    numbers: int = 0

    def push(self) -> None:
        value = b"%d" % (self.numbers if not self.letters else self.chance.randrange(self.letters))
        self.client.lpush(KEY, value)
        self.entries.insert(0, (self.numbers, value))
        self.numbers += 1

    def pop(self) -> None:
        value = self.client.rpop(KEY)
        assert value == (self.entries.pop()[1] if self.entries else None)

    def refill(self) -> None:
        """The key is deleted, and others come."""
        much = len(self.entries)
        self.client.delete(KEY)
        self.entries.clear()
        for _ in range(much):
            self.push()

    def disturb(self, most: int) -> None:
        """A random while in the life of the queue."""
        for _ in range(self.chance.randrange(most)):
            self.chance.choice((self.push, self.pop, self.pop, self.push, self.refill if most > 30 else self.pop))()

    def values(self) -> list[bytes]:
        return [value for _, value in self.entries]

    def actual(self) -> list[bytes]:
        found: list[Any] = self.client.lrange(KEY, 0, -1)
        return found

    def trimmed(self) -> list[int]:
        """Take note of entries that are gone from the old end: their numbers."""
        gone = len(self.entries) - len(self.actual())
        removed = [self.entries.pop()[0] for _ in range(gone)]
        assert self.actual() == self.values()
        return removed


@pytest.fixture
def client(valkey: Server) -> Iterator[redis.Redis]:
    with redis.Redis(host=valkey.host, port=valkey.port, protocol=2) as client:
        yield client


async def trim_once(act: Acting, client: redis.Redis, seed: int, *, unsure: bool = False) -> tuple[int, int]:
    """One plan with disturbances at every point; how many entries it planned and removed. `unsure`: replies are lost
    at times, so that it may not be known what it removed."""
    chance = random.Random(seed)
    model = Model(client, chance, chance.choice((0, 0, 1, 2, 3)))
    client.delete(KEY)
    for _ in range(chance.randrange(1, 60)):
        model.push()
    stay = chance.choice((0, 0, 1, chance.randrange(20)))
    plan = await act.plan(Draft(Deed.TRIM, KEY, "q", "list", args=(b"%d" % stay,)), room=chance.choice((0, 1 << 20)))
    seen = {number for number, _ in model.entries[stay:]}
    removed: list[int] = []
    alive = [seen]
    most = chance.choice((1, 1, 4, 20, 80))

    def between(*_: object) -> None:
        removed.extend(model.trimmed())
        model.disturb(most)
        alive.append(seen.intersection(number for number, _ in model.entries))

    if chance.random() < 0.7:
        model.disturb(most)
        alive.append(seen.intersection(number for number, _ in model.entries))
    act.keeper.saved = act.told = between
    receipt = await act.run(plan)
    removed.extend(model.trimmed())
    # Where all that was seen is gone, and others that look the same stand there, nothing tells them apart.
    if not model.letters or all(alive):
        assert set(removed) <= seen, f"seed {seed}: unseen entries were removed"
    if plan.steps:
        (outcome,) = receipt.outcomes
        if outcome is Outcome.UNKNOWN:
            assert unsure
        else:
            assert (outcome is Outcome.DONE) == bool(removed), f"seed {seed}"
            assert receipt.count(Outcome.DONE) == len(removed), f"seed {seed}"
        if plan.steps[0].saved:
            assert kept(act) >= len(removed) if outcome is Outcome.UNKNOWN else kept(act) == len(removed), (
                f"seed {seed}"
            )
    return plan.count, len(removed)


def kept(act: Acting) -> int:
    """How many entries of a list undo would put back."""
    return sum(map(count, standing(act.keeper.items)))


@pytest.mark.parametrize("first", range(0, RUNS, RUNS // 2))
async def test_trim_removes_only_what_was_seen(
    valkey: Server, client: redis.Redis, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chunks_of(monkeypatch, 7)
    planned = removed = 0
    async with acting(valkey) as act:
        for seed in range(first, first + RUNS // 2):
            asked, gone = await trim_once(act, client, seed)
            planned, removed = planned + asked, removed + gone
    assert removed > planned // 10, "a test in which hardly anything is removed proves nothing"


async def test_lost_replies_and_workers_at_once(
    valkey: Server, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is said to be done was done, what is said not to be was not, and the rest is said not to be known."""
    chunks_of(monkeypatch, 7)
    planned = removed = 0
    with Proxy(valkey.host, valkey.port) as proxy:
        async with acting(proxy) as act:
            for seed in range(RUNS // 4):
                chance = random.Random(-seed)
                proxy.cut_reply_to(chance.choice((b"EVAL", b"EVALSHA", b"EVALSHA")), chance.randrange(1, 9))
                asked, gone = await trim_once(act, client, seed, unsure=True)
                planned, removed = planned + asked, removed + gone
                if act.hands.nodes[""].lane.closed:
                    await act.hands.again("")
    assert removed > planned // 20, "a test in which hardly anything is removed proves nothing"


async def drop_once(act: Acting, client: redis.Redis, seed: int) -> tuple[int, int]:
    """One plan to drop a range; how many entries it planned and removed."""
    chance = random.Random(seed)
    model = Model(client, chance, 0)
    client.delete(KEY)
    for _ in range(chance.randrange(1, 40)):
        model.push()
    first = chance.randrange(len(model.entries))
    last = chance.randrange(first, len(model.entries))
    args = (b"%d" % first, b"%d" % last)
    plan = await act.plan(Draft(Deed.DROP_RANGE, KEY, "q", "list", args=args))
    wanted = model.entries[first : last + 1]
    most = chance.choice((1, 1, 6, 40))

    gone: list[tuple[int, bytes]] = []

    def dropped(items: Sequence[Saved]) -> None:
        """Take note of the pieces that have gone: each step saves its piece, and says afterwards if it did not go."""
        for position, item in enumerate(items):
            if item.kind != queue.ONLY:
                step = plan.steps[sum(one.kind != queue.ONLY for one in items[:position])]
                piece = wanted[int(step.told[0]) - first :][: step.count]
                went = items[position + 1 : position + 2] == [] or items[position + 1].kind != queue.ONLY
                if went and not set(piece) <= set(gone):
                    gone.extend(piece)
                    assert set(piece) <= set(model.entries) or model.letters, f"seed {seed}: unseen entries went"
                    model.entries = [entry for entry in model.entries if entry not in piece]

    def between(*_: object) -> None:
        if act.keeper.items[-1].kind != queue.ONLY:
            dropped(act.keeper.items[:-1])
            model.disturb(most)

    model.disturb(most)
    act.keeper.saved = between
    receipt = await act.run(plan)
    dropped(act.keeper.items)
    removed = receipt.count(Outcome.DONE)
    assert kept(act) == len(gone) == removed, f"seed {seed}"
    assert model.actual() == model.values(), f"seed {seed}: other entries were dropped"
    return plan.count, removed


@pytest.mark.parametrize("piece", [3, 100])
async def test_a_range_is_dropped_as_seen_or_not_at_all(
    valkey: Server, client: redis.Redis, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey_queue, "PIECE", piece)
    planned = removed = 0
    async with acting(valkey) as act:
        for seed in range(RUNS // 2):
            asked, gone = await drop_once(act, client, seed)
            planned, removed = planned + asked, removed + gone
    assert removed > planned // 10, "a test in which hardly anything is removed proves nothing"
