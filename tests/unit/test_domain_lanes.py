"""Who held a lock when, from one reading after the other."""

from __future__ import annotations

from fleetcache_gui.domain.family import Row
from fleetcache_gui.domain.lanes import LANES, Lanes
from fleetcache_gui.domain.telling import Happening
from fleetcache_gui.domain.values import Claim, Expiry, State


def lock(name: str, holder: str, until: float, token: bytes = b"1") -> Row:
    return Row(name.encode(), "locks", f"Lock {name}", (), State("held"), (), memory=(holder, token, until))


def claim(row: Row) -> Claim | None:
    assert isinstance(row.memory, tuple)
    holder, token, until = row.memory
    return Claim(holder, token, Expiry(until, 60.0)) if holder else None


def story(*readings: tuple[float, tuple[Row, ...]]) -> Lanes:
    lanes = Lanes()
    for at, rows in readings:
        lanes.note("locks", rows, at, claim)
    return lanes


def test_one_that_is_renewed_is_one_stint() -> None:
    held = ((10.0, 70.0), (12.0, 70.2), (30.0, 90.0), (32.0, 90.0))
    (lane,) = story((8.0, ()), *((at, (lock("cron", "api-1", until),)) for at, until in held)).lanes
    (stint,) = lane.stints
    assert [grant.at for grant in stint.grants] == [10.0, 30.0]  # jitter is no renewal
    assert (stint.renewals, stint.until, stint.seen, stint.end, stint.early) == (1, 90.0, 32.0, None, False)
    assert lane.held is stint


def test_what_is_held_when_the_watching_begins_has_no_known_beginning() -> None:
    (lane,) = story((10.0, (lock("cron", "api-1", 70.0),))).lanes
    assert lane.stints[0].early


def test_another_token_is_another_stint_even_of_the_same_holder() -> None:
    lanes = story(
        (10.0, (lock("cron", "api-1", 70.0, b"1"),)),
        (12.0, (lock("cron", "api-1", 72.0, b"2"),)),
        (14.0, (lock("cron", "api-2", 74.0, b"3"),)),
    )
    stints = lanes.lanes[0].stints
    assert [(s.holder, s.end, s.how) for s in stints] == [
        ("api-1", 12.0, Happening.CHANGED_HANDS),
        ("api-1", 14.0, Happening.CHANGED_HANDS),
        ("api-2", None, None),
    ]


def test_gone_before_its_time_was_released_and_gone_after_it_ran_out() -> None:
    early = story((10.0, (lock("cron", "api-1", 70.0),)), (12.0, ())).lanes[0].stints[0]
    late = story((10.0, (lock("cron", "api-1", 11.0),)), (12.0, ())).lanes[0].stints[0]
    assert (early.how, early.end) == (Happening.RELEASED, 12.0)
    assert (late.how, late.end) == (Happening.EXPIRED, 11.0)


def test_a_lock_that_was_not_read_goes_on_when_it_is() -> None:
    lanes = story((10.0, (lock("cron", "", 70.0),)), (12.0, (lock("cron", "api-1", 70.0),)))
    assert [s.holder for s in lanes.lanes[0].stints] == ["api-1"]


def test_a_beginning_outlives_its_renewals() -> None:
    renewed = tuple((float(at), (lock("cron", "api-1", at + 60.0),)) for at in range(1000))
    (stint,) = story(*renewed).lanes[0].stints
    assert (stint.since, stint.renewals) == (0.0, 999)
    assert len(stint.grants) == 400


def test_locks_without_end_are_bounded() -> None:
    lanes = Lanes()
    for number in range(LANES + 50):
        lanes.note("locks", (lock(f"{number:04}", "api-1", number + 1.5),), float(number), claim)
    assert len(lanes.lanes) == LANES
    assert lanes.lanes[0].title == "Lock 0050"
