"""Live queries of an upstream server, from what it holds to the row and what is judged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fleetcache_gui.domain.bitmaps import SLICE
from fleetcache_gui.domain.family import Severity
from fleetcache_gui.domain.values import Expiry, KeyFact, State, Tone
from fleetcache_gui.families.upstream import live_queries
from fleetcache_gui.families.upstream.live_queries import CROWD
from fleetcache_gui.families.upstream.live_queries.asking import ENDED
from fleetcache_gui.families.upstream.live_queries.campaign import LIFETIME, OLD, WAITING
from tests.readings import START, Server, cell, codes, refused, told
from tests.upstream_fleet import bitmap

if TYPE_CHECKING:
    from fleetcache_gui.domain.family import Row
    from tests.readings import Value

FAMILY = live_queries.FAMILY
SQL, BITS, ROW = b"sql:livequery:{7}", b"livequery:{7}", b"7"


def running(pending: int = 40, *, age: float = 300.0, listeners: int = 1) -> Server:
    """A campaign with so many hosts pending, started so many seconds ago."""
    left = LIFETIME - age
    values: dict[bytes, Value] = {SQL: b"SELECT 1", BITS: bitmap(range(1, pending + 1)) if pending else b"\0\0"}
    return Server(values, {SQL: left, BITS: left}, listeners={b"results_7": listeners})


def read(server: Server, before: Row | None = None, *, listed: bool | None = True) -> Row:
    return server.read(FAMILY, ROW, before, listed=listed)


# ---- names


@pytest.mark.parametrize(
    ("key", "row"),
    [
        (SQL, ROW),
        (BITS, ROW),
        (b"livequery:{9223372036854775807}", b"9223372036854775807"),
        (b"livequery:7", b"livequery:7"),
        (b"livequery:{0}", b"livequery:{0}"),
        (b"livequery:{07}", b"livequery:{07}"),
        (b"livequery:{7}x", b"livequery:{7}x"),
        (b"livequery:active", b"livequery:active"),
    ],
)
def test_rows_of_keys(key: bytes, row: bytes) -> None:
    assert FAMILY.row_of(key) == row
    assert key in FAMILY.keys_of(row)


def test_a_stray_member_has_no_keys() -> None:
    assert FAMILY.keys_of(b"abc") == ()


# ---- a campaign at work


def test_a_campaign_at_work() -> None:
    server = running()
    row = read(server)
    assert (row.title, row.cells[:4]) == ("Campaign 7", ("7", "SELECT 1", 40, 1))
    assert (row.state, row.judgements) == (State("running", Tone.ACCENT), ())
    facts = dict(row.facts)
    assert facts["In livequery:active"] == "yes"
    assert facts["Started"].startswith("5 min 00 s ago")
    assert facts["Bitmap"] == "6 B, for host ids below 48; 40 hosts pending"

    server.values[BITS] = bitmap(range(11, 41))
    server.at += 2
    row = read(server, row)
    assert (cell(FAMILY, row, "pending"), dict(row.facts)["Answered"]) == (30, "10 hosts since this was first seen")
    assert [value for _, value in row.samples] == [40, 30]

    server.values[BITS] = bytes(6)
    server.at += 2
    row = read(server, row)
    assert (row.state.word, row.judgements) == ("answered", ())


def test_a_campaign_of_few_hosts_has_no_bitmap() -> None:
    server = running()
    del server.values[BITS]
    server.values[live_queries.REVERSE] = {b"7"}
    row = read(server)
    assert (row.state.word, row.judgements, cell(FAMILY, row, "pending")) == ("running", (), None)
    server.values[live_queries.REVERSE] = {b"8"}
    assert codes(read(server)) == {"campaign.no-targets": Severity.WARNING}


def test_a_long_bitmap_is_counted_over_several_readings() -> None:
    server = running()
    server.values[BITS] = b"\xff" * (2 * SLICE + 10)
    row = read(server)
    assert cell(FAMILY, row, "pending") is None
    assert "being counted" in dict(row.facts)["Bitmap"]
    for _ in range(2):
        server.at += 2
        row = read(server, row)
    assert cell(FAMILY, row, "pending") == 8 * (2 * SLICE + 10)


def test_one_reading_counts_no_more_than_a_slice() -> None:
    server = running()
    server.values[BITS] = bytes(50 * SLICE)
    asked: list[tuple[bytes, ...]] = []
    answer = server.answer
    server.answer = lambda command: (asked.append(command), answer(command))[1]  # type: ignore[method-assign]
    row = read(server)
    read(server, row)
    counts = [command for command in asked if command[0] == b"BITCOUNT"]
    assert [int(last) + 1 - int(first) for _, _, first, last in counts] == [SLICE, SLICE]


@pytest.mark.parametrize(("size", "counted"), [(ENDED, True), (ENDED + 1, False)])
def test_an_orphan_is_counted_once_where_that_is_cheap(size: int, counted: bool) -> None:
    server = Server({BITS: b"\x01" * size})
    asked: list[tuple[bytes, ...]] = []
    answer = server.answer
    server.answer = lambda command: (asked.append(command), answer(command))[1]  # type: ignore[method-assign]
    row = read(server, listed=False)
    row = read(server, row, listed=False)
    assert sum(command[0] == b"BITCOUNT" for command in asked) == counted
    assert cell(FAMILY, row, "pending") == (size if counted else None)
    assert not any(command[0] == b"PUBSUB" for command in asked)


# ---- what goes wrong


def test_an_orphaned_bitmap() -> None:
    server = Server({BITS: b"\0" * 12_500})
    row = read(server, listed=False)
    assert codes(row) == {"campaign.orphaned": Severity.WARNING}
    assert row.judgements[0].text == (
        "Campaign 7 is not active, but its bitmap of 12.2 KB is still there and has no expiry."
    )
    assert (row.state.word, dict(row.facts)["In livequery:active"]) == ("orphaned", "no")


def test_an_orphan_among_too_many_is_known_by_its_key_alone() -> None:
    fact = KeyFact(BITS, "string", Expiry())
    row = Server({BITS: b"\0"}).read(FAMILY, BITS)
    assert codes(row) == {"campaign.orphaned": Severity.WARNING}
    assert row.judgements[0].text == "The bitmap of 1 B of campaign 7 has no expiry."
    assert fact.expiry.never
    kept = Server({BITS: b"\0"}, {BITS: 60.0}).read(FAMILY, BITS)
    assert (kept.state.word, kept.judgements) == ("not read", ())


def test_nothing_is_orphaned_where_the_active_set_was_not_read() -> None:
    assert codes(read(Server({BITS: b"\0"}), listed=None)) == {}
    assert read(running(), listed=None).state.word == "not known"


def test_keys_that_end_are_left_behind() -> None:
    assert codes(read(running(), listed=False)) == {"campaign.left-behind": Severity.INFO}


def test_what_lasts_less_than_a_second_is_not_judged() -> None:
    server = running()
    row = read(server)
    server.at += 0.5
    again = read(server, row, listed=False)
    assert (again.state.word, again.judgements) == ("running", ())
    server.at += 2
    assert codes(read(server, again, listed=False)) == {"campaign.left-behind": Severity.INFO}


def test_an_id_without_sql() -> None:
    assert codes(read(Server())) == {"campaign.no-sql": Severity.WARNING}
    server = running()
    del server.values[SQL]
    assert codes(read(server)) == {"campaign.no-sql": Severity.WARNING}


def test_an_active_bitmap_without_expiry() -> None:
    server = running()
    del server.left[BITS]
    assert codes(read(server)) == {"campaign.no-ttl": Severity.WARNING}


@pytest.mark.parametrize(
    ("server", "code"),
    [
        (running(listeners=0), "campaign.unheard"),
        (running(listeners=0, age=WAITING - 1), None),
        (running(listeners=0, pending=0), None),
        (running(listeners=1), None),
        (running(listeners=1, age=OLD), "campaign.old"),
        (running(listeners=1, age=OLD - 1), None),
    ],
)
def test_campaigns_that_nobody_listens_to_or_that_were_forgotten(server: Server, code: str | None) -> None:
    assert list(codes(read(server))) == ([code] if code else [])


def test_a_listener_that_has_just_gone_may_come_back() -> None:
    server = running()
    row = read(server)
    server.listeners = {}
    server.at += 10
    row = read(server, row)
    assert row.judgements == ()
    server.at += WAITING
    assert codes(read(server, row)) == {"campaign.unheard": Severity.WARNING}


def test_a_server_that_does_not_tell_of_listeners() -> None:
    server = running(listeners=0)
    server.special = refused({(b"PUBSUB", b"NUMSUB", b"results_7"): None})
    row = read(server)
    assert (row.judgements, cell(FAMILY, row, "listeners")) == ((), None)
    assert dict(row.facts)["Could not be read"] == "NOPERM"


@pytest.mark.parametrize("value", [b"stuff", b"", b"\xff" * 9, b"SELECT 1"])
def test_odd_values_in_the_place_of_a_bitmap(value: bytes) -> None:
    server = running()
    server.values[BITS] = value
    row = read(server)
    assert cell(FAMILY, row, "pending") == int.from_bytes(value).bit_count()
    assert row.judgements == ()


@pytest.mark.parametrize("key", [SQL, BITS])
def test_other_types(key: bytes) -> None:
    server = running()
    server.values[key] = [b"x"]
    assert codes(read(server)) == {"campaign.wrong-type": Severity.CRITICAL}


# ---- the sets, and names that fit nothing


def test_the_active_set() -> None:
    server = Server({live_queries.ACTIVE: {b"7", b"8"}})
    row = server.read(FAMILY, live_queries.ACTIVE)
    assert (row.state.word, row.judgements, dict(row.facts)["Campaigns listed"]) == ("index", (), "2")
    server.values[live_queries.ACTIVE] = {b"%d" % n for n in range(CROWD)}
    assert codes(server.read(FAMILY, live_queries.ACTIVE)) == {"campaign.crowd": Severity.WARNING}
    server.left[live_queries.ACTIVE] = 60.0
    assert codes(server.read(FAMILY, live_queries.ACTIVE)) == {"campaign.active-ttl": Severity.WARNING}
    server = Server({live_queries.ACTIVE: b"x"})
    assert codes(server.read(FAMILY, live_queries.ACTIVE)) == {"campaign.wrong-type": Severity.CRITICAL}


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (b"livequery:7", "campaign.old-name"),
        (b"sql:livequery:7", "campaign.old-name"),
        (b"livequery:{abc}", "campaign.malformed"),
        (b"livequery:\xff", "campaign.malformed"),
    ],
)
def test_other_names(key: bytes, code: str) -> None:
    assert list(codes(Server({key: b"x"}, {key: 60.0}).read(FAMILY, key))) == [code]


def test_a_member_that_is_no_id() -> None:
    assert list(codes(Server().read(FAMILY, b"abc", listed=True))) == ["campaign.malformed"]


# ---- the timeline


def test_what_is_told() -> None:
    server = running()
    row = read(server)
    assert told(FAMILY, None, row) == "Campaign 7 started: SELECT 1"
    assert told(FAMILY, row, replace(row, at=START + 2)) is None
    assert told(FAMILY, replace(row, at=START + 90), None) == (
        "Campaign 7 ended with 40 hosts pending, 1 min 30 s after it was first seen."
    )
    orphan = read(Server({BITS: b"\0"}), listed=False)
    assert told(FAMILY, None, orphan) is None
    assert told(FAMILY, orphan, None) == "Campaign 7 was cleaned up."


def test_the_tab_counts_campaigns() -> None:
    server = running()
    server.values[live_queries.ACTIVE] = {b"7"}
    rows = (read(server), server.read(FAMILY, live_queries.ACTIVE), server.read(FAMILY, live_queries.REVERSE))
    assert FAMILY.weight(rows) == 1
