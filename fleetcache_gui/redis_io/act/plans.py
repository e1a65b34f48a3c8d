"""From a person's wish to a plan: what a verb means for rows, looked at on the servers that would be written to."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcache_gui import clock
from fleetcache_gui.domain import planning, words
from fleetcache_gui.domain.plan import Draft, Fingerprint, Plan, Skipped, Step, Strictness
from fleetcache_gui.domain.verbs import Refusal
from fleetcache_gui.redis_io.act import flush, queue_undo, undoing
from fleetcache_gui.redis_io.act.run import needs
from fleetcache_gui.redis_io.survey import MOST, Survey, survey
from fleetcache_gui.redis_io.survey_queue import DEEDS
from fleetcache_gui.redis_io.undo import Saved

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from fleetcache_gui.domain.family import Family, Row, Verb
    from fleetcache_gui.redis_io.act.hands import Hands
    from fleetcache_gui.redis_io.undo import Missing, UndoBin

_SAMPLE = 100
"""Keys of a family whose sizes are asked for, where it has more."""

_REASONS = 3
_KEYS, _ENTRIES = ("key", "keys"), ("entry", "entries")
_TURN = 500
"""Rows gone through between two turns of the loop."""
_PUT_BACK = "What is put back is as it was, with the time it has left. Nothing that exists now is overwritten."


@dataclass(frozen=True, slots=True)
class Place:
    """Where plans are for: the connection's name and environment, and what the undo bin takes."""

    name: str
    environment: str
    address: str
    bin: UndoBin

    @property
    def where(self) -> str:
        return self.name if self.name == self.address else f"{self.name} ({self.address})"

    async def room(self) -> int:
        """Bytes that the undo bin takes of one deed now. Raises `BinFailed`."""
        limits = self.bin.limits
        return min(limits.deed_bytes, limits.all_bytes - sum(kept.size for kept in await self.bin.entries()))

    def way_back(self, steps: Sequence[Step], hands: Hands) -> str:
        kept = "in memory until this window is closed" if self.bin.kept_in == "memory" else "encrypted on this machine"
        return planning.way_back(steps, full=_full(hands), kept=kept, until=words.span(self.bin.limits.age))


async def for_rows(
    place: Place, hands: Hands, verb: Verb, family: Family, rows: Sequence[Row], choice: str
) -> Plan | Refusal:
    """The plan of a verb for rows. Raises `Trouble`, `BinFailed`."""
    now = clock.now()
    drafts: list[Draft] = []
    skipped: list[Skipped] = []
    taken: list[Row] = []
    refusals: list[Refusal] = []
    for number, row in enumerate(rows):
        if number % _TURN == 0:
            await asyncio.sleep(0)
        refusal = verb.fits(row, now)
        if refusal is None and len(drafts) < MOST:
            drafts += verb.drafts(row, choice)
            taken.append(row)
        elif refusal is not None:
            refusals.append(refusal)
            if verb.scope.value == "rows":  # a bulk verb takes what fits it, and of the rest nobody asked
                skipped.append(Skipped(row.title, refusal.text))
    if len(taken) < len(rows) - len(refusals):
        rest = len(rows) - len(refusals) - len(taken)
        skipped.append(Skipped(words.count(rest, *family.noun), "too many for one plan; plan again for the rest"))
    if len(rows) == 1 and refusals:
        return refusals[0]
    if verb.scope.value == "family":  # over all batches: what points to others goes after them
        drafts.sort(key=lambda draft: draft.stage)
    drafts, refused = await _permitted(hands, drafts)
    found = await survey(hands.ask, drafts, absolute=_absolute(hands), room=await place.room(), node_of=hands.node_of)
    skipped += [*refused, *found.skipped]
    if not found.steps:
        return Refusal(_nothing(family, skipped))
    grave = verb.grave or verb.scope.value == "family"
    strictness = planning.strictness(found.steps, place.environment, grave=grave)
    return Plan(
        id=uuid.uuid4().hex,
        verb=verb.id,
        family=family.id,
        title=planning.phrase(verb, family, taken, len(taken)),
        button=planning.button(verb, family, len(taken)),
        where=place.where,
        environment=place.environment,
        servers=hands.identities,
        steps=found.steps,
        skipped=tuple(skipped),
        consequence=verb.consequence,
        way_back=place.way_back(found.steps, hands),
        strictness=strictness,
        word=_word(place, strictness, sum(step.count for step in found.steps)),
        made_at=clock.now(),
        noun=_ENTRIES if any(step.draft.deed in DEEDS for step in found.steps) else _KEYS,
        grave=grave,
    )


async def for_flush(
    place: Place, hands: Hands, verbs: Sequence[tuple[Family, Verb | None, Sequence[Row]]], *, database: bool
) -> Plan | Refusal:
    """All keys that Fleet's families know, or the whole database. `verbs`: each family with the verb that removes all
    of it (None: there is none) and its rows. Raises `Trouble`, `BinFailed`."""
    counts = [await _measured(hands, family, rows) for family, _, rows in verbs]
    now = clock.now()
    strange = verbs[-1][2]  # a layout's last family takes every key that no other claims
    if database:
        found = Survey(await flush.steps(hands), ())
        title, button = "Flush the whole database", "Flush database"
    else:
        drafts: list[Draft] = []
        for verb, row in ((verb, row) for _, verb, rows in verbs if verb is not None for row in rows):
            if len(drafts) % _TURN == 0:
                await asyncio.sleep(0)
            if len(drafts) < MOST and verb.fits(row, now) is None:
                drafts += verb.drafts(row, "")
        drafts.sort(key=lambda draft: draft.stage)
        drafts, refused = await _permitted(hands, drafts)
        found = await survey(
            hands.ask, drafts, absolute=_absolute(hands), room=await place.room(), node_of=hands.node_of
        )
        found = Survey(found.steps, (*refused, *found.skipped))
        title, button = "Remove all keys of Fleet", "Remove all of Fleet's keys"
    if not found.steps or not any(step.count for step in found.steps):
        return Refusal("There is nothing to flush: no key was found.")
    strictness = Strictness.HOLD if database else Strictness.TYPE
    total = sum(step.count for step in found.steps)
    return Plan(
        id=uuid.uuid4().hex,
        verb="flush.database" if database else "flush.fleet",
        family="",
        title=title,
        button=button,
        where=place.where,
        environment=place.environment,
        servers=hands.identities,
        steps=found.steps,
        skipped=found.skipped,
        consequence=planning.FLUSHED,
        way_back=place.way_back(found.steps, hands),
        strictness=strictness,
        word=_word(place, strictness, total),
        made_at=clock.now(),
        grave=True,
        strangers=tuple(row.title for row in strange[:_SAMPLE]) if database else (),
        counts=tuple(counts),
    )


async def for_undo(
    place: Place,
    hands: Hands,
    title: str,
    items: AsyncIterator[Saved | Missing],
    shown: Callable[[bytes], str],
) -> Plan | Refusal:
    """The plan that puts back what was saved of a deed. Raises `Trouble`, `BinFailed`."""
    queues: list[Saved] = []

    async def others() -> AsyncIterator[Saved | Missing]:
        async for item in items:
            if isinstance(item, Saved) and item.kind in queue_undo.KINDS:
                queues.append(item)
            else:
                yield item

    found = await undoing.survey(others(), hands, shown)
    steps, refused = [], list(found.skipped)
    for step in (*found.steps, *queue_undo.steps(queues, hands.node_of)):
        hand = hands.nodes[step.node]
        if why := hand.refusal(step.draft.key, *needs(step, hand)):
            refused.append(Skipped(step.draft.what, why))
        else:
            steps.append(step)
    if not steps:
        return Refusal(f"Nothing of it can be put back. {_reasons(refused)}".strip())
    strictness = planning.strictness(steps, place.environment, grave=False)
    total = sum(step.count for step in steps)
    return Plan(
        id=uuid.uuid4().hex,
        verb="undo",
        family="",
        title=f"Undo: {title}",
        button="Put back",
        where=place.where,
        environment=place.environment,
        servers=hands.identities,
        steps=tuple(steps),
        skipped=tuple(refused),
        consequence=(_PUT_BACK, planning.FULL) if _full(hands) else (_PUT_BACK,),
        way_back="",
        strictness=strictness,
        word=_word(place, strictness, total),
        made_at=clock.now(),
        noun=_ENTRIES if queues else _KEYS,
    )


def _word(place: Place, strictness: Strictness, count: int) -> str:
    return planning.word_for(place.name, count) if strictness.rank else ""


def _full(hands: Hands) -> bool:
    return any(hand.full for hand in hands.nodes.values())


def _absolute(hands: Hands) -> bool:
    return all(hand.absolute for hand in hands.nodes.values())


async def _permitted(hands: Hands, drafts: Sequence[Draft]) -> tuple[list[Draft], list[Skipped]]:
    """Drafts that the account may carry out, as far as that is known, and those that it may not."""
    fit: list[Draft] = []
    unfit: list[Skipped] = []
    for number, draft in enumerate(drafts):
        if number % _TURN == 0:
            await asyncio.sleep(0)
        hand = hands.nodes.get(hands.node_of(draft.key))
        if hand is None:
            unfit.append(Skipped(draft.what, "its part of the cluster cannot be reached"))
        elif why := hand.refusal(draft.key, *needs(Step(draft, Fingerprint(draft.type)), hand)):
            unfit.append(Skipped(draft.what, why))
        else:
            fit.append(draft)
    return fit, unfit


async def _measured(hands: Hands, family: Family, rows: Sequence[Row]) -> tuple[str, int, int | None]:
    """A family's title, its keys, and about how many bytes they take, from a sample."""
    keys = [key.name for row in rows for key in row.keys if key.exists]
    step = max(len(keys) // _SAMPLE, 1)
    some = keys[::step]
    replies = await hands.ask([(key, (b"MEMORY", b"USAGE", key)) for key in some])
    sizes = [reply for reply in replies if isinstance(reply, int)]
    return family.title, len(keys), round(sum(sizes) / len(sizes) * len(keys)) if sizes else None


def _nothing(family: Family, skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return f"There are no {family.noun[1]} that this fits."
    return f"Nothing is left to do. {_reasons(skipped)}"


def _reasons(skipped: Sequence[Skipped]) -> str:
    """The first reasons, each once."""
    told = list(dict.fromkeys(f"{skip.what}: {skip.reason}." for skip in skipped))
    more = f" And {words.count(len(told) - _REASONS, 'more', 'more')}." if len(told) > _REASONS else ""
    return " ".join(text[:1].upper() + text[1:].replace("..", ".") for text in told[:_REASONS]) + more
