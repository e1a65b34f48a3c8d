"""A flush of a whole family that is killed, cut or stopped at random points: every key is accounted for."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fleetcache_gui import clock
from fleetcache_gui.domain.plan import Outcome
from fleetcache_gui.redis_io.act import settle
from fleetcache_gui.redis_io.act.hands import ready
from fleetcache_gui.redis_io.address import Address
from fleetcache_gui.redis_io.audit import Entry
from fleetcache_gui.redis_io.undo import Limits
from tests.live.actor import books
from tests.live.breaking import assert_told_truly, calls, existing, fill, kept, names, removal, said, soon, undoing
from tests.live.desk import PREFIXES, desk
from tests.servers import HOST, Server, wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

MANY = int(os.environ.get("FLEETCACHE_MANY", "20000"))
"""Keys of the family that is flushed whole; 100,000 for the full measure."""

SOME = 2000
"""Keys where an act is only begun."""

ROUNDS = int(os.environ.get("FLEETCACHE_ROUNDS", "2"))
"""Random points at which each fault strikes."""

LARGE = Limits(deed_bytes=1 << 30, all_bytes=1 << 31)


def points(seed: int) -> list[int]:
    dice = random.Random(seed)
    return [dice.randrange(1, SOME * 3 // 4) for _ in range(ROUNDS)]


# --- an inspector that is killed, or stopped --------------------------------------------------------------------------


class Actor:
    """The process of `tests.live.actor`, planned and waiting for `go`."""

    def __init__(self, server: Server, folder: Path, count: int, patience: float) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.live.actor", str(server.port), str(folder), str(count), str(patience)],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.plan = self.hear()["plan"]

    def hear(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        told: dict[str, Any] = json.loads(self.process.stdout.readline())
        return told

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@contextmanager
def acting(server: Server, folder: Path, count: int, patience: float = 5.0) -> Iterator[Actor]:
    actor = Actor(server, folder, count, patience)
    try:
        yield actor
    finally:
        actor.process.kill()
        actor.process.communicate()


def _nobody_acts(server: Server) -> bool:
    clients: list[dict[str, str]] = server.call("CLIENT LIST")
    return not any(client["name"].endswith("-act") for client in clients)


@pytest.mark.parametrize("removed", [0, *points(1)])
async def test_a_killed_inspector_has_kept_all_that_it_took(valkey: Server, tmp_path: Path, removed: int) -> None:
    keys = names(SOME)
    fill(valkey, keys)
    log, bin_ = books(tmp_path)
    with acting(valkey, tmp_path, SOME) as actor:
        before = calls(valkey, "unlink")
        actor.go()
        if removed:
            wait_until(lambda: calls(valkey, "unlink") - before >= removed, "so many are removed", 60)
        else:
            wait_until(lambda: log.path.exists() and b"\n" in log.path.read_bytes(), "the intent is written", 60)
        actor.process.kill()
        actor.process.wait()
    wait_until(lambda: _nobody_acts(valkey), "the server has noticed", 60)
    there = existing(valkey, keys)
    gone = {key for key, still in zip(keys, there, strict=True) if not still}
    assert removed <= len(gone) < SOME
    entries = [(entry.deed, entry.event) async for entry in log.read() if isinstance(entry, Entry)]
    assert await log.verify() is None
    assert entries[0] == (actor.plan, "intent")
    assert {event for _, event in entries[1:]} <= {"progress"}
    (begun,) = await log.unfinished()
    assert begun.deed == actor.plan
    safe = await kept(bin_, actor.plan)
    assert gone <= safe.keys()
    async with desk(Address(HOST, valkey.port), tmp_path) as at:
        at.bin = bin_
        plan = await removal(at.hands, keys[:1])
        if gone:  # what is back is what was there
            back = await undoing(at, replace(plan, id=actor.plan))
            assert {step.draft.key for step in back.steps} == gone
            receipt = await at.do(back)
            assert set(receipt.outcomes) == {Outcome.DONE}
    assert valkey.call("MGET", *keys) == [key.ljust(20, b".") for key in keys]


@pytest.mark.parametrize("hung_up", [False, True])
async def test_a_stopped_inspector_goes_on_truly(valkey: Server, tmp_path: Path, hung_up: bool) -> None:
    """As when a computer sleeps for longer than every time-out; meanwhile the server may have hung up."""
    keys = names(SOME)
    fill(valkey, keys)
    with acting(valkey, tmp_path, SOME, patience=1.0) as actor:
        before = calls(valkey, "unlink")
        actor.go()
        wait_until(lambda: calls(valkey, "unlink") - before >= 100, "some are removed", 60)
        os.kill(actor.process.pid, signal.SIGSTOP)
        if hung_up:
            valkey.call("CLIENT", "KILL", "TYPE", "normal")
        time.sleep(3)  # the longest time-out of the actor is 2 s
        os.kill(actor.process.pid, signal.SIGCONT)
        told = actor.hear()
    there = existing(valkey, keys)
    lies = [
        (key, outcome)
        for key, outcome, still in zip(keys, told["outcomes"], there, strict=True)
        if still == (outcome in ("DONE", "GONE"))
    ]
    assert lies == []
    assert "UNKNOWN" not in told["outcomes"]
    assert told["outcomes"].count("DONE") >= 100
    if hung_up:
        assert told["trouble"]


# --- a server that is killed, a connection that is cut ----------------------------------------------------------------


@pytest.mark.parametrize("removed", points(2))
async def test_a_killed_server_leaves_no_key_unaccounted_for(
    valkey: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, removed: int
) -> None:
    monkeypatch.setattr(settle, "_BETWEEN", 0.05)
    keys = names(SOME)
    fill(valkey, keys)
    async with desk(Address(HOST, valkey.port), tmp_path) as at:
        plan = await removal(at.hands, keys)
        async with asyncio.TaskGroup() as group:
            act = group.create_task(at.do(plan))
            await soon(lambda: bool(at.told) and at.told[-1].done >= removed)
            valkey.restart()
        receipt = act.result()
        met = set(receipt.outcomes)
        assert Outcome.DONE in met
        assert met <= {Outcome.DONE, Outcome.UNKNOWN, Outcome.UNREACHABLE}, said(receipt)
        assert receipt.trouble
        taken = {
            step.draft.key
            for step, outcome in zip(plan.steps, receipt.outcomes, strict=True)
            if outcome in (Outcome.DONE, Outcome.UNKNOWN)
        }
        assert taken <= (await kept(at.bin, plan.id)).keys()
        assert [event for _, event, _ in at.log.entries][:1] == ["intent"]
        assert at.log.entries[-1][1] == "outcome"


@pytest.mark.parametrize("removed", points(3))
async def test_a_cut_flush_is_told_key_by_key_and_goes_on(valkey: Server, tmp_path: Path, removed: int) -> None:
    keys = names(SOME)
    fill(valkey, keys)
    async with desk(Address(HOST, valkey.port), tmp_path, limits=LARGE) as at:
        plan = await removal(at.hands, keys)
        async with asyncio.TaskGroup() as group:
            act = group.create_task(at.do(plan))
            await soon(lambda: bool(at.told) and at.told[-1].done >= removed)
            await asyncio.to_thread(valkey.call, "CLIENT", "KILL", "TYPE", "normal")
        receipt = act.result()
        there = existing(valkey, keys)
        assert_told_truly(receipt, there)
        assert Outcome.UNKNOWN not in receipt.outcomes, said(receipt)
        gone = {key for key, still in zip(keys, there, strict=True) if not still}
        assert gone <= (await kept(at.bin, receipt.plan.id)).keys()
        at.hands = await ready(at.hands, at.address, PREFIXES)
        rest = await at.do(await removal(at.hands, keys))
        assert len(rest.outcomes) == SOME - len(gone)
        assert set(rest.outcomes) <= {Outcome.DONE}
    assert valkey.call("DBSIZE") == 0


# --- all of it, and how kind it is ------------------------------------------------------------------------------------


async def test_a_family_is_flushed_kindly_and_put_back(
    valkey: Server, tmp_path: Path, record_property: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """No command of it takes the server 10 ms; how long it takes and how long the loop had to wait is printed."""
    keys = names(MANY)
    fill(valkey, keys)
    async with desk(Address(HOST, valkey.port), tmp_path, limits=LARGE) as at:
        plan = await removal(at.hands, keys)
        valkey.call("CONFIG", "SET", "slowlog-log-slower-than", 10_000)
        valkey.call("SLOWLOG", "RESET")
        async with _gaps() as gaps:
            began = clock.now()
            receipt = await at.do(plan)
            seconds = clock.now() - began
        slow = [f"{entry[3][0].decode()} {entry[2]} us" for entry in valkey.call("SLOWLOG", "GET", 10)]
        figures = {"keys": MANY, "per second": round(MANY / seconds), "longest gap, ms": round(1000 * max(gaps))}
        for name, figure in figures.items():
            record_property(name, figure)
        with capsys.disabled():
            print(f"\n  {figures}, over 10 ms: {slow}")  # noqa: T201
        assert receipt.counts == {Outcome.DONE: MANY}
        assert receipt.saved == MANY
        assert valkey.call("DBSIZE") == 0
        assert at.told[-1].done == MANY
        undone = await at.do(await undoing(at, plan))
        assert undone.counts == {Outcome.DONE: MANY}
    assert valkey.call("DBSIZE") == MANY


@asynccontextmanager
async def _gaps() -> AsyncIterator[list[float]]:
    """How long the loop went without a turn for a timer of 5 ms, in seconds."""
    gaps = [0.0]

    async def tick() -> None:
        last = clock.now()
        while True:
            await asyncio.sleep(0.005)
            gaps.append(clock.now() - last)
            last = clock.now()

    async with asyncio.TaskGroup() as group:
        ticking = group.create_task(tick())
        yield gaps
        ticking.cancel()
