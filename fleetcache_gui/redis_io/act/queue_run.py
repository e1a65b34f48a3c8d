"""Which runner makes which step on a queue."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from fleetcache_gui.domain.plan import Deed, Outcome, Step
from fleetcache_gui.redis_io.act import queue_list, queue_stream, queue_undo
from fleetcache_gui.redis_io.act.queue import Done, Ended, Task, summed_up
from fleetcache_gui.redis_io.faults import Trouble
from fleetcache_gui.redis_io.survey_queue import DEEDS

if TYPE_CHECKING:
    import asyncio

    from fleetcache_gui.redis_io.act.hands import Hands
    from fleetcache_gui.redis_io.act.saving import Keeper

_Runner = Callable[[Task, Step], Coroutine[Any, Any, tuple[Outcome, str]]]

_STREAM: dict[Deed, _Runner] = {
    Deed.TRIM: queue_stream.delete,
    Deed.DROP_RANGE: queue_stream.delete,
    Deed.ACK: queue_stream.pending,
    Deed.CLAIM: queue_stream.pending,
    Deed.DELETE_CONSUMER: queue_stream.forget,
    Deed.REPLAY: queue_stream.replay,
}
_LIST: dict[Deed, _Runner] = {Deed.TRIM: queue_list.trim, Deed.DROP_RANGE: queue_list.drop}

_NEEDS: dict[_Runner, tuple[bytes, ...]] = {
    queue_list.trim: (b"LTRIM", b"LRANGE"),
    queue_list.drop: (b"LTRIM", b"LRANGE", b"LSET", b"LREM"),
    queue_stream.delete: (b"XDEL",),
    queue_stream.forget: (b"XGROUP DELCONSUMER",),
    queue_stream.replay: (b"XGROUP SETID",),
}


def owns(step: Step) -> bool:
    """Whether the step is made here: it changes parts of a queue, or puts them back."""
    return step.draft.deed in DEEDS or (step.draft.deed is Deed.PUT_BACK and bool(step.told))


def needs(step: Step) -> tuple[bytes, ...]:
    """Commands that the account must be allowed, beside EVAL."""
    if step.draft.deed is Deed.PUT_BACK:
        return (b"TYPE",)
    if step.draft.deed in (Deed.ACK, Deed.CLAIM):
        return (b"TYPE", b"XACK" if step.draft.deed is Deed.ACK else b"XCLAIM")
    return (b"TYPE", *_NEEDS[_runner(step)])


def _runner(step: Step) -> _Runner:
    return (_LIST if step.seen.type == "list" else _STREAM)[step.draft.deed]


async def run(hands: Hands, step: Step, keeper: Keeper, told: Callable[[int, str], None], stop: asyncio.Event) -> Done:
    """Make a step. `told` hears how many entries are done, or what is waited for. Raises `Trouble` where nothing was
    done and nothing could be begun."""
    if step.draft.deed is Deed.PUT_BACK:
        return await queue_undo.run(hands, step, told, stop)
    task = Task.of(hands, step, keeper, told, stop)
    try:
        outcome, note = await _runner(step)(task, step)
    except Ended as ended:
        outcome, note = ended.outcome, ended.note
    except Trouble as trouble:
        if not task.taken:
            raise
        task.trouble = trouble
        outcome, note = Outcome.UNREACHABLE, f"{trouble.text} The rest was kept."
    return summed_up(task, step.count, outcome, note)
