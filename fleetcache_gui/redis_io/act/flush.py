"""FLUSHDB on one primary: the one deed that takes what was not listed. It is held to the count that was previewed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fleetcache_gui import clock
from fleetcache_gui.domain.plan import Deed, Draft, Fingerprint, Outcome, Step
from fleetcache_gui.domain.values import ReplyError
from fleetcache_gui.redis_io import info
from fleetcache_gui.redis_io.act import probes, scripts, settle
from fleetcache_gui.redis_io.act.verdicts import hear
from fleetcache_gui.redis_io.faults import Fault, Trouble

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from fleetcache_gui.redis_io.act.hands import Hand, Hands

SLACK = 0.05
"""So much of the count may have come since the preview; with more keys than that nothing is flushed."""

_ALSO = 100
"""Keys that may have come in any case."""


async def steps(hands: Hands) -> tuple[Step, ...]:
    """One step for each primary, with the keys that it holds now. Raises `Trouble`, also where one may not be flushed:
    half of a flush is worse than none."""
    if hands.lost:
        text = "A part of the cluster cannot be reached."
        raise Trouble(Fault.LOST, text, "Flush when all primaries answer, so that nothing is left half done.")
    await permitted(hands)
    made: list[Step] = []
    for node, hand in hands.nodes.items():
        keys, memory = await hand.lane.exchange(((b"DBSIZE",), (b"INFO", b"memory")))
        count = keys if isinstance(keys, int) else 0
        used = info.whole(info.fields(memory), "used_memory") if isinstance(memory, bytes) else None
        draft = Draft(Deed.FLUSH, b"", f"database {hand.identity.database} of {hand.identity.address}")
        made.append(Step(draft, Fingerprint("", count), used, saved=False, node=node, count=count))
    return tuple(made)


async def permitted(hands: Hands) -> None:
    """Raises `Trouble` naming the first node that would refuse."""
    for hand in hands.nodes.values():
        refused = await probes.refused(hand.lane.exchange, (b"",))
        if hands.shape is not None:
            refused |= await _unasked(hand)
        for command in (probes.FLUSH, b"EVAL"):
            if why := refused.get((b"", command)) or hand.refusal(b""):
                text = f"{hand.identity.address} would refuse it: {why}"
                raise Trouble(Fault.PERMISSION, text, "Nothing was sent to any node.", final=True)


async def _unasked(hand: Hand) -> dict[tuple[bytes, bytes], str]:
    """What a node of a cluster would refuse, tried without any key: that of `probes.refused` may lie on another."""
    reply = await hand.lane.ask(b"EVAL", probes.SCRIPT, b"0", probes.FLUSHING)
    told = reply.text.encode() if isinstance(reply, ReplyError) else reply[0] if isinstance(reply, list) else b""
    why = probes.reason(told.decode("utf-8", "replace"), "FLUSHDB") if isinstance(told, bytes) else ""
    return {(b"", probes.FLUSH): why} if why else {}


async def run(
    hands: Hands, hand: Hand, step: Step, waiting: Callable[[str], None], stop: asyncio.Event
) -> tuple[Outcome, str, float]:
    """Flush one primary: the outcome, a note, and how long it took in seconds. Raises `Trouble` before it is sent."""
    before = await _flushes(hand)
    most = step.count + max(int(step.count * SLACK), _ALSO)
    command = scripts.FLUSH.call((), (b"%d" % most,), whole=True)
    asked = clock.now()
    replies, trouble = await hand.lane.once((command,))
    took = clock.now() - asked
    if trouble is None:
        verdict = hear(replies[0], ())
        note = verdict.note
        if verdict.outcome is Outcome.CHANGED:
            note = "it holds many more keys than previewed; nothing was flushed"
        return verdict.outcome or Outcome.FAILED, note, took
    waiting(f"{trouble.text} Looking whether {hand.identity.address} was flushed …")
    after = await settle.look(hands, step.node, hand, waiting, stop, _flushes)
    if isinstance(after, str):
        return Outcome.UNKNOWN, after, took
    if before is None or after is None or after < before:  # somebody has set the statistics back
        return Outcome.UNKNOWN, "the server does not tell whether it was flushed", took
    if after > before:
        return Outcome.DONE, "found by reading: it was flushed", took
    return Outcome.FAILED, "the connection broke before it was done; it was not flushed", took


async def _flushes(hand: Hand) -> int | None:
    """How often this server was flushed since it was started; probes (`probes.FLUSHING`) fail, and do not count."""
    reply = await hand.lane.ask(b"INFO", b"commandstats")
    if not isinstance(reply, bytes):
        return None
    stats = info.fields(reply).get("cmdstat_flushdb", "calls=0,failed_calls=0")
    figures = dict(pair.split("=", 1) for pair in stats.split(",") if "=" in pair)
    calls, failed = (info.whole(figures, name) for name in ("calls", "failed_calls"))
    return None if calls is None or failed is None else calls - failed  # Redis < 6.2 does not tell
