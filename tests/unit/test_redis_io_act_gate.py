"""The lock in front of everything that writes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fleetcache_gui.domain.plan import Deed, Draft, Fingerprint, Plan, Step, Strictness
from fleetcache_gui.redis_io.act.gate import FRESH_FOR, UNLOCKED_FOR, Confirmed, Gate, NotConfirmed


class Clock:
    """Seconds that go on when a test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def removal(**more: object) -> Step:
    return Step(Draft(Deed.REMOVE, b"lock:a", "Lock a", "string"), Fingerprint("string"), **more)  # type: ignore[arg-type]


def plan(*steps: Step, strictness: Strictness = Strictness.PRESS, word: str = "", **more: object) -> Plan:
    facts: dict[str, object] = {
        "id": "a" * 32,
        "verb": "locks.release",
        "family": "locks",
        "title": "Release lock a",
        "button": "Release lock",
        "where": "bench",
        "environment": "TEST",
        "servers": (),
        "skipped": (),
        "consequence": (),
        "way_back": "",
        "made_at": Clock.now,
        **more,
    }
    return Plan(steps=steps or (removal(),), strictness=strictness, word=word, **facts)  # type: ignore[arg-type]


TYPED = {"strictness": Strictness.TYPE, "word": "bench 1"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(clock: Clock) -> Gate:
    """Unlocked."""
    made = Gate(clock=clock)
    made.unlock()
    return made


def test_locked_at_first(clock: Clock) -> None:
    gate = Gate(clock=clock)
    assert (gate.unlocked, gate.left(gate._clock())) == (False, 0.0)
    with pytest.raises(NotConfirmed, match=r"^Actions are locked\. Unlock them and plan again; nothing was done\.$"):
        gate.confirm(plan(), "")
    gate.unlock()
    assert (gate.unlocked, gate.left(gate._clock())) == (True, UNLOCKED_FOR)
    gate.lock()
    assert (gate.unlocked, gate.left(gate._clock())) == (False, 0.0)


def test_a_plan_that_was_confirmed_is_let_through_as_it_is(gate: Gate) -> None:
    made = plan()
    assert gate.admit(gate.confirm(made, "")) is made


def test_it_locks_itself_after_a_time_without_actions(gate: Gate, clock: Clock) -> None:
    clock.now += UNLOCKED_FOR - 1
    assert gate.unlocked
    assert gate.left(gate._clock()) == 1
    clock.now += 1
    assert not gate.unlocked
    assert gate.left(gate._clock()) == 0
    with pytest.raises(NotConfirmed, match="locked"):
        gate.confirm(plan(made_at=clock.now), "")
    clock.now += 100
    assert gate.left(gate._clock()) == 0


def test_an_action_keeps_it_open(gate: Gate, clock: Clock) -> None:
    clock.now += UNLOCKED_FOR - 1
    gate.admit(gate.confirm(plan(made_at=clock.now), ""))
    assert gate.left(gate._clock()) == UNLOCKED_FOR


def test_locked_between_confirmation_and_run(gate: Gate, clock: Clock) -> None:
    confirmed = gate.confirm(plan(), "")
    gate.lock()
    gate.unlock()
    with pytest.raises(NotConfirmed, match="not confirmed"):
        gate.admit(confirmed)
    confirmed = gate.confirm(plan(made_at=clock.now), "")
    clock.now += UNLOCKED_FOR
    with pytest.raises(NotConfirmed, match="locked"):
        gate.admit(confirmed)


def test_never_is_never(clock: Clock) -> None:
    gate = Gate(never=True, clock=clock)
    with pytest.raises(NotConfirmed, match=r"^This connection is marked as never to be unlocked\.$"):
        gate.unlock()
    gate._until = 1e9  # and not by any other way either
    assert (gate.unlocked, gate.left(gate._clock())) == (False, 0.0)
    with pytest.raises(NotConfirmed, match="locked"):
        gate.confirm(plan(), "")


def test_a_plan_grows_old(gate: Gate, clock: Clock) -> None:
    made = plan()
    clock.now += FRESH_FOR
    confirmed = gate.confirm(made, "")
    clock.now += 1
    for attempt in (lambda: gate.confirm(made, ""), lambda: gate.admit(confirmed)):
        with pytest.raises(NotConfirmed, match=r"^This plan was made too long ago\. Plan again; nothing was done\.$"):
            attempt()


@pytest.mark.parametrize("typed", ["", "bench 2", "bench 1 ", " bench 1", "Bench 1", "bench\u00a01", "bench  1", "1"])
def test_only_the_very_word_confirms(gate: Gate, typed: str) -> None:
    with pytest.raises(NotConfirmed, match=r"^Type bench 1 to confirm\. Nothing was done\.$"):
        gate.confirm(plan(**TYPED), typed)
    gate.confirm(plan(**TYPED), "bench 1")


def test_a_plan_that_asks_for_a_word_must_have_one(gate: Gate) -> None:
    with pytest.raises(NotConfirmed):
        gate.confirm(plan(strictness=Strictness.TYPE), "")


def test_what_asks_for_no_word_takes_any(gate: Gate) -> None:
    gate.confirm(plan(), "whatever")


def test_a_confirmation_is_good_for_one_run(gate: Gate) -> None:
    confirmed = gate.confirm(plan(), "")
    gate.admit(confirmed)
    with pytest.raises(NotConfirmed, match=r"^This plan was not confirmed\. Nothing was done\.$"):
        gate.admit(confirmed)


def test_a_plan_runs_once(gate: Gate) -> None:
    made = plan()
    second = gate.confirm(made, "")
    gate.admit(gate.confirm(made, ""))
    for attempt in (lambda: gate.confirm(made, ""), lambda: gate.admit(second)):
        with pytest.raises(NotConfirmed, match=r"^This plan has run already\. Plan again; nothing was done\.$"):
            attempt()
    gate.admit(gate.confirm(replace(made, id="b" * 32), ""))


def test_a_confirmation_cannot_be_made_elsewhere(gate: Gate) -> None:
    with pytest.raises(NotConfirmed, match="not confirmed"):
        gate.admit(Confirmed(plan(), object()))


def test_nothing_can_be_added_to_what_was_confirmed(gate: Gate) -> None:
    made = plan()
    confirmed = gate.confirm(made, "")
    with pytest.raises(AttributeError):
        confirmed.plan = plan()  # type: ignore[misc]
    with pytest.raises(AttributeError):
        made.steps += (removal(),)  # type: ignore[misc]
    swollen = replace(made, steps=(*made.steps, removal()))
    with pytest.raises(NotConfirmed, match="not confirmed"):
        gate.admit(replace(confirmed, plan=swollen))


LESS = r"^This plan asks for less than it must\. Nothing was done; please report this\.$"


@pytest.mark.parametrize(
    "made",
    [
        plan(environment="PRODUCTION", **TYPED),
        plan(environment="Production", **TYPED),
        plan(removal(saved=False), **TYPED),
        plan(removal(count=101), **TYPED),
        plan(grave=True, **TYPED),
        plan(
            Step(Draft(Deed.FLUSH, b"", "database 0"), Fingerprint("", 1)), strictness=Strictness.HOLD, word="bench 1"
        ),
    ],
    ids=["production", "production-in-any-case", "no-way-back", "many", "grave", "flush"],
)
def test_a_grave_plan_cannot_be_made_easy(gate: Gate, made: Plan) -> None:
    gate.confirm(made, "bench 1")
    for strictness in Strictness:
        if strictness.rank < made.strictness.rank:
            with pytest.raises(NotConfirmed, match=LESS):
                gate.confirm(replace(made, strictness=strictness), "bench 1")


def test_a_plan_may_ask_for_more(gate: Gate) -> None:
    gate.confirm(plan(**TYPED), "bench 1")
    gate.confirm(plan(strictness=Strictness.HOLD, word="bench 1"), "bench 1")
