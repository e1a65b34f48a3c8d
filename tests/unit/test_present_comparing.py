"""Then and now, in sentences."""

from __future__ import annotations

from dataclasses import replace

from fleetcache_gui.domain.family import Column, Kind, Row
from fleetcache_gui.domain.snapshot import Snapshot
from fleetcache_gui.domain.telling import Happening
from fleetcache_gui.domain.values import Expiry, Progress, State
from fleetcache_gui.families.spec.locks import FAMILY as LOCKS
from fleetcache_gui.present.comparing import differences

COLUMNS = (
    Column("name", "Name"),
    Column("done", "Answered", Kind.PROGRESS),
    Column("rate", "Rate", Kind.RATE),
    Column("left", "Time left", Kind.CLOCK),
    Column("state", "State", Kind.STATE),
)
FAMILY = replace(LOCKS, columns=COLUMNS)


def row(name: str, done: int, rate: float = 1.0, left: float = 60.0, state: str = "running") -> Row:
    cells = (name, Progress(done, 50_000), rate, Expiry(left), State(state))
    return Row(name.encode(), FAMILY.id, f"Campaign {name}", cells, State(state), ())


def snapshot(*rows: Row, long: bool = False) -> Snapshot:
    return Snapshot(FAMILY.id, rows, len(rows), 0.0, complete=True, long=long)


def told(then: Snapshot, now: Snapshot) -> list[tuple[Happening, str]]:
    return [(event.what, event.text) for event in differences(FAMILY, then, now, 5.0)]


def test_what_went_came_and_changed() -> None:
    then = snapshot(row("1", 5), row("2", 7), row("3", 9))
    now = snapshot(row("2", 41_203, state="finished"), row("3", 9, rate=99.0, left=30.0), row("4", 0))
    assert told(then, now) == [
        (Happening.GONE, "Campaign 1 is no longer there (was: running)."),
        (Happening.CHANGED, "Campaign 2: running → finished, answered 7 → 41,203."),
        (Happening.CAME, "Campaign 4 is new (running)."),
    ], "what moves all the time is not worth a word"


def test_nothing_is_made_up_of_rows_that_were_not_read() -> None:
    many, few = snapshot(row("1", 5), row("2", 7), long=True), snapshot(row("2", 8), row("3", 1), long=True)
    assert told(many, few) == [(Happening.CHANGED, "Campaign 2: answered 7 → 8.")]
