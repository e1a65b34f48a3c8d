"""The way in to everything that writes: a confirmed plan, the server that was previewed, a record made first."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from fleetcache_gui.domain.plan import Deed, Outcome, Receipt
from fleetcache_gui.redis_io.act import flush
from fleetcache_gui.redis_io.act.run import Run
from fleetcache_gui.redis_io.audit import AuditFailed
from fleetcache_gui.redis_io.faults import Fault, Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fleetcache_gui.domain.plan import Plan, Progress
    from fleetcache_gui.redis_io.act.gate import Confirmed, Gate
    from fleetcache_gui.redis_io.act.hands import Hand, Hands
    from fleetcache_gui.redis_io.act.run import Log
    from fleetcache_gui.redis_io.act.saving import Keeper


async def execute(
    gate: Gate,
    confirmed: Confirmed,
    hands: Hands,
    keeper: Keeper,
    log: Log,
    told: Callable[[Progress], None],
    stop: asyncio.Event,
) -> Receipt:
    """Carry out a confirmed plan.

    Raises `gate.NotConfirmed` when it may not run, and `AuditFailed` when it cannot be put on record: then nothing was
    sent.
    """
    plan = gate.admit(confirmed)
    if problem := await _not_as_previewed(plan, hands):
        now = time.time()
        return Receipt(plan, (Outcome.CANCELLED,) * len(plan.steps), now, now, trouble=problem)
    undo = "undo-" if plan.verb == "undo" else ""
    await log.append(plan.id, f"{undo}intent", intent(plan))
    receipt = await Run(plan, hands, keeper, log, told, stop).go()
    await asyncio.sleep(0)  # of a hundred thousand steps each summary takes some 30 ms
    try:
        await log.append(plan.id, f"{undo}outcome", outcome(receipt))
    except AuditFailed as failed:
        text = " ".join(filter(None, (receipt.trouble, f"The outcome could not be put on record: {failed}")))
        return Receipt(
            plan,
            receipt.outcomes,
            receipt.began,
            receipt.ended,
            receipt.notes,
            receipt.taken,
            receipt.saved,
            text,
        )
    return receipt


async def _not_as_previewed(plan: Plan, hands: Hands) -> str:
    """Why what would be written to is not what was previewed, asked on the very connections that write."""
    flushing = any(step.draft.deed is Deed.FLUSH for step in plan.steps)
    try:
        for node in list(hands.nodes):
            try:
                hand = await _met(hands, node)
            except Trouble:
                if hands.shape is None or flushing:
                    raise
                continue  # its steps are told as unreachable
            if not any(map(hand.same, plan.servers)):
                return (
                    f"{hand.identity.address} is not the server that was previewed: it was restarted or replaced, or "
                    "its role or database has changed. Nothing was sent. Plan again."
                )
        if flushing:
            await flush.permitted(hands)
    except Trouble as trouble:
        return f"{trouble.text} Nothing was sent. Plan again when it answers."
    return ""


async def _met(hands: Hands, node: str) -> Hand:
    """The node, asked just now who it is; on a new connection where the server has hung up on an idle one. Raises
    `Trouble`."""
    hand = hands.nodes[node]
    try:
        await hand.identify()
    except Trouble as trouble:
        if trouble.fault is not Fault.LOST:
            raise
        hand = await hands.again(node)
    return hand


def intent(plan: Plan) -> Mapping[str, object]:
    """What is put on record before the first byte: no key, no value, no credential."""
    return {
        "verb": plan.verb,
        "family": plan.family,
        "what": plan.button,
        "where": plan.where,
        "environment": plan.environment,
        "servers": [
            {"address": s.address, "run_id": s.run_id, "database": s.database, "node_id": s.node_id}
            for s in plan.servers
        ],
        "steps": len(plan.steps),
        "count": plan.count,
        "bytes": plan.size,
        "without_way_back": plan.unsaved,
    }


def outcome(receipt: Receipt) -> Mapping[str, object]:
    """What is put on record at the end; `undo` is the id under which it can be put back, if it can."""
    return {
        "counts": {met.value: number for met, number in receipt.counts.items()},
        "saved": receipt.saved,
        "undo": receipt.plan.id if receipt.saved else None,
        "trouble": receipt.trouble,
        "seconds": round(receipt.ended - receipt.began, 3),
    }
