"""Deeds against another client that changes the same keys between plan and deed, and during it.

Every removal is held to the state that it met: it was planned, its condition held, and what the undo bin keeps is that
state to the byte. FLEETCACHE_RACES=20000 makes so many rounds on each server; a failure names its seed.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fleetcache_gui.domain.plan import Deed, Outcome
from fleetcache_gui.domain.verbs import Refusal
from fleetcache_gui.families.spec import SPEC
from fleetcache_gui.redis_io.survey import sha1
from fleetcache_gui.redis_io.undo import Saved
from tests.live.desk import Desk, desk
from tests.live.hammer import ACTIVE, Fact, Hammer, State
from tests.live.readers import address, own_removal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from fleetcache_gui.domain.plan import Guard, Plan, Receipt, Step
    from fleetcache_gui.domain.values import Command
    from tests.servers import Server

ROUNDS = int(os.environ.get("FLEETCACHE_RACES", "300"))
LOCK_ROUNDS = int(os.environ.get("FLEETCACHE_RACES", "400"))

LOCKS = [b"lock:a", b"lock:b", b"lock:a*"]
IDS = [b"1", b"11", b"5"]
TEXTS = [
    *(b"sw:installer:token:0c1f6e1e-0000-4000-8000-%012d" % n for n in range(2)),
    *(b"cache:app_config", b"cache:team:1", b"cache:team:11"),
    b"somebody's",
]
COUNTERS = [b"rate_limit:login:10.0.0.1", b"rate_limit:login:10.0.0.11"]
HASHES = [b"mdm:apple:preassign:A", b"mdm:apple:preassign:AB"]
SQLS = [b"live_query:campaign:%b:sql" % name for name in IDS]
SETS = [b"live_query:campaign:%b:hosts_completed" % name for name in IDS]
STRINGS = [*LOCKS, *TEXTS, *COUNTERS, *SQLS]
ALL = [ACTIVE, *STRINGS, *HASHES, *SETS]

VERBS = {
    "locks": ["release", "expire", "flush"],
    "live_queries": ["cleanup", "stop", "unlist", "cleanup-all", "unlist-all", "remove", "flush"],
    "installer_tokens": ["remove", "expire", "flush"],
    "rate_limits": ["remove", "expire", "flush"],
    "config_cache": ["remove", "expire", "flush"],
    "preassign": ["remove", "expire", "flush"],
}


class World:
    """What the other client writes: values with a number that goes up, and now and then one that was there before."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.number = 0
        self.met: Counter[Outcome] = Counter()

    def value(self, key: bytes) -> bytes:
        self.number += 1
        if self.chance.random() < 0.4:
            return b"web-1:%012x" % self.chance.randrange(2)  # one of two: it comes back
        text = b"%d" % self.number if key in COUNTERS else b"web-1:%012x" % self.number
        return text + b"x" * (20_000 if key == b"cache:app_config" and self.chance.random() < 0.3 else 0)

    def life(self) -> bytes:
        return b"%d" % self.chance.choice([60_000, 60_000, 90_000, 120_000])

    def make(self, key: bytes) -> list[Command]:
        """Give it a value, and an expiry or none."""
        if key == ACTIVE:
            return [(b"SADD", key, self.chance.choice([*IDS, b"stray", b"7"]))]
        if key in HASHES:
            made: list[Command] = [(b"HSET", key, self.chance.choice([b"team", b"profile"]), self.value(key))]
        elif key in SETS:
            made = [(b"SADD", key, b"%d" % self.chance.randrange(4))]
        else:
            made = [(b"SET", key, self.value(key), b"KEEPTTL" if self.chance.random() < 0.3 else b"GET")]
        if key not in SQLS and self.chance.random() < 0.6:
            made.append((b"PEXPIRE", key, self.life()))
        return made

    def change(self, keys: Sequence[bytes]) -> list[Command]:
        key = self.chance.choice(keys)
        dice = self.chance.random()
        if dice < 0.5:
            return self.make(key)
        if dice < 0.62:
            return [(b"DEL", key), *self.make(key)]
        if dice < 0.72:
            return [(b"DEL", key)]
        if dice < 0.8:
            return [(b"PEXPIRE", key, self.life())] if key != ACTIVE else [(b"SREM", key, self.chance.choice(IDS))]
        if dice < 0.88:
            return [(b"PERSIST", key)]
        if dice < 0.93:
            return [(b"INCR", key)]
        if dice < 0.96:
            return [(b"DEL", key), (b"RPUSH", key, self.value(key))]
        return []

    def population(self, keys: Sequence[bytes]) -> list[Command]:
        return [command for key in keys if self.chance.random() < 0.75 for command in self.make(key)]


def held(guard: Guard, state: State) -> bool:
    there = guard.key in state.keys if guard.member is None else guard.member in state.active
    return there == guard.present


def as_seen(step: Step, fact: Fact) -> bool:
    """Whether the key is what the plan says it is, which of a long value knows the length and the start alone."""
    seen, moves = step.seen, step.draft.moves
    if fact.type != seen.type or (seen.digest_of == "dump" and sha1(fact.dump) != seen.digest):
        return False
    return "expiry" in moves or seen.expires_ms == fact.ends


class Judge:
    """Goes through the timeline of one round; `taken` are the positions of the steps that took effect."""

    def __init__(self, plan: Plan, saved: dict[bytes, Saved], *, native: bool) -> None:
        self.plan, self.saved, self.native = plan, saved, native
        self.taken: Counter[int] = Counter()

    def step(self, deed: Deed, key: bytes, member: bytes | None = None) -> int:
        found = [
            position
            for position, step in enumerate(self.plan.steps)
            if step.draft.deed is deed and step.draft.key == key and (member is None or member in step.draft.args)
        ]
        assert len(found) == 1, f"{deed.value} of {key!r} {member!r} was not planned"
        return found[0]

    def between(self, before: State, after: State) -> None:
        """Somebody else than the hammer made `after` of `before`."""
        assert before.keys.keys() >= after.keys.keys(), "something was made"
        for key, fact in before.keys.items():
            now = after.keys.get(key)
            if now == fact:
                continue
            if now is None and (key != ACTIVE or not self._emptied(before)):
                self._removed(key, fact, after)
            elif now is not None and key != ACTIVE:
                self._expires(key, fact, now)
        if ACTIVE in after.keys or self._emptied(before):
            for member in before.active - after.active:
                self._dropped(member, after)

    def _emptied(self, before: State) -> bool:
        """Whether the active set went with its last member."""
        members = {args for s in self.plan.steps if s.draft.deed is Deed.DROP_MEMBER for args in s.draft.args}
        return bool(before.active) and before.active <= members

    def _removed(self, key: bytes, fact: Fact, after: State) -> None:
        position = self.step(Deed.REMOVE, key)
        step = self.plan.steps[position]
        self.taken[position] += 1
        assert as_seen(step, fact), f"{key!r} was another by then"
        assert all(held(guard, after) for guard in step.draft.guards), f"{key!r} was guarded"
        kept = self.saved[key]
        assert kept.payload == fact.dump, f"the undo bin holds another value of {key!r}"
        ends = -1 if kept.expires_ms is None else kept.expires_ms
        if self.native and key in LOCKS and fact.ends > 0:  # DELIFEQ compares the value alone
            assert ends > 0, f"{key!r} would come back for ever"
        else:
            assert ends == fact.ends or (self.native and key in LOCKS and ends > 0), f"another expiry of {key!r}"

    def _dropped(self, member: bytes, after: State) -> None:
        position = self.step(Deed.DROP_MEMBER, ACTIVE, member)
        self.taken[position] += 1
        assert all(held(guard, after) for guard in self.plan.steps[position].draft.guards)

    def _expires(self, key: bytes, fact: Fact, now: Fact) -> None:
        position = self.step(Deed.EXPIRE, key)
        self.taken[position] += 1
        assert as_seen(self.plan.steps[position], fact)
        assert (now.type, now.dump, fact.ends) == (fact.type, fact.dump, -1)
        assert now.ends == int(self.saved[key].payload)

    def outcomes(self, receipt: Receipt) -> None:
        """The receipt says what happened, no more and no less."""
        for position, outcome in enumerate(receipt.outcomes):
            assert outcome in (Outcome.DONE, Outcome.GONE, Outcome.CHANGED, Outcome.UNSAVED), receipt.notes
            assert self.taken[position] == (outcome is Outcome.DONE), (position, outcome, receipt.notes)


@asynccontextmanager
async def arena(server: Server, folder: Path, seed: int) -> AsyncIterator[tuple[Desk, Hammer, World]]:
    chance = random.Random(seed)
    hammer = await Hammer.connect(address(server))
    try:
        async with desk(address(server), folder) as at, at.reading():
            yield at, hammer, World(chance)
    finally:
        await hammer.close()


async def play(at: Desk, hammer: Hammer, world: World, verb: str, keys: Sequence[bytes]) -> Plan | None:
    """One round; its plan where there was one."""
    chance = world.chance
    await hammer.begin(keys, world.population(keys))
    family = SPEC.family(verb.partition(".")[0])
    rows = await at.rows(family.id, *candidates(family.id, keys))
    rows = [row for row in rows if chance.random() < 0.8]
    plan = await at.try_plan(verb, rows, "30000")
    if isinstance(plan, Refusal):
        return None
    for _ in range(chance.choice([0, 1, 4, 12])):
        await hammer.turn(*world.change(keys))
    done = asyncio.Event()
    others = chance.sample(keys, min(len(keys), chance.choice([1, 3, len(keys)])))
    busy = chance.random() < 0.7
    strike = hammer.strike(lambda: world.change(others), done.is_set)
    async with asyncio.TaskGroup() as group:
        if busy:
            group.create_task(strike)
        else:
            strike.close()
        receipt = await at.do(plan)
        done.set()
    await hammer.turn()
    saved = {item.key: item async for item in at.bin.load(plan.id) if isinstance(item, Saved)}
    native = bool(at.hands.nodes[""].native)
    judge = Judge(plan, saved, native=native)
    for (_, before), (after, _) in zip(hammer.turns[:-1], hammer.turns[1:], strict=True):
        judge.between(before, after)
    judge.outcomes(receipt)
    await at.bin.forget(plan.id)
    world.met.update(outcome for outcome in receipt.outcomes)
    return plan


def candidates(family_id: str, keys: Sequence[bytes]) -> list[bytes]:
    family = SPEC.family(family_id)
    position = SPEC.families.index(family)
    rows = {family.row_of(key) for key in keys if SPEC.router(key) == position}
    return sorted(rows | ({b"7", b"stray"} if family_id == "live_queries" else set()))


async def test_whatever_happens_meanwhile_only_what_was_confirmed_goes(server: Server, tmp_path: Path) -> None:
    seed = random.randrange(1 << 32)
    played, choose = 0, random.Random(seed)
    async with arena(server, tmp_path, seed) as (at, hammer, world):
        try:
            while played < ROUNDS:
                family = choose.choice(list(VERBS))
                verb = f"{family}.{choose.choice(VERBS[family])}"
                played += await play(at, hammer, world, verb, ALL) is not None
        except AssertionError as wrong:
            raise AssertionError(f"seed {seed}, round {played}, {verb}: {wrong}") from wrong
    assert min(world.met[met] for met in (Outcome.DONE, Outcome.CHANGED, Outcome.GONE)) > ROUNDS // 80, world.met


async def test_a_lock_that_changed_hands_is_never_released(server: Server, tmp_path: Path) -> None:
    """By DELIFEQ on Valkey, by DELEX on Redis 8.4 and later, by script elsewhere."""
    seed = random.randrange(1 << 32)
    async with arena(server, tmp_path, seed) as (at, hammer, world):
        assert at.hands.nodes[""].native == own_removal(server).upper().encode()
        played = 0
        try:
            while played < LOCK_ROUNDS:
                played += await play(at, hammer, world, "locks.release", LOCKS) is not None
        except AssertionError as wrong:
            raise AssertionError(f"seed {seed}, round {played}: {wrong}") from wrong
    assert min(world.met[met] for met in (Outcome.DONE, Outcome.CHANGED, Outcome.GONE)) > LOCK_ROUNDS // 50, world.met
