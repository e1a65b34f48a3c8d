"""The flight recorder: any moment of it is as it was, within so many bytes, and without a credential."""

from __future__ import annotations

import contextlib
import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleetcache_gui.domain.family import Judgement, Reading, Row, Severity
from fleetcache_gui.domain.health import Finding
from fleetcache_gui.domain.snapshot import Inventory, Link, NodeVitals, Phase, Snapshot, Vitals
from fleetcache_gui.domain.telling import Happening
from fleetcache_gui.domain.values import Expiry, KeyFact, Tone
from fleetcache_gui.families.layouts import PINNED
from fleetcache_gui.present import recorder
from fleetcache_gui.present.frames import BadRecording, Frame
from fleetcache_gui.present.recorder import Recorder, Tape, chunked
from fleetcache_gui.present.timeline import Event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fleetcache_gui.domain.layout import Layout

SPEC = PINNED["spec"]
LOCKS, TOKENS = SPEC.family("locks"), SPEC.family("installer_tokens")
SECRET = "8f14e45f-ceea-467f-a9d1-000000000042"


def lock(name: str, holder: str, deadline: float, at: float, before: Row | None = None) -> Row:
    key = f"lock:{name}".encode()
    fact = KeyFact(key, "string", Expiry(deadline, 60.0))
    return LOCKS.decode(Reading(LOCKS.row_of(key), at, at, (fact,), (f"{holder}:aabbccdd".encode(),)), before)


def token(secret: str, deadline: float, at: float) -> Row:
    key = f"sw:installer:token:{secret}".encode()
    fact = KeyFact(key, "string", Expiry(deadline, 3600.0))
    return TOKENS.decode(Reading(key, at, at, (fact,), (b'{"title_id":1,"team_id":2}',)), None)


def frame(at: float, locks: tuple[Row, ...], tokens: tuple[Row, ...] = (), **more: Any) -> Frame:
    snapshots = {
        "locks": Snapshot("locks", locks, len(locks), at, complete=True),
        "installer_tokens": Snapshot("installer_tokens", tokens, len(tokens), at, complete=True),
    }
    link = Link(Phase.LIVE, "cache:6379", since=1.0, last_read=at)
    vitals = Vitals(at, keys=len(locks), calls={"get": 5}, nodes=(NodeVitals("a", "b:1", "primary", ((0, 5),)),))
    known = {"vitals": vitals, "snapshots": snapshots, **more}
    return Frame(1_800_000_000.0 + at, at, link, Inventory(keys=len(locks), finished_at=at), **known)


def note(made: Recorder, one: Frame, events: Iterable[Event]) -> int:
    """To its end; in how many steps."""
    return 1 + sum(1 for _ in made.note(one, events))


def recorded(*frames: Frame, layout: Layout = SPEC) -> Tape:
    made = Recorder(layout)
    for one in frames:
        note(made, one, ())
    return Tape(layout, made.chunks())


def test_every_moment_is_as_it_was() -> None:
    finding = Finding("locks", Judgement("lock.no-ttl", b"cron:a", Severity.CRITICAL, "t", "m", "a"), 2.0, 3.0)
    frames = [
        frame(10.0, (lock("a", "api-1", 70.0, 10.0), lock("b", "api-2", 40.0, 10.0))),
        frame(12.0, (lock("a", "api-1", 70.0, 12.0), lock("b", "api-3", 72.0, 12.0))),
        frame(14.0, (lock("b", "api-3", 72.0, 14.0),), findings=(finding,)),
        frame(16.0, (lock("b", "api-3", 72.0, 16.0), lock("c", "api-1", math.inf, 16.0)), findings=(finding,)),
    ]
    tape = recorded(*frames)
    assert tape.moments == [one.wall for one in frames]
    for number in (3, 0, 2, 1, 3, 2):
        was, shown = frames[number], tape.frame(number)
        assert (shown.wall, shown.at, shown.link, shown.inventory) == (was.wall, was.at, was.link, was.inventory)
        assert (shown.vitals, shown.findings) == (was.vitals, was.findings)
        rows = {row.id: row for row in shown.snapshots["locks"].rows}
        assert set(rows) == {row.id for row in was.snapshots["locks"].rows}
        for row in was.snapshots["locks"].rows:
            assert rows[row.id].title == row.title
            assert rows[row.id].state == row.state
            assert rows[row.id].cells[:2] == row.cells[:2]
            assert rows[row.id].keys == row.keys


def test_a_row_that_did_not_change_is_not_written_again() -> None:
    rows = tuple(lock(f"l{number}", "api-1", 1000.0, 10.0) for number in range(50))
    made = Recorder(SPEC)
    note(made, frame(10.0, rows), ())
    first = made.size
    later = tuple(replace(row, at=12.0) for row in rows)
    note(made, frame(12.0, later), ())
    assert made.size - first < first / 5
    assert len(Tape(SPEC, made.chunks()).frame(1).snapshots["locks"].rows) == 50


def test_many_rows_are_noted_in_steps() -> None:
    made = Recorder(SPEC)
    rows = tuple(lock(f"l{number}", "api-1", 1000.0, 10.0) for number in range(2000))
    assert note(made, frame(10.0, rows), ()) > 20
    assert len(Tape(SPEC, made.chunks()).frame(0).snapshots["locks"].rows) == 2000


def test_the_next_reading_tells_everything_where_that_is_wanted() -> None:
    made = Recorder(SPEC)
    for number in range(3):
        note(made, frame(10.0 + number, (lock("a", "api-1", 70.0, 10.0),)), ())
    made.begin_anew()
    note(made, frame(13.0, (lock("a", "api-1", 70.0, 10.0),)), ())
    first, second = made.chunks()
    assert (len(first.walls), len(second.walls)) == (3, 1)
    assert Tape(SPEC, (second,)).frame(0).snapshots["locks"].rows


def test_a_renewed_lock_is_a_change_and_jitter_is_none() -> None:
    frames = [frame(10.0, (lock("a", "api-1", deadline, 10.0),)) for deadline in (70.0, 70.4, 130.0)]
    tape = recorded(*frames)
    shown = [tape.frame(number).snapshots["locks"].rows[0].keys[0].expiry.deadline for number in range(3)]
    assert shown == [70.0, 70.0, 130.0]


def test_the_words_of_a_row_are_brought_up_to_date_from_time_to_time() -> None:
    row = lock("a", "api-1", 1000.0, 10.0)
    tape = recorded(*(frame(at, (replace(row, at=at),)) for at in (10.0, 20.0, 50.0)))
    assert [tape.frame(number).snapshots["locks"].rows[0].at for number in range(3)] == [10.0, 10.0, 50.0]


def test_events_and_figures_come_in_their_order() -> None:
    made = Recorder(SPEC)
    for number in range(130):  # over more than two chunks
        event = Event(float(number), Tone.OK, f"event {number}", Happening.CAME, "locks", b"cron:\xff")
        note(made, frame(10.0 + number, ()), (event,))
    history = Tape(SPEC, made.chunks()).history()
    assert [(at, event.text) for at, event in history.events] == [(n, f"event {n}") for n in range(130)]
    assert {event.row for _, event in history.events} == {b"cron:\xff"}
    assert [vitals.at for vitals in history.vitals] == [10.0 + number for number in range(130)]


def test_the_oldest_go_when_there_are_too_many_bytes() -> None:
    made = Recorder(SPEC, limit=200_000)
    most = 0
    for number in range(6000):
        at = 10.0 + 2 * number
        note(made, frame(at, tuple(lock(f"l{number % 7}{i}", f"api-{number}", at + 60, at) for i in range(3))), ())
        most = max(most, made.size)
    whole = Tape(SPEC, made.chunks())
    assert most < 200_000 + 60 * 6000, "what is not packed yet comes on top"
    assert whole.moments[-1] == 1_800_000_000.0 + 10.0 + 2 * 5999
    assert 100 < len(whole.moments) < 6000
    assert whole.frame(0).snapshots["locks"].rows


@pytest.mark.parametrize("layout", list(PINNED.values()), ids=list(PINNED))
def test_no_credential_is_recorded(layout: Layout) -> None:
    checked = 0
    made = Recorder(layout)
    for family in layout.families:
        if not (family.mask or family.secret):
            continue
        key = (family.prefixes[0] if family.prefixes else b"") + SECRET.encode()
        if family.mask and SECRET in family.mask(key):
            continue  # a name that nothing says is a credential
        row = family.decode(Reading(family.row_of(key), 10.0, 10.0, (KeyFact(key, "string", Expiry(70.0)),)), None)
        judged = Judgement("x.y", row.id, Severity.WARNING, row.title, "", "")
        event = Event(1.0, Tone.OK, row.title, Happening.CAME, family.id, row.id)
        snapshots = {family.id: Snapshot(family.id, (row,), 1, 10.0, complete=True)}
        note(made, frame(10.0, (), snapshots=snapshots, findings=(Finding(family.id, judged, 1.0, 1.0),)), (event,))
        checked += 1
    assert checked
    text = b"\n".join(line for chunk in made.chunks() for line in chunk.lines).decode()
    assert SECRET not in text
    assert SECRET[:12] not in text


def test_two_secrets_that_begin_alike_stay_two_rows() -> None:
    one, other = SECRET, SECRET[:-1] + "9"
    tape = recorded(frame(10.0, (), (token(one, 70.0, 10.0), token(other, 70.0, 10.0))))
    rows = tape.frame(0).snapshots["installer_tokens"].rows
    assert len({row.id for row in rows}) == 2
    for row in rows:
        assert row.reveal == ""
        assert row.keys[0].name == row.id, "what looks a row's key up by its id still finds it"


# --- what others hand us ---


def lines(tape: Tape) -> list[bytes]:
    return list(tape.lines())


def test_lines_become_the_same_recording() -> None:
    frames = [frame(10.0 + n, (lock("a", f"api-{n}", 70.0 + n, 10.0 + n),)) for n in range(150)]
    tape = recorded(*frames)
    again = Tape(SPEC, chunked(lines(tape)))
    assert again.moments == tape.moments
    assert again.frame(149) == tape.frame(149)


def test_hidden_and_reordering_characters_are_escaped() -> None:
    line = lines(recorded(frame(10.0, (lock("a", "api-1", 70.0, 10.0),))))[0].decode()
    data = json.loads(line)
    data["families"]["locks"][1][0][1] = "ev\u202eil\u0007"
    data["link"]["address"] = "a\u202eb"
    shown = Tape(SPEC, chunked([json.dumps(data).encode()])).frame(0)
    assert shown.snapshots["locks"].rows[0].title == "ev\\u{202e}il\\x07"
    assert shown.link.address == "a\\u{202e}b"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("at", 0), 1e300),
        (("at", 0), -1),
        (("findings", 0, 0), "no-such-family"),
        (("findings", 0, 3), 1e18),
        (("events", 0, 4), "no-such-family"),
        (("events", 0, 0), -1e18),
        (("families", "locks", 1, 0, 8), 10**400),
    ],
)
def test_what_could_not_be_shown_is_refused(path: tuple[Any, ...], value: object) -> None:
    made = Recorder(SPEC)
    found = Finding("locks", Judgement("lock.no-ttl", b"a", Severity.CRITICAL, "t", "m", "a"), 2.0, 3.0)
    event = Event(5.0, Tone.OK, "taken", Happening.TAKEN, "locks", b"a")
    note(made, frame(10.0, (lock("a", "api-1", 70.0, 10.0),), findings=(found,)), (event,))
    (line,) = Tape(SPEC, made.chunks()).lines()
    data = json.loads(line)
    part = data
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    with pytest.raises(BadRecording):
        whole(json.dumps(data).encode())


def whole(line: bytes) -> None:
    """Everything that a window asks of it."""
    tape = Tape(SPEC, chunked([line]))
    tape.frame(0)
    tape.history()


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda parts: st.lists(parts, max_size=4) | st.dictionaries(st.text(max_size=8), parts, max_size=4),
    max_leaves=12,
)
GOOD = lines(recorded(frame(10.0, (lock("a", "api-1", 70.0, 10.0),), (token(SECRET, 70.0, 10.0),))))[0].decode()


def _paths(data: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    found = [path] if path else []
    if isinstance(data, dict):
        for key, value in data.items():
            found += _paths(value, (*path, key))
    elif isinstance(data, list):
        for at, value in enumerate(data):
            found += _paths(value, (*path, at))
    return found


PATHS = _paths(json.loads(GOOD))


@given(st.sampled_from(PATHS), junk)
@settings(max_examples=400)
def test_whatever_stands_in_it_is_shown_or_refused(path: tuple[Any, ...], value: object) -> None:
    data = json.loads(GOOD)
    part = data
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    with contextlib.suppress(BadRecording):
        whole(json.dumps(data).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_with_a_sentence(raw: bytes) -> None:
    with pytest.raises(BadRecording):
        Tape(SPEC, chunked([raw])).frame(0)


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "LONGEST_LINE", 100)
    with pytest.raises(BadRecording, match="longer"):
        list(chunked([GOOD.encode()]))
