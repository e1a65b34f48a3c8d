"""A stand-in for what changes a server: hand-made plans, receipts and history, no server. What it is told is kept."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from fleetcache_gui import clock
from fleetcache_gui.deeds import Deeds, Mode, Offer
from fleetcache_gui.domain.plan import (
    Deed,
    Draft,
    Fingerprint,
    Identity,
    Outcome,
    Plan,
    Progress,
    Receipt,
    Skipped,
    Step,
    Strictness,
    WayBack,
)
from fleetcache_gui.domain.verbs import Refusal, Scope
from fleetcache_gui.redis_io.undo import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from fleetcache_gui.domain.family import Row, Verb
    from tests.ui.stage import Stage

WHERE = "prod-eu (10.0.2.11:6379 db 0)"
SAVED = "What goes is saved first, and can be put back for 24 hours unless something else has taken its name."


def step(key: bytes, *, saved: bool = True, size: int | None = 212, node: str = "", deed: Deed = Deed.REMOVE) -> Step:
    draft = Draft(deed, key, f"the key {key.decode(errors='replace')}", "string")
    return Step(draft, Fingerprint("string", 24, "d", "dump", -1), size, saved, node)


def plan(*steps: Step, **changes: object) -> Plan:
    """A plan of `steps` (one lock by default)."""
    base = Plan(
        id="20260131-0942-release",
        verb="release",
        family="locks",
        title="Release lock cron:vuln, held by api-1",
        button="Release lock",
        where=WHERE,
        environment="PRODUCTION",
        servers=(Identity("10.0.2.11:6379", "stage", "master", 0),),
        steps=steps or (step(b"lock:cron:vuln", size=96),),
        skipped=(),
        consequence=(
            "Another server may take the lock at once, and run the job again while the first still works.",
            "The holder is told nothing: it finds out when it renews.",
        ),
        way_back=SAVED,
        strictness=Strictness.PRESS,
        word="prod-eu 1",
        made_at=clock.now(),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def receipt(of: Plan, outcomes: Sequence[Outcome] | Outcome = Outcome.DONE, **changes: object) -> Receipt:
    """What became of a plan, one outcome for all or one each."""
    met = tuple(outcomes) if not isinstance(outcomes, Outcome) else (outcomes,) * len(of.steps)
    now = time.time()
    saved = sum(outcome is Outcome.DONE and s.saved for outcome, s in zip(met, of.steps, strict=True))
    return replace(Receipt(of, met, now - 1.2, now, saved=saved), **changes)  # type: ignore[arg-type]


def flush(*, database: bool) -> Plan:
    """The two flushes."""
    counts = (("Live queries", 24, 41 << 20), ("Locks", 5, 480), ("Tokens", 204, 61_000), ("Host queue", 1, 9 << 20))
    shared = {"verb": "flush", "family": "", "word": "prod-eu 1312", "counts": counts}
    consequence = (
        "Running live queries lose their targets and answers, and have to be started again.",
        "All locks drop: cron jobs may run twice until they are taken anew.",
        "Host details that wait in the queue are lost; the hosts send them again within the hour.",
    )
    if not database:
        steps = tuple(step(f"locks:{i}".encode()) for i in range(234))
        return plan(
            *steps,
            **shared,
            title="Flush all of Fleet's keys",
            button="Flush Fleet's keys",
            strictness=Strictness.TYPE,
            consequence=consequence,
        )
    return plan(
        Step(Draft(Deed.FLUSH, b"", "everything in database 0"), Fingerprint(""), None, saved=False),
        **{**shared, "counts": (*counts, ("Other keys", 72, 2 << 20))},
        title="Flush the whole database 0",
        button="Flush database",
        strictness=Strictness.HOLD,
        consequence=(*consequence, "72 keys are not Fleet's: whoever uses them loses them too."),
        way_back="There is none: nothing is saved before a flush of the database.",
        strangers=("session:8f21", "session:91aa", "celery-task-meta-11", "celery-task-meta-12"),
    )


@dataclass(frozen=True)
class Entry:
    """A line of the audit log."""

    seq: int
    at: float
    who: str = "mara"
    host: str = "admin-7"
    deed: str = "20260131-0942"
    event: str = "begun"
    facts: Mapping[str, object] = field(default_factory=lambda: {"verb": "release", "keys": 1})


class StageAudit:
    """An audit log of so many entries."""

    def __init__(self, count: int = 3) -> None:
        self.broken = ""
        self.log = [Entry(seq, 1_769_850_000 + 60 * seq) for seq in range(count, 0, -1)]
        self.exported: list[Path] = []
        self.refusal: OSError | None = None

    async def entries(self, before: int | None, limit: int) -> Sequence[Entry]:
        await asyncio.sleep(0)
        older = [entry for entry in self.log if before is None or entry.seq < before]
        return older[:limit]

    async def export(self, path: Path) -> None:
        if self.refusal:
            raise self.refusal
        self.exported.append(path)


class StageDeeds(Deeds):
    """`made`: what the next question is answered with. `outcome`: what the act that runs ends with, set by a test."""

    def __init__(self, stage: Stage, mode: Mode = Mode.LOCKED) -> None:
        QObject.__init__(self)  # nothing of what real deeds are made of
        self._stage = stage
        self._mode = mode
        self.ends = clock.now() + 899.5
        self.word = ""
        self.why = ""
        self.failure = ""
        self.asked: list[tuple[object, ...]] = []
        self.made: Plan | Refusal | Exception = plan()
        self.gate: asyncio.Event | None = None  # what unlocking and planning wait for
        self.outcome: asyncio.Future[Receipt] | None = None
        self.ways: tuple[WayBack, ...] = ()
        self.audit = StageAudit()
        self._limits = Limits()
        self._running: Plan | None = None

    # lock

    @property
    def mode(self) -> Mode:
        return self._mode

    def set_mode(self, mode: Mode, why: str = "", left: float = 899.5) -> None:
        """A test changes it."""
        self._mode, self.why, self.ends = mode, why, clock.now() + left
        self.changed.emit()

    def left(self, now: float) -> float:
        return max(self.ends - now, 0.0) if self._mode is Mode.UNLOCKED else 0.0

    @property
    def unlock_word(self) -> str:
        return self.word

    async def unlock(self, typed: str = "") -> str:
        self.asked.append(("unlock", typed))
        self.set_mode(Mode.UNLOCKING)
        await self._pass()
        if self._mode is not Mode.UNLOCKING:
            return "Cancelled."
        self.set_mode(Mode.LOCKED if self.failure else Mode.UNLOCKED)
        return self.failure

    def lock(self) -> None:
        self.asked.append(("lock",))
        self.set_mode(Mode.LOCKED)

    def hindrance(self) -> str:
        return self.why

    async def _pass(self) -> None:
        if self.gate is not None:
            await self.gate.wait()
        await asyncio.sleep(0)

    # offers

    def offers(self, family_id: str, row_ids: Sequence[bytes]) -> tuple[Offer, ...]:
        table, now = self._stage.table(family_id), clock.now()
        rows = [row for row_id in row_ids if (row := table.get(row_id))]
        verbs = self._stage.layout.family(family_id).verbs
        return tuple(
            Offer(verb, self._hindered(verb, rows, now))
            for verb in verbs
            if verb.scope is Scope.ROWS and not all(verb.hidden(row) for row in rows)
        )

    def _hindered(self, verb: Verb, rows: list[Row], now: float) -> Refusal | None:
        if self._mode is not Mode.UNLOCKED:
            return Refusal("Unlock actions first.")
        found = [verb.fits(row, now) for row in rows]
        return found[0] if found and all(found) else None

    def bulk(self, family_id: str) -> tuple[Offer, ...]:
        locked = None if self._mode is Mode.UNLOCKED else Refusal("Unlock actions first.")
        verbs = self._stage.layout.family(family_id).verbs
        return tuple(Offer(verb, locked) for verb in verbs if verb.scope is not Scope.ROWS)

    # deeds

    @property
    def running(self) -> Plan | None:
        return self._running

    @property
    def limits(self) -> Limits:
        return self._limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = limits

    async def _answer(self, *what: object) -> Plan | Refusal:
        self.asked.append(what)
        await self._pass()
        if isinstance(self.made, Exception):
            raise self.made
        return self.made

    async def plan(self, family_id: str, verb: Verb, row_ids: Sequence[bytes] = (), choice: str = "") -> Plan | Refusal:
        return await self._answer("plan", family_id, verb.id, tuple(row_ids), choice)

    async def plan_flush(self, *, database: bool) -> Plan | Refusal:
        self.asked.append(("plan_flush", database))
        return flush(database=database)

    async def plan_undo(self, deed: str) -> Plan | Refusal:
        return await self._answer("plan_undo", deed)

    async def execute(self, plan: Plan, typed: str = "") -> Receipt:
        self.asked.append(("execute", plan.id, typed))
        self._running = plan
        self.outcome = asyncio.get_running_loop().create_future()
        try:
            return await self.outcome
        finally:
            self._running = None

    def cancel(self) -> None:
        self.asked.append(("cancel",))
        if self.outcome is not None and self._running is not None and not self.outcome.done():
            self.outcome.set_result(receipt(self._running, Outcome.CANCELLED, trouble="You stopped it."))

    def progress(self, done: int, total: int, **more: object) -> None:
        """A test tells how far it has come."""
        self.progressed.emit(Progress(done, total, **more))  # type: ignore[arg-type]

    async def ways_back(self) -> tuple[WayBack, ...]:
        await asyncio.sleep(0)
        return self.ways

    async def forget(self, deed: str) -> None:
        self.asked.append(("forget", deed))
        self.ways = tuple(way for way in self.ways if way.deed != deed)


def way_back(deed: str = "20260131-0942-release", **changes: object) -> WayBack:
    """Something in the undo bin."""
    now = time.time()
    title = "Release lock cron:vuln, held by api-1"
    base = WayBack(deed, title, WHERE, now - 90, now + 86_310, 1, 96, "memory")
    return replace(base, **changes)  # type: ignore[arg-type]


def long_plan(count: int = 100_000, *, skipped: int = 0) -> Plan:
    """A plan of many keys."""
    steps = tuple(step(b"tokens:%06d-aa11" % i, size=180) for i in range(count))
    left_out = tuple(Skipped(f"token {i:02d}…", "it is gone already") for i in range(skipped))
    return plan(
        *steps,
        skipped=left_out,
        verb="remove",
        family="tokens",
        title=f"Remove {count:,} tokens",
        button=f"Remove {count:,} tokens",
        noun=("token", "tokens"),
        strictness=Strictness.TYPE,
        word=f"prod-eu {count}",
        consequence=("Downloads that were about to begin are refused; Fleet issues other tokens for them.",),
    )
