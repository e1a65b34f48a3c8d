"""Carries a plan out: batch by batch, each step once and atomically with its condition, all of it on record.

A batch is saved for undo, sent, heard of and written to the audit log before the next one begins. Where a reply is lost
the outcome is found out by reading (`settle`), never by sending again.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from fleetcache_gui import clock
from fleetcache_gui.domain.plan import Deed, Outcome, Plan, Progress, Receipt
from fleetcache_gui.domain.values import ReplyError
from fleetcache_gui.redis_io.act import flush, queue_run, scripts, undoing
from fleetcache_gui.redis_io.act.saving import ASKING, Keeper, Kept, save
from fleetcache_gui.redis_io.act.settle import settle
from fleetcache_gui.redis_io.act.verdicts import MOVED, STRANGE, UNSAVED, WHAT, ZERO, Verdict, hear
from fleetcache_gui.redis_io.audit import AuditFailed
from fleetcache_gui.redis_io.faults import Trouble
from fleetcache_gui.redis_io.survey import question, unmet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from fleetcache_gui.domain.plan import Guard, Step
    from fleetcache_gui.domain.values import Command
    from fleetcache_gui.redis_io.act.hands import Hand, Hands

FIRST, MOST = 50, 400
"""Steps in the first batch and in the largest."""

HEAVY = 4 << 20
"""Bytes of keys in one batch."""

QUICK, SLOW = 0.005, 0.020
"""A batch answered within the one (seconds) is followed by a larger one; beyond the other by a smaller, and a rest."""

_TRIES = 3
"""So often is a key saved again that changed (or was laid out anew) between saving and removing."""

_NEEDS = {
    Deed.REMOVE: (b"UNLINK", b"TYPE", b"PTTL", b"DUMP"),
    Deed.DROP_MEMBER: (b"SREM", b"TYPE"),
    Deed.EXPIRE: (b"PEXPIREAT", b"TYPE", b"PTTL", b"DUMP"),
    Deed.FLUSH: (b"FLUSHDB",),
}
_ANOTHER = (WHAT["value"], WHAT["length"])
_BROKE = "the connection broke before it was sent"
_ON_THE_MOVE = "its slot is moving to another node; plan again"


def needs(step: Step, hand: Hand) -> tuple[bytes, ...]:
    """The commands that an account must be allowed for a step."""
    if queue_run.owns(step):
        return (*queue_run.needs(step), b"EVAL")
    if step.draft.deed is Deed.PUT_BACK:
        return (undoing.NEEDS.get(undoing.kind(step), b"EVAL"),)
    if scripts.native(step, hand.own(step.draft.key)):
        return (hand.native, b"TYPE", b"DUMP")
    return (*_NEEDS.get(step.draft.deed, ()), b"EVAL")


class Log(Protocol):
    """Where it is written that and what is done (`audit.AuditLog`)."""

    async def append(self, deed: str, event: str, facts: Mapping[str, object]) -> object: ...


@dataclass(slots=True)
class Run:
    """One plan on its way. `told` hears of progress; `stop` ends it before the next batch."""

    plan: Plan
    hands: Hands
    keeper: Keeper
    log: Log
    told: Callable[[Progress], None]
    stop: asyncio.Event
    trouble: str = ""
    _outcomes: list[Outcome | None] = field(default_factory=list)
    _notes: dict[int, str] = field(default_factory=dict)
    _taken: dict[int, int] = field(default_factory=dict)
    _saved: set[int] = field(default_factory=set)
    _most: int = FIRST

    # --- the whole -----------------------------------------------------------------------------------------------

    async def go(self) -> Receipt:
        """Do it; the receipt tells what became of every step, however it ended."""
        began, started, done, saved = time.time(), clock.now(), 0, 0
        total = self.plan.count
        self._outcomes = [None] * len(self.plan.steps)
        for positions in self._batches():
            if self.stop.is_set() or self.trouble:
                break
            took = await self._batch(positions)
            await self._write_down(positions)
            done += sum(self.plan.steps[position].count for position in positions)
            saved += sum(
                self._count(p) for p in self._saved.intersection(positions) if self._outcomes[p] is Outcome.DONE
            )
            elapsed = clock.now() - started
            rate = done / elapsed if elapsed > 0.5 else None
            self.told(Progress(done, total, rate, (total - done) / rate if rate else None))
            self._most = min(self._most * 2, MOST) if took < QUICK else self._most
            self._most = max(self._most // 2, 1) if took > SLOW else self._most
            await asyncio.sleep(took if took > SLOW else 0)
        rest = Outcome.UNREACHABLE if self.trouble else Outcome.CANCELLED
        outcomes = tuple(outcome or rest for outcome in self._outcomes)
        return Receipt(self.plan, outcomes, began, time.time(), self._notes, self._taken, saved, self.trouble)

    def _batches(self) -> Iterator[list[int]]:
        steps, first = self.plan.steps, 0
        while first < len(steps):
            last, weight = first, 0
            while last < len(steps) and last - first < self._most and (last == first or weight < HEAVY):
                weight += steps[last].size or 0
                last += 1
            yield list(range(first, last))
            first = last

    async def _write_down(self, positions: Sequence[int]) -> None:
        counts: dict[str, int] = {}
        for position in positions:
            word = (self._outcomes[position] or Outcome.UNREACHABLE).value
            counts[word] = counts.get(word, 0) + self._count(position)
        facts = {"steps": [positions[0] + 1, positions[-1] + 1], "counts": counts}
        try:
            await self.log.append(self.plan.id, "progress", facts)
        except AuditFailed as failed:
            self.trouble = f"{failed} Nothing more was sent."

    def _count(self, position: int) -> int:
        return self._taken.get(position, self.plan.steps[position].count)

    def _note(self, positions: Iterable[int], outcome: Outcome, note: str) -> None:
        for position in positions:
            self._outcomes[position] = outcome
            self._notes[position] = note

    def _wait(self, text: str) -> None:
        met = sum(self._count(p) for p, outcome in enumerate(self._outcomes) if outcome is not None)
        self.told(Progress(met, self.plan.count, waiting=text))

    # --- a batch -------------------------------------------------------------------------------------------------

    async def _batch(self, positions: Sequence[int]) -> float:
        """Do a batch, stage by stage and node by node; the longest exchange, in seconds."""
        groups: dict[tuple[int, str, bool], list[int]] = {}
        for position in positions:
            step = self.plan.steps[position]
            groups.setdefault((step.draft.stage, step.node, queue_run.owns(step)), []).append(position)
        longest = 0.0
        for (_, node, _), members in sorted(groups.items(), key=lambda group: group[0][0]):
            hand = self.hands.nodes.get(node)
            if self.trouble:
                break
            if hand is None or hand.lane.closed:
                self._note(members, Outcome.UNREACHABLE, "its node cannot be reached")
                continue
            members = [position for position in members if self._permitted(hand, position)]
            try:
                longest = max(longest, await self._group(node, hand, members))
            except Trouble as trouble:  # nothing that changes anything was sent since the last outcome
                unsent = [position for position in members if self._outcomes[position] is None]
                self._note(unsent, Outcome.UNREACHABLE, trouble.text)
                self._lost(trouble)
        return longest

    def _lost(self, trouble: Trouble) -> None:
        if self.hands.shape is None:
            self.trouble = f"{trouble.text} What was not done can be planned again."

    def _permitted(self, hand: Hand, position: int) -> bool:
        step = self.plan.steps[position]
        if why := hand.refusal(step.draft.key, *needs(step, hand)):
            self._note((position,), Outcome.REFUSED, why)
            return False
        return True

    async def _group(self, node: str, hand: Hand, positions: Sequence[int]) -> float:
        """Steps of one node. Raises `Trouble` where one could not be begun."""
        if positions and self.plan.steps[positions[0]].draft.deed is Deed.FLUSH:
            step = self.plan.steps[positions[0]]
            outcome, note, took = await flush.run(self.hands, hand, step, self._wait, self.stop)
            self._note(positions[:1], outcome, note)
            return took
        if positions and queue_run.owns(self.plan.steps[positions[0]]):
            return max([await self._queue(position) for position in positions])
        left, longest = await self._guarded(await self._lasting(hand, positions)), 0.0
        for _ in range(_TRIES):
            if not left:
                return longest
            kept = await save(hand, self.plan.steps, left, self.keeper)
            self._saved.update(kept.saved)
            for position, (outcome, note) in kept.fell_out.items():
                self._note((position,), outcome, note)
            await self._refused(node, kept)
            safe = [p for p in left if p not in kept.fell_out and p not in kept.refused]
            if self.trouble:
                self._note(safe, Outcome.UNREACHABLE, self.trouble)
                return longest
            left, took = await self._send(node, hand, safe, kept)
            longest = max(longest, took)
        self._note(left, Outcome.UNSAVED, "it changes faster than it can be saved")
        return longest

    async def _lasting(self, hand: Hand, positions: Sequence[int]) -> Sequence[int]:
        """What is put back must have some of its time left: RESTORE says OK to what has lapsed, and makes nothing."""
        timed = [p for p in positions if self.plan.steps[p].draft.deed is Deed.PUT_BACK]
        ends = {p: end for p in timed if (end := undoing.ends_ms(self.plan.steps[p])) is not None}
        if ends:
            now = 1000 * await hand.clock()
            self._note([p for p, end in ends.items() if end <= now], Outcome.GONE, undoing.LAPSED)
        return [p for p in positions if self._outcomes[p] is None]

    async def _queue(self, position: int) -> float:
        """A step on parts of a queue: it has chunks of its own."""
        if self.trouble or self.stop.is_set():
            return 0.0
        step = self.plan.steps[position]
        met = sum(self._count(p) for p, outcome in enumerate(self._outcomes) if outcome is not None)

        def told(taken: int, waiting: str) -> None:
            self.told(Progress(met + taken, self.plan.count, waiting=waiting))

        done = await queue_run.run(self.hands, step, self.keeper, told, self.stop)
        self._note((position,), done.outcome, done.note)
        if done.taken:
            self._taken[position] = done.taken
        if done.saved:
            self._saved.add(position)
        if done.trouble:
            self._lost(done.trouble)
        return done.took

    async def _guarded(self, positions: Sequence[int]) -> list[int]:
        """Guards that no script can hold, as their keys lie elsewhere in the cluster: looked at just before."""
        watched = [
            (position, guard)
            for position in positions
            for guard in self.plan.steps[position].draft.guards
            if not self.hands.together(self.plan.steps[position].draft.key, guard.key)
        ]
        replies = await self.hands.ask([question(guard) for _, guard in watched])
        for (position, guard), reply in zip(watched, replies, strict=True):
            if problem := unmet(guard, reply):
                self._note((position,), Outcome.CHANGED, problem)
        return [position for position in positions if self._outcomes[position] is None]

    async def _refused(self, node: str, kept: Kept) -> None:
        """What the server said when something was to be saved: it may hold for all that would come."""
        elsewhere: dict[int, ReplyError] = {}
        for position, error in kept.refused.items():
            verdict = hear(error, ())
            self._take(position, verdict)
            if verdict.open_ == MOVED:
                elsewhere[position] = error
        await self._follow(node, elsewhere)

    # --- sending -------------------------------------------------------------------------------------------------

    async def _send(self, node: str, hand: Hand, positions: Sequence[int], kept: Kept) -> tuple[list[int], float]:
        """Send each step once. Those that must be saved and sent anew since nothing was done, and how long it took."""
        changed = [position for position in positions if self._unlike(hand, position, kept)]
        positions = [position for position in positions if position not in changed]
        commands = [self._command(hand, position, kept) for position in positions]
        asked = clock.now()
        replies, trouble = await hand.lane.once(commands)
        took = clock.now() - asked
        verdicts = [hear(reply, self._held(self.plan.steps[p])) for p, reply in zip(positions, replies, strict=False)]
        open_: dict[str, list[int]] = {UNSAVED: [], STRANGE: [], MOVED: [], ZERO: list(changed)}
        for position, verdict in zip(positions, verdicts, strict=False):
            self._take(position, verdict)
            if verdict.outcome is None:
                open_[verdict.open_].append(position)
        if open_[STRANGE]:
            hand.met.clear()
        self._note(open_[ZERO], Outcome.CHANGED, "it had changed or was gone, and was not touched")
        if trouble is not None:
            self._lost(trouble)
            await self._settle(node, hand, positions[len(replies) :], trouble)
            self._note([*open_[UNSAVED], *open_[STRANGE], *open_[MOVED]], Outcome.UNREACHABLE, _BROKE)
            return [], took
        await self._tell_apart(hand, open_[ZERO])
        errors = {p: reply for p, reply in zip(positions, replies, strict=True) if isinstance(reply, ReplyError)}
        await self._follow(node, {position: errors[position] for position in open_[MOVED]})
        return [*open_[UNSAVED], *open_[STRANGE]], took

    def _held(self, step: Step) -> list[Guard]:
        """The guards that the step's own script holds."""
        return [guard for guard in step.draft.guards if self.hands.together(step.draft.key, guard.key)]

    def _command(self, hand: Hand, position: int, kept: Kept) -> Command:
        step = self.plan.steps[position]
        if step.draft.deed is Deed.PUT_BACK:
            return undoing.command(step, hand)
        if command := self._native(hand, position, kept):
            return command
        told = kept.digests.get(position, b""), kept.ends.get(position)
        script, keys, args = scripts.changing(step, self._held(step), *told)
        whole = script.sha not in hand.met or bool(hand.refusal(step.draft.key, b"EVALSHA"))
        hand.met.add(script.sha)
        return script.call(keys, args, whole=whole)

    def _native(self, hand: Hand, position: int, kept: Kept) -> Command | None:
        """The server's own compare-and-delete, where it tells as much apart as the script does."""
        step = self.plan.steps[position]
        key = step.draft.key
        # It compares the value alone: a lock without expiry that is given one meanwhile would come back without.
        lasting = kept.ends.get(position) == -1 and not hand.refusal(key, b"EVAL", b"UNLINK")
        if lasting or step.seen.digest_of != "dump":
            return None
        return scripts.native(step, hand.own(key))

    def _unlike(self, hand: Hand, position: int, kept: Kept) -> bool:
        """Whether what was saved is not what the server's own compare-and-delete would compare with: if the key were
        as it was again by then, undo would bring back another's."""
        if self._native(hand, position, kept) is None:
            return False
        return kept.digests.get(position, b"") not in (b"", self.plan.steps[position].seen.digest.encode())

    def _take(self, position: int, verdict: Verdict) -> None:
        if verdict.outcome is not None:
            self._outcomes[position] = verdict.outcome
        if verdict.note:
            other = self.plan.steps[position].draft.otherwise if verdict.note in _ANOTHER else ""
            self._notes[position] = other or verdict.note
        if verdict.taken is not None:
            self._taken[position] = verdict.taken
        if verdict.fatal:
            self.trouble = f"{verdict.fatal} Nothing more was sent."

    async def _tell_apart(self, hand: Hand, positions: Sequence[int]) -> None:
        """A native compare-and-delete says 0 for a key that is gone and for one that has changed."""
        if not positions:
            return
        kinds = await hand.lane.exchange([(b"TYPE", self.plan.steps[p].draft.key) for p in positions])
        for position, kind in zip(positions, kinds, strict=True):
            if kind == b"none":
                self._note((position,), Outcome.GONE, "")
            elif kind == self.plan.steps[position].seen.type.encode():
                self._take(position, Verdict(Outcome.CHANGED, WHAT["value"]))
            else:
                self._note((position,), Outcome.CHANGED, WHAT["type"])

    async def _follow(self, node: str, moved: Mapping[int, ReplyError]) -> None:
        """Slots have moved, and nothing was done. Where their new node was previewed too, it is asked, once."""
        if not moved:
            return
        self._note(moved, Outcome.FAILED, _ON_THE_MOVE)
        try:
            await self.hands.refresh(node)
            for position, error in moved.items():
                now = self.hands.directed(error, self.plan.steps[position].draft.key)
                hand = self.hands.nodes.get(now)
                if hand is not None and now != node and any(map(hand.same, self.plan.servers)) and not self.trouble:
                    await self._there(now, hand, position, asking=error.code == "ASK")
        except Trouble as trouble:
            self._lost(trouble)

    async def _there(self, node: str, hand: Hand, position: int, *, asking: bool) -> None:
        """One step at the node to which its slot has moved, or is just moving. Raises `Trouble`."""
        kept = await save(hand, self.plan.steps, [position], self.keeper, asking=asking)
        self._saved.update(kept.saved)
        if position in kept.fell_out:
            self._note((position,), *kept.fell_out[position])
        if position in kept.fell_out or position in kept.refused:
            return
        if self._unlike(hand, position, kept):
            await self._tell_apart(hand, (position,))
            return
        hand.met.clear()  # this is tried once: the script goes with it
        commands = (self._command(hand, position, kept),)
        replies, trouble = await hand.lane.once((ASKING, *commands) if asking else commands)
        if trouble is not None:
            await self._settle(node, hand, [position], trouble)
        else:
            self._take(position, hear(replies[-1], self._held(self.plan.steps[position])))

    async def _settle(self, node: str, hand: Hand, positions: Sequence[int], trouble: Trouble) -> None:
        """Find out what became of steps that were sent and never heard of."""
        self._note(positions, Outcome.UNKNOWN, trouble.text)
        steps = [self.plan.steps[position] for position in positions]
        verdicts = await settle(self.hands, node, hand, steps, self._wait, self.stop)
        for position, (outcome, note) in zip(positions, verdicts, strict=True):
            self._note((position,), outcome, note)
