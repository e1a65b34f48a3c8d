"""Live queries: campaigns as they are read, judged and told of."""

from __future__ import annotations

import pytest

from fleetcache_gui.domain.family import Expected, Reading, Row, Severity
from fleetcache_gui.domain.values import Progress
from fleetcache_gui.families.spec import live_queries
from fleetcache_gui.families.spec.live_queries import ACTIVE, QUIET, SILENT
from tests.readings import START, Server, Value, cell, codes, told

FAMILY = live_queries.FAMILY
SQL = b"live_query:campaign:1043:sql"
HOSTS = b"live_query:campaign:1043:hosts_completed"
ROW = b"1043"


def server(sql: Value = b"SELECT 1", hosts: int = 0, **more: object) -> Server:
    values: dict[bytes, Value] = {SQL: sql, ACTIVE: {ROW}}
    if hosts:
        values[HOSTS] = {b"%d" % n for n in range(hosts)}
    return Server(values, **more)  # type: ignore[arg-type]


def test_a_campaign_is_one_row_of_two_keys() -> None:
    assert FAMILY.row_of(SQL) == FAMILY.row_of(HOSTS) == ROW
    assert FAMILY.keys_of(ROW) == (SQL, HOSTS)


@pytest.mark.parametrize(
    "key",
    [
        ACTIVE,
        b"live_query:",
        b"live_query:campaign:abc:sql",
        b"live_query:campaign:007:sql",
        b"live_query:campaign:7:sql\n",
        b"live_query:campaign:7:sqlx",
        b"live_query:campaign:-7:sql",
        "live_query:campaign:\u0667:sql".encode(),
        b"live_query:campaign:" + b"9" * 40 + b":sql",
    ],
)
def test_a_name_that_fits_nothing_is_its_own_row(key: bytes) -> None:
    assert FAMILY.row_of(key) == key
    assert FAMILY.keys_of(key) == (key,)


def test_a_running_campaign() -> None:
    row = server(b"SELECT *\n  FROM users", hosts=50, expected=Expected(hosts=200)).read(FAMILY, ROW, listed=True)
    assert row.title == "Campaign 1043"
    assert cell(FAMILY, row, "id") == "1043"
    assert cell(FAMILY, row, "query") == "SELECT * FROM users"
    assert cell(FAMILY, row, "answered") == Progress(50, 200)
    assert cell(FAMILY, row, "rate") is None
    assert row.state.word == "running"
    assert row.judgements == ()


def test_its_rate_and_trend_come_from_what_was_read() -> None:
    source, row = server(), None
    for hosts in (0, 10, 30, 60):
        source.values[HOSTS] = {b"%d" % n for n in range(hosts)} or None
        row = source.read(FAMILY, ROW, row, listed=True)
        source.at += 2
    assert row is not None
    assert cell(FAMILY, row, "rate") == 10.0
    assert [value for _, value in row.samples] == [0, 10, 30, 60]
    assert cell(FAMILY, row, "trend") == row.samples


def test_what_is_left_is_told_when_the_number_of_hosts_is_known() -> None:
    source = server(hosts=50, expected=Expected(hosts=100))
    row = source.read(FAMILY, ROW, listed=True)
    source.at, source.values[HOSTS] = START + 10, {b"%d" % n for n in range(75)}
    row = source.read(FAMILY, ROW, row, listed=True)
    assert dict(row.facts)["Hosts answered"] == "75 of 100"
    assert dict(row.facts)["All answered in"] == "about 10 s, at this rate"


def test_all_enrolled_hosts_answered() -> None:
    source = server(hosts=50, expected=Expected(hosts=50))
    row = source.read(FAMILY, ROW, listed=True)
    assert row.state.word == "finished?"
    source.at += SILENT + 1
    assert source.read(FAMILY, ROW, row, listed=True).judgements == ()


def test_quiet_first_and_a_finding_later() -> None:
    source = server(hosts=50)
    row = source.read(FAMILY, ROW, listed=True)
    source.at = START + QUIET
    row = source.read(FAMILY, ROW, row, listed=True)
    assert (row.state.word, row.judgements) == ("quiet", ())
    source.at = START + SILENT
    row = source.read(FAMILY, ROW, row, listed=True)
    assert codes(row) == {"campaign.quiet": Severity.WARNING}
    assert row.judgements[0].text == "Campaign 1043 has had no new answer for 10 min 00 s (50 hosts so far)."
    source.at += 2
    source.values[HOSTS] = {b"%d" % n for n in range(51)}
    row = source.read(FAMILY, ROW, row, listed=True)
    assert (row.state.word, row.judgements) == ("running", ())


def test_active_without_sql() -> None:
    row = server(None).read(FAMILY, ROW, listed=True)
    assert row.state.word == "no SQL"
    assert codes(row) == {"campaign.no-sql": Severity.CRITICAL}
    assert row.judgements[0].text == "Campaign 1043 is active but has no SQL."


@pytest.mark.parametrize(
    ("sql", "hosts", "kept"),
    [
        (b"SELECT 1", 3, "its SQL and the hosts that answered are"),
        (b"SELECT 1", 0, "its SQL is"),
        (None, 3, "the hosts that answered are"),
    ],
)
def test_orphans(sql: Value, hosts: int, kept: str) -> None:
    row = server(sql, hosts).read(FAMILY, ROW)
    assert row.state.word == "orphaned"
    assert codes(row) == {"campaign.orphaned": Severity.WARNING}
    assert row.judgements[0].text == f"Campaign 1043 is not in live_query:active, but {kept} still there."
    assert "no expiry" in row.judgements[0].meaning
    assert cell(FAMILY, row, "rate") is None


def test_an_orphan_that_ends_by_itself_says_when() -> None:
    row = server(hosts=3, left={SQL: 60.0, HOSTS: 600.0}).read(FAMILY, ROW)
    assert "ends in 1 min 00 s" in row.judgements[0].meaning
    assert cell(FAMILY, row, "left") == row.keys[0].expiry


def test_a_campaign_that_is_just_being_finished_is_no_orphan_yet() -> None:
    """Fleet takes it out of the set first and its keys after that; a poll may fall between."""
    source = server(hosts=3)
    row = source.read(FAMILY, ROW, listed=True)
    source.at += 2
    row = source.read(FAMILY, ROW, row)
    assert (row.state.word, row.judgements) == ("running", ())
    source.at += 2
    assert source.read(FAMILY, ROW, row).state.word == "orphaned"


def test_wrong_types() -> None:
    row = server({b"a": b"b"}, 3).read(FAMILY, ROW, listed=True)
    assert codes(row) == {"campaign.wrong-type": Severity.CRITICAL}
    assert row.judgements[0].text == "The SQL of campaign 1043 is a hash, but Fleet needs a string."
    source = server()
    source.values[HOSTS] = [b"1"]
    row = source.read(FAMILY, ROW, listed=True)
    assert row.judgements[0].text.startswith("The set of hosts that answered campaign 1043 is a list,")
    assert cell(FAMILY, row, "answered") is None


def test_a_malformed_key_is_shown() -> None:
    key = b"live_query:campaign:<b>x</b>\xff:sql"
    row = Server({key: b"SELECT 1"}).read(FAMILY, key)
    assert row.state.word == "malformed"
    assert cell(FAMILY, row, "query") == "live_query:campaign:<b>x</b>\\xff:sql"
    assert codes(row) == {"campaign.malformed": Severity.WARNING}


def test_a_stray_member_of_the_active_set_is_shown() -> None:
    assert FAMILY.keys_of(b"abc\n") == ()
    row = Server().read(FAMILY, b"abc\n", listed=True)
    assert row.judgements[0].text == "live_query:active lists abc\\n, which is no campaign id."


def test_the_active_set_has_a_row() -> None:
    row = server().read(FAMILY, ACTIVE)
    assert (row.title, row.state.word, row.judgements) == ("Active set", "index", ())
    assert dict(row.facts)["Campaigns listed"] == "1"
    campaign = server().read(FAMILY, ROW, listed=True)
    assert FAMILY.weight((row, campaign)) == 1


def test_the_active_set_with_a_wrong_type_or_an_expiry() -> None:
    row = Server({ACTIVE: b"x"}).read(FAMILY, ACTIVE)
    assert codes(row) == {"campaign.wrong-type": Severity.CRITICAL}
    assert row.judgements[0].text == "live_query:active is a string, but Fleet needs a set."
    row = server(left={ACTIVE: 58.0}).read(FAMILY, ACTIVE)
    assert codes(row) == {"campaign.active-ttl": Severity.WARNING}
    assert row.judgements[0].text == "live_query:active ends in 58 s."


def story(*polls: tuple[bool, int]) -> list[Row]:
    """Rows of one campaign over polls 2 s apart: listed, hosts answered (-1: no keys at all)."""
    source, rows = server(), []
    for listed, hosts in polls:
        source.values[HOSTS] = {b"%d" % n for n in range(hosts)} or None
        rows.append(source.read(FAMILY, ROW, rows[-1] if rows else None, listed=listed))
        source.at += 2
    return rows


def test_what_is_told() -> None:
    first, last = story((True, 0), (True, 1))
    assert told(FAMILY, None, first) == "Campaign 1043 started: SELECT 1"
    assert told(FAMILY, first, last) is None
    assert told(FAMILY, last, None) == "Campaign 1043 finished: 1 host answered, 2.0 s after it was first seen."


def test_what_is_told_of_an_orphan() -> None:
    *_, orphan = story((True, 4), (False, 4), (False, 4))
    assert orphan.state.word == "orphaned"
    assert told(FAMILY, orphan, None) == "Campaign 1043 was cleaned up."
    (found,) = story((False, 4))
    assert told(FAMILY, None, found) is None  # the finding says it


def test_finished_between_two_polls_in_two_steps_is_finished() -> None:
    *_, last = story((True, 4), (False, 4))
    said = told(FAMILY, last, None)
    assert said is not None
    assert said.startswith("Campaign 1043 finished: 4 hosts answered")


def test_in_a_long_family_a_key_alone_is_not_judged() -> None:
    row = FAMILY.decode(Reading(SQL, START, 0.0, (server().fact(SQL),)), None)
    assert (row.title, row.state.word, row.judgements) == ("Campaign 1043", "not read", ())
