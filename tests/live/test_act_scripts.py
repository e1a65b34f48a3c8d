"""The scripts by themselves, on real servers: what no family's verb comes to today."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.domain.plan import Deed, Draft, Fingerprint, Guard, Outcome, Step
from fleetcache_gui.redis_io.act import scripts
from fleetcache_gui.redis_io.act.verdicts import UNSAVED, hear
from tests.live.hammer import Free
from tests.live.readers import address

if TYPE_CHECKING:
    from fleetcache_gui.redis_io.act.verdicts import Verdict
    from tests.servers import Server

KEY, OTHER = b"k", b"other"
STEP = Step(Draft(Deed.REMOVE, KEY, "k", "string"), Fingerprint("string"))
GUARDS = {
    "there": Guard(OTHER, None, True, "no"),
    "absent": Guard(OTHER, None, False, "no"),
    "in": Guard(OTHER, b"m\0", True, "no"),
    "out": Guard(OTHER, b"m\0", False, "no"),
}
HOLDS = {  # by what `other` is
    "nothing": {"absent", "out"},
    "a set with it": {"there", "in"},
    "a set without it": {"there", "out"},
    "a string": {"there"},
}


async def run(server: Server, step: Step, *guards: Guard, saved: bytes = b"", ends: int | None = None) -> Verdict:
    lane = await Free.open(address(server))
    try:
        script, keys, args = scripts.changing(step, guards, saved, ends)
        return hear(await lane.ask(*script.call(keys, args, whole=True)), guards)
    finally:
        await lane.close()


@pytest.mark.parametrize("other", HOLDS)
async def test_guards(server: Server, other: str) -> None:
    for name, guard in GUARDS.items():
        server.flush()
        server.call("SET", KEY, "v")
        if other.startswith("a set"):
            server.call("SADD", OTHER, b"m\0" if other.endswith("with it") else b"m")
        elif other == "a string":
            server.call("SET", OTHER, b"m\0")
        verdict = await run(server, STEP, guard)
        held = name in HOLDS[other]
        assert (verdict.outcome, verdict.note) == ((Outcome.DONE, "") if held else (Outcome.CHANGED, "no"))
        assert server.call("EXISTS", KEY) == (not held)


async def test_the_first_guard_that_does_not_hold_is_told(server: Server) -> None:
    server.call("SET", KEY, "v")
    first, second = Guard(b"a", None, True, "first"), Guard(b"b", b"x", True, "second")
    assert (await run(server, STEP, first, second)).note == "first"
    server.call("SET", b"a", "1")
    assert (await run(server, STEP, first, second)).note == "second"
    server.call("SADD", b"b", "x")
    assert (await run(server, STEP, first, second)).outcome is Outcome.DONE


async def test_what_is_saved_must_be_what_goes(server: Server) -> None:
    server.call("SET", KEY, "v", "PX", 60_000)
    ends = server.call("PEXPIRETIME", KEY)
    for saved, moment in ((b"0" * 40, None), (b"", ends + 1), (b"", -1), (b"0" * 40, ends)):
        verdict = await run(server, STEP, saved=saved, ends=moment)
        assert (verdict.outcome, verdict.open_) == (None, UNSAVED)
    assert server.call("EXISTS", KEY) == 1
    assert (await run(server, STEP, ends=ends)).outcome is Outcome.DONE


async def test_many_members_in_one_step(server: Server) -> None:
    server.call("SADD", KEY, "a", "b", "c", "d")
    step = Step(Draft(Deed.DROP_MEMBER, KEY, "-", args=(b"a", b"x", b"c")), Fingerprint("set"), count=3)
    assert (await run(server, step, GUARDS["there"])).note == "no"
    assert server.call("SCARD", KEY) == 4
    verdict = await run(server, step, GUARDS["absent"])
    assert (verdict.outcome, verdict.taken) == (Outcome.DONE, 2)
    assert set(server.call("SMEMBERS", KEY)) == {b"b", b"d"}
    assert (await run(server, step)).outcome is Outcome.GONE
